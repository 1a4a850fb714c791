"""A number from which the platform takes nothing: all wait, one bubble is tried at a time, and nothing is lost."""

from __future__ import annotations

import pytest

from bot.errors import RateLimited, Refused, StoreUnavailable, Undelivered
from bot.stores.connection import Store, key
from bot.stores.hold import HOLD, holds
from bot.stores.outbox import Outbox
from bot.texts import Text
from tests.unit.fates import unrest
from tests.unit.mailboxes import ANA, BEA, counted, due_in_ms, in_line, state
from tests.unit.strict import ACCOUNT, hold_wait, is_time, strict_world, told_by
from tests.unit.worlds import World

CEM = "fake:7:3"
ELSEWHERE = "fake:8:1"


def asks(world: World, *people: str) -> None:
    """Each of them asks, and a worker looks at each."""
    for person in people:
        world.say(f"{person[-1]} asks", conversation=person)
        world.answerer.answer(person)


def hurry(store: Store, *people: str) -> None:
    for person in people:
        store.client.hdel(key(person, "state"), "speak_at", "pause_at")


def test_nobody_on_the_account_is_sent_anything_and_the_operator_sees_why(store: Store) -> None:
    """One call finds out; after that there is none, whoever writes, and each conversation waits."""
    world, channel = strict_world(store)
    channel.dead = {"one"}
    asks(world, ANA, BEA, CEM)
    assert (channel.calls, channel.spoken) == (1, [])
    [hold] = holds(store)
    assert (hold.account, hold.reason, hold.waiting) == (ACCOUNT, "190: the token has expired", 3)
    assert 59 < hold.until - hold.since <= 60
    assert [counted(store, name) for name in ("holds", "failed", "unknown")] == [1, 0, 0]


def test_another_account_goes_on(store: Store) -> None:
    world, channel = strict_world(store)
    channel.dead = {"one"}
    asks(world, ANA)
    channel.dead.clear()
    asks(world, ELSEWHERE)
    assert channel.spoken == ["re: 1 asks"]


def test_success_ends_the_hold_and_the_backlog_leaves_in_its_order(store: Store) -> None:
    world, channel = strict_world(store)
    channel.dead = {"one"}
    asks(world, CEM, ANA, BEA)
    channel.dead.clear()
    store.client.delete("rq:queue:recado")
    is_time(store)
    hurry(store, BEA)
    world.answerer.answer(BEA)
    assert channel.spoken == ["re: 2 asks"]
    assert holds(store) == []
    assert in_line(store) == [CEM, ANA]
    assert [state(store, "held"), due_in_ms(store) <= 1000] == [None, True]
    for person in in_line(store):
        world.answerer.answer(person)
    assert channel.spoken == ["re: 2 asks", "re: 3 asks", "re: 1 asks"]
    assert unrest(store) == []


def test_one_bubble_is_tried_and_nobody_beside_it(store: Store) -> None:
    world, channel = strict_world(store)
    channel.dead = {"one"}
    asks(world, ANA, BEA)
    is_time(store)
    hurry(store, ANA, BEA)
    channel.before = lambda _: world.worker().answer(BEA)
    world.answerer.answer(ANA)
    assert channel.calls == 2
    assert 1000 < due_in_ms(store, BEA) < 3000


def test_the_waits_between_tries_grow_to_a_quarter_of_an_hour(store: Store) -> None:
    world, channel = strict_world(store)
    channel.dead = {"one"}
    asks(world, ANA)
    waits = [hold_wait(store)]
    for _ in range(6):
        is_time(store)
        hurry(store, ANA)
        world.answerer.answer(ANA)
        waits.append(hold_wait(store))
    assert [wait // 1000 for wait in waits] == [60, 120, 240, 480, 900, 900, 900]
    assert channel.calls == 7
    assert (state(store, "held"), counted(store, "holds")) == ("1", 1)


def test_a_worker_that_dies_with_the_try_blocks_the_account_for_a_minute_only(store: Store) -> None:
    """Its bubble is in doubt, as any bubble of a dead worker; the next one is tried meanwhile."""
    world, channel = strict_world(store)
    channel.dead = {"one"}
    asks(world, ANA, BEA)
    channel.dead.clear()
    channel.fail = [SystemExit()]
    is_time(store)
    hurry(store, ANA, BEA)
    with pytest.raises(SystemExit):
        world.answerer.answer(ANA)
    world.answerer.answer(BEA)
    assert channel.spoken == []
    is_time(store, "try_until")
    hurry(store, BEA)
    world.answerer.answer(BEA)
    assert channel.spoken == ["re: 2 asks"]
    assert holds(store) == []


@pytest.mark.parametrize(
    ("told", "lifted"),
    [(Refused("131026"), True), (RateLimited("pair", 0, growing=True), True), (Undelivered("no network"), False),
     (RateLimited("busy", 1, everybody=True), False)],
)  # fmt: skip
def test_whatever_shows_that_the_account_is_well_ends_the_hold(store: Store, told: Exception, lifted: bool) -> None:
    """A refusal of this very bubble does; that nobody was reached does not, and makes no longer wait either."""
    world, channel = strict_world(store)
    channel.dead = {"one"}
    asks(world, ANA)
    channel.dead.clear()
    channel.fail = [told]
    is_time(store)
    hurry(store, ANA)
    world.answerer.answer(ANA)
    assert (holds(store) == []) is lifted
    if not lifted:
        assert hold_wait(store) == 60_000
        assert store.client.hget(HOLD + ACCOUNT, "trier") is None


def test_a_worker_with_another_token_ends_the_hold_at_once(store: Store) -> None:
    world, channel = strict_world(store)
    channel.dead = {"one"}
    asks(world, BEA, ANA)
    channel.token = "two"
    asks(world, CEM)
    assert channel.spoken == ["re: 3 asks"]
    assert holds(store) == []
    assert {BEA, ANA} <= set(in_line(store))
    assert state(store, "speak_at") is None


def test_a_worker_with_the_old_token_prolongs_no_hold_of_the_new_one(store: Store) -> None:
    outbox = Outbox(store, hold_seconds=1)
    assert outbox.halt(ANA, "190", credential="new")
    assert outbox.halt(ANA, "190", credential="old") == ""
    assert hold_wait(store) == 1000


def test_the_owner_is_told_once_whichever_worker_finds_out(store: Store) -> None:
    world, channel = strict_world(store)
    channel.dead = {"one"}
    by_workers = []
    for _ in range(2):
        by_workers.append(told_by(world))
        hurry(store, ANA, BEA)
        asks(world, ANA, BEA)
        world.answerer = world.worker()
    first, second = by_workers
    [(once, words)] = first.items()
    assert second == first
    assert once.startswith("hold:7:")
    assert "the token has expired" in words


def test_nobody_is_shown_typing_on_an_account_on_hold(store: Store) -> None:
    world, _channel = strict_world(store)
    assert Outbox(store).spare(ANA, ())
    Outbox(store).halt(ANA, "190", credential="one")
    assert not Outbox(store).spare(BEA, ())
    assert Outbox(store).spare(ELSEWHERE, ())
    assert world.rest()


def test_a_hold_that_a_clock_made_too_far_holds_nobody_for_years(store: Store) -> None:
    world, channel = strict_world(store)
    channel.dead = {"one"}
    asks(world, ANA)
    channel.dead.clear()
    store.client.hincrby(HOLD + ACCOUNT, "until", 10**12)
    hurry(store, ANA)
    world.answerer.answer(ANA)
    assert channel.spoken == ["re: 1 asks"]


def test_the_owner_hears_of_a_hold_although_they_could_not_be_told_at_once(store: Store) -> None:
    """Redis was away when they were to be told: whoever is held next tells them."""
    world, channel = strict_world(store)
    channel.dead = {"one"}

    def away(once: str, text: Text | str, account: str = "") -> None:
        raise StoreUnavailable("Redis is away")

    world.answerer.failures.tell = away
    asks(world, ANA)
    told = told_by(world)
    asks(world, BEA, CEM)
    assert len(told) == 1
