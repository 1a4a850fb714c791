"""A turn and the model servers: one place each, the next server when one fails, and nobody waits in a thread."""

from __future__ import annotations

import gc
import logging
import weakref

import pytest

from bot import texts
from bot.errors import Rejected, Unavailable
from bot.stores import bell
from bot.stores import line as line_module
from bot.stores.connection import Store, key
from bot.stores.line import MODELS
from tests.unit.fates import Shaky, unrest
from tests.unit.mailboxes import ANA, BEA, due_in_ms, in_line, now_ms, state
from tests.unit.worlds import World
from workers.backends import Prompt
from workers.backends._answer import Answer

STANDING, BOOK = f"recado:line:{MODELS}", f"recado:line:{MODELS}:state"


@pytest.fixture
def world(world: World) -> World:
    world.served_by("one", "two")
    return world


def asked(world: World) -> list[str]:
    """Which servers were asked, in order."""
    return [prompt.server for prompt in world.backend.prompts]


def inside(store: Store, server: str) -> int:
    return int(store.client.zcard(f"recado:places:{MODELS}:{server}"))


def rest(store: Store, *servers: str) -> None:
    """These are left alone for a while."""
    store.client.hset(BOOK, mapping={f"rest:{server}": now_ms(store) + 9000 for server in servers})


def test_a_turn_has_a_place_while_it_is_thought_and_none_after(world: World, store: Store) -> None:
    seen: list[int] = []
    world.backend.during = lambda: seen.append(inside(store, "one"))
    assert world.answer("hello") == ["re: hello"]
    assert (seen, asked(world)) == ([1], ["one"])
    assert unrest(store) == []


def test_its_place_is_renewed_with_its_lease(world: World, store: Store) -> None:
    ends: list[float] = []

    def look() -> None:
        (held,) = world.answerer.held
        store.client.zadd("recado:places:models:one", {ANA: now_ms(store) + 100})
        world.mailbox.renew([(held.conversation, held.token, list(held.seats))])
        ends.append(store.client.zscore("recado:places:models:one", ANA) - now_ms(store))

    world.backend.during = look
    world.answer("hello")
    assert ends[0] > 10_000


def test_a_backend_without_servers_has_no_line(store: Store) -> None:
    plain = World(store)
    assert plain.answer("hello") == ["re: hello"]
    assert asked(plain) == [""]
    assert store.client.exists(BOOK) == 0


def test_a_command_needs_no_place(world: World, store: Store) -> None:
    rest(store, "one", "two")
    assert len(world.answer("/help")) == 1


def test_when_one_server_fails_the_next_one_is_asked_at_once(world: World, store: Store) -> None:
    world.backend.answers = [Unavailable("down")]
    assert world.answer("hello") == ["re: hello"]
    assert asked(world) == ["one", "two"]
    assert store.client.hget(BOOK, "failures:one") == b"1"
    assert unrest(store) == []


def test_what_a_server_broke_off_is_gone_with_the_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only when the garbage collector comes: the error knows all that was open then."""
    known: list[weakref.ref[BaseException]] = []

    class Down(Unavailable):
        def __init__(self) -> None:
            super().__init__("down")
            known.append(weakref.ref(self))

    def broken(prompt: Prompt) -> Answer:
        raise Down

    monkeypatch.setattr(world.backend, "stream", broken)
    monkeypatch.setattr(logging.getLogger("recado.turn"), "disabled", True)  # what a test captures, it keeps
    gc.disable()
    try:
        assert world.answer("hello") == []
        assert [error() for error in known] == [None, None]
    finally:
        gc.enable()


def test_when_all_fail_the_turn_waits_and_nothing_is_held(world: World, store: Store) -> None:
    world.backend.answers = [Unavailable("down")] * 2
    assert world.answer("hello") == []
    assert asked(world) == ["one", "two"]
    assert (inside(store, "one"), inside(store, "two"), store.client.zcard(STANDING)) == (0, 0, 0)
    assert store.client.exists(key(ANA, "lease")) == 0
    assert state(store, "waits") == "1"
    world.think_again()
    assert world.channel.spoken == ["re: hello"]


def test_when_only_the_last_wants_a_rest_the_turn_waits_for_the_other_and_holds_it_not(
    world: World, store: Store
) -> None:
    """The first has failed too, a moment ago: it is free, and asked again when the turn comes back."""
    world.backend.answers = [Unavailable("down"), Unavailable("busy", retry_after=9)]
    assert world.answer("hello") == []
    assert (inside(store, "one"), inside(store, "two"), store.client.zcard(STANDING)) == (0, 0, 0)
    assert state(store, "waits") == "1"
    for _ in range(2):
        world.think_again()
    assert asked(world) == ["one", "two", "one"]
    assert world.channel.spoken == [texts.SLOW.to("en"), "re: hello"]


def test_when_the_last_wants_a_rest_and_all_rest_the_turn_stands_in_the_line(world: World, store: Store) -> None:
    """It is woken by whoever finds a server well again, in its order, and not by the clock alone."""
    world.backend.answers = [Unavailable("busy", retry_after=9), Unavailable("busy", retry_after=9)]
    assert world.answer("hello") == []
    assert store.client.zrange(STANDING, 0, -1) == [ANA.encode()]
    assert (state(store, "waits"), store.client.exists(key(ANA, "lease"))) == (None, 0)
    store.client.delete(bell.QUEUE_KEY)
    world.answerer.places.tend()
    assert in_line(store) == []
    store.client.hset(BOOK, "rest:two", now_ms(store) - 1)
    world.answerer.places.tend()
    assert in_line(store) == [ANA]
    world.answerer.answer(ANA)
    assert world.channel.spoken == ["re: hello"]
    assert unrest(store) == []


def test_a_broken_server_holds_nobody_up_while_another_is_well(world: World, store: Store) -> None:
    """Its failures are counted over all turns; after five it is not asked any more."""
    world.backend.answers = [Unavailable("down"), "fine"] * 5
    for number in range(6):
        assert len(world.answer(f"hello {number}")) == 1
    assert asked(world) == ["one", "two"] * 5 + ["two"]


@pytest.mark.parametrize(("error", "told"), [(Rejected("never"), texts.APOLOGY.to("en")), (RuntimeError("bug"), None)])
def test_what_is_no_servers_fault_is_not_held_against_it(
    world: World, store: Store, error: Exception, told: str | None
) -> None:
    store.client.hset(BOOK, "failures:one", 4)
    world.backend.answers = [error]
    assert world.answer("hello") == ([told] if told else [])
    assert asked(world) == ["one"]
    assert store.client.hget(BOOK, "failures:one") == (None if told else b"4")
    assert inside(store, "one") == 0


def test_a_turn_without_a_place_waits_in_no_thread_and_is_no_attempt(world: World, store: Store) -> None:
    rest(store, "one", "two")
    assert world.answer("hello") == []
    assert world.backend.prompts == []
    assert store.client.exists(key(ANA, "lease")) == 0
    assert [state(store, name) for name in ("tries", "waits", "thinker")] == [None] * 3
    assert 0 < due_in_ms(store) <= 5000


def test_the_person_is_told_once_that_it_takes_long(store: Store) -> None:
    world = World(store, slow_notice_seconds=1)
    world.served_by("one")
    rest(store, "one")
    assert world.answer("hello") == []
    for _ in range(4):
        store.client.hset(key(ANA, "state"), "line_at", now_ms(store) - 2000)
        world.think_again()
    assert world.channel.spoken == [texts.SLOW.to("en")]
    store.client.hdel(BOOK, "rest:one")
    world.think_again()
    assert world.channel.spoken[1:] == ["re: hello"]
    assert unrest(store) == []


def test_two_people_and_one_place_are_answered_in_their_order(store: Store) -> None:
    world = World(store)
    world.served_by("one")

    def meanwhile() -> None:
        world.backend.during = lambda: None
        world.say("second", conversation=BEA)
        world.worker().answer(BEA)
        assert len(world.backend.prompts) == 1
        store.client.delete(bell.QUEUE_KEY)

    world.backend.during = meanwhile
    assert world.answer("first") == ["re: first"]
    assert in_line(store) == [BEA]
    world.answerer.answer(BEA)
    assert world.channel.spoken == ["re: first", "re: second"]
    assert unrest(store) == []


def test_a_worker_that_lost_its_turn_takes_no_place_away(world: World, store: Store) -> None:
    """The successor sits at the same server; the loser's leaving does not let a third one in beside it."""
    world.served_by("one")

    def take_over() -> None:
        world.backend.during = look
        store.client.delete(key(ANA, "lease"))
        world.worker().answer(ANA)

    def look() -> None:
        world.backend.during = lambda: None
        (loser, *_) = world.answerer.held
        world.answerer.places.give_back(loser)
        assert inside(store, "one") == 1

    world.backend.during = take_over
    assert world.answer("hello") == ["re: hello"]
    assert unrest(store) == []


def test_a_worker_that_leaves_gives_its_place_to_the_next(world: World, store: Store) -> None:
    world.served_by("one")

    def leave() -> None:
        world.backend.during = lambda: None
        world.answerer.abandon()
        assert inside(store, "one") == 0
        world.worker().answer(ANA)

    world.backend.during = leave
    assert world.answer("hello") == ["re: hello"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_was_thought_is_kept_though_redis_is_away_when_the_place_is_given_back(store: Store, when: str) -> None:
    """The place ends by itself; nobody thinks twice."""
    shaky = Shaky(store)
    world = World(shaky)
    world.served_by("one")
    shaky.away[line_module._leave] = [when]
    assert world.answer("hello") == ["re: hello"]
    assert len(world.backend.prompts) == 1
    assert 0 <= store.client.pttl("recado:places:models:one") <= 15_000 or inside(store, "one") == 0
    shaky.close()


def test_who_was_answered_without_the_line_stands_in_it_no_more(store: Store) -> None:
    """It stood before a full server, and then another model answered that has none."""
    world = World(store)
    world.served_by("one")
    rest(store, "one")
    assert world.answer("hello") == []
    assert store.client.zrange(STANDING, 0, -1) == [ANA.encode()]
    world.served_by()
    world.think_again()
    assert world.channel.spoken == ["re: hello"]
    assert store.client.exists(STANDING) == 0
