"""A worker's instruments: what they say of a turn, and that they cost a turn nothing when something is odd."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from prometheus_client import generate_latest

from bot.errors import (
    Blocked,
    DeliveryError,
    Gone,
    Halted,
    Parked,
    RateLimited,
    Refused,
    Rejected,
    TooLarge,
    Unavailable,
    Undelivered,
    Unfetched,
    Unknown,
)
from bot.stores.connection import Store, key
from tests.unit.fates import EditingChannel
from tests.unit.growing import growing
from tests.unit.mailboxes import ANA
from tests.unit.test_waited import backdated
from tests.unit.worlds import World
from workers import metrics
from workers.figures import Figures
from workers.metrics import DELIVERIES, OUTCOMES, Metrics

WHO: Mapping[str, str] = {"channel": "fake", "backend": "fake"}


def value(world: World | Metrics, name: str, **labels: str) -> float:
    """A sample as it is now; 0 where there is none."""
    found = world if isinstance(world, Metrics) else world.answerer.metrics
    return found.registry.get_sample_value(name, labels) or 0.0


def errors(world: World, kind: str) -> float:
    return value(world, "recado_model_errors_total", backend="fake", kind=kind)


def retries(world: World) -> dict[str, float]:
    counted = {reason: value(world, "recado_turn_retries_total", reason=reason) for reason in metrics.RETRIES}
    return {reason: count for reason, count in counted.items() if count}


# -- a turn ----------------------------------------------------------------------------------------


def test_an_answered_turn_is_counted_and_timed(world: World) -> None:
    """From the acceptance on: what somebody waited in the line is part of it."""
    world.say("one", "two")
    backdated(world.store, "in", 0, 90_000)
    backdated(world.store, "in", 1, 40_000)
    world.answerer.answer(ANA)

    assert value(world, "recado_turns_total", **WHO, outcome="answered") == 1
    assert 90 <= value(world, "recado_turn_waited_seconds_sum", channel="fake") < 95
    for name in ("recado_turn_first_words_seconds", "recado_turn_answer_seconds"):
        assert value(world, f"{name}_count", **WHO) == 1
        assert 40 <= value(world, f"{name}_sum", **WHO) < 45
    assert value(world, "recado_deliveries_total", channel="fake", outcome="sent") == 1


def test_the_model_is_timed_and_its_tokens_counted(world: World) -> None:
    world.backend.pace = 0.02
    world.backend.answers = [["a", "b", "c"]]
    world.answer("hi")
    first = value(world, "recado_model_first_token_seconds_sum", backend="fake")
    whole = value(world, "recado_model_seconds_sum", backend="fake")
    prompt = world.backend.prompts[0]

    assert 0.02 <= first < whole
    assert whole >= 0.06
    tokens = [value(world, "recado_tokens_total", backend="fake", direction=way) for way in ("in", "out")]
    assert tokens == [sum(turn.tokens for turn in prompt.turns), world.backend.count_tokens("abc")]


def test_first_words_are_those_that_grow(store: Store, channel: EditingChannel) -> None:
    """They are seen, and timed, while the model still speaks; the answer is there when its last edit is."""
    world = growing(store, channel)
    seen: list[float] = []
    channel.after = lambda _: seen.append(value(world, "recado_turn_first_words_seconds_count", **WHO))
    world.backend.pace = 0.3
    world.say("when?")
    world.answerer.answer(ANA)

    assert seen[0] == 0
    assert seen[1] == value(world, "recado_turn_first_words_seconds_count", **WHO) == 1
    first, whole = (value(world, f"recado_turn_{name}_seconds_sum", **WHO) for name in ("first_words", "answer"))
    assert 0 < first < whole


def test_a_command_asks_nobody(world: World) -> None:
    world.answer("/help")

    assert value(world, "recado_turns_total", channel="fake", backend="none", outcome="command") == 1
    assert value(world, "recado_turn_answer_seconds_count", channel="fake", backend="none") == 1
    assert value(world, "recado_model_seconds_count", backend="fake") == 0


def test_an_answer_in_several_bubbles_is_there_with_the_last(world: World) -> None:
    """One that waits for a 429 is timed to its end, and once."""
    world.backend.answers = ["one|two|three"]
    world.channel.fail = [None, RateLimited("slow down", 0.05)]
    world.answer("hi")
    assert value(world, "recado_turn_answer_seconds_count", **WHO) == 0
    world.come_back()

    assert value(world, "recado_turn_answer_seconds_count", **WHO) == 1
    assert value(world, "recado_turn_answer_seconds_sum", **WHO) >= 0.05
    assert value(world, "recado_turn_first_words_seconds_count", **WHO) == 1
    assert value(world, "recado_deliveries_total", channel="fake", outcome="sent") == 3
    assert value(world, "recado_deliveries_total", channel="fake", outcome="ratelimited") == 1
    assert value(world, "recado_rate_limited_total", channel="fake") == 1


def test_another_worker_that_speaks_times_the_answer(world: World) -> None:
    """Whoever thought it is gone; who was asked, and when, stands in the outbox."""
    world.channel.fail = [RateLimited("slow down", 0.05)]
    world.answer("hi")
    backdated_reply(world)
    world.crash()
    world.come_back()

    assert 30 <= value(world, "recado_turn_answer_seconds_sum", **WHO) < 35


def backdated_reply(world: World) -> None:
    """The reply that waits was asked for half a minute earlier."""
    record = world.store.client.lindex(key(ANA, "out"), 0).decode()
    before, _, rest = record.partition('"asked_at":')
    at, comma, rest = rest.partition(",")
    world.store.client.lset(key(ANA, "out"), 0, f'{before}"asked_at":{int(at) - 30_000}{comma}{rest}')


# -- what goes wrong -------------------------------------------------------------------------------


def test_a_model_that_is_away_or_breaks_off_or_refuses_is_counted_by_kind(world: World) -> None:
    def away() -> None:
        world.backend.during = lambda: None
        raise Unavailable("away", retry_after=0.01)

    world.backend.during = away
    world.answer("hi")
    assert (errors(world, "unavailable"), retries(world)) == (1, {"model": 1})
    world.backend.answers = [Unavailable("cut", retry_after=0.01)]
    world.think_again()
    assert (errors(world, "cut"), retries(world)) == (1, {"model": 2})
    world.backend.answers = [Rejected("never")]
    world.think_again()

    assert errors(world, "rejected") == 1
    assert value(world, "recado_turns_total", **WHO, outcome="rejected") == 1
    assert value(world, "recado_model_seconds_count", backend="fake") == 0


@pytest.mark.parametrize("rest", [0.01, 5])
def test_a_turn_whose_server_is_left_alone_is_thought_again_too(world: World, rest: float) -> None:
    """It stands in the line for it, and is no more in anybody's hands than one that is deferred."""
    world.served_by("one")

    def away() -> None:
        raise Unavailable("away", retry_after=rest)

    world.backend.during = away
    world.answer("hi")

    assert (errors(world, "unavailable"), retries(world)) == (1, {"model": 1})


def test_a_file_that_cannot_be_had_is_no_error_of_the_models(world: World) -> None:
    world.backend.during = raising(Unfetched("no file", retry_after=0.01))
    world.answer("hi")

    assert retries(world) == {"file": 1}
    assert errors(world, "unavailable") == 0


def test_a_channel_that_is_off_is_told_apart(world: World) -> None:
    world.channels.clear()
    world.answer("hi")

    assert retries(world) == {"channel": 1}


def test_a_turn_that_fails_is_retried_and_then_dead(world: World) -> None:
    world.backend.answers = [ValueError("a bug")] * 3
    world.answer("hi")
    for _ in range(2):
        world.think_again()

    assert retries(world) == {"error": 2}
    assert value(world, "recado_turns_total", **WHO, outcome="dead") == 1


def raising(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("", 1), Undelivered(""), Halted(""), Unknown(""), Gone(""), Parked(""), Refused(""), TooLarge(""),
        Blocked(""),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_each_trouble_with_a_bubble_has_a_name_of_its_own(world: World, error: DeliveryError) -> None:
    world.channel.fail = [error]
    world.answer("hi")

    known = {name: value(world, "recado_deliveries_total", channel="fake", outcome=name) for name in DELIVERIES}
    assert sum(known.values()) == 1
    assert known["refused"] == isinstance(error, Refused)
    assert value(world, "recado_deliveries_total", channel="fake", outcome="sent") == 0


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("answered", "answered"), ("heard: closed", "heard"), ("heard: stopped", "stopped"), ("/stats", "command"),
        ("unknown command", "command"), ("no text", "no_text"), ("said by the business", "relayed"), ("dead", "dead"),
        ("Ana Perez", "other"), ("", "other"),
    ],
)  # fmt: skip
def test_outcomes_are_of_a_small_fixed_set(words: str, label: str) -> None:
    told = Metrics()
    told.turn(Figures(channel="fake", outcome=words))

    assert label in OUTCOMES
    assert value(told, "recado_turns_total", channel="fake", backend="none", outcome=label) == 1


def test_whatever_is_told_nothing_of_a_persons_becomes_a_label() -> None:
    told = Metrics()
    told.delivered("fake", "Ana Perez")
    told.retried("Ana Perez")
    told.frequent("Ana Perez")

    assert "Ana" not in generate_latest(told.registry).decode()
