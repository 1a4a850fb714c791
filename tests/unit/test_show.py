"""Why did this person get no answer? What waits to be thought, in the very state that the product's own steps made."""

from __future__ import annotations

import time

from bot.errors import Unavailable
from bot.show import Shown
from bot.stores.connection import Store, key
from bot.stores.erase import ERASING
from tests.unit.mailboxes import ANA, BEA
from tests.unit.showing import CEM, codes, employ, look, value
from tests.unit.worlds import World


def test_of_a_stranger_nothing_was_ever_received(store: Store, world: World) -> None:
    assert codes(world, "fake:7:55") == ["nothing"]
    assert "fake:7:55" in look(world, "fake:7:55").sentences("en")[0]


def test_all_is_answered_and_when(store: Store, world: World) -> None:
    before = int(time.time() * 1000) - 1000
    world.answer("hello")

    assert codes(world) == ["answered"]
    assert before < value(world, "answered", "since") < before + 60_000


def test_a_body_in_quarantine_that_names_them_is_told(store: Store, world: World) -> None:
    world.mailbox.quarantine("fake", b'{"from": 1}')

    assert codes(world, "1") == ["quarantined"]
    world.answer("hello")
    assert codes(world, "1") == ["answered", "quarantined"]


def test_what_was_reset_is_not_called_answered(store: Store, world: World) -> None:
    world.answer("/reset")
    store.client.delete(key(ANA, "spoken"))

    assert codes(world) == ["quiet"]


def test_who_wants_all_erased_is_being_erased(store: Store, world: World) -> None:
    world.answer("hello")
    store.client.hset(ERASING, ANA, "1")

    assert codes(world) == ["erasing"]


# -- waiting to be thought -------------------------------------------------------------------------------


def test_it_waits_for_the_burst_to_end(store: Store) -> None:
    world = World(store, quiet=5, debounce_seconds=5, debounce_max_seconds=9)
    world.say("hello")
    world.answerer.answer(ANA)

    assert codes(world) == ["listening"]
    assert 4000 < value(world, "listening", "until") - look(world).now <= 5000


def test_it_waits_for_a_worker_and_there_is_none(store: Store) -> None:
    world = World(store, debounce_seconds=0)
    world.say("hello")

    assert codes(world) == ["no-worker"]
    assert "python -m workers run" in look(world).sentences("en")[0]


def test_it_waits_for_a_worker_behind_others(store: Store) -> None:
    world = World(store, debounce_seconds=0)
    employ(store)
    for who in (BEA, CEM, ANA):
        world.say("hello", conversation=who)

    assert codes(world) == ["worker-busy"]
    assert (value(world, "worker-busy", "before"), value(world, "worker-busy", "workers")) == (2, 1)


def test_its_wake_up_was_lost_and_it_is_rung_again(store: Store) -> None:
    world = World(store, debounce_seconds=0)
    employ(store)
    world.say("hello")
    store.client.delete("rq:queue:recado")

    assert codes(world) == ["rung-again"]


def test_it_is_being_answered_by_whom_and_since_when(store: Store) -> None:
    """As RQ's books say it."""
    world = World(store)
    world.say("hello")
    job = store.client.lpop("rq:queue:recado").decode()
    store.client.hset(f"rq:job:{job}", mapping={"worker_name": "w1", "started_at": "2026-01-02T03:04:05.000006Z"})
    seen: list[Shown] = []
    world.backend.during = lambda: seen.append(look(world))
    world.answerer.answer(ANA)
    [finding] = seen[0].findings

    assert finding.code == "thinking"
    assert finding.values["worker"] == "w1"
    assert finding.told()["since"] == "2026-01-02T03:04:05.000+00:00"
    assert 0 < finding.values["left"] <= 15
    assert seen[0].rows[-1].state == "being answered"


def test_its_answer_is_being_sent(store: Store, world: World) -> None:
    seen: list[str] = []
    world.channel.before = lambda call: seen.extend(codes(world) if call == "speak" else [])
    world.answer("/help")

    assert seen == ["speaking"]


def test_it_waits_for_a_place_at_the_model(store: Store, world: World) -> None:
    world.served_by("http://one")
    world.backend.during = lambda: [world.worker().answer(who) for who in (BEA, ANA)]  # type: ignore[assignment]
    world.say("hello", conversation=BEA)
    world.say("hello")
    seen: list[list[str]] = []
    world.channel.before = lambda _: seen.append(codes(world))
    world.say("hello", conversation=CEM)
    world.answerer.answer(CEM)

    assert ["in-line"] in seen
    world.backend.during = lambda: None


def test_its_model_is_away_and_why(store: Store, world: World) -> None:
    world.backend.answers = [Unavailable("http://user:secret@host/ does not answer")]
    world.answer("hello")

    assert codes(world) == ["model-away"]
    assert "does not answer" in value(world, "model-away", "why")
    assert "secret" not in look(world).sentences("en")[0]


def test_its_server_is_left_alone_until_when(store: Store, world: World) -> None:
    world.served_by("http://one")
    world.backend.answers = [Unavailable("down", 30)] * 9
    world.say("hello")
    for _ in range(5):
        store.client.hdel("recado:line:models:state", "rest:http://one")
        world.think_again()

    assert codes(world) == ["server-away", "in-line", "last-try"]
    assert value(world, "last-try", "why") == "down"
    assert value(world, "server-away", "times") == 5
    assert value(world, "server-away", "until") > look(world).now


def test_it_failed_and_is_tried_again_and_why(store: Store, world: World) -> None:
    world.backend.answers = [ValueError("what a person said")]
    world.answer("hello")

    assert codes(world) == ["tried"]
    assert (value(world, "tried", "times"), value(world, "tried", "why")) == (1, "ValueError")
    assert "what a person said" not in str(look(world).told(text=False))


def test_what_was_deferred_says_no_old_reason_once_it_is_answered(store: Store, world: World) -> None:
    world.backend.answers = [Unavailable("down")]
    world.answer("hello")
    world.think_again()

    assert codes(world) == ["answered"]
    assert store.client.hget(key(ANA, "state"), "why") is None


def test_a_suspect_waits_to_run_alone(store: Store, world: World) -> None:
    for who in (BEA, ANA):
        world.say("hello", conversation=who)
        for token in ("a", "b", "c"):
            world.mailbox.take(who, token)
            store.client.delete(key(who, "lease"))
    seen: list[list[str]] = []

    def rival() -> None:
        world.worker().answer(ANA)
        seen.append(codes(world))
        world.backend.during = lambda: None

    world.backend.during = rival
    world.answerer.answer(BEA)

    assert seen == [["suspect"]]


def test_a_channel_that_is_off_is_told(store: Store, world: World) -> None:
    world.channels.clear()
    world.answer("hello")

    assert codes(world) == ["channel-off"]
