"""A model server on its worst days: refusals, errors, hangs, and answers that break off or make no sense."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from time import sleep
from typing import Any, Final

from simulator.chaos.load import start_workers
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import GROWING, World
from simulator.ledger.records import is_partial
from simulator.models import ModelWeather, echo
from simulator.processes import NotReady, wait_until

PEOPLE: Final = 40
FEW: Final = 10
PER_SECOND: Final = 6.0
BACKLOG: Final = 40
PACE: Final = 0.06
FAILING: Final = frozenset({"failed", "refused", "cut", "left"})
"""How such a request ends: told an error or 503, refused, broken off by us, or left by whoever had waited for long."""
ALL_KINDS: Final = 60
"""Among so many failures there is one of every kind."""
SETTINGS: Final = {"LLM_FIRST_TOKEN_TIMEOUT": "2"}
_ATTEMPT: Final = re.compile(r"-(\d+)\b")


class _Attempts:
    """The model's answers: each word carries the number of the generation that it comes from."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __call__(self, body: dict[str, Any]) -> str:
        number = next(self._numbers)
        return f"{echo(body)} {' '.join(f'{word}-{number}' for word in GROWING.split())}"


def _bad_weather(seed: int) -> ModelWeather:
    """One in three answers fails; one in five only takes longer than others, but not too long."""
    return ModelWeather(
        seed, refused=0.05, busy=0.06, error=0.05, cut=0.09, garbage=0.06, hang=0.04,
        slow=0.1, slow_seconds=0.7, trickle=0.1,
    )  # fmt: skip


def weather(trials: int, seed: int, channel: str) -> Row:
    """People write until so many of the model's answers have failed."""
    with World("model-weather", channel, seed, **SETTINGS) as world:
        world.model.reply, world.model.pace = _Attempts(), PACE
        start_workers(world)
        people = world.people(PEOPLE if trials >= ALL_KINDS else FEW)
        world.greet(people)
        world.model.weather = _bad_weather(seed)
        while _failures(world).total() < trials:
            if not wait_until(lambda: world.due() < BACKLOG, 120):
                raise NotReady(f"The backlog does not shrink.\n{world.processes.log_tails()}")
            world.write(people)
            sleep(1 / PER_SECOND)
        world.row.trials = _failures(world).total()
        row = world.judge()
        _judge(world)
        return row


def _failures(world: World) -> Counter[str]:
    return Counter(asked.outcome for asked in list(world.model.requests) if asked.outcome in FAILING)


def _judge(world: World) -> None:
    row, failed = world.row, _failures(world)
    row.trials = failed.total()
    for outcome in sorted(FAILING):
        row.count(f"requests_{outcome}", failed[outcome])
        if row.trials >= ALL_KINDS and not failed[outcome]:
            row.broken.append(f"no request was {outcome}")
    texts = [str(call.params.get("text")) for call in list(world.platform.calls) if call.taken and call.bubble]
    mixed = sum(is_mixed(text) for text in texts)
    row.count("shown", len(texts))
    if mixed:
        row.broken.append(f"{mixed} texts join words of several generations, or lack some")


def is_mixed(text: str) -> bool:
    """Whether a text joins several generations; a whole one must have every word of its own."""
    numbers = _ATTEMPT.findall(text)
    if len(set(numbers)) > 1:
        return True
    return bool(numbers) and not is_partial(text) and len(numbers) != len(GROWING.split())


WEATHER = Scenario(
    "model-weather",
    "a model that refuses, is busy, fails, breaks off, talks nonsense, hangs, is slow",
    Trials(8, 60, 500),
    weather,
    waits=True,
)
