"""An answer is shown at every length while it grows: each beginning of any Markdown is valid, and keeps its words."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.channels._telegram_markup import MOST_ENTITIES, render
from bot.message import Piece
from tests.markdown_texts import FAMILY, LONG, NASTY, any_markup, documents, units, words_of

SOLID = {"code", "pre", "text_link"}
FIELDS = {"text_link": {"url"}, "pre": {"language"}}
LINK = re.compile(r"(https?|tg|mailto):", re.IGNORECASE)
CLUSTERS = [FAMILY, "👨🏿‍🚒", "🏳️‍🌈", "🇪🇸", "👍🏽", "1️⃣", "e\u0301\u0302", "🏴\U000e0067\U000e0062\U000e007f"]


def stretch(entity: dict[str, Any]) -> tuple[int, int]:
    return entity["offset"], entity["offset"] + entity["length"]


def must_be_valid(piece: Piece) -> None:
    """By Telegram's rules: https://core.telegram.org/bots/api#messageentity and #formatting-options."""
    raw = piece.text.encode("utf-16-le")
    assert piece.text.strip()
    assert units(piece.text) <= 4096
    assert len(piece.entities) <= MOST_ENTITIES
    assert list(piece.entities) == sorted(piece.entities, key=lambda e: (e["offset"], -e["length"]))
    for entity in piece.entities:
        first, last = stretch(entity)
        assert 0 <= first < last <= units(piece.text)
        assert raw[2 * first : 2 * last].decode("utf-16-le"), "half a character would not decode"
        assert entity.keys() - {"type", "offset", "length"} <= FIELDS.get(entity["type"], set())
        assert entity["type"] != "text_link" or LINK.match(entity["url"])
    for one, other in itertools.combinations(piece.entities, 2):
        must_stand_together(one, other)


def must_stand_together(one: dict[str, Any], other: dict[str, Any]) -> None:
    """``other`` does not begin before ``one``."""
    (_, end), (start, stop) = stretch(one), stretch(other)
    kinds = {one["type"], other["type"]}
    if start < end:
        assert stop <= end, "one in the other, or apart"
        assert len(kinds) == 2, "nothing in its own kind"
        assert not kinds <= SOLID, "no code in a link"
        assert not kinds & {"code", "pre"} or "blockquote" in kinds, "nothing in code"
        assert one["type"] not in {"code", "pre"}


@pytest.mark.parametrize("name", NASTY)
def test_every_beginning_of_a_nasty_text_is_valid_and_keeps_its_words(name: str) -> None:
    text = NASTY[name]

    for length in range(1, len(text) + 1):
        pieces = render(text[:length])
        for piece in pieces:
            must_be_valid(piece)
        shown = words_of("\n".join(piece.text for piece in pieces))
        assert shown == [word for word in words_of(text[:length]) if word in shown]
        assert not set(words_of(text[:length])) - set(shown) - hidden(text[:length]), text[:length]


def hidden(text: str) -> set[str]:
    """The words in what stands for an address or the name of a language: they are not there to be read."""
    return set(
        re.findall(r"w\d+x", " ".join(re.findall(r"\]\([^)\s]*|\]\[[^\]]*\]?|^ *(?:```|~~~).*$", text, re.MULTILINE)))
    )


@pytest.mark.parametrize("size", [4200, 12_000, 32_768])
@pytest.mark.parametrize("name", LONG)
def test_long_texts_are_bubbles_that_can_be_sent_and_hold_everything(name: str, size: int) -> None:
    unit, gap = LONG[name]
    text = gap.join([unit] * (size // len(unit + gap)))
    pieces = render(text)

    for piece in pieces:
        must_be_valid(piece)
    [whole] = render(unit)
    assert "".join("".join(p.text for p in pieces).split()) == "".join(whole.text.split()) * text.count(unit)


@given(documents(), st.data())
@settings(max_examples=150, deadline=None)
def test_every_beginning_of_any_document_keeps_its_words(document: tuple[str, list[str]], data: st.DataObject) -> None:
    markdown, _ = document
    beginning = markdown[: data.draw(st.integers(1, len(markdown)))]
    pieces = render(beginning)

    for piece in pieces:
        must_be_valid(piece)
    assert words_of("\n".join(piece.text for piece in pieces)) == words_of(beginning)


@given(any_markup, st.sampled_from([1, 30]))
@example("> `a`", 1)
@settings(max_examples=200, deadline=None)
def test_any_marks_are_valid_entities(text: str, times: int) -> None:
    for piece in render(text * times):
        must_be_valid(piece)


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("form", ["{}", "**{}**", "`{}`", "```\n{}\n```", "> {}"])
def test_no_visible_character_is_cut_in_two(cluster: str, form: str) -> None:
    pieces = render(form.format(cluster * 3000))

    assert len(pieces) > 1
    assert {piece.text.replace(cluster, "") for piece in pieces} == {""}


def test_a_code_block_that_is_cut_is_one_in_both_bubbles() -> None:
    lines = [f"    row_{number} = {number}" for number in range(400)]
    pieces = render("Así:\n\n```python\n" + "\n".join(lines) + "\n```\n\nFin.")

    assert len(pieces) > 1
    assert [{e["type"] for e in piece.entities} for piece in pieces] == [{"pre"}] * len(pieces)
    assert {e["language"] for piece in pieces for e in piece.entities} == {"python"}
    assert [line for piece in pieces for line in piece.text.split("\n") if "row_" in line] == lines


@pytest.mark.parametrize("before", [200, 1500, 3000])
def test_a_code_block_that_fits_a_bubble_is_not_cut(before: int) -> None:
    """Though it has empty lines of its own, at which anything else would be cut."""
    code = "\n\n".join(["x = 1"] * 570)
    pieces = render("a " * (before // 2) + f"\n\n```python\n{code}\n```\n\nFin.")

    assert code in [piece.text.removesuffix("\n\nFin.") for piece in pieces]


def test_a_cut_beside_a_code_block_falls_between_paragraphs() -> None:
    code = "```\n" + "\n\n".join(["y = 2"] * 300) + "\n```"
    first, second = render(f"{code}\n\n{'uno ' * 200}\n\n{code}")

    assert first.text.endswith("uno")
    assert second.text.startswith("y = 2")
