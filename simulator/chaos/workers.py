"""kill -9 of workers at random times, under load."""

from __future__ import annotations

from random import Random
from time import sleep
from typing import Any, Final

from simulator.chaos.load import FOUR, previews, start_workers
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import GROWING, World
from simulator.people import People
from simulator.processes import NotReady, wait_until

PEOPLE: Final = 200
MESSAGES_PER_KILL: Final = 10
GAPS: Final = (0.3, 1.7)
"""Seconds between two kills, at random; together with a worker's start they leave three of four alive mostly."""
LATE: Final = 5.0
RARE_LATE: Final = 20.0
"""Seconds until a delivery status: longer than the lease, so that who takes over does not have it yet."""
BACKLOG: Final = 200
DRAIN_SECONDS: Final = 600.0
"""So long may a backlog take at the end, on a machine that is slow."""
TOGETHER: Final = "24"
"""So many answers at once: more than come, or a backlog would stand there from the first minute on."""
PACE: Final = 0.04
"""Seconds for each word of an answer, which then takes about one: most kills strike turns."""
LONG: Final = 0.25
"""The share of answers that are three times as long, and so are seen growing."""
INNOCENT: Final = 500
"""Of so many messages one may get into the dead letters, at a kill a second: so long as answers take one to three, a
suspect's worker may well die five times in a row."""
STRUCK: Final = 3
"""At least one turn must have lost its worker for so many kills."""
JUDGED: Final = 20
"""Fewer kills than this may miss every turn by chance."""


def kills(trials: int, seed: int, channel: str) -> Row:
    """A kill a second or so, and ten messages between two."""
    settings = {"LEASE_SECONDS": "2", "WHATSAPP_STATUS_SECONDS": "6", "LLM_PARALLEL": TOGETHER}
    with World("worker-kills", channel, seed, **settings) as world:
        world.tell_late(LATE)
        _lengthen(world, seed)
        kill_under_load(world, trials, GAPS)
        row = world.judge(DRAIN_SECONDS, dead=trials * MESSAGES_PER_KILL // INNOCENT)
        _judge_strikes(world)
        return row


def rare_kills(trials: int, seed: int, channel: str) -> Row:
    """A kill in five seconds, with the lease as shipped: no turn may be taken for poison."""
    settings = {"LEASE_SECONDS": "15", "WHATSAPP_STATUS_SECONDS": "30"}
    with World("rare-worker-kills", channel, seed, **settings) as world:
        world.tell_late(RARE_LATE)
        kill_under_load(world, trials, (4.0, 6.0))
        return world.judge()


def _lengthen(world: World, seed: int) -> None:
    reply, chance = world.model.reply, Random(seed)

    def longer(body: dict[str, Any]) -> str:
        more = f" {GROWING}" * 2 if chance.random() < LONG else ""
        return f"{reply(body)}{more}"

    world.model.pace, world.model.reply = PACE, longer


def _judge_strikes(world: World) -> None:
    """Whether there was anything to lose: turns that lost their workers, and previews where there can be any."""
    row, deaths = world.row, world.counted("deaths")
    row.count("previews", previews(world))
    if row.trials >= JUDGED and deaths * STRUCK < row.trials:
        row.broken.append(f"only {deaths} turns lost their worker in {row.trials} kills")
    if row.channel == "telegram" and not row.counts["previews"]:
        row.broken.append("no answer was seen growing")


def kill_under_load(world: World, trials: int, gaps: tuple[float, float]) -> None:
    """So many kills, and ten messages before each; the gaps between them are somewhere between two."""
    start_workers(world, FOUR)
    people = world.people(PEOPLE)
    for _ in range(trials):
        _write(world, people, world.random.uniform(*gaps))
        kill_one(world)
        world.row.trials += 1


def _write(world: World, people: People, seconds: float) -> None:
    """Ten messages, evenly; nobody writes while so much waits that the machine could not bear more."""
    if not wait_until(lambda: world.due() < BACKLOG, 120):
        raise NotReady(f"The backlog does not shrink.\n{world.processes.log_tails()}")
    for _ in range(MESSAGES_PER_KILL):
        sleep(seconds / MESSAGES_PER_KILL)
        people.write_one(world.random.choice(people.persons))


def kill_one(world: World) -> None:
    """Any worker, once two others are ready; its successor starts at once."""
    ready: list[str] = []

    def enough() -> bool:
        ready[:] = [name for name in FOUR if world.is_ready(name)]
        return len(ready) > len(FOUR) // 2

    if not wait_until(enough, 60):
        raise NotReady(f"The workers do not come up.\n{world.processes.log_tails()}")
    victim = world.random.choice(ready)
    world.kill(victim)
    world.start_worker(victim)


KILLS = Scenario("worker-kills", "kill -9 of a random worker of four", Trials(4, 30, 1000), kills)
RARE_KILLS = Scenario(
    "rare-worker-kills", "the same, one kill in 5 s, leases as shipped", Trials(1, 5, 100), rare_kills, waits=True
)
