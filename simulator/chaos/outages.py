"""kill -9 of Redis under load, and its return."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Final

from simulator.chaos.load import refuse_for, start_workers, writing
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import World
from simulator.processes import wait_until

PEOPLE: Final = 60
MESSAGES_PER_SECOND: Final = 10
BEFORE: Final = (1.0, 3.0)
"""Seconds of load before Redis dies, at random."""
LEASE_SECONDS: Final = 2.0
AWAY: Final = ((2.5, 4.0), (0.3, 1.7))
"""Seconds without Redis, at random, in turn: longer than a lease, and shorter."""
BACK_SECONDS: Final = 5.0
PROBE_CHAT: Final = 34_500_000_000


def kills(trials: int, seed: int, channel: str) -> Row:
    """Redis dies under load and comes back; meanwhile nothing may be called accepted."""
    # The model must be able to take more than comes, or the newcomer waits for it and not for Redis.
    settings = {"LEASE_SECONDS": f"{LEASE_SECONDS:g}", "WHATSAPP_STATUS_SECONDS": "10", "LLM_PARALLEL": "16"}
    with World("redis-kills", channel, seed, **settings) as world:
        start_workers(world)
        with writing(world.people(PEOPLE), MESSAGES_PER_SECOND, seed):
            for _ in range(trials):
                sleep(world.random.uniform(*BEFORE))
                _outage(world)
                world.row.trials += 1
        return world.judge(books=trials > 1)  # a single outage is a test's, which has no time for RQ's books


def _outage(world: World) -> None:
    """Redis away for a while, and what a probe is told meanwhile and afterwards."""
    seconds = world.random.uniform(*AWAY[world.row.trials % len(AWAY)])
    world.row.count("longer_than_the_lease", seconds > LEASE_SECONDS)
    world.kill("redis")
    refuse_for(world, seconds, PROBE_CHAT, "Redis was away")
    world.start("redis")
    _await_answer(world, monotonic())


def _await_answer(world: World, back: float) -> None:
    """A newcomer is answered, and how long after Redis came back that is."""
    chat = PROBE_CHAT + 1 + world.row.trials
    wait_until(lambda: world.probe(chat) == 200, 60)
    answered = world.platform.wait_until(lambda: bool(world.platform.answers(chat)), 60)
    took = monotonic() - back
    world.row.count("back_ms_most", round(took * 1000))
    if not answered:
        world.row.broken.append("nobody was answered within 60 s after Redis had come back")
    elif took > BACK_SECONDS:
        world.row.slow.append(f"more than {BACK_SECONDS:.0f} s until somebody was answered again")


KILLS = Scenario("redis-kills", "kill -9 of Redis under load, and its return", Trials(1, 3, 20), kills)
