"""What is heard late of a bubble: by a worker that was stopped, or by statuses that are doubled, reordered or late."""

from __future__ import annotations

from typing import Literal

import pytest

from bot.received import Status
from bot.stores.connection import Store, key
from bot.stores.hold import holds
from bot.stores.mailbox import Mailbox
from bot.stores.meter import Calendar
from bot.stores.outbox import Outbox, Outcome
from tests.unit.bubbles import bubble, in_doubt, speak_now, take_over
from tests.unit.mailboxes import ANA, BEA, counted, due_in_ms, staged, state
from tests.unit.strict import hold_wait, is_time, strict_world
from tests.unit.test_hold import asks, hurry
from tests.unit.test_meter import configured


def begin(outbox: Outbox, token: str = "a", index: int = 0) -> str:
    """Our id of a bubble that is on its way."""
    begun = outbox.begin(ANA, token, 1, index, ())
    assert begun.permission == "go"
    return begun.identity


def own(reference: str) -> str:
    return reference.partition(".")[0]


@pytest.mark.parametrize("outcome", ["staged", "parked", "failed"])
def test_whoever_was_told_to_wait_does_not_undo_what_another_has_begun(
    mailbox: Mailbox, store: Store, outbox: Outbox, outcome: Outcome
) -> None:
    """A worker is stopped between its permission to send, which was refused, and writing that down."""
    staged(mailbox)
    take_over(mailbox, store)
    mine = own(begin(outbox, "b"))
    outbox.record(ANA, 1, 0, outcome, wait=1)
    assert bubble(store) == ("sending", mine)
    assert outbox.record(ANA, 1, 0, "sent", identity="wamid", mine=mine)
    assert store.client.exists(key(ANA, "out")) == 0


def test_a_status_of_an_earlier_try_does_not_bring_back_the_one_that_is_on_its_way(
    mailbox: Mailbox, store: Store, outbox: Outbox
) -> None:
    """The first was taken, its answer lost, and it failed; by then the second is sent, and taken: it stands."""
    staged(mailbox)
    first = begin(outbox)
    outbox.record(ANA, 1, 0, "unknown", identity=own(first), wait=30, mine=own(first))
    speak_now(mailbox, store, "a")
    assert begin(outbox) == first
    assert outbox.settle(Status(ANA, first, "again", "131000", "wamid1", code=131000))
    assert outbox.record(ANA, 1, 0, "sent", identity="wamid2", mine=own(first))
    assert store.client.exists(key(ANA, "out")) == 0


def test_a_try_whose_failure_was_told_before_its_own_answer_comes_back(
    mailbox: Mailbox, store: Store, outbox: Outbox
) -> None:
    staged(mailbox)
    first = begin(outbox)
    assert outbox.settle(Status(ANA, first, "again", "131000", "wamid1", code=131000))
    outbox.record(ANA, 1, 0, "sent", identity="wamid1", mine=own(first))
    assert bubble(store) == ("staged", "")


def test_no_bubble_overtakes_one_that_came_back(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    """A status says that the first failed while its worker still waits for the answer, and would go on."""
    staged(mailbox, "one", "two")
    first = begin(outbox)
    assert outbox.settle(Status(ANA, first, "again", "131000", "wamid1", code=131000))
    outbox.record(ANA, 1, 0, "sent", identity="wamid1", mine=own(first))
    assert outbox.begin(ANA, "a", 1, 1, ()).permission == "settled"
    outbox.record(ANA, 1, 0, "sent", identity="wamid2", mine=own(begin(outbox)))
    assert outbox.begin(ANA, "a", 1, 1, ()).permission == "go"


@pytest.mark.parametrize("stage", ["delivered", "read"])
@pytest.mark.parametrize("outcome", ["again", "halted", "parked", "failed"])
def test_what_was_delivered_is_not_said_again_whatever_is_told_of_it(
    mailbox: Mailbox, store: Store, outbox: Outbox, stage: str, outcome: Literal["again", "halted", "parked", "failed"]
) -> None:
    outbox.calendar = Calendar(configured())
    staged(mailbox)
    reference = begin(outbox)
    outbox.record(ANA, 1, 0, "sent", identity="wamid", mine=own(reference))
    outbox.settle(Status(ANA, reference, "sent", "", "wamid", stage, 2.0))
    assert not outbox.settle(Status(ANA, reference, outcome, "131000", "wamid", "failed", 3.0, code=131000))
    assert store.client.exists(key(ANA, "out")) == 0
    assert (counted(store, "failed"), holds(store)) == (0, [])


def test_a_dead_account_loses_nothing_however_often_it_tells_so_later(store: Store) -> None:
    """It takes each bubble and says afterwards that it did not arrive: one is tried at a time, after longer waits."""
    world, channel = strict_world(store)
    asks(world, ANA)
    waits = []
    for count in range(12):
        refused = Status(ANA, channel.references[-1], "halted", "131042", str(count + 1), code=131042)
        assert Outbox(store).settle(refused)
        waits.append(hold_wait(store))
        is_time(store)
        hurry(store, ANA, BEA)
        world.answerer.answer(ANA)
        asks(world, *([BEA] if count == 0 else []))
        world.answerer.answer(BEA)
        assert len(channel.spoken) == count + 2
    assert waits[:3] == [60_000, 120_000, 240_000]
    assert max(waits) == 900_000
    Outbox(store).settle(Status(ANA, channel.references[-1], "sent", bubble="13"))
    assert holds(store) == []
    hurry(store, BEA)
    world.answerer.answer(BEA)
    assert channel.spoken[-1] == "re: 2 asks"
    assert counted(store, "failed") == 0


def test_a_bubble_that_was_taken_and_of_which_nothing_more_is_told_ends_the_hold(store: Store) -> None:
    """Statuses may be lost; a number that is well does not wait for them for ever."""
    world, channel = strict_world(store)
    asks(world, ANA)
    Outbox(store).settle(Status(ANA, channel.references[-1], "halted", "131042", "1", code=131042))
    is_time(store)
    hurry(store, ANA)
    world.answerer.answer(ANA)
    is_time(store, "try_until")
    asks(world, BEA)
    assert (channel.spoken[-1], holds(store)) == ("re: 2 asks", [])


def test_what_a_status_has_said_before_holds_no_number_that_was_mended(store: Store) -> None:
    world, channel = strict_world(store)
    asks(world, ANA)
    refused = Status(ANA, channel.references[0], "halted", "131031", "1", code=131031)
    Outbox(store).settle(refused)
    is_time(store)
    hurry(store, ANA)
    world.answerer.answer(ANA)
    Outbox(store).settle(Status(ANA, channel.references[1], "sent", bubble="2"))
    Outbox(store).settle(refused)
    assert holds(store) == []


def test_a_bubble_in_doubt_stays_so_while_its_channel_is_off(store: Store, mailbox: Mailbox, outbox: Outbox) -> None:
    """Its status may come yet: it is not taken for one that was never begun, and nobody looks again and again."""
    world, _ = strict_world(store)
    staged(mailbox)
    reference = begin(outbox)
    outbox.record(ANA, 1, 0, "unknown", identity=own(reference), mine=own(reference))
    mailbox.release(ANA, "a")
    world.channels.clear()
    world.answerer.answer(ANA)
    assert bubble(store) == ("unknown", own(reference))
    assert due_in_ms(store) > 50_000


def test_what_a_status_has_told_is_not_in_doubt_again(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    """Whoever took over has read "sending", and writes down its doubt after the status came: it is not sent again."""
    staged(mailbox, "one", "two")
    reference = begin(outbox)
    take_over(mailbox, store)
    assert outbox.settle(Status(ANA, reference, "sent"))
    outbox.record(ANA, 1, 0, "unknown", identity=own(reference), wait=30)
    assert (bubble(store), state(store, "speak_at")) == (("sent", ""), None)
    assert outbox.begin(ANA, "b", 1, 0, ()).permission == "settled"


def test_a_status_by_a_name_that_is_anothers_by_now_settles_the_bubble_all_the_same(
    mailbox: Mailbox, store: Store, outbox: Outbox
) -> None:
    """Our id of the bubble is what counts; the name only says where to look."""
    reference = in_doubt(mailbox, outbox, "one", "two")
    mailbox.alias("telegram:7123:9", ANA)
    assert outbox.settle(Status(ANA, reference, "sent"))
    assert bubble(store)[0] == "sent"
