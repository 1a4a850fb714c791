"""Platforms that refuse many calls for a while, lose some of their answers, and count what they are sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from time import sleep
from typing import Final

from simulator.chaos.load import FOUR, previews, start_workers
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import REST_SECONDS, World
from simulator.graph import Statuses
from simulator.people import People
from simulator.platforms import Call
from simulator.processes import NotReady, wait_until
from simulator.weather import Weather, Windows

PEOPLE: Final = 20
PACE: Final = 0.2
"""Seconds for each word of an answer, which then takes five: long enough to be seen growing, where that can be seen."""
BACKLOG: Final = 4
"""Everybody writes again when no more conversations than that are due: so limits are reached, and have room again."""
LIMITED: Final = 0.3
LOST: Final = 0.05
OVERALL: Final = 0.15
"""The share of WhatsApp's pauses that are for everybody; Telegram does not say for whom its pauses are."""
RETRY_AFTER: Final = (0.05, 1.0)
LATE: Final = (0.0, 0.5)
"""Seconds until a status comes: sooner than the product gives up waiting for it."""
PER_SECOND: Final = 10
JITTER: Final = 2
"""So many calls, or 5 % of a limit, may catch up with others on their way to the platform."""
TELEGRAM_CHAT: Final = (5, 5.0)
WHATSAPP_PAIR: Final = (45, 45 * 6.0)
LIMITS: Final = {
    "TELEGRAM_MESSAGES_PER_SECOND": f"{PER_SECOND}",
    "TELEGRAM_CHAT_MESSAGES_PER_SECOND": f"{TELEGRAM_CHAT[0] / TELEGRAM_CHAT[1]:g}",
    "TELEGRAM_GROUP_MESSAGES_PER_MINUTE": "400",
    "WHATSAPP_MESSAGES_PER_SECOND": f"{PER_SECOND}",
    "WHATSAPP_PERSON_SECONDS": f"{WHATSAPP_PAIR[1] / WHATSAPP_PAIR[0]:g}",
    "WHATSAPP_STATUS_SECONDS": "1.5",
    "LLM_PARALLEL": f"{PEOPLE}",
}
"""Limits for all chats that people reach here, and for one chat; a pair's is the one as shipped, which somebody who
always writes again reaches after some minutes."""
ONE_PERSONS_FULL: Final = 2000
"""In so many sends, each person's limit must have been reached."""
LEASE_SECONDS: Final = 2.0
AWAY: Final = (2.5, 5.0)
"""Seconds without any worker, at random: longer than a lease, so that everything comes back at once."""
ALLOWED: Final = f"at most {PER_SECOND} calls in any second, {JITTER} more for what the way there makes of it"


def storm(trials: int, seed: int, channel: str, **settings: str) -> Row:
    """People write until so many calls with messages were made; each call may fail, the repeated ones too."""
    with World("storm", channel, seed, **LIMITS | settings) as world:
        world.whatsapp.statuses = Statuses(seed=seed, late=LATE, doubled=0.1, shuffled=True)
        if world.platform is world.telegram:
            world.model.pace = PACE
        people = _start(world, FOUR[:2])
        overall = OVERALL if world.platform is world.whatsapp else 0.0
        world.platform.weather = Weather(seed, limited=LIMITED, retry_after=RETRY_AFTER, overall=overall, lost=LOST)
        while len(_sends(world)) < trials:
            people.everybody()
            _await(world, lambda: not world.platform.delivery.pending and world.due() <= BACKLOG)
        world.row.trials = len(_sends(world))
        row = world.judge()
        _judge_limit(world)
        _judge_growth(world)
        return row


def away(trials: int, seed: int, channel: str, **settings: str) -> Row:
    """All workers die while many answers wait for their time, and come back to more of them."""
    ours = LIMITS | {"LEASE_SECONDS": f"{LEASE_SECONDS:g}", "WHATSAPP_STATUS_SECONDS": "6"}
    with World("away-workers", channel, seed, **ours | settings) as world:
        people = _start(world, FOUR[:3])
        for _ in range(trials):
            before = len(_sends(world))
            people.everybody()
            _await(world, lambda before=before: len(_sends(world)) >= before + PER_SECOND)  # type: ignore[misc]
            for name in FOUR[:3]:
                world.kill(name)
            people.everybody()
            sleep(world.random.uniform(*AWAY))
            start_workers(world, FOUR[:3])
            world.await_rest()
            world.row.trials += 1
        row = world.judge()
        _judge_limit(world)
        return row


def _start(world: World, names: tuple[str, ...]) -> People:
    """Workers, and people whose platform counts what comes."""
    most = max(PER_SECOND + JITTER, PER_SECOND * 1.05)
    number, seconds = TELEGRAM_CHAT if world.platform is world.telegram else WHATSAPP_PAIR
    world.platform.limits = Windows(overall=(most, 1.0), chat=(max(number + JITTER, number * 1.05), seconds))
    start_workers(world, names)
    return world.people(PEOPLE)


def _await(world: World, check: Callable[[], bool]) -> None:
    if not wait_until(check, WHATSAPP_PAIR[1] + REST_SECONDS):
        raise NotReady(f"The backlog does not shrink.\n{world.processes.log_tails()}")


def _sends(world: World) -> list[Call]:
    return [call for call in list(world.platform.calls) if call.method.lower() in world.platform.messages]


def _judge_limit(world: World) -> None:
    """The ledger has told what was too much; here it must be seen that there could have been too much."""
    most = busiest([call.time for call in _sends(world) if call.taken])
    world.row.count("calls_in_a_second_most", most)
    world.row.count("over", len(world.platform.over))
    if most < PER_SECOND / 2:
        world.row.broken.append(f"at most {most} calls came in a second: no limit was tried")
    allowed, seconds = TELEGRAM_CHAT if world.platform is world.telegram else WHATSAPP_PAIR
    chats: dict[str, list[float]] = defaultdict(list)
    for call in _sends(world):  # what was refused counts in our own limit too
        chats[call.chat_id].append(call.time)
    most = max((busiest(times, seconds) for times in chats.values()), default=0)
    world.row.count("calls_to_one_person_most", most)
    if world.row.trials >= ONE_PERSONS_FULL and most < allowed:
        world.row.broken.append(f"at most {most} calls in {seconds:g} s went to one person: that limit was not tried")


def busiest(times: list[float], seconds: float = 1.0) -> int:
    """How many of these times lie in the fullest window of so many seconds."""
    ordered, first, most = sorted(times), 0, 0
    for number, time in enumerate(ordered):
        while ordered[first] <= time - seconds:
            first += 1
        most = max(most, number - first + 1)
    return most


def _judge_growth(world: World) -> None:
    """What refusals are to be tried on must have been there: previews, typing, pauses for everybody."""
    row, sends = world.row, _sends(world)
    telegram = world.platform is world.telegram
    seen = {
        "typing": len(list(world.platform.calls)) - len(sends),
        "answers_lost": sum(call.status == 0 for call in sends),
        "refused_for_a_while": sum(call.status == 429 or (call.status == 400 and not call.taken) for call in sends),
        "previews" if telegram else "pauses_for_everybody": (
            previews(world) if telegram else sum(call.status == 429 for call in sends)
        ),
    }
    for name, number in seen.items():
        row.count(name, number)
        if not number:
            row.broken.append(f"there were no {name.replace('_', ' ')}")
    row.count("early", len(world.platform.early))


STORM = Scenario(
    "storm", f"429 on 30 % of sends, answers lost on 5 %; {ALLOWED}", Trials(45, 120, 2500), storm, waits=True
)
AWAY_WORKERS = Scenario(
    "away-workers",
    f"all workers away while many answers wait for their time; {ALLOWED}",
    Trials(1, 1, 20),
    away,
    waits=True,
)
