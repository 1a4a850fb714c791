"""Texts such as models write them, for the tests of both renderers."""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import strategies as st

Wrap = Callable[[list[str]], str]
FAMILY = "👩‍👩‍👧‍👦"

INLINE: list[Wrap] = [
    " ".join,
    lambda w: f"**{' '.join(w)}**",
    lambda w: f"*{' '.join(w)}*",
    lambda w: f"_{' '.join(w)}_",
    lambda w: f"~~{' '.join(w)}~~",
    lambda w: f"`{' '.join(w)}`",
    lambda w: f"[{' '.join(w)}](https://a.example/x_y_z)",
    lambda w: f"<b>{' '.join(w)}</b>",
    lambda w: f"**un*{'* *'.join(w)}*",
    "*".join,
    lambda w: f"[{w[0]}]: {' '.join(w[1:])}",
    lambda w: f"[{' '.join(w)}](javascript:alert)",
]
BLOCK: list[Wrap] = [
    " ".join,
    lambda w: f"## {' '.join(w)}",
    lambda w: "\n".join(f"- {x}" for x in w),
    lambda w: "\n".join(f"{'  ' * i}- {x}" for i, x in enumerate(w)),
    lambda w: "\n".join(f"{i}. {x}" for i, x in enumerate(w, 7)),
    lambda w: "\n".join(f"> {x}" for x in w),
    lambda w: "```python\n" + "\n\n".join(w) + "\n```",
    lambda w: "```\n" + "\n".join(w),
    lambda w: f"| {w[0]} | b |\n|---|---|\n" + "\n".join(f"| {x} | `{x}` |" for x in w),
    lambda w: f"<div>\n{'<br>'.join(w)}\n</div>",
    lambda w: "\n".join(w) + "\n---",
    lambda w: f"- [ ] {w[0]}\n- [x] {' '.join(w)}",
]

NASTY = {
    "nested lists": "- w0x\n  - w1x **w2x**\n    1. w3x\n       - [ ] w4x\n       - [x] `w5x`\n\n  w6x\n- w7x",
    "tasks": "- [x] w0x ~~w1x~~\n- [ ] [w2x](https://a.example/b)\n- [ ] \n\nw3x",
    "unclosed fence": "w0x:\n\n```python\ndef w1x(*a, **b):\n    return w2x * a  # <b>\n\n\n_w3x_",
    "fence in a list": "1. w0x\n   ```sh\n   w1x | w2x > w3x\n   ```\n2. w4x",
    "fence of tildes around backticks": "~~~~md\n```\nw0x\n```\n~~~~\nw1x",
    "unclosed marks": "**w0x *w1x _w2x `w3x ~~w4x ||w5x [w6x](https://a.example/(b",
    "crossed marks": "**w0x *w1x** w2x* __w3x _w4x__ w5x_ **w6x [w7x** w8x](https://a.example)",
    "code in marks": "**`w0x`** *w1x `w2x` w3x* [`w4x` w5x](https://a.example) ~~**`w6x`**~~",
    "table": "| w0x | **w1x** |\n|:--|--:|\n| `w2x` | [w3x](https://a.example) |\n| w4x \\| w5x | 👩‍👩‍👧‍👦 |\n\nw6x",
    "table without an end": "w0x\n\n| w1x | w2x |\n|---|-",
    "formulas": "w0x $x^2_i$ w1x \\(a*b*c\\) w2x\n\n\\[\\int_0^1 x dx\\]\n\nw3x $5 y $10 w4x $$\\frac{1}{2}$$ w5x",
    "links with brackets": "[w0x](https://a.example/b_(c)_d) [w1x [w2x]](https://a.b 'b)') <https://a.b/*w3x*>w4x",
    "links that go nowhere": "[w0x](javascript:alert(1)) [w1x]() [w2x][w3x] ![w4x](file:///w5x)\n\n[w6x]: https://a.example",
    "raw HTML": "<div class=a>w0x <b>w1x</b><br>w2x\n<script>w3x</script> <!-- w4x --> <w5x> &amp; &lt;w6x&gt; a<b>c",
    "quote and code": "> w0x\n> ```py\n> w1x\n>\n> w2x\n> ```\n> > **w3x**\n> > > `w4x`\n\nw5x",
    "right to left": "**مرحبا w0x** שלום `w1x` \u202ew2x\u202c\n- العربية w3x\n> עברית w4x",
    "families": "👩‍👩‍👧‍👦 **w0x 👨🏿‍🚒** 🏴󠁧󠁢󠁥󠁮󠁧󠁿 w1x `🇪🇸🇬🇧` w2x [🏳️‍🌈](https://a.example) 1️⃣w3x",
    "combining": "**e\u0301w0x**\u0301 a\u0300\u0301\u0302 _n\u0303_ w1x\u200d\u200d w2x",
    "escapes": r"\*w0x\* \_w1x\_ \`w2x\` \[w3x\](a) \\**w4x\\** w5x\#",
    "rules and headings": "# w0x `w1x` #\nw2x\n===\n---\n***\n###### **w3x**\n#w4x\n\nw5x\n-",
    "footnotes and definitions": "w0x[^1] [w1x]: w2x\n\n[^1]: w3x **w4x**",
    "spaces": "w0x  \n\tw1x\n    w2x\n \u00a0\u2003**w3x\u200b** \v\f w4x\r\nw5x",
}
"""What models write and converters stumble over, each with known words in everything that is to be seen."""

LONG = {
    "paragraphs": ("Uno **dos** tres.", "\n\n"),
    "one line": ("palabra", " "),
    "one word": ("ñ", ""),
    "families": (FAMILY, ""),
    "marks": ("**a** `b`", " "),
    "a list": ("- uno\n  - **dos**", "\n"),
    "code": ("```python\nx = 1\n\ny = 2\n```", "\n\n"),
    "quotes": ("> uno\n> `dos`", "\n\n"),
    "tables": ("| a | b |\n|---|---|\n| c | d |", "\n\n"),
}
"""A unit and what stands between two of it: long texts, of many entities and of hardly a place to cut."""

any_text = st.text(alphabet=st.characters(codec=None), max_size=300)
"""Half characters included, which a broken model can write."""

any_markup = st.lists(
    st.sampled_from(
        [*"*_~`#>-+|[]()<>!\\\n \t.:$&;=1a", "é", "🙂", "👩‍👩‍👧", "\u0301", "http://a.b/", "<br>", "\r\n", "tel:1"]
    ),
    max_size=150,
).map("".join)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A Markdown document of known words, and these words in their order."""
    words: list[str] = []
    blocks: list[str] = []
    for _ in range(draw(st.integers(1, 8))):
        wrapped = []
        for _ in range(draw(st.integers(1, 4))):
            mine = [f"w{len(words) + i}x" for i in range(draw(st.integers(2, 4)))]
            words += mine
            wrapped.append(draw(st.sampled_from(INLINE))(mine))
        blocks.append(draw(st.sampled_from(BLOCK))(wrapped))
    return "\n\n".join(blocks), words


def words_of(text: str) -> list[str]:
    """The known words in a shown text, each at its first place."""
    return list(dict.fromkeys(re.findall(r"w\d+x", text)))


def units(text: str) -> int:
    """The length in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2
