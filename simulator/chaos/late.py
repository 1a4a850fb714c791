"""kill -9 of workers while WhatsApp loses answers, and tells only much later, twice and in any order what it took."""

from __future__ import annotations

from typing import Final, NamedTuple

from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.workers import kill_under_load
from simulator.chaos.world import World
from simulator.graph import Statuses
from simulator.weather import Weather

AS_SHIPPED: Final = 50
"""So many kills are made with the product's times as shipped, fewer with a fifth of them."""
LOST: Final = 0.1
ERRORS: Final = 0.03
DOUBLED: Final = 0.3
DRAIN_SECONDS: Final = 300.0
JUDGED: Final = 4
"""Fewer kills than this may see no answer lost, by chance."""


class Times(NamedTuple):
    """Seconds: a lease, how long a bubble in doubt waits for its status, how late that is at most, between kills."""

    lease: float
    patience: float
    late: float
    gaps: tuple[float, float]


SHIPPED: Final = Times(15, 30, 20.0, (4.0, 6.0))
SCALED: Final = Times(3, 6, 4.0, (0.3, 1.7))


def late(trials: int, seed: int, channel: str) -> Row:
    """Ten messages between two kills; every tenth answer of the platform is lost on the way."""
    times = SHIPPED if trials >= AS_SHIPPED else SCALED
    settings = {"LEASE_SECONDS": f"{times.lease:g}", "WHATSAPP_STATUS_SECONDS": f"{times.patience:g}"}
    with World("late", channel, seed, LLM_PARALLEL="24", **settings) as world:
        world.whatsapp.statuses = Statuses(seed, late=(0.0, times.late), doubled=DOUBLED, shuffled=True)
        world.platform.weather = Weather(seed, lost=LOST, errors=ERRORS)
        kill_under_load(world, trials, times.gaps)
        row = world.judge(DRAIN_SECONDS, dead=trials // AS_SHIPPED)
        _judge_doubt(world)
        return row


def _judge_doubt(world: World) -> None:
    """There must have been something to be in doubt about."""
    lost = [call for call in world.platform.calls if call.method in world.platform.messages and not call.status]
    world.row.count("answers_lost", len(lost))
    world.row.count("taken_of_these", sum(call.taken for call in lost))
    if world.row.trials >= JUDGED and not lost:
        world.row.broken.append("no answer was lost")


LATE: Final = Scenario(
    "late",
    "kill -9 of a random worker of four, 10 % of WhatsApp's answers lost, its statuses up to 20 s late (4 s in the "
    "shorter forms, with a fifth of our own times), a third of them twice, in any order",
    Trials(2, 6, 200),
    late,
    channels=("whatsapp",),
    waits=True,
)
