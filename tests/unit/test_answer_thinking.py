"""Thinking, on a real mailbox: what the model is asked, in which language, and what becomes of what it says."""

from __future__ import annotations

import json
import logging

import pytest

from bot import texts
from bot.errors import Rejected, Unavailable
from bot.stores.connection import Store
from bot.stores.history import History
from tests.unit.mailboxes import ANA, BEA, state
from tests.unit.worlds import World
from workers.backends import Prompt


def roles(prompt: Prompt) -> list[str]:
    return [turn.role for turn in prompt.turns]


def test_a_burst_is_one_turn_and_the_next_turn_knows_it(world: World) -> None:
    """Messages that wait together are answered together, and remembered in order."""
    assert world.answer("one", "two") == ["re: one\ntwo"]
    world.answer("three")
    prompt = world.backend.prompts[-1]
    assert [turn.text for turn in prompt.turns[1:]] == ["one\ntwo", "re: one\ntwo", "three"]
    assert roles(prompt) == ["system", "user", "assistant", "user"]
    assert "La Espiga" in prompt.turns[0].text


def test_two_workers_build_the_same_context(world: World) -> None:
    """Nothing is remembered in a worker: another one goes on where the first stopped."""
    world.answer("one")
    world.answerer = world.worker()
    world.answer("two")
    assert [turn.text for turn in world.backend.prompts[-1].turns[1:]] == ["one", "re: one", "two"]


def test_commands_need_no_model_and_reset_forgets(world: World) -> None:
    world.answer("my name is Ana")
    assert "forgotten" in world.answer("/reset")[0]
    assert "/start" in world.answer("/help@recado_bot")[0]
    assert len(world.backend.prompts) == 1
    world.answer("who am I?")
    assert roles(world.backend.prompts[-1]) == ["system", "user"]


def test_an_unknown_command_is_answered_kindly(world: World) -> None:
    assert world.answer("/fly now") == [texts.UNKNOWN_COMMAND.to("en", command="fly")]


def test_what_is_no_text_is_answered_kindly(world: World) -> None:
    assert world.answer("") == [texts.NO_TEXT.to("en")]
    assert world.backend.prompts == []


# -- language --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "language"), [("es-MX", "es"), ("en-GB", "en"), ("fr", "en"), ("", "en")])
def test_a_person_is_spoken_to_in_their_language(world: World, code: str, language: texts.Language) -> None:
    """The platform's language if we speak it, else the installation's."""
    said = world.answer("/start", language=code)[0]
    assert said.startswith({"es": "¡Hola!", "en": "Hello!"}[language])
    assert "La Espiga" in said


def test_a_person_keeps_their_language_when_a_message_says_none(world: World) -> None:
    """In our own words and in what the model is told."""
    world.answer("hola", language="es")
    assert world.answer("") == [texts.NO_TEXT.to("es")]
    world.answer("¿y mañana?")
    assert world.backend.prompts[-1].language == "es"
    world.answer("and tomorrow?", language="en")
    assert world.backend.prompts[-1].language == "en"


def test_whoever_never_said_a_language_follows_the_installations(world: World, store: Store) -> None:
    """A first message without one fixes nothing: neither against a later setting nor against the person's own."""
    world.answer("hello")
    later = World(store, default_language="es")
    later.number = 10
    assert later.answer("") == [texts.NO_TEXT.to("es")]
    assert later.answer("", language="en") == [texts.NO_TEXT.to("en")]
    assert later.answer("") == [texts.NO_TEXT.to("en")]


# -- the prompt ------------------------------------------------------------------------------------


def test_a_note_is_for_this_prompt_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Today's date stands before the newest words, in no older turn and not in the history."""
    monkeypatch.setattr(type(world.backend), "takes_notes", True)
    world.answer("one")
    world.answer("two")
    assert ["Today is" in turn.prompt for turn in world.backend.prompts[-1].turns] == [False, False, False, True]
    assert [turn.text for turn in History(world.store).tail(ANA, 0, 1000)] == ["one", "re: one", "two", "re: two"]


def test_a_backend_that_takes_no_notes_gets_none(world: World) -> None:
    world.answer("one")
    assert [turn.note for turn in world.backend.prompts[-1].turns] == ["", ""]


@pytest.mark.parametrize(("setting", "server"), [(2000, None), (None, 2000), (2000, 9000), (9000, 2000)])
def test_the_prompt_leaves_room_for_the_reply(store: Store, setting: int | None, server: int | None) -> None:
    """Whichever of setting and server allows less, less the answer's share, is what the prompt may have."""
    world = World(store, context_tokens=setting, reply_tokens=800)
    world.backend.context = server
    world.answer("long " * 2000)
    tokens = sum(world.backend.count_tokens(turn.text) for turn in world.backend.prompts[-1].turns)
    assert 1000 < tokens <= 1200


def test_a_cut_is_remembered_so_that_the_next_prompt_begins_alike(store: Store) -> None:
    """What no longer fits goes in one step; the turns after it begin with the same words as before."""
    world = World(store, context_tokens=900, reply_tokens=300)
    firsts = []
    for number in range(12):
        world.answer(f"{number} " + "word " * 20)
        firsts.append(world.backend.prompts[-1].turns[1].number)
        assert int(state(store, "window") or 0) == (firsts[-1] if firsts[-1] > 1 else 0)
    assert firsts[-1] > 1
    assert len(set(firsts)) < 6


def test_the_session_is_a_conversations_own_and_does_not_show_whose(world: World) -> None:
    """A router keeps a conversation on one warm cache by it."""
    world.answer("one")
    world.answer("two")
    world.say("one", conversation=BEA)
    world.answerer.answer(BEA)
    ana, again, bea = (prompt.session for prompt in world.backend.prompts)
    assert ana == again != bea
    assert ANA not in ana


# -- what the model says ---------------------------------------------------------------------------


def test_halves_of_a_character_in_two_pieces_are_one_character(world: World) -> None:
    world.backend.answers = [["\ud83c", "\udf82 for you"]]
    assert world.answer("cake?") == ["🎂 for you"]


def test_half_a_character_alone_breaks_nothing(world: World) -> None:
    world.backend.answers = [["a cake \ud83c"]]
    assert world.answer("cake?") == ["a cake \ufffd"]
    assert world.rest()


def test_an_answer_without_a_word_is_no_answer(world: World) -> None:
    world.backend.answers = [" \n"]
    assert world.answer("hello") == []
    assert not world.rest()


def test_a_slow_answer_ends_with_what_came_in_time(store: Store) -> None:
    world = World(store, turn_seconds=0.05)
    world.backend.pace = 0.03
    (answer,) = world.answer("hello")
    assert "re: hello".startswith(answer)
    assert answer != "re: hello"
    assert world.backend.streams[0].closed


@pytest.mark.parametrize("answer", ["fine", Unavailable("away"), Rejected("never"), RuntimeError("bug")])
def test_whatever_comes_of_it_the_request_is_ended(world: World, answer: str | Exception) -> None:
    """A model server must not go on thinking for nobody."""
    world.backend.answers = [answer]
    world.answer("hello")
    assert [stream.closed for stream in world.backend.streams] == [True]


def test_one_line_a_turn_and_no_word_of_anybody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.answer("a very private question")
    lines = [record for record in caplog.records if record.name == "recado.turn"]
    assert [record.getMessage() for record in lines] == ["turn"]
    assert vars(lines[0])["outcome"] == "answered"
    assert not any("private" in json.dumps(vars(record), default=str) for record in caplog.records)
    assert not any(ANA in json.dumps(vars(record), default=str) for record in caplog.records)
