"""Why did this person get no answer? What is not answered at all, as the product itself left it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bot.errors import Blocked, Refused
from bot.message import Message
from bot.received import Status
from bot.stores.connection import Store, key
from bot.stores.meter import Calendar as Months
from bot.stores.outbox import Outbox
from tests.unit.bosses import Shop
from tests.unit.mailboxes import ANA
from tests.unit.showing import codes, look, value
from tests.unit.strict import strict_world
from tests.unit.worlds import World


def test_dead_letters_with_the_command_that_retries_them(store: Store, world: World) -> None:
    world.backend.answers = [ValueError("broken")] * 3
    world.answer("hello")
    for _ in range(3):
        world.think_again()

    assert codes(world) == ["dead"]
    assert f"python -m bot dead retry {ANA}" in look(world).sentences("es")[0]
    assert look(world).rows[0].state == "dead"
    assert "ValueError" in look(world).rows[0].why


@pytest.mark.parametrize(("order", "code"), [("/baja", "opted-out"), ("/humano", "handed-over")])
def test_they_have_opted_out_or_a_person_goes_on(store: Store, order: str, code: str) -> None:
    shop = Shop(store)
    shop.say(order)
    shop.say("hello")

    assert codes(shop.world) == [code]
    assert [row.why for row in look(shop.world).rows if row.state == "heard"] == [code.replace("-", " ")]


def test_until_when_a_person_goes_on_is_told(store: Store) -> None:
    shop = Shop(store)
    shop.say("/humano")

    assert value(shop.world, "handed-over", "until") > look(shop.world).now
    assert f"handover resume {ANA}" in look(shop.world).sentences("en")[0]


def test_the_business_has_answered_itself(store: Store, world: World) -> None:
    world.mailbox.accept([Message("o1", ANA, "hello from us", ours=True)])
    assert "owner" in codes(world)
    assert look(world).rows[-1].who == "business"


def test_their_quota_is_spent(store: Store) -> None:
    """Once, although the last thing that they said was heard for the same reason."""
    world = World(store, quota_messages_per_day=1)
    world.answer("one")
    assert codes(world) == ["quota"]
    world.answer("two")
    assert codes(world) == ["quota"]
    assert look(world).rows[2].why == "quota"


def test_a_stranger_is_not_let_in(store: Store) -> None:
    world = World(store, access="list")
    world.answer("hello")

    assert codes(world) == ["not-admitted"]
    assert "access add fake:1" in look(world).sentences("en")[0]


@pytest.mark.parametrize(
    ("error", "code"), [(Blocked("403: bot was blocked"), "blocked"), (Refused("400: no"), "refused")]
)
def test_the_platform_did_not_take_the_answer(store: Store, world: World, error: Exception, code: str) -> None:
    world.channel.fail = [error]
    world.answer("/help")

    assert codes(world) == [code]
    assert look(world).rows[-1].bubbles == ("failed",)
    world.answer("/help")
    assert codes(world) == ["answered"]


def test_whoever_did_not_write_again_lost_an_answer(store: Store) -> None:
    world, channel = strict_world(store)
    channel.closed = True
    world.answer("hello")
    store.client.hset(key(ANA, "state"), "parked", 1)
    store.client.hdel(key(ANA, "state"), "speak_at")
    world.answerer.answer(ANA)

    assert codes(world) == ["not-written"]


@pytest.mark.parametrize("stage", ["delivered", "read", "failed"])
def test_what_the_platform_tells_later_of_a_bubble_is_shown(store: Store, world: World, stage: str) -> None:
    meter = Outbox(store)
    meter.calendar = Months(world.settings)
    world.answer("/help")
    outcome: Any = "failed" if stage == "failed" else "sent"
    bubble, at = str(len(world.channel.spoken)), time.time()
    meter.settle(Status(ANA, world.channel.references[-1], outcome, bubble=bubble, stage=stage, at=at))

    assert codes(world) == ["undelivered" if stage == "failed" else "answered"]
    assert look(world).rows[-1].bubbles == ("undelivered" if stage == "failed" else stage,)
