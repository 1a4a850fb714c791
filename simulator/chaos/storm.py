"""A platform that refuses many calls for a while and loses some of its answers."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Final

from simulator.chaos.load import judge, start_workers
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import World
from simulator.graph import Statuses
from simulator.platforms import Call
from simulator.processes import NotReady, wait_until
from simulator.weather import Weather

PEOPLE: Final = 60
PER_SECOND: Final = 40
BACKLOG: Final = 40
LIMITED: Final = 0.3
LOST: Final = 0.05
RETRY_AFTER: Final = (0.05, 0.15)
LATE: Final = (0.0, 0.5)
"""Seconds until a status comes: sooner than the product gives up waiting for it."""
WINDOWS: Final = {
    "TELEGRAM_MESSAGES_PER_SECOND": "600",
    "TELEGRAM_CHAT_MESSAGES_PER_SECOND": "20",
    "TELEGRAM_GROUP_MESSAGES_PER_MINUTE": "400",
    "WHATSAPP_MESSAGES_PER_SECOND": "1600",
    "WHATSAPP_PERSON_SECONDS": "0.3",
    "WHATSAPP_STATUS_SECONDS": "1.5",
}
"""The limits as shipped, in windows that are 20 times shorter."""


def storm(trials: int, seed: int, channel: str) -> Row:
    """People write until so many calls with messages were made; each call may fail, the repeated ones too."""
    with World("storm", channel, seed, **WINDOWS) as world:
        world.whatsapp.statuses = Statuses(seed=seed, late=LATE, doubled=0.1, shuffled=True)
        start_workers(world)
        people = world.people(PEOPLE)
        world.greet(people)
        world.platform.weather = Weather(seed, limited=LIMITED, retry_after=RETRY_AFTER, lost=LOST)
        began = monotonic()
        while len(_sends(world, began)) < trials:
            if not wait_until(lambda: world.due() < BACKLOG, 60):
                raise NotReady(f"The backlog does not shrink.\n{world.processes.log_tails()}")
            world.write(people)
            sleep(1 / PER_SECOND)
        row = judge(world)
        _count(world, _sends(world, began))
        return row


def _sends(world: World, since: float) -> list[Call]:
    calls = list(world.platform.calls)
    return [call for call in calls if call.time >= since and call.method.lower() in world.platform.messages]


def _count(world: World, sends: list[Call]) -> None:
    row = world.row
    row.trials = len(sends)
    row.count(
        "refused_for_a_while", sum(call.status == 429 or (call.status == 400 and not call.taken) for call in sends)
    )
    row.count("answers_lost", sum(call.status == 0 for call in sends))
    row.count("early", len(world.platform.early))


STORM = Scenario("storm", "429 on 30 % of sends, answers lost on 5 %", Trials(60, 400, 2500), storm)
