"""Why did this person get no answer? What was thought and is not said, or not heard, as the product itself left it."""

from __future__ import annotations

import time

import pytest

from bot.errors import RateLimited, Undelivered, Unknown
from bot.message import Limit, Piece, Reply
from bot.stores import alias, outbox
from bot.stores.connection import Store, key
from tests.unit.mailboxes import ANA, BEA
from tests.unit.showing import CEM, codes, look, value
from tests.unit.strict import strict_world
from tests.unit.worlds import World


def test_their_number_is_on_hold_and_what_to_do(store: Store) -> None:
    world, channel = strict_world(store)
    channel.dead = {"one"}
    world.answer("hello")

    assert codes(world) == ["held"]
    assert "the token has expired" in look(world).sentences("es")[0]
    assert look(world).rows[-1].state == "undelivered"


def test_a_hold_is_told_to_who_has_nothing_waiting_too(store: Store) -> None:
    world, channel = strict_world(store)
    world.answer("hello")
    channel.dead = {"one"}
    world.say("hello", conversation=BEA)
    world.answerer.answer(BEA)

    assert codes(world) == ["held"]


@pytest.mark.parametrize("known", [True, False])
def test_the_window_is_closed_and_they_must_write_first(store: Store, known: bool) -> None:
    """Whether the platform has said so, or it is known without asking."""
    world, channel = strict_world(store)
    channel.closed = not known
    world.say("hello")
    if known:
        store.client.hset(key(ANA, "state"), "heard_at", 1)
    world.answerer.answer(ANA)

    assert codes(world) == ["window"]
    assert look(world).rows[-1].bubbles == ("parked",)


def test_a_bubble_is_in_doubt_until_when(store: Store, world: World) -> None:
    world.channel.unknown_seconds = 30
    world.channel.fail = [Unknown("lost")]
    world.answer("/help")

    assert codes(world) == ["in-doubt"]
    assert 20_000 < value(world, "in-doubt", "until") - look(world).now <= 30_000
    assert look(world).rows[-1].bubbles == ("unknown",)


@pytest.mark.parametrize("everybody", [True, False])
def test_the_platform_wants_a_pause_until_when(store: Store, world: World, everybody: bool) -> None:
    world.channel.rate = (Limit("fake:7", 30, 1),)
    world.channel.fail = [RateLimited("slow", 20, everybody=everybody)]
    world.answer("/help")

    assert codes(world) == ["platform-pause"]
    assert 15_000 < value(world, "platform-pause", "until") - look(world).now <= 20_000


def test_our_own_limits_are_told_apart_from_the_platforms(store: Store, world: World) -> None:
    world.channel.rate = (Limit("fake:7", 1, 60),)
    world.answer("/help")
    world.answer("/help")

    assert codes(world) == ["own-limit"]


def test_the_platform_was_not_reached_so_often(store: Store, world: World) -> None:
    world.channel.fail = [Undelivered("no network")]
    world.answer("/help")

    assert codes(world) == ["speak-again"]
    assert value(world, "speak-again", "times") == 1


def test_a_number_that_is_somebody_elses_now_waits_for_its_person(store: Store, world: World) -> None:
    world.answer("hello")
    world.say("hello", conversation=BEA)
    alias.link(store, BEA, ANA, freed=True, at=time.time(), told="t")
    world.say("late", conversation=CEM)
    owed = store.client.hget(key(ANA, "state"), "gone")
    store.client.rpush(key(ANA, "out"), outbox.pack(Reply(0, (Piece("owed"),))))

    assert owed == b"1"
    assert codes(world) == ["gone"]
