"""What is shown on the chat page of people's and of models' words, as a reader of Markdown shows it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from workers.ui.markdown import JOINER, NO_BREAK, literal, without_html

PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=80)
TRICKY = st.text(st.sampled_from("<>![]()`~\\\n x1.-#*_&;:/|"), max_size=60)


def shown(markdown: str) -> str:
    """As the page renders: a new line is a new line, tables are tables, and HTML is HTML."""
    return MarkdownIt("gfm-like", {"breaks": True, "html": True, "linkify": False}).render(markdown)


def read(markdown: str) -> str:
    """The letters that somebody sees of it."""
    text = re.sub(r"<[^>]*>", "", shown(markdown))
    for name, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(name, letter)
    return " ".join(text.replace(NO_BREAK, " ").split())


@pytest.mark.parametrize(
    "said",
    [
        "# no heading", "1. no list", "- no list", "**no stars**", "a_b_c", "`no code`", "    no code", "> no quote",
        "<b>no tag</b>", "[no](https://link.example)", "![no](https://a.example/x.png)", "a | b\n--|--\n1 | 2", "---",
        "3 < 4 & 5 > 2", "&amp;", "C:\\new\\table", "no\n===", "~~no~~", "```\nno\n```", "\ttab", "\\", "\\*",
    ],
)  # fmt: skip
def test_what_a_person_writes_is_read_as_they_wrote_it(said: str) -> None:
    assert read(literal(said)) == " ".join(said.split())
    assert not re.search(r"<(?!/?p>|br ?/?>)", shown(literal(said)))


@settings(max_examples=200, deadline=None)
@given(PRINTABLE | TRICKY)
def test_nothing_that_a_person_writes_is_markup(said: str) -> None:
    assert not re.search(r"<(?!/?p>|br ?/?>)", shown(literal(said)))


@pytest.mark.parametrize(
    "said",
    [
        "<script>alert(1)</script>", "<img src=https://evil.example/x>", "Hi <b>you</b>", "<!-- hidden -->",
        "<https://evil.example/\tonclick=x>", "a\n<div>\nb\n</div>", "- <b>x</b>", "> <b>x</b>", "| <b>x</b> |\n|--|",
        "`a` <b> `c`",
        "`` ` <b> `` <i>", "``` <b>", "a ` <b>",
    ],
)  # fmt: skip
def test_html_of_a_model_is_read_and_not_obeyed(said: str) -> None:
    assert not re.search(r"<(?:script|img|b>|i>|div|!--)", shown(without_html(said)))


@pytest.mark.parametrize(
    "before",
    [
        "\\`", "para\n    ```\n", "- ```\n- x\n\nout\n\n", "> ```\n\n", ">>> - ```x\n", "a ` b\n`", "|a|\n|-|\n|`\\|",
        "[a]:\n```\n", "```\n```~~\n", "~~~\r", "[a\n\n```\nb]: x\n",
    ],
)  # fmt: skip
def test_what_looks_like_code_hides_no_html(before: str) -> None:
    """Each of these was an overlay with a form in it, over the whole page."""
    said = f"{before}<div style='position:fixed;inset:0'><img src=x>`\n\n![p](https://evil.example/p.png)`"
    assert not re.search(r"<(?:div|img)", shown(without_html(said)))
    assert not re.search(r"<(?=[A-Za-z/!?])|!\[", without_html(said))


def test_markdown_of_a_model_is_what_it_was() -> None:
    said = "# Hours\n\n- **Monday**: `9 < 17`\n\n```c\na << b <3\n```\n\n[map](https://a.example) 3 &lt; 4 <https://b.example>"
    assert without_html(said) == said


def test_nobody_sees_a_difference_in_code() -> None:
    for said in ("```\n<b>![x]\n```", "~~~ html\n<b>\n~~~", "- ```\n  <b>\n  ```", "``<b>`` x"):
        assert read(without_html(said)).replace(JOINER, "") == read(said)
        assert without_html(said) != said


def test_a_picture_is_a_link_to_it() -> None:
    found = shown(without_html("Look: ![a cake](https://evil.example/x.png)"))
    assert '<a href="https://evil.example/x.png">a cake</a>' in found
    assert "<img" not in found


@pytest.mark.parametrize("before", ["```", "~~~ `", "- - ```", "> ~~~~ "])
def test_a_diagram_is_text(before: str) -> None:
    """What draws diagrams in the browser runs what it is told."""
    assert without_html(f"{before}mermaid\ngraph TD\n```") == f"{before}text\ngraph TD\n```"


@settings(max_examples=300, deadline=None)
@given(TRICKY)
def test_whatever_a_model_says_has_no_html(said: str) -> None:
    assert not re.search(r"<(?=[A-Za-z/!?])|!\[", without_html(said))
