"""A conversation in a worker's hands: taken over, given back, fairly shared, and safe while Redis is away."""

from __future__ import annotations

import logging

import pytest

from bot.errors import StoreUnavailable
from bot.stores import bell, outbox
from bot.stores import mailbox as mailbox_module
from bot.stores.connection import DUE, Script, Store, key
from bot.stores.history import History
from bot.stores.mailbox import Mailbox
from tests.unit.fates import Shaky
from tests.unit.mailboxes import ANA, BEA, counted, in_line, said, state
from tests.unit.worlds import World
from workers import held

# -- lost and given back ---------------------------------------------------------------------------


def test_a_worker_that_lost_its_lease_says_nothing(world: World) -> None:
    """While the model thought, another worker took over: only that one's reply counts."""

    def take_over() -> None:
        world.backend.during = lambda: None
        world.store.client.delete(key(ANA, "lease"))
        world.worker().answer(ANA)

    world.backend.during = take_over
    assert world.answer("hello") == ["re: hello"]
    assert len(world.backend.prompts) == 2
    assert [turn.text for turn in History(world.store).tail(ANA, 0, 1000)] == ["hello", "re: hello"]


def test_a_worker_whose_turn_is_being_thought_elsewhere_stops_there(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The other has not committed yet: what this one thought is dropped, is no turn in the log, and is no harm."""
    caplog.set_level(logging.INFO)

    def take_over() -> None:
        world.store.client.set(key(ANA, "lease"), "another")

    world.backend.during = take_over
    assert world.answer("hello") == []
    assert world.store.client.get(key(ANA, "lease")) == b"another"
    assert world.store.client.exists(key(ANA, "wip")) == 1
    assert [record.getMessage() for record in caplog.records] == ["lease lost"]


def test_a_lost_lease_ends_the_thinking(world: World) -> None:
    """Told by the monitor, a turn reads no further in the model's answer."""

    def lose() -> None:
        world.answerer.held[0].lost.set()

    world.backend.answers = ["a long answer " * 20]
    world.backend.during = lose
    assert world.answer("hello") == []
    assert world.backend.streams[0].given == 1


def test_abandoned_turns_are_anybodys_at_once(world: World) -> None:
    """A worker that must go gives its turns back, and another answers them."""

    def abandon() -> None:
        world.backend.during = lambda: None
        world.answerer.abandon()
        world.worker().answer(ANA)

    world.backend.during = abandon
    assert world.answer("hello") == ["re: hello"]


def test_a_worker_that_is_leaving_thinks_no_further_turn(world: World) -> None:
    """However much waits in the conversation: the others get it."""

    def leave() -> None:
        world.answerer.leaving = True

    world.backend.during = leave
    world.say(*(f"message {n}" for n in range(45)))
    world.store.client.delete(bell.QUEUE_KEY)
    world.answerer.answer(ANA)
    assert (len(world.backend.prompts), len(world.channel.spoken)) == (1, 1)
    assert in_line(world.store) == [ANA]


def test_whoever_stays_answers_all_there_is(world: World) -> None:
    world.say(*(f"message {n}" for n in range(45)))
    world.store.client.delete(bell.QUEUE_KEY)
    world.answerer.answer(ANA)
    assert len(world.channel.spoken) == 3
    assert world.rest()


# -- fairness --------------------------------------------------------------------------------------


def test_whoever_writes_much_goes_to_the_end_of_the_line(world: World) -> None:
    """Somebody else waits: after one turn the worker lets go."""
    world.say(*(f"message {n}" for n in range(45)))
    world.store.client.delete(bell.QUEUE_KEY)
    world.say("hello", conversation=BEA)
    world.answerer.answer(ANA)
    assert len(world.channel.spoken) == 1
    assert in_line(world.store) == [BEA, ANA]


def test_a_flood_never_has_more_than_one_wake_up_in_line(world: World) -> None:
    """However often the sweeper rings for who is already in line, nobody gets two places there."""
    world.say(*(f"message {n}" for n in range(60)))
    for newcomer in range(2, 4):
        world.store.client.zadd(DUE, {ANA: 1})
        world.mailbox.sweep()
        assert in_line(world.store) == [ANA]
        world.store.client.lpop(bell.QUEUE_KEY)
        world.say("hello", conversation=f"fake:7:{newcomer}")
        world.answerer.answer(ANA)
        assert in_line(world.store) == [f"fake:7:{newcomer}", ANA]
        world.store.client.delete(bell.QUEUE_KEY)


# -- a burst ---------------------------------------------------------------------------------------


def test_whoever_still_writes_sees_typing_and_is_looked_at_when_done(store: Store) -> None:
    """The first look at a burst shows that somebody listens, and says when it will be over."""
    world = World(store, quiet=0.2)
    again: list[float] = []
    world.answerer.look_again = again.append
    assert world.answer("hello") == []
    assert world.channel.typing == ["1"]
    assert [0.1 < seconds <= 0.2 for seconds in again] == [True]
    world.come_back(0.21)
    assert world.channel.spoken == ["re: hello"]


# -- Redis goes away -------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [mailbox_module._commit, outbox._record], ids=["commit", "record"])
def test_what_was_thought_or_sent_is_written_down_however_redis_fails(store: Store, script: Script) -> None:
    """Away, back with its answer lost, away again: nothing is thought or sent twice, and nothing lost."""
    shaky = Shaky(store)
    world = World(shaky)
    shaky.away[script] = ["before", "after", "before"]
    assert world.answer("hello") == ["re: hello"]
    assert len(world.backend.prompts) == 1
    assert world.rest()
    assert [turn.text for turn in History(store).tail(ANA, 0, 1000)] == ["hello", "re: hello"]
    shaky.close()


@pytest.mark.parametrize("script", [mailbox_module._commit, outbox._record], ids=["commit", "record"])
def test_a_redis_that_stays_away_ends_the_answer_and_loses_nothing(
    store: Store, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patience has an end; the next worker takes over when Redis is back."""
    monkeypatch.setattr(held, "PATIENCE_SECONDS", 0)
    shaky = Shaky(store)
    world = World(shaky)
    shaky.away[script] = ["before"] * 2
    with pytest.raises(StoreUnavailable):
        world.answer("hello")
    shaky.away.clear()
    world.crash()
    for _ in range(2):
        world.come_back()
    assert world.channel.spoken[-1] == "re: hello"
    assert world.rest()
    shaky.close()


def strand(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis goes away in the middle of a turn, and its worker lives."""

    def away(*_: object) -> str:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(History, "tail", away)
        with pytest.raises(StoreUnavailable):
            world.answer("hello")


def test_what_was_in_hand_when_redis_went_away_is_given_back_when_it_is_there_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody died: the turn is no suspect, and nobody waits for the end of its lease."""
    strand(world, monkeypatch)
    assert world.store.client.exists(key(ANA, "lease"))
    world.answerer.give_back_stranded()
    assert not world.store.client.exists(key(ANA, "lease"))
    world.worker().answer(ANA)
    assert world.channel.spoken == ["re: hello"]
    assert state(world.store, "deaths") is None
    assert counted(world.store, "deaths") == 0


def test_a_lease_that_ended_while_redis_was_away_makes_no_suspect(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outage was longer than the lease, and its worker lives: it says so as soon as it can."""
    strand(world, monkeypatch)
    world.store.client.delete(key(ANA, "lease"))
    world.answerer.give_back_stranded()
    world.worker().answer(ANA)
    assert world.channel.spoken == ["re: hello"]
    assert counted(world.store, "deaths") == 0


def renew(world: World) -> None:
    """What the worker's monitor does."""
    held = world.answerer.held
    lost = world.mailbox.renew([(one.conversation, one.token, ()) for one in held]).lost
    for one in held:
        if one.token in lost:
            one.lose()


def test_a_lease_that_ended_while_redis_was_away_is_renewed_if_nobody_took_it(world: World) -> None:
    """The thinking goes on: nothing is asked twice, and nobody is thought dead."""

    def away() -> None:
        world.store.client.delete(key(ANA, "lease"))
        renew(world)

    world.backend.during = away
    assert world.answer("hello") == ["re: hello"]
    assert (len(world.backend.prompts), counted(world.store, "deaths")) == (1, 0)
    assert world.rest()


@pytest.mark.parametrize("end", ["taken over", "given back"])
def test_a_lease_that_was_another_s_meanwhile_is_not_renewed(mailbox: Mailbox, store: Store, end: str) -> None:
    """Its turn is no longer this worker's, even while nobody holds it."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    if end == "given back":
        mailbox.defer(ANA, "a", 0)
    store.client.delete(key(ANA, "lease"))
    if end == "taken over":
        mailbox.take(ANA, "b")
        store.client.delete(key(ANA, "lease"))
    assert mailbox.renew([(ANA, "a", ())]).lost == {"a"}
    assert store.client.exists(key(ANA, "lease")) == 0
