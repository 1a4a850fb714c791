"""Answers of every length that grow while the platform refuses calls, loses answers, and workers die."""

from __future__ import annotations

from collections import defaultdict
from time import monotonic
from typing import Final

from simulator.chaos.grown import judge_growth
from simulator.chaos.load import FOUR, start_workers
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.storm import busiest
from simulator.chaos.tales import answer
from simulator.chaos.workers import DRAIN_SECONDS, INNOCENT, kill_one
from simulator.chaos.world import World
from simulator.people import People
from simulator.processes import NotReady, wait_until
from simulator.weather import Weather, Windows

ANSWERS_PER_KILL: Final = 50
PEOPLE: Final = 150
TOGETHER: Final = 40
"""So many conversations are answered at once: few enough that hardly anybody writes into an answer of their own."""
PACE: Final = 0.05
"""Seconds for each piece of an answer: the longest take three."""
LIMITED: Final = 0.1
LOST: Final = 0.02
RETRY_AFTER: Final = (0.05, 1.0)
PER_SECOND: Final = 600
"""Telegram's 30, twenty times as fast."""
CHAT: Final = (10, 5.0)
JITTER: Final = 1.05
SETTINGS: Final = {
    "TELEGRAM_MESSAGES_PER_SECOND": f"{PER_SECOND}",
    "TELEGRAM_CHAT_MESSAGES_PER_SECOND": f"{CHAT[0] / CHAT[1]:g}",
    "LEASE_SECONDS": "2",
    "LLM_PARALLEL": "64",
    "CONTEXT_TOKENS": "1024",
}
"""Limits that this haste reaches; and a short context, for everything that is asked is kept until the end."""


def streams(trials: int, seed: int, channel: str, **settings: str) -> Row:
    """A kill after every fifty messages; at the end each chat is read as its person would read it."""
    with World("streams", channel, seed, **SETTINGS | settings) as world:
        world.model.reply, world.model.pace = answer, PACE
        world.platform.weather = Weather(seed, limited=LIMITED, retry_after=RETRY_AFTER, lost=LOST)
        world.platform.limits = Windows(overall=(PER_SECOND * JITTER, 1.0), chat=(CHAT[0] + 1, CHAT[1]))
        start_workers(world, FOUR)
        people, kills = world.people(PEOPLE), list[float]()
        for _ in range(trials):
            _write(world, people)
            kill_one(world)
            kills.append(monotonic())
            world.row.trials += 1
        row = world.judge(DRAIN_SECONDS, dead=trials * ANSWERS_PER_KILL // INNOCENT)
        judge_growth(world, kills)
        _count_limits(world)
        return row


def _write(world: World, people: People) -> None:
    """So many messages, each by whoever has written least, as soon as there is room for one more."""
    for _ in range(ANSWERS_PER_KILL):
        if not wait_until(lambda: world.due() < TOGETHER, 120):
            raise NotReady(f"The backlog does not shrink.\n{world.processes.log_tails()}")
        people.write_one(min(people.persons, key=lambda person: person.written))


def _count_limits(world: World) -> None:
    """The ledger tells what was too much; here is how near it came."""
    platform = world.platform
    calls = [call for call in list(platform.calls) if call.method.lower() in platform.messages]
    times = defaultdict(list)
    for call in calls:
        if call.taken:
            times[""].append(call.time)
            times[call.chat_id].append(call.time)
    world.row.count("calls_in_a_second_most", busiest(times.pop("", [])))
    world.row.count("calls_in_a_chat_most", max((busiest(each, CHAT[1]) for each in times.values()), default=0))
    world.row.count("refused_for_a_while", sum(call.status == 429 for call in calls))
    world.row.count("answers_lost", sum(call.status == 0 for call in calls))


STREAMS: Final = Scenario(
    "streams",
    "429 on 10 % of sends, answers lost on 2 %, kill -9 of a worker for every 50 streamed answers of 20 to 12,000 "
    f"characters; at most {PER_SECOND} calls in any second",
    Trials(6, 20, 200),
    streams,
    channels=("telegram",),
)
