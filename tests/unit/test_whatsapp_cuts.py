"""An answer that is longer than a bubble: cut where a reader would, every mark whole in each bubble, nothing lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.channels._whatsapp_markup import render
from tests.markdown_texts import FAMILY, LONG, NASTY, any_markup, documents, units, words_of

CLUSTERS = [FAMILY, "👨🏿‍🚒", "🏳️‍🌈", "🇪🇸", "👍🏽", "1️⃣", "e\u0301\u0302", "🏴\U000e0067\U000e0062\U000e007f"]
MARKS = re.compile(r"[*_~`>\s]")


def bubbles(markdown: str) -> list[str]:
    found = [piece.text for piece in render(markdown)]
    assert all(text.strip() and units(text) <= 4096 for text in found)
    return found


def bare(text: str) -> str:
    """What is left without marks and white space."""
    return MARKS.sub("", text)


@pytest.mark.parametrize(("kind", "mark"), [("**", "*"), ("_", "_"), ("~~", "~"), ("`", "`")])
@pytest.mark.parametrize("unit", ["palabra ", "sinespacios"])
def test_a_mark_that_is_cut_is_one_in_every_bubble(kind: str, mark: str, unit: str) -> None:
    words = (unit * 1200).strip()
    found = [text for text in bubbles(f"Hola: {kind}{words}{kind}") if text != "Hola:"]

    assert len(found) > 2
    assert all(text.endswith(mark) and text.count(mark) == 2 for text in found)
    assert all(text.removeprefix("Hola: ").startswith(mark) for text in found)
    assert bare("".join(found)).removeprefix("Hola:") == bare(words)


def test_marks_within_marks_are_opened_again_in_their_order() -> None:
    found = bubbles(f"_**{'x' * 9000}**_ fin")

    assert [text[:3] for text in found] == ["_*x"] * 3
    assert [text[-3:] for text in found] == ["x*_", "x*_", "fin"]


def test_a_quote_that_is_cut_goes_on_as_one() -> None:
    found = bubbles(f"Dijiste:\n\n> {'palabra ' * 1200}\n\nSí.")

    assert [text.startswith("> palabra") for text in found] == [False, True, True]
    assert found[-1].endswith("palabra\n\nSí.")
    assert "".join(found).count("palabra") == 1200


@pytest.mark.parametrize("before", range(4080, 4100, 3))
def test_a_cut_beside_a_mark_leaves_no_mark_around_nothing(before: int) -> None:
    found = bubbles(f"{'x' * before}(**{'y' * 30}**){'z' * 30}")

    assert bare("".join(found)) == bare(f"{'x' * before}({'y' * 30}){'z' * 30}")
    assert not any("**" in text or text.count("*") % 2 for text in found)


@pytest.mark.parametrize("before", range(4060, 4100, 3))
def test_a_cut_beside_a_code_block_leaves_no_empty_block(before: int) -> None:
    found = bubbles(f"{'x' * before}\n\n```\ncódigo\n```\n\nfin")

    assert [text for text in found if "código" in text] == [next(text for text in found if "```\ncódigo\n```" in text)]
    assert all(text.count("```") in (0, 2) for text in found)


def test_a_code_block_is_one_in_every_bubble() -> None:
    lines = [f"    row_{number} = {number}" for number in range(400)]
    found = bubbles("Así:\n\n```python\n" + "\n".join(lines) + "\n```\n\nFin.")

    assert len(found) > 1
    assert all(text.count("```") == 2 for text in found)
    assert [line for text in found for line in text.split("\n") if "row_" in line] == lines


@pytest.mark.parametrize("text", ["a" * 4096, "🙂" * 2048, "**" + "a" * 4094 + "**"])
def test_what_fills_a_bubble_is_one(text: str) -> None:
    """Counted in UTF-16 units, of which an emoji has two: the larger count, whichever Meta's is."""
    assert len(bubbles(text)) == 1
    assert len(bubbles(f"{text} b")) == 2


def test_paragraphs_come_before_lines_and_lines_before_words() -> None:
    paragraph, line = "uno dos " * 300, "tres cuatro\n" * 180

    assert bubbles(f"{paragraph}\n\n{line}")[0] == paragraph.strip()
    assert bubbles(line * 2)[0].endswith("tres cuatro")
    assert {text[-4:] for text in bubbles("dos " * 3000)} <= {" dos"}


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("form", ["{}", "**{}**", "`{}`", "```\n{}\n```", "> {}"])
def test_no_visible_character_is_cut_in_two(cluster: str, form: str) -> None:
    found = bubbles(form.format(cluster * 3000))

    assert len(found) > 1
    assert {bare(text).replace(cluster, "") for text in found} == {""}


@pytest.mark.parametrize("size", [4200, 12_000, 32_768])
@pytest.mark.parametrize("name", LONG)
def test_long_texts_hold_everything(name: str, size: int) -> None:
    unit, gap = LONG[name]
    text = gap.join([unit] * (size // len(unit + gap)))
    [whole] = bubbles(unit)

    found = bubbles(text)
    assert bare("".join(found)) == bare(whole) * text.count(unit)
    assert all(one.count("```") % 2 == 0 for one in found)


@pytest.mark.parametrize("name", NASTY)
def test_every_beginning_of_a_nasty_text_keeps_its_words(name: str) -> None:
    """As an answer that was stopped in the middle is shown."""
    text = NASTY[name]

    for length in range(1, len(text) + 1):
        shown = words_of("\n".join(piece.text for piece in render(text[:length])))
        hidden = re.findall(r"^ *(?:```|~~~).*$", text[:length], re.MULTILINE)
        assert not set(words_of(text[:length])) - set(shown) - set(words_of("\n".join(hidden))), text[:length]


@given(documents(), st.integers(10, 40))
@settings(max_examples=60, deadline=None)
def test_a_document_of_any_length_keeps_its_words(document: tuple[str, list[str]], times: int) -> None:
    markdown, words = document
    found = bubbles("\n\n".join([markdown, *["relleno " * 60] * times, markdown]))

    assert len(found) > 1
    assert words_of("\n".join(found)) == words


@given(any_markup, st.sampled_from([1, 30, 200]))
@example("`", 40)
@example("```\n```\n", 700)
@example("\ufdd0\ufdd8\ufddc", 1)
@settings(max_examples=120, deadline=None)
def test_no_text_shows_a_character_that_stands_for_a_mark(text: str, times: int) -> None:
    """Those are our own, until the bubble is ready."""
    assert not any("\ufdd0" <= char <= "\ufdef" for one in bubbles(text * times) for char in one)
