"""A day after somebody last wrote: our words wait, they are asked once to write, and all leaves when they do."""

from __future__ import annotations

import pytest

from bot.errors import Parked, Refused, Undelivered, Unknown
from bot.received import Status
from bot.stores.connection import Store, key
from bot.stores.outbox import Outbox
from tests.unit.fates import Workers, unrest
from tests.unit.mailboxes import ANA, DAY, counted, due_in_ms, now_ms, state
from tests.unit.strict import StrictChannel, goes_on, hears, strict_world, told_by
from tests.unit.worlds import World


def a_day_passes(store: Store) -> None:
    store.client.hset(key(ANA, "state"), "heard_at", now_ms(store) - DAY - 1)


def answered_too_late(world: World, channel: StrictChannel) -> None:
    """The model took so long that the window has closed."""
    world.backend.during = lambda: a_day_passes(world.store)
    world.say("hello")
    goes_on(world)
    world.backend.during = lambda: None
    assert channel.spoken == []


def test_nothing_is_said_after_a_day_and_everything_when_they_write(store: Store) -> None:
    """Without a call that the platform would refuse; both answers leave, in their order."""
    world, channel = strict_world(store)
    answered_too_late(world, channel)
    assert (channel.calls, counted(store, "parked"), counted(store, "failed")) == (0, 1, 0)
    assert 29 * DAY < due_in_ms(store) <= 30 * DAY
    assert hears(world, channel, "still there?") == ["re: hello", "re: still there?"]
    assert unrest(store) == []


def test_on_a_channel_without_a_window_a_late_answer_leaves(store: Store) -> None:
    world, channel = strict_world(store)
    vars(channel)["window_seconds"] = 0
    world.backend.during = lambda: a_day_passes(store)
    assert hears(world, channel, "hello") == ["re: hello"]


def test_an_hour_before_the_end_it_is_said(store: Store) -> None:
    world, channel = strict_world(store)
    world.backend.during = lambda: store.client.hset(key(ANA, "state"), "heard_at", now_ms(store) - DAY + 3_600_000)
    assert hears(world, channel, "hello") == ["re: hello"]


def test_they_are_asked_to_write_once_and_the_answer_leaves_when_they_do(store: Store) -> None:
    world, channel = strict_world(store, template=True)
    answered_too_late(world, channel)
    assert channel.asked == [ANA]
    for _ in range(2):
        goes_on(world)
    assert channel.asked == [ANA]
    assert 29 * DAY < due_in_ms(store) <= 30 * DAY
    assert hears(world, channel, "yes") == ["re: hello", "re: yes"]
    assert unrest(store) == []


def test_what_the_platform_says_of_the_window_counts_where_we_believed_it_open(store: Store) -> None:
    world, channel = strict_world(store, template=True)
    channel.closed = True
    assert hears(world, channel, "hello") == []
    assert (channel.asked, channel.calls) == ([ANA], 1)
    channel.closed = False
    assert hears(world, channel, "yes") == ["re: hello", "re: yes"]
    assert unrest(store) == []


def test_a_status_that_says_so_later_brings_the_answer_back_and_asks_them(store: Store) -> None:
    world, channel = strict_world(store, template=True)
    assert hears(world, channel, "hello") == ["re: hello"]
    told = Status(ANA, channel.references[0], "parked", "131047", "1", code=131047)
    for _ in range(2):
        assert Outbox(store).settle(told)
        goes_on(world)
    assert (channel.asked, channel.spoken) == ([ANA], ["re: hello"])
    assert hears(world, channel, "yes") == ["re: hello", "re: yes"]
    assert unrest(store) == []


def test_who_writes_while_they_are_being_asked_gets_the_answer_at_once(store: Store) -> None:
    world, channel = strict_world(store, template=True)
    channel.after = lambda what: world.say("yes") if what == "ask" else None
    world.backend.during = lambda: a_day_passes(store)
    world.say("hello")
    world.answerer.answer(ANA)
    world.backend.during = lambda: None
    while not world.rest():
        world.answerer.answer(ANA)
    assert channel.spoken == ["re: hello", "re: yes"]


def test_an_invitation_that_is_refused_leaves_the_answer_waiting(store: Store) -> None:
    """Its template is wrong: the operator counts that, and the answer is kept as if there were none."""
    world, channel = strict_world(store, template=True)
    channel.fail = [Refused("132001: no such template")]
    answered_too_late(world, channel)
    assert (channel.asked, counted(store, "failed")) == ([], 1)
    assert hears(world, channel, "yes") == ["re: hello", "re: yes"]
    assert unrest(store) == []


def test_an_invitation_in_doubt_waits_for_its_status(store: Store) -> None:
    world, channel = strict_world(store, template=True)
    channel.fail = [Unknown("lost")]
    answered_too_late(world, channel)
    [reference] = channel.references
    assert Outbox(store).settle(Status(ANA, reference, "sent", bubble="template-1"))
    world.answerer.answer(ANA)
    assert channel.asked == [ANA]
    assert due_in_ms(store) > 29 * DAY


def test_an_invitation_that_was_not_taken_is_sent_again(store: Store) -> None:
    world, channel = strict_world(store, template=True)
    channel.fail = [Undelivered("no network")]
    answered_too_late(world, channel)
    assert channel.asked == []
    store.client.hdel(key(ANA, "state"), "speak_at")
    world.answerer.answer(ANA)
    assert channel.asked == [ANA]


def test_an_invitation_that_does_not_arrive_is_not_repeated(store: Store) -> None:
    world, channel = strict_world(store, template=True)
    answered_too_late(world, channel)
    assert not Outbox(store).settle(Status(ANA, channel.references[0], "again", "131000", "template-1", code=131000))
    world.answerer.answer(ANA)
    assert channel.asked == [ANA]


def test_after_a_month_nobody_waits_for_them_any_more(store: Store) -> None:
    world, channel = strict_world(store)
    answered_too_late(world, channel)
    store.client.hincrby(key(ANA, "state"), "parked", -30 * DAY)
    store.client.hdel(key(ANA, "state"), "speak_at")
    world.answerer.answer(ANA)
    assert (channel.spoken, counted(store, "failed")) == ([], 1)
    assert unrest(store) == []


def test_what_is_in_doubt_when_the_window_closes_is_not_said_twice(store: Store) -> None:
    """Its status may still come, and counts; only then is it known that nothing waits."""
    world, channel = strict_world(store)
    channel.fail = [Unknown("lost")]
    world.answer("hello")
    a_day_passes(store)
    world.come_back()
    assert channel.spoken == ["re: hello"]
    assert (state(store, "piece:1:0") or "").startswith("parked:")
    assert Outbox(store).settle(Status(ANA, channel.references[0], "sent", bubble="1"))
    assert hears(world, channel, "yes") == ["re: yes"]


def test_the_owner_hears_once_a_day_that_somebody_must_write(store: Store) -> None:
    world, channel = strict_world(store)
    told = told_by(world)
    answered_too_late(world, channel)
    hears(world, channel, "yes")
    channel.fail = [Parked("131047")]
    hears(world, channel, "and?")
    [once] = told
    assert once.startswith("closed:7:")


@pytest.mark.parametrize("template", [False, True])
def test_killed_at_any_step_of_a_closed_window(store: Store, *, template: bool) -> None:
    """Who is asked to write is asked once at most while a status tells of it; the answer is there when they do."""
    for at in range(1, 60):
        store.client.flushall()
        channel = StrictChannel(template=template)
        workers = Workers(store, channel)
        workers.heir.say("when?")
        workers.first.backend.during = workers.heir.backend.during = lambda: a_day_passes(store)
        workers.steps.at, workers.steps.fate = at, workers.steps.die
        workers._answer(workers.first, workers.steps)
        workers.expire()
        told: set[str] = set()
        for _ in range(6):
            workers.heir.answerer.answer(ANA)
            for reference in set(channel.references) - told:
                Outbox(store).settle(Status(ANA, reference, "sent", bubble=f"wamid-{reference}"))
                told.add(reference)
            if (state(store, "parked") or "") == "":
                store.client.hdel(key(ANA, "state"), "speak_at", "think_at")
        assert channel.spoken == [], at
        assert channel.asked == ([ANA] if template else []), at
        workers.first.backend.during = workers.heir.backend.during = lambda: None
        workers.heir.say("yes")
        workers.finish()
        assert len(channel.spoken) == 4, (at, channel.spoken)
        assert unrest(store) == []
        if workers.steps.count < at:
            break
    assert at > 15
