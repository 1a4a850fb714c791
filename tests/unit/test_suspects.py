"""A turn whose worker died is thought again; one that may be what killed it runs alone, and ends after five deaths."""

from __future__ import annotations

import pytest

from bot import texts
from bot.errors import Unavailable
from bot.stores.connection import Store, key
from bot.stores.history import History
from bot.stores.line import SUSPECTS
from tests.unit.fates import EditingChannel, Killed, Steps, unrest
from tests.unit.mailboxes import ANA, BEA, counted, in_line, known, now_ms, state
from tests.unit.worlds import FakeStream, World
from workers.backends import Prompt

SEAT = f"recado:places:{SUSPECTS}:one"
STANDING = f"recado:line:{SUSPECTS}"


class Poisoned(World):
    """A world in which a worker that thinks about ``poison`` is gone at once, and can do nothing more."""

    def __init__(self, store: Store) -> None:
        self.steps = Steps(store)
        super().__init__(self.steps, channel=EditingChannel())
        stream = self.backend.stream

        def deadly(prompt: Prompt) -> FakeStream:
            if "poison" in prompt.turns[-1].text:
                self.steps.die()
            return stream(prompt)

        self.backend.stream = deadly  # type: ignore[method-assign]

    def die(self, conversation: str = ANA) -> None:
        """One more worker takes it up and dies; the time of its lease and of its place passes."""
        with pytest.raises(Killed):
            self.answerer.answer(conversation)
        self.succeed(conversation)

    def succeed(self, conversation: str = ANA) -> None:
        self.steps.dead = False
        self.store.client.delete(key(conversation, "lease"), SEAT)
        self.store.client.hdel(key(conversation, "state"), "think_at")
        self.answerer = self.worker()

    def suspect(self, conversation: str, deaths: int = 2) -> None:
        """This conversation's next turn has lost so many workers."""
        self.say("hello", conversation=conversation)
        self.store.client.hset(key(conversation, "state"), "deaths", deaths)


@pytest.fixture
def world(store: Store) -> Poisoned:
    return Poisoned(store)


def test_two_deaths_and_five_alone_end_in_an_apology(world: Poisoned, store: Store) -> None:
    """Not fewer; the batch and the reason are kept, and the conversation goes on."""
    world.say("poison")
    for number in range(7):
        assert known(store)[:2] == [
            str(min(number - 1, 2)) if number > 1 else None,
            str(number - 3) if number > 3 else None,
        ]
        world.die()
    world.answerer.answer(ANA)
    assert world.channel.spoken[0].endswith("…")
    assert isinstance(world.channel, EditingChannel)
    assert world.channel.shown == [texts.APOLOGY.to("en")]
    assert b"poison" in store.client.lindex(key(ANA, "dead"), 0)
    assert (counted(store, "dead"), counted(store, "deaths")) == (1, 7)
    assert state(store, "dead_reason") == "its worker died 5 times"
    store.client.delete(SEAT)
    assert unrest(store) == []
    assert "poison" not in str(History(store).tail(ANA, 0, 1000))
    world.say("hello")
    world.answerer.answer(ANA)
    assert world.channel.shown[1:] == ["re: hello"]


def test_an_innocent_suspect_is_answered_and_forgotten_to_be_one(world: Poisoned, store: Store) -> None:
    seen: list[set[bytes]] = []
    world.backend.during = lambda: seen.append(set(store.client.zrange(SEAT, 0, -1)))
    world.suspect(ANA)
    world.answerer.answer(ANA)
    assert world.channel.shown == ["re: hello"]  # type: ignore[attr-defined]
    assert seen == [{ANA.encode()}]
    assert unrest(store) == []


def test_who_lost_one_worker_is_no_suspect(world: Poisoned, store: Store) -> None:
    seen: list[int] = []
    world.backend.during = lambda: seen.append(store.client.exists(SEAT))
    world.suspect(ANA, deaths=1)
    world.answerer.answer(ANA)
    assert seen == [0]


def test_suspects_run_one_at_a_time_and_the_next_is_woken(world: Poisoned, store: Store) -> None:
    """The second waits without a worker and without being struck; then it is its turn."""
    for person in (ANA, BEA):
        world.suspect(person)

    def meanwhile() -> None:
        world.backend.during = lambda: None
        world.worker().answer(BEA)
        assert len(world.backend.prompts) == 1
        assert store.client.zrange(STANDING, 0, -1) == [BEA.encode()]
        assert store.client.exists(key(BEA, "lease")) == 0
        store.client.delete("rq:queue:recado")

    world.backend.during = meanwhile
    world.answerer.answer(ANA)
    assert in_line(store) == [BEA]
    world.answerer.answer(BEA)
    assert len(world.channel.shown) == 2  # type: ignore[attr-defined]
    assert store.client.hget(key(BEA, "state"), "strikes") is None
    assert unrest(store) == []


def test_a_dead_suspects_place_goes_to_the_next(world: Poisoned, store: Store) -> None:
    world.say("poison")
    world.store.client.hset(key(ANA, "state"), "deaths", 2)
    with pytest.raises(Killed):
        world.answerer.answer(ANA)
    world.steps.dead = False
    world.answerer = world.worker()
    world.suspect(BEA)
    world.answerer.answer(BEA)
    assert len(world.backend.prompts) == 0
    store.client.zadd(SEAT, {ANA: now_ms(store) - 1})
    world.answerer.places.tend()
    world.answerer.answer(BEA)
    assert world.channel.shown[-1] == "re: hello"  # type: ignore[attr-defined]


def test_a_suspect_that_must_wait_for_a_model_lets_the_other_suspects_go_first(world: Poisoned, store: Store) -> None:
    world.served_by("one", "two")
    for server in ("one", "two"):
        store.client.hset("recado:line:models:state", f"rest:{server}", now_ms(store) + 9000)
    world.suspect(ANA)
    world.answerer.answer(ANA)
    assert store.client.zrange("recado:line:models", 0, -1) == [ANA.encode()]
    assert store.client.exists(SEAT, STANDING) == 0
    assert (state(store, "suspect"), state(store, "thinker")) == (None, None)


def test_a_suspect_whose_model_is_away_is_not_struck_for_it(world: Poisoned, store: Store) -> None:
    world.suspect(ANA)
    world.backend.answers = [Unavailable("away")]
    world.answerer.answer(ANA)
    world.succeed()
    world.answerer.answer(ANA)
    assert world.channel.shown[-1] == "re: hello"  # type: ignore[attr-defined]
    assert counted(store, "deaths") == 0
    assert unrest(store) == []


def test_exceptions_are_tries_and_no_deaths_and_say_what_broke(world: Poisoned, store: Store) -> None:
    world.say("hello")
    world.backend.answers = [KeyError("bug")] * 3
    for _ in range(3):
        world.think_again()
    assert state(store, "dead_reason") == "3 x KeyError"
    assert counted(store, "deaths") == 0


def test_a_worker_that_leaves_strikes_none_of_its_turns(world: Poisoned, store: Store) -> None:
    """Also not when it gave the turn back in the middle of thinking, with its place among the suspects."""
    world.suspect(ANA)

    def leave() -> None:
        world.backend.during = lambda: None
        world.answerer.abandon()
        assert store.client.exists(SEAT) == 0
        world.worker().answer(ANA)

    world.backend.during = leave
    world.answerer.answer(ANA)
    assert counted(store, "deaths") == 0
    assert world.channel.shown == ["re: hello"]  # type: ignore[attr-defined]
    assert unrest(store) == []
