"""What the business says itself, from its own telephone: the assistant gives way to it, and remembers it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.message import Message
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from bot.stores.taken import Speak, Think
from tests.unit.backgrounds import NEVER, Worker
from tests.unit.fates import Workers, unrest
from tests.unit.mailboxes import ANA, now_ms, open_mailbox, reply, said, state, taken_texts
from tests.unit.talks import remembered, rest
from tests.unit.worlds import FakeChannel, World

HOURS = 12 * 3_600_000


def ours(number: int, text: str = "soy Luis", name: str = ANA) -> Message:
    return Message(f"ours{number}", name, text, ours=True, bubble=f"o{number}")


def left_ms(store: Store) -> int:
    """How long the pause lasts from now."""
    return int(state(store, "paused_until") or 0) - now_ms(store)


# -- the pause ---------------------------------------------------------------------------------------


def test_the_assistant_is_silent_from_then_on(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([ours(1)])
    assert state(store, "paused") == "owner"
    assert HOURS - 2000 < left_ms(store) <= HOURS


def test_it_is_told_again_and_says_nothing_new(mailbox: Mailbox, store: Store) -> None:
    assert [mailbox.accept([ours(1)]) for _ in range(3)] == [1, 0, 0]
    assert store.client.llen(key(ANA, "in")) == 1


def test_each_further_word_prolongs_it(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([ours(1)])
    store.client.hset(key(ANA, "state"), "paused_until", now_ms(store) + 1000)
    mailbox.accept([ours(2)])
    assert left_ms(store) > HOURS - 2000


def test_who_has_opted_out_stays_so(world: World, store: Store) -> None:
    """Nothing that the business says lets the assistant answer them later."""
    world.answer("/baja")
    world.mailbox.accept([ours(1)])
    assert (state(store, "paused"), state(store, "paused_until")) == ("opted out", None)


def test_it_ends_by_itself(world: World, store: Store) -> None:
    world.mailbox.accept([ours(1)])
    assert world.answer("are you there?") == []
    rest(world)
    store.client.hset(key(ANA, "state"), "paused_until", now_ms(store) - 1)
    assert world.answer("and now?") == ["re: are you there?\n\nand now?"]
    assert state(store, "paused") is None
    assert state(store, "paused_until") is None
    assert [turn[::2] for turn in remembered(store)] == [
        ("assistant", ""), ("user", "owner"), ("user", ""), ("assistant", "")
    ]  # fmt: skip


def test_a_clock_that_went_back_makes_it_no_longer_than_it_was(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([ours(1)])
    store.client.hset(key(ANA, "state"), "paused_until", now_ms(store) + 100 * HOURS)
    mailbox.take(ANA, "a")
    assert HOURS - 2000 < left_ms(store) <= HOURS
    assert state(store, "paused") == "owner"


def test_a_turn_may_pause_for_a_time_and_end_it(mailbox: Mailbox, store: Store) -> None:
    for turn, (reason, seconds, until) in enumerate((("budget", 60, 60_000), ("opted out", 0, None), ("", 0, None)), 1):
        mailbox.accept([said(turn)])
        mailbox.take(ANA, "a")
        assert mailbox.commit(ANA, "a", turn, None, paused=reason, pause_seconds=seconds)
        assert state(store, "paused") == (reason or None)
        assert (state(store, "paused_until") is None) == (until is None)
        if until:
            assert 0 <= until - left_ms(store) < 2000


def test_a_pause_with_an_end_keeps_nobody_for_ever(world: World, store: Store) -> None:
    """Only who has opted out is remembered without an end."""
    world.mailbox.accept([ours(1)])
    rest(world)
    assert store.client.pttl(key(ANA, "state")) > HOURS
    assert unrest(store) == []
    world.answer("/baja")
    assert store.client.pttl(key(ANA, "state")) == -1


# -- in the mailbox ----------------------------------------------------------------------------------


def test_it_is_a_batch_of_its_own(mailbox: Mailbox) -> None:
    mailbox.accept([said(1), said(2), ours(3), said(4)])
    for turn, texts in enumerate((["message 1", "message 2"], ["soy Luis"], ["message 4"]), 1):
        assert taken_texts(mailbox, "a") == texts
        mailbox.commit(ANA, "a", turn, None)


def test_it_ends_the_listening(store: Store) -> None:
    mailbox = open_mailbox(store, quiet=60)
    mailbox.accept([said(1), ours(2)])
    assert taken_texts(mailbox, "a") == ["message 1"]


def test_a_reply_that_waits_for_its_person_goes_on_waiting(mailbox: Mailbox, store: Store) -> None:
    """The business' own words do not open the platform's window."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    mailbox.commit(ANA, "a", 1, reply(1))
    store.client.hset(
        key(ANA, "state"), mapping={"parked": "1", "speak_at": now_ms(store) + HOURS, "speak_wait": HOURS}
    )
    mailbox.accept([ours(2)])
    assert state(store, "parked") == "1"
    assert isinstance(mailbox.take(ANA, "a"), Think)
    mailbox.accept([said(3)])
    assert isinstance(mailbox.take(ANA, "a"), Speak)


# -- while the assistant thinks ----------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_an_answer_on_its_way_ends_and_is_not_said(started: Callable[..., Worker], store: Store) -> None:
    """Not even what there was of it: a person speaks now."""
    worker = started()
    worker.backend.answers = ["we open at nine " * 100]
    worker.backend.pace = 0.02
    worker.say("when?")
    thinking = worker.think()
    worker.mailbox.accept([ours(1, "a las diez")])
    thinking.join(5)
    assert worker.backend.streams[0].closed
    rest(worker)
    assert worker.channel.spoken == []
    assert remembered(store) == [("user", "when?", "owner"), ("assistant", "a las diez", "")]
    assert unrest(store) == []


def test_an_answer_that_is_ready_is_not_said_either(world: World, store: Store) -> None:
    """The business spoke while the last word came, and nobody has told the worker yet."""
    world.backend.during = lambda: world.mailbox.accept([ours(1, "a las diez")]) and None
    assert world.answer("when?") == []
    rest(world)
    assert remembered(store) == [("user", "when?", "owner"), ("assistant", "a las diez", "")]


def test_a_turn_that_waits_for_the_model_ends_too(world: World, store: Store) -> None:
    world.mailbox.accept([said(1, "when?")])
    world.mailbox.take(ANA, "a")
    world.mailbox.defer(ANA, "a", 20)
    world.mailbox.accept([ours(1)])
    assert state(store, "think_at") is None
    rest(world)
    assert remembered(store) == [("user", "when?", "owner"), ("assistant", "soy Luis", "")]
    assert world.backend.prompts == []


def test_what_was_said_by_whom_is_what_the_model_is_shown_later(world: World, store: Store) -> None:
    world.answer("hello")
    world.mailbox.accept([ours(1, "I am Luis, I will look")])
    rest(world)
    world.answer("thanks")
    store.client.hset(key(ANA, "state"), "paused_until", 1)
    world.answer("when do you open?")
    shown = [(turn.role, turn.text) for turn in world.backend.prompts[-1].turns[1:]]
    assert shown == [
        ("user", "hello"),
        ("assistant", "re: hello\n\nI am Luis, I will look"),
        ("user", "thanks\n\nwhen do you open?"),
    ]


@pytest.mark.parametrize("at", range(1, 25))
def test_a_worker_may_die_at_any_step_beside_it(store: Store, at: int) -> None:
    """The question is answered whole, before, or only heard; and the business' words are remembered once."""
    channel = FakeChannel()
    workers = Workers(store, channel)

    def fate() -> None:
        workers.heir.mailbox.accept([ours(1)])
        workers.steps.die()

    workers.meet(at, fate)
    workers.expire()
    if workers.steps.count < at:
        workers.heir.mailbox.accept([ours(1)])
    workers.finish()
    history = remembered(store)
    assert history.count(("assistant", "soy Luis", "")) == 1
    answered = [("user", "when?", ""), ("assistant", "the first one says that we open at nine|and close at five", "")]
    assert history[:-1] in (answered, [("user", "when?", "owner")])
    assert len(channel.spoken) in ({2, 3} if history[:-1] == answered else {0})
    assert unrest(store) == []


@pytest.mark.usefixtures("quick")
def test_a_model_that_says_nothing_is_not_waited_for(started: Callable[..., Worker], store: Store) -> None:
    worker = started()
    worker.backend.pace = NEVER
    worker.say("when?")
    thinking = worker.think()
    worker.mailbox.accept([ours(1)])
    thinking.join(5)
    rest(worker)
    assert remembered(store) == [("user", "when?", "owner"), ("assistant", "soy Luis", "")]
