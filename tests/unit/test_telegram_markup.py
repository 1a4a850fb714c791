"""A model's Markdown on Telegram: text and entities within the platform's limits, and no word lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels._telegram_markup import MOST_ENTITIES, render
from bot.message import Piece
from tests.markdown_texts import any_markup, any_text, documents, units, words_of

FAMILY = "👩‍👩‍👧‍👦"


def shown(markdown: str) -> str:
    [piece] = render(markdown)
    return piece.text


def covered(piece: Piece) -> list[tuple[str, str]]:
    """The kind of each entity and the text it covers, cut as Telegram cuts it."""
    raw = piece.text.encode("utf-16-le")
    return [
        (e["type"], raw[2 * e["offset"] : 2 * (e["offset"] + e["length"])].decode("utf-16-le")) for e in piece.entities
    ]


def must_be_sendable(pieces: tuple[Piece, ...]) -> None:
    for piece in pieces:
        assert piece.text.strip()
        assert units(piece.text) <= 4096
        assert len(piece.entities) <= 100
        for entity, (_, text) in zip(piece.entities, covered(piece), strict=True):
            assert entity["offset"] >= 0
            assert entity["length"] == units(text) > 0


def test_formatting_becomes_entities() -> None:
    [piece] = render("# Menú\n\n**pan** _vino_ ~~agua~~ `c` [web](https://a.example/(b)) 🙂 **fin**")

    assert piece.text == "Menú\n\npan vino agua c web 🙂 fin"
    assert covered(piece) == [
        ("bold", "Menú"),
        ("bold", "pan"),
        ("italic", "vino"),
        ("strikethrough", "agua"),
        ("code", "c"),
        ("text_link", "web"),
        ("bold", "fin"),
    ]
    assert piece.entities[5]["url"] == "https://a.example/(b)"


def test_code_keeps_its_language_and_its_marks() -> None:
    [piece] = render("```python\na*b*c < __init__  # <br>\n```")

    assert piece.text == "a*b*c < __init__  # <br>"
    assert piece.entities == ({"type": "pre", "offset": 0, "length": 24, "language": "python"},)


def test_a_table_is_an_aligned_block() -> None:
    [piece] = render("| Plato | € |\n|---|---|\n| Paella<br>mixta | 12 |")

    assert piece.text.splitlines() == ["Plato        | € ", "-------------+---", "Paella mixta | 12"]
    assert [e["type"] for e in piece.entities] == ["pre"]


@pytest.mark.parametrize(
    "text",
    [
        "3*4*5 = 60 y 2**3**2",
        "x**2 + y**2",
        "__init__.py y __main__",
        "https://a.example/__x__?y=*1*&z=a_b_c",
        "tod*s y amig*s",
        "si a < b y c > d",
        "usa <nombre> y <script>alert(1)</script>",
        "[Importante]: cerrado",
        "a || b || c",
        "[x](javascript:alert)",
        "[llama](tel:+34600)",
        "[](https://a.example)",
        "$5 y $10",
        "C:\\temp",
    ],
)
def test_what_is_no_formatting_stays_as_it_is(text: str) -> None:
    assert shown(text) == text
    assert {e["type"] for e in render(text)[0].entities} <= {"text_link"}


def test_a_html_break_is_a_new_line() -> None:
    assert shown("uno<br>dos<br/>tres") == "uno\ndos\ntres"


def test_only_safe_addresses_are_links() -> None:
    [piece] = render("[a](https://x.example) [b](tg://user?id=1) [c](mailto:x@y.example) [d](file:///etc) [e](/menu)")

    assert [text for _, text in covered(piece)] == ["a", "b", "c"]
    assert "file:///etc" in piece.text
    assert "/menu" in piece.text


def test_a_quote_in_a_quote_is_one_quote() -> None:
    [piece] = render("> uno\n>\n> > dos\n")

    assert [kind for kind, _ in covered(piece)] == ["blockquote"]


@pytest.mark.parametrize(("size", "pieces"), [(4095, 1), (4096, 1), (4097, 2), (8192, 2), (8193, 3)])
def test_a_bubble_holds_4096_units(size: int, pieces: int) -> None:
    found = render("a" * size)

    assert [len(piece.text) for piece in found] == [4096] * (size // 4096) + [size % 4096] * (size % 4096 > 0)
    assert len(found) == pieces


@pytest.mark.parametrize("gap", ["\n\n", "\n", " "])
def test_a_cut_prefers_paragraphs_then_lines_then_words(gap: str) -> None:
    """Each part holds every lesser gap; the cut falls at the greatest one."""
    lesser = "\n\n\n ".partition(gap)[2].lstrip(gap) or " "
    part = ("palabra" + (" " if gap != " " else "")) * 200 if lesser else "palabra"
    text = gap.join([part.strip()] * 6) if gap != " " else " ".join(["palabra"] * 1200)

    for piece in render(text):
        assert piece.text.strip() == piece.text
        assert set(piece.text.split()) == {"palabra"}
        assert gap == " " or len(piece.text) % (len(part.strip()) + len(gap)) == len(part.strip())


@pytest.mark.parametrize("cluster", ["🙂", FAMILY, "e\u0301", "🇪🇸", "👍🏽", "1\ufe0f\u20e3"])
@pytest.mark.parametrize("before", range(4))
def test_a_cut_never_tears_a_character(cluster: str, before: int) -> None:
    pieces = render("a" * before + cluster * 2500)

    assert len(pieces) > 1
    for place, piece in enumerate(pieces):
        assert piece.text.removeprefix("a" * before if place == 0 else "").replace(cluster, "") == ""
    assert "".join(piece.text for piece in pieces) == "a" * before + cluster * 2500


def test_marks_without_end_are_cut_all_the_same() -> None:
    assert "".join(piece.text for piece in render("e" + "\u0301" * 9000)) == "e" + "\u0301" * 9000


def test_an_entity_goes_on_in_the_next_bubble() -> None:
    pieces = render("**" + "hola " * 1500 + "fin**")

    assert [[kind for kind, _ in covered(piece)] for piece in pieces] == [["bold"], ["bold"]]
    assert all(covered(piece)[0][1].strip() == piece.text for piece in pieces)


def test_a_hundred_and_one_entities_are_two_bubbles() -> None:
    pieces = render(" ".join(f"**w{i}x**" for i in range(201)))

    assert [len(piece.entities) for piece in pieces] == [MOST_ENTITIES, MOST_ENTITIES, 1]
    assert words_of(" ".join(piece.text for piece in pieces)) == [f"w{i}x" for i in range(201)]


@pytest.mark.parametrize("text", ["", " ", "\n\n\t"])
def test_nothing_to_show_is_no_bubble(text: str) -> None:
    assert render(text) == ()


@pytest.mark.parametrize("text", ["**", "#", "---\n", "![](x)", "\ud800", "[", "``` ", "<br>"])
def test_marks_alone_are_shown_as_they_can(text: str) -> None:
    must_be_sendable(render(text))
    assert render(text)


@pytest.mark.parametrize(
    "unit", ["[", "*a ", ">", "<div>\n", "``", "_a", "a*", "https://", "((", "<a ", "$a ", "||a", "  - a\n"]
)
def test_a_hostile_text_is_rendered_in_time(unit: str) -> None:
    """It would take minutes if any step were quadratic with a large factor; hypothesis' deadline is not needed."""
    must_be_sendable(render(unit * (20_000 // len(unit))))


@given(documents())
@settings(max_examples=150, deadline=None)
def test_no_word_is_lost_or_moved(document: tuple[str, list[str]]) -> None:
    markdown, words = document
    pieces = render(markdown)

    must_be_sendable(pieces)
    assert words_of("\n".join(piece.text for piece in pieces)) == words


@given(st.one_of(any_text, any_markup), st.sampled_from([1, 1, 40]))
@settings(max_examples=250, deadline=None)
def test_any_text_can_be_sent(text: str, times: int) -> None:
    pieces = render(text * times)

    must_be_sendable(pieces)
    assert bool(pieces) == bool(text.replace("\0", "").strip())


@given(documents(), st.integers(0, 400))
@settings(max_examples=60, deadline=None)
def test_every_beginning_of_an_answer_can_be_shown(document: tuple[Any, Any], length: int) -> None:
    must_be_sendable(render(document[0][:length]))
