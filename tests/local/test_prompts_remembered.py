"""What was said in a conversation keeps the tokens it had, so that its past is not computed again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.local.models import END, NEEDS, START

pytest.importorskip("torch", reason=NEEDS)

from bot.message import Turn
from tests.local.test_prompts import tokenizer, turns
from workers.backends.local.prompts import Prompts


def test_an_answer_keeps_its_tokens(tiny: Path) -> None:
    """Random weights spell as no tokenizer would; yet the next prompt begins with exactly what was computed."""
    known = tokenizer(tiny)
    prompts, spell = Prompts(known), random.Random(7)
    first = turns("Eres amable.", "hola")
    words = [token for token in range(3, len(known)) if known.decode([token]).isprintable()]
    made = [spell.choice(words) for _ in range(40)]
    text = known.decode(made).strip()
    assert known.encode(text, add_special_tokens=False) != made, "this spelling must be unusual"
    prompt = prompts.ids(first, "ana")
    prompts.remember("ana", text, [*made, END])

    after = prompts.ids([*first, Turn("assistant", text), Turn("user", "¿y mañana?")], "ana")
    assert after[: len(prompt) + len(made) + 1] == [*prompt, *made, END]
    other = prompts.ids([*first, Turn("assistant", text), Turn("user", "¿y mañana?")], "berta")
    assert other[: len(prompt) + len(made)] != [*prompt, *made], "another conversation's answer is another answer"
    assert known.decode(other) == known.decode(after)


def test_a_question_keeps_its_note(tiny: Path) -> None:
    """History has it without; the next prompt begins with what was computed all the same, if there is room."""
    prompts = Prompts(tokenizer(tiny))
    asked = [Turn("system", "Eres amable."), Turn("user", "¿abren?", note="Hoy es lunes.")]
    first = prompts.ids(asked, "ana")
    past = [asked[0], Turn("user", "¿abren?"), Turn("assistant", "Sí."), Turn("user", "¿y hoy?", note="Hoy es martes.")]
    plain = prompts.ids(past, "berta")

    assert prompts.ids(past, "ana")[: len(first)] == first
    assert prompts.ids(past, "ana", most=len(plain)) == plain


def test_control_tokens_in_an_answer_are_not_remembered(tiny: Path) -> None:
    """What a model was made to say must not open a turn in the next prompt."""
    known = tokenizer(tiny)
    prompts = Prompts(known)
    said = known.encode("hola", add_special_tokens=False)
    prompts.remember("ana", "holahola", [*said, END, START, *said])
    asked = [*turns("Eres amable.", "hola"), Turn("assistant", "holahola"), Turn("user", "¿sí?")]
    assert prompts.ids(asked, "ana") == prompts.ids(asked)


@pytest.mark.parametrize("special", [True, False])
def test_no_control_token_of_an_answer_is_remembered(special: bool, tiny: Path) -> None:
    """Also none that the tokenizer does not list among its special ones, as Llama 3's <|start_header_id|>."""
    from tokenizers import AddedToken

    known = tokenizer(tiny)
    known.add_tokens([AddedToken("<|header|>", special=special, normalized=False)])
    prompts, said = Prompts(known), known.encode("hola", add_special_tokens=False)
    made = [*said, known.convert_tokens_to_ids("<|header|>"), *said]
    text = prompts.decode(made)
    prompts.remember("ana", text, made)
    asked = [*turns("Eres amable.", "hola"), Turn("assistant", text), Turn("user", "¿sí?")]
    assert known.convert_tokens_to_ids("<|header|>") not in prompts.ids(asked, "ana")


def test_what_is_remembered_never_makes_a_prompt_too_long(tiny: Path) -> None:
    """An answer's own tokens may be many more than its text needs: then its text is what counts."""
    known = tokenizer(tiny)
    prompts, text = Prompts(known), "Abrimos a las nueve de la mañana."
    made = [one for letter in text for one in known.encode(letter, add_special_tokens=False)]
    asked = [*turns("Eres amable.", "hola"), Turn("assistant", text), Turn("user", "¿sí?")]
    plain = prompts.ids(asked)
    prompts.remember("ana", text, made)
    assert len(prompts.ids(asked, "ana")) > len(plain)
    assert prompts.ids(asked, "ana", most=len(plain)) == plain


def test_without_a_session_nothing_is_remembered(tiny: Path) -> None:
    """What two strangers said is not one conversation."""
    known = tokenizer(tiny)
    prompts = Prompts(known)
    prompts.remember("", "hola", [*map(known.convert_tokens_to_ids, "hola")])
    prompts.ids([Turn("user", "hola", note="Hoy es lunes.")])
    assert not prompts._answers
    assert not prompts._notes


def test_the_memory_is_bounded(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.backends.local.prompts.REMEMBERED_MOST", 3)
    known = tokenizer(tiny)
    prompts = Prompts(known)
    for word in ("uno", "dos", "tres", "cuatro", "cinco"):
        prompts.remember("ana", word, known.encode(word, add_special_tokens=False))
    assert [text for _, text in prompts._answers] == ["tres", "cuatro", "cinco"]
