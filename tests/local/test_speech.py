"""From tokens to words: whole characters, and nothing of a stop string."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.models import NEEDS

pytest.importorskip("torch", reason=NEEDS)

from tests.local.test_prompts import tokenizer
from workers.backends.local.prompts import Prompts
from workers.backends.local.speech import Decoder, Until


def test_what_may_be_a_stop_string_is_held_back() -> None:
    until = Until(["###", "\nUser:"])
    assert [until.feed(text) for text in ("a#", "#b", "\n", "Us", "e", "r", "!")] == [
        "a",
        "##b",
        "",
        "",
        "",
        "",
        "\nUser!",
    ]
    assert until.feed("c##") == "c"
    assert until.feed("", last=True) == "##"
    met = Until(["###", "\nUser:"])
    assert [met.feed(text) for text in ("a\nU", "ser: b", "c")] == ["a", "", ""]
    assert met.met


def test_characters_come_whole(tiny: Path) -> None:
    """Token by token, an accent or an emoji is shown when it is complete."""
    prompts, known = Prompts(tokenizer(tiny)), tokenizer(tiny)
    text = "Mañana 🙂 ¿sí? 日本語 — 3 €"
    ids, decoder = known.encode(text, add_special_tokens=False), Decoder(prompts.decode)
    pieces = [decoder.feed([token]) for token in ids]
    assert "".join(pieces) == text
    assert "\ufffd" not in "".join(pieces)


def test_half_a_character_at_the_end_is_not_waited_for(tiny: Path) -> None:
    prompts, known = Prompts(tokenizer(tiny)), tokenizer(tiny)
    ids = known.encode("sí 🙂", add_special_tokens=False)[:-1]
    decoder = Decoder(prompts.decode)
    said = "".join(decoder.feed([token]) for token in ids)
    assert said == "sí "
    assert decoder.feed([], last=True) == "\ufffd"
