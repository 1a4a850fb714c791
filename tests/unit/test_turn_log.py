"""The line of a turn in the log: the same keys each time, and never a person's words or name."""

from __future__ import annotations

import json
import logging
import re
from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest

from bot.errors import Rejected, Unavailable
from bot.logs import pseudonym, setup_logs
from bot.message import Message
from bot.stores.connection import Store
from tests.unit.fates import EditingChannel
from tests.unit.mailboxes import ANA
from tests.unit.worlds import World
from workers import grow
from workers.figures import Figures

NUMBERS = ("turn", "messages", "tokens_in", "tokens_out")
TIMES = ("waited_ms", "first_token_ms", "first_words_ms", "think_ms")
TEXTS = ("conversation", "channel", "backend", "outcome")
KEYS = ["at", "level", "log", "event", *TEXTS[:3], *NUMBERS[:2], *TIMES, *NUMBERS[2:], TEXTS[3]]

WORDS = "xylophone-Größe ñandú 🦆 4111-1111-1111-1111"
PERSON = "Wilhelmina Öztürk"
ANSWER = "Zanzibar, quixotic: 998877"
ODD = [WORDS, PERSON, ANSWER, "xylophone", "Größe", "ñandú", "🦆", "4111", "Wilhelmina", "Öztürk", "Zanzibar", "998877"]
UNSAID = [*ODD, *(json.dumps(one)[1:-1] for one in ODD), *(repr(one.encode())[2:-1] for one in ODD)]


def lines(told: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.splitlines()]


def turns(told: str) -> list[dict[str, Any]]:
    return [line for line in lines(told) if line["event"] == "turn"]


def ask(world: World, text: str = WORDS) -> None:
    world.number += 1
    world.mailbox.accept([Message(str(world.number), ANA, text, person=PERSON, language="es")])
    world.answerer.answer(ANA)


def test_a_turn_is_one_line_with_these_keys(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    setup_logs("INFO", "json")
    world.backend.pace = 0.005
    ask(world)
    [line] = turns(capsys.readouterr().err)

    assert list(line) == KEYS
    assert all(isinstance(line[name], str) for name in TEXTS)
    assert all(isinstance(line[name], int) for name in NUMBERS)
    assert all(line[name] is None or isinstance(line[name], int) for name in TIMES)
    assert (line["channel"], line["backend"], line["outcome"], line["turn"]) == ("fake", "fake", "answered", 1)
    assert line["conversation"] == pseudonym(ANA)
    assert line["tokens_in"] > line["tokens_out"] > 0
    assert 5 <= line["first_token_ms"] <= line["think_ms"]
    assert line["first_words_ms"] is None  # it did not grow: it was not yet said when the turn was over


def test_a_trace_that_fails_ends_no_turn(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """It is somebody else's code: nobody waits for an answer because of it."""
    setup_logs("INFO", "json")

    def breaks(_: object) -> None:
        raise ValueError("no span")

    world.answerer.trace = breaks
    ask(world)
    ask(world)
    assert len(turns(capsys.readouterr().err)) == 2


def test_first_words_stand_there_where_they_were_seen_in_time(
    store: Store, channel: EditingChannel, capsys: pytest.CaptureFixture[str]
) -> None:
    setup_logs("INFO", "json")
    world = World(store, channel=channel)
    world.backend.answers = [["one ", "two " * 30, "three"]]
    ask(world)
    [line] = turns(capsys.readouterr().err)

    assert 0 <= line["first_words_ms"] <= line["waited_ms"] + line["think_ms"] + 1


def test_what_asked_nobody_has_no_times_of_a_model(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """In the text for people what is not known is left out."""
    setup_logs("INFO", "json")
    ask(world, "/help")
    [line] = turns(capsys.readouterr().err)
    assert (line["backend"], line["outcome"], line["first_token_ms"], line["tokens_in"]) == ("none", "/help", None, 0)

    setup_logs("INFO", "text")
    ask(world, "/help")
    said = capsys.readouterr().err
    assert re.search(r" INFO recado\.turn turn conversation=[0-9a-f]{16} channel=fake backend=none turn=2 ", said)
    assert "None" not in said


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_log_repeats_a_person_or_an_answer(world: World, form: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A whole conversation, with a model that fails in every way, and with a bug whose error quotes the words."""
    setup_logs("DEBUG", form)
    world.channel.fail = [RuntimeError(f"cannot send {ANSWER}")]
    world.backend.answers = [ANSWER, Unavailable("away", retry_after=0.01), Rejected("never"), *[broken()] * 3]
    ask(world)
    world.come_back()
    for _ in range(3):
        ask(world)
        world.think_again()
    world.think_again()
    said = capsys.readouterr().err

    assert "a turn failed" in said
    assert "a bubble could not be sent" in said
    assert "outcome=dead" in said or '"outcome": "dead"' in said
    assert "ValueError" in said
    assert "in _say" in said, "where it was raised is told"
    assert [words for words in UNSAID if words in said] == []


def broken() -> Exception:
    error = ValueError(f"not JSON: {WORDS} of {PERSON}")
    error.__cause__ = KeyError(ANSWER)
    return error


def test_our_own_errors_and_the_machines_keep_their_words(capsys: pytest.CaptureFixture[str]) -> None:
    """They speak of the code and the machine: without them nobody could mend anything."""
    setup_logs("INFO", "text")
    log = logging.getLogger("recado.test")
    for error in (Unavailable("the server is away"), FileNotFoundError(2, "No such file"), TypeError("takes 2")):
        try:
            try:
                raise KeyError(WORDS)
            except KeyError as first:
                raise error from first
        except Exception:
            log.exception("failed")
    said = capsys.readouterr().err

    assert "Unavailable: the server is away\n" in said
    assert "FileNotFoundError: [Errno 2] No such file\n" in said
    assert "TypeError: takes 2\n" in said
    assert said.count("KeyError\n") == 3
    assert WORDS not in said


def test_who_is_asked_once_more_is_timed_anew() -> None:
    """What a server that broke off had said counts no longer."""
    figures = Figures()
    figures.ask("fake")
    figures.hear()
    figures.cut = True
    figures.ask("fake")

    assert (figures.first_token, figures.model, figures.cut) == (None, None, False)


def test_first_words_are_timed_once_although_the_model_breaks_off(
    store: Store, channel: EditingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer that is thought anew takes over the bubble that its person has seen long since."""
    monkeypatch.setattr(grow, "OPEN_AT", 1)
    world = World(store, channel=channel)
    world.answerer.beside = lambda growing: nullcontext(growing.show)
    world.backend.answers = [Unavailable("cut", retry_after=0.01), ["We are open ", "until late"]]
    timed = partial(
        world.answerer.metrics.registry.get_sample_value,
        "recado_turn_first_words_seconds_count",
        {"channel": "fake", "backend": "fake"},
    )
    world.answer("when?")
    assert timed() == 1
    world.think_again()

    assert channel.shown == ["We are open until late"]
    assert timed() == 1
