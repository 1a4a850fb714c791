"""A model's Markdown on WhatsApp: its few marks, its limit, and no word lost."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.channels._whatsapp_markup import render
from tests.markdown_texts import any_markup, any_text, documents, units, words_of


def shown(markdown: str) -> str:
    [piece] = render(markdown)
    assert piece.entities == ()
    return piece.text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("**pan** *vino* ~~agua~~ `c`", "*pan* _vino_ ~agua~ `c`"),
        ("__pan__ _vino_", "*pan* _vino_"),
        ("# Menú\n\nhoy", "*Menú*\n\nhoy"),
        ("## El **gran** menú", "*El gran menú*"),
        ("**a **b** c**", "*a b c*"),
        ("***los dos***", "_*los dos*_"),
        ("un**sinfín**able", "unsinfínable"),
        ("**dos\nlíneas**", "*dos*\n*líneas*"),
        ("[web](https://a.example/ñ_b_c)", "web (https://a.example/ñ_b_c)"),
        ("[https://a.example](https://a.example/)", "https://a.example/"),
        ("[a.example](https://a.example)", "https://a.example"),
        ("<https://a.example/__x__>", "https://a.example/__x__"),
        ("[llama](tel:+34600)", "llama (+34600)"),
        ("<hola@a.example>", "hola@a.example"),
        ("![foto](https://a.example/f.png)", "foto (https://a.example/f.png)"),
        ("[x](javascript:alert)", "[x](javascript:alert)"),
        ("uno\n\n---\n\ndos", "uno\n\n━━━\n\ndos"),
        ("> uno\n> dos\n>\n> > tres", "> uno\n> dos\n\n> tres"),
        ("> ```\n> a\n> b\n> ```\n> c", "```\na\nb\n```\n\n> c"),
        ("- a\n- b\n  - c\n    1. d\n- e", "- a\n- b\n  - c\n    1. d\n- e"),
        ("7. a\n8. b", "7. a\n8. b"),
        ("- [ ] a\n- [x] b", "- ☐ a\n- ☑ b"),
        ("- a\n\n  ```\n  x = 1\n  ```", "- a\n  ```\n  x = 1\n  ```"),
        ("```python\na*b*c\n```", "```\na*b*c\n```"),
        ("```\nsin fin", "```\nsin fin\n```"),
        ("    a = 1", "```\na = 1\n```"),
        ("| a | b |\n|:-|-:|\n| **uno**<br>x | 2 |", "```\na     | b\n----- | -\nuno x | 2\n```"),
        ("| 寿司 | b |\n|-|-|\n| abc | 2 |", "```\n寿司 | b\n---- | -\nabc  | 2\n```"),
        ("uno<br>dos", "uno\ndos"),
        ("&lt;b&gt; \\*x\\*", "<b> *x*"),
    ],
)
def test_formatting(markdown: str, text: str) -> None:
    assert shown(markdown) == text


@pytest.mark.parametrize(
    "text",
    [
        "2*3*4 = 24 y x**2 + y**2",
        "__init__.py, __main__ y a_b_c",
        "https://a.example/__x__?y=*1*&z=a_b_c",
        "tod*s y amig*s",
        "usa <nombre>, a < b",
        "[Importante]: cerrado",
        "$5 y $10",
        "~5 minutos",
    ],
)
def test_what_is_no_formatting_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize("size", [4095, 4096, 4097, 8192, 8193])
def test_a_bubble_holds_4096_characters(size: int) -> None:
    assert [len(piece.text) for piece in render("a" * size)] == [4096] * (size // 4096) + [size % 4096] * (
        size % 4096 > 0
    )


def test_a_cut_code_block_is_a_code_block_in_both_bubbles() -> None:
    pieces = render("Mira:\n\n```\n" + "x = 1\n\n" * 900 + "```\n\nfin")

    assert len(pieces) == 2
    assert all(piece.text.count("```") == 2 and units(piece.text) <= 4096 for piece in pieces)
    assert pieces[1].text.startswith("```\nx = 1")
    assert "".join(piece.text for piece in pieces).count("x = 1") == 900


def test_paragraphs_stay_whole() -> None:
    pieces = render("\n\n".join(["palabra " * 150] * 6))

    assert [len(piece.text.split()) % 150 for piece in pieces] == [0, 0]


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_nothing_to_show_is_no_bubble(text: str) -> None:
    assert render(text) == ()


@pytest.mark.parametrize("unit", ["[", "*a ", ">", "<div>\n", "``", "_a", "a*", "https://", "((", "  - a\n", "| a |\n"])
def test_a_hostile_text_is_rendered_in_time(unit: str) -> None:
    assert all(0 < units(piece.text) <= 4096 for piece in render(unit * (20_000 // len(unit))))


@given(documents())
@settings(max_examples=150, deadline=None)
def test_no_word_is_lost_or_moved(document: tuple[str, list[str]]) -> None:
    markdown, words = document
    pieces = render(markdown)

    assert all(0 < units(piece.text) <= 4096 for piece in pieces)
    assert words_of("\n".join(piece.text for piece in pieces)) == words


@example("\t\xa0", 1)
@given(st.one_of(any_text, any_markup), st.sampled_from([1, 1, 40]))
@settings(max_examples=250, deadline=None)
def test_any_text_can_be_sent(text: str, times: int) -> None:
    pieces = render(text * times)

    assert all(piece.text.strip() and units(piece.text) <= 4096 for piece in pieces)
    assert bool(pieces) == bool(text.replace("\0", "").strip())
