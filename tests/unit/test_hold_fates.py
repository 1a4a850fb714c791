"""A number on hold: told so by a later status, and killed at any step of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from bot.errors import Halted
from bot.received import Status
from bot.stores.connection import Store
from bot.stores.erase import erase
from bot.stores.hold import HELD, HOLD, codes, holds
from bot.stores.outbox import Outbox
from bot.stores.person import Person
from tests.unit.fates import Workers, unrest
from tests.unit.mailboxes import ANA, BEA
from tests.unit.strict import ACCOUNT, StrictChannel, is_time, strict_world
from tests.unit.test_hold import asks, hurry


def test_a_status_that_names_a_dead_account_brings_the_bubble_back_and_holds_the_others(store: Store) -> None:
    """It was taken, and certainly not shown: it waits with the others, and goes when the number is well."""
    world, channel = strict_world(store)
    asks(world, ANA)
    [reference] = channel.references
    failed = Status(ANA, reference, "halted", "131031: restricted", "1", code=131031)
    assert Outbox(store).settle(failed)
    assert [(hold.account, hold.code) for hold in holds(store)] == [(ACCOUNT, 131031)]
    asks(world, BEA)
    world.answerer.answer(ANA)
    assert channel.calls == 1
    assert Outbox(store).settle(failed)
    assert codes(store) == {131031: 1}
    is_time(store)
    hurry(store, ANA)
    world.answerer.answer(ANA)
    assert channel.spoken == ["re: 1 asks", "re: 1 asks"]
    assert Outbox(store).settle(failed)
    assert len(holds(store)) == 1
    assert not Outbox(store).settle(Status(ANA, channel.references[1], "sent", bubble="2"))
    assert holds(store) == []


def test_a_status_of_a_stranger_holds_nobody(store: Store) -> None:
    assert not Outbox(store).settle(Status(ANA, "0123456789ab.1.0", "halted", "190: token", "1", code=190))
    assert holds(store) == []


def test_who_is_erased_waits_for_no_hold(store: Store) -> None:
    """Their name is on no list, and the others go on when it ends."""
    world, channel = strict_world(store)
    channel.dead = {"one"}
    asks(world, ANA, BEA)
    erase(store, Person.parse(ANA))
    assert store.client.zrange(HELD + ACCOUNT, 0, -1) == [BEA.encode()]
    channel.dead.clear()
    is_time(store)
    hurry(store, BEA)
    world.answerer.answer(BEA)
    assert channel.spoken == ["re: 2 asks"]


def killed(store: Store, at: int, go_on: Callable[[Workers], None]) -> Workers:
    """The first worker meets a dead token, and its end at this step; the heir finds the token mended."""
    channel = StrictChannel()
    workers = Workers(store, channel)
    channel.fail = [Halted("190")]
    workers.meet(at, workers.steps.die)
    workers.expire()
    for _ in range(20):
        if unrest(store) == [] and not store.client.exists(HOLD + ACCOUNT):
            break
        go_on(workers)
        is_time(store)
        is_time(store, "try_until")
        workers.hurry()
        with suppress(SystemExit):
            workers.heir.answerer.answer(ANA)
    return workers


def test_killed_at_any_step_of_a_hold_and_of_its_try(store: Store) -> None:
    """One answer, whole; no hold stays, nobody waits, and nothing is counted as lost."""
    for at in range(1, 60):
        store.client.flushall()
        told: set[str] = set()

        def go_on(workers: Workers, told: set[str] = told) -> None:
            sent = [reference for reference in workers.channel.references[1:] if reference not in told]
            for reference in sent:
                Outbox(store).settle(Status(ANA, reference, "sent"))
                told.add(reference)

        workers = killed(store, at, go_on)
        spoken = workers.channel.spoken
        assert "".join(spoken).startswith(("the first one", "the third one")), at
        assert len(spoken) == 2, (at, spoken)
        assert holds(store) == []
        assert not store.client.exists(HELD + ACCOUNT)
        if workers.steps.count < at:
            break
    assert 15 < at < 59
