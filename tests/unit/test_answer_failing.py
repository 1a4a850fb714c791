"""A turn whose model is away, refuses, or breaks: it waits, or ends in an apology; the conversation goes on."""

from __future__ import annotations

import logging

import pytest

from bot import texts
from bot.errors import Rejected, Unavailable
from bot.stores.connection import Store, key
from tests.unit.mailboxes import ANA, counted, due_in_ms, state
from tests.unit.worlds import World


def broken(*_: object) -> int:
    raise ValueError("a bug")


# -- a model that is away --------------------------------------------------------------------------


def test_a_model_that_is_away_is_waited_for_in_no_thread(world: World) -> None:
    """The turn comes back later, whole, and half a sentence is never joined to another."""
    world.backend.answers = [Unavailable("away", retry_after=0.05)]
    assert world.answer("hello") == []
    assert world.store.client.get(key(ANA, "lease")) is None
    world.come_back()
    assert world.channel.spoken == ["re: hello"]
    assert world.rest()


@pytest.mark.parametrize(("wish", "seconds"), [(2.5, 2.5), (None, 1)])
def test_a_model_is_asked_again_when_it_wishes(world: World, wish: float | None, seconds: float) -> None:
    world.backend.answers = [Unavailable("busy", retry_after=wish)]
    world.answer("hello")
    assert seconds - 0.5 < due_in_ms(world.store) / 1000 <= seconds


def test_the_person_is_told_once_that_it_takes_long(store: Store) -> None:
    world = World(store, slow_notice_seconds=0.04)
    world.backend.answers = [Unavailable("away", retry_after=0.05)] * 3
    assert world.answer("hello") == []
    for pause in (0, 0.06, 0.12, 0.24):
        world.come_back(pause)
    assert world.channel.spoken == [texts.SLOW.to("en"), "re: hello"]
    assert world.rest()


def test_however_often_a_turn_has_waited_it_waits_half_a_minute_at_most(world: World) -> None:
    """Days without a model end in no overflow."""
    world.say("hello")
    world.store.client.hset(key(ANA, "state"), "waits", 2000)
    world.backend.answers = [Unavailable("away", retry_after=1)]
    world.answerer.answer(ANA)
    assert state(world.store, "waits") == "2001"
    world.answerer.answer(ANA)
    assert world.channel.spoken == [texts.SLOW.to("en")]
    assert 25_000 < due_in_ms(world.store) <= 30_000


# -- a turn that cannot be answered ----------------------------------------------------------------


def test_a_refused_turn_gets_an_apology_and_no_second_try(world: World) -> None:
    world.backend.answers = [Rejected("never")]
    assert world.answer("hello") == [texts.APOLOGY.to("en")]
    assert world.rest()
    assert world.answer("again") == ["re: again"]
    assert [turn.text for turn in world.backend.prompts[-1].turns[1:3]] == ["hello", texts.APOLOGY.to("en")]


def bury(world: World, text: str) -> None:
    """Three tries, then an apology; the batch is kept."""
    world.answer(text)
    for _ in range(2):
        assert world.channel.spoken == []
        world.think_again()
    assert world.channel.spoken == [texts.APOLOGY.to("en")]
    assert text.encode() in world.store.client.lindex(key(ANA, "dead"), 0)


def test_a_turn_that_always_fails_is_buried_and_the_conversation_goes_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """And no word of the person is in the log."""
    caplog.set_level(logging.DEBUG)
    world.backend.answers = [RuntimeError("bug")] * 3
    bury(world, "poison")
    assert counted(world.store, "dead") == 1
    assert world.answer("hello") == ["re: hello"]
    assert world.rest()
    assert "poison" not in caplog.text


@pytest.mark.parametrize("part", ["count_tokens", "render"])
def test_what_breaks_beside_the_model_is_buried_too(world: World, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """A tokenizer or a renderer that cannot bear a text: three tries, an apology in plain words, no loop."""
    monkeypatch.setattr(world.backend if part == "count_tokens" else world.channel, part, broken)
    bury(world, "poison")
    assert world.rest()
    monkeypatch.undo()
    assert world.answer("hello") == ["re: hello"]


def test_who_writes_on_in_an_outage_is_told_once_of_it(store: Store) -> None:
    """The second message is another turn of the same outage; the next outage is told of again."""
    world = World(store, slow_notice_seconds=1)
    away, slow = Unavailable("away", retry_after=5), texts.SLOW.to("en")
    world.backend.answers = [away]
    world.answer("one")
    world.say("two")
    world.backend.answers = ["re: one", away]
    for _ in range(4):
        world.think_again()
    assert world.channel.spoken == [slow, "re: one", "re: two"]
    world.backend.answers = [away]
    world.answer("three")
    world.answerer.answer(ANA)
    assert world.channel.spoken[3:] == [slow]


def test_before_a_model_server_a_turn_waits_no_longer_each_time(store: Store) -> None:
    """There is a breaker for that; whoever came first must not be overtaken because they tried more often. Nor are
    they told sooner that it takes long."""
    world = World(store, slow_notice_seconds=7.5)
    world.served_by("one")
    world.backend.answers = [Unavailable("away")] * 4
    world.say("hello")
    for _ in range(4):
        world.think_again()
    assert (state(store, "waits"), state(store, "told")) == ("4", None)
    assert due_in_ms(store) <= 1000
