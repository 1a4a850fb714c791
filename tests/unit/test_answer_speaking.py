"""Speaking, on a real mailbox: each bubble once, in order, whatever the platform says and whoever dies."""

from __future__ import annotations

import time

import pytest

from bot.errors import Blocked, DeliveryError, RateLimited, Refused, Undelivered, Unknown
from bot.message import Limit
from bot.stores import bell
from bot.stores.connection import Store, key
from bot.stores.outbox import Outbox
from tests.unit.bubbles import grown
from tests.unit.fates import EditingChannel
from tests.unit.mailboxes import ANA, BEA, counted, due_in_ms
from tests.unit.worlds import World


def test_a_message_is_answered_and_everything_is_at_rest(world: World) -> None:
    assert world.answer("hello") == ["re: hello"]
    assert world.rest()
    assert world.channel.typing == ["1"]


def test_long_answers_come_in_their_bubbles_and_order(world: World) -> None:
    world.backend.answers = ["one|two|three"]
    assert world.answer("hello") == ["one", "two", "three"]
    assert world.rest()


def test_a_bubbles_reference_is_its_own_and_the_same_each_time(world: World) -> None:
    """Our id, by which a platform's status finds its bubble: not another's, and not a new one for a second try."""
    world.backend.answers = ["one|two"]
    world.channel.fail = [Unknown("lost")]
    world.answer("hello")
    world.come_back()
    world.answer("again")
    world.say("hello", conversation=BEA)
    world.answerer.answer(BEA)
    again, *different = world.channel.references
    assert again == different[0]
    assert len(set(different)) == len(different) == 4
    assert not any(ANA in reference for reference in different)


@pytest.mark.parametrize("error", [RateLimited("slow down", 0.05), Unknown("lost")])
def test_a_bubble_that_must_wait_holds_back_the_later_ones(world: World, error: DeliveryError) -> None:
    """The first bubble went, the second waits: the third is not sent before it."""
    world.backend.answers = ["one|two|three"]
    world.channel.fail = [None, error]
    before = ["one", "two"] if isinstance(error, Unknown) else ["one"]
    assert world.answer("hello") == before
    world.come_back()
    assert world.channel.spoken == [*before, "two", "three"]
    assert world.rest()


def test_a_platform_that_wants_no_pause_is_not_asked_without_one(world: World) -> None:
    """ "Retry after 0", a thousand times: each time a bubble waits a moment, and its worker is free."""
    world.channel.fail = [RateLimited("later", 0)] * 1000
    world.say("hello")
    world.store.client.delete(bell.QUEUE_KEY)
    world.answerer.answer(ANA)
    asked = world.channel.calls
    assert asked < 5
    world.come_back()
    assert asked < world.channel.calls < 10


def test_what_was_not_taken_is_sent_again(world: World) -> None:
    world.channel.fail = [Undelivered("no network")]
    assert world.answer("hello") == []
    world.store.client.hdel(key(ANA, "state"), "speak_at")
    world.answerer.answer(ANA)
    assert world.channel.spoken == ["re: hello"]


def test_a_refused_bubble_does_not_hold_back_the_others(world: World) -> None:
    world.backend.answers = ["one|two"]
    world.channel.fail = [Refused("too odd")]
    assert world.answer("hello") == ["two"]
    assert world.rest()
    assert counted(world.store, "failed") == 1


def test_a_closed_chat_gets_nothing_more_of_this_reply(world: World) -> None:
    world.backend.answers = ["one|two"]
    world.channel.fail = [Blocked("gone")]
    assert world.answer("hello") == []
    assert world.rest()


def test_a_bubble_that_always_breaks_the_channel_is_given_up_for_those_behind_it(world: World) -> None:
    """Unknown once, for nobody knows how far it came; then failed, and the conversation goes on."""
    world.backend.answers = ["one|two"]
    world.channel.fail = [ValueError("a bug"), ValueError("a bug")]
    assert world.answer("hello") == []
    assert (counted(world.store, "unknown"), counted(world.store, "failed")) == (1, 0)
    world.come_back()
    assert (counted(world.store, "unknown"), counted(world.store, "failed")) == (1, 1)
    assert world.channel.spoken == ["two"]
    assert world.answer("again") == ["re: again"]
    assert world.rest()


def test_a_bubble_in_doubt_after_a_crash_is_counted_and_waits_before_it_goes_again(world: World) -> None:
    """A worker died between `sending` and the outcome: nobody knows what became of it."""
    world.channel.fail = [SystemExit()]
    with pytest.raises(SystemExit):
        world.answer("hello")
    world.crash()
    world.answerer.answer(ANA)
    assert world.channel.calls == 1
    assert counted(world.store, "unknown") == 1
    world.come_back()
    assert world.channel.spoken == ["re: hello"]
    assert world.rest()


def test_the_platforms_limits_are_shared_and_kept(world: World) -> None:
    """Two bubbles a window, whichever worker sends them; the third leaves when its time has come."""
    world.channel.rate = (Limit("fake:7", 2, 1),)
    started = time.monotonic()
    for person in range(3):
        world.say("hello", conversation=f"fake:7:{person}")
        world.worker().answer(f"fake:7:{person}")
    assert len(world.channel.spoken) == 2
    while len(world.channel.spoken) < 3:
        assert time.monotonic() - started < 30
        time.sleep(0.01)
        world.answerer.answer("fake:7:2")
    assert time.monotonic() - started >= 0.49


def test_a_channel_that_is_off_loses_no_message(world: World) -> None:
    world.say("hello")
    world.channels.clear()
    world.answerer.answer(ANA)
    assert not world.rest()
    world.channels["fake"] = world.channel
    world.think_again()
    assert world.channel.spoken == ["re: hello"]


def test_a_channel_that_is_switched_off_before_the_reply_went_loses_no_reply(world: World, store: Store) -> None:
    """The reply waits a minute at a time; the operator is told, and it goes when the channel is back."""
    world.channel.fail = [RateLimited("later", 0.01)]
    world.answer("hello")
    world.channels.clear()
    world.come_back()
    assert 50_000 < due_in_ms(store) <= 60_000
    world.channels["fake"] = world.channel
    store.client.hdel(key(ANA, "state"), "pause_at")
    world.answerer.answer(ANA)
    assert world.channel.spoken == ["re: hello"]
    assert world.rest()


def test_a_stray_opening_is_counted_though_the_next_worker_must_wait(store: Store, channel: EditingChannel) -> None:
    """Dead between an opening's send and its id; the next one waits for a limit before it opens the bubble anew."""
    world = World(store, channel=channel)
    world.say("hello")
    world.mailbox.take(ANA, "a")
    world.mailbox.commit(ANA, "a", 1, grown(1, "one two three four five six"))
    assert Outbox(store).begin(ANA, "a", 1, 0, (), mode="open").permission == "go"
    channel.deliver("one …")
    world.crash()
    channel.rate = (Limit("one", 1, 60),)
    assert Outbox(store).spare(BEA, channel.rate)
    world.answerer.answer(ANA)
    assert (channel.shown, counted(store, "stray")) == (["one …"], 0)
    channel.rate, channel.fail = (), [Undelivered("down")]
    for _ in range(2):
        store.client.hdel(key(ANA, "state"), "speak_at", "permit")
        world.answerer.answer(ANA)
    assert (channel.shown, counted(store, "stray")) == (["one …", "one two three four five six"], 1)
    assert world.rest()


@pytest.mark.parametrize("which", ["fail", "fail_edits"])
def test_a_growing_bubble_that_always_breaks_the_channel_is_given_up_too(
    store: Store, channel: EditingChannel, which: str
) -> None:
    """Its opening is tried twice, for nobody knows what became of the first one; an edit is tried once."""
    world = World(store, channel=channel)
    setattr(channel, which, [ValueError("a bug")] * 9)
    world.answer("hello")
    for _ in range(3):
        store.client.hdel(key(ANA, "state"), "speak_at")
        world.answerer.answer(ANA)
    assert (len(getattr(channel, which)), world.rest()) == (7 if which == "fail" else 8, True)
