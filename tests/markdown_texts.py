"""Texts such as models write them, for the tests of both renderers."""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import strategies as st

Wrap = Callable[[list[str]], str]

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
