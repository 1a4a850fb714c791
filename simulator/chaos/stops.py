"""A worker is stopped for longer than its lease while it thinks or sends, and then goes on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any, Final

from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials, beside
from simulator.chaos.world import World
from simulator.faults import RedisProxy, pause, resume
from simulator.ledger.records import is_partial, marks_of
from simulator.people import People
from simulator.processes import NotReady

NAME: Final = "stops"
PEOPLE: Final = 10
LEASE_SECONDS: Final = 1.0
STATUS_SECONDS: Final = 10.0
STOPPED: Final = (1.5, 4.0)
"""Seconds, at random: longer than the lease, shorter than the wait for a status."""
WORK: Final = frozenset({"begin", "commit"})
"""What only the holder of a lease asks of Redis."""
LATE: Final = 5.0
"""Seconds until a delivery status: longer than the lease, so that who takes over does not have it yet."""
SETTINGS: Final = {"LEASE_SECONDS": f"{LEASE_SECONDS:g}", "WHATSAPP_STATUS_SECONDS": f"{STATUS_SECONDS:g}"}


def stops(trials: int, seed: int, channel: str) -> Row:
    """Two workers; the one that has a turn is stopped, the other takes over, the first goes on where it was."""
    row = beside(Row(NAME, channel, [seed]), range(trials), _stops)
    _judge_takeovers(row)
    return row


def _stops(trials: Sequence[int], seed: int, channel: str) -> Row:
    with World(NAME, channel, seed, **SETTINGS) as world, world.proxy() as one, world.proxy() as other:
        workers = {"w0 worker": one, "w1 worker": other}
        for name, proxy in workers.items():
            world.start_worker(name, REDIS_URL=proxy.url)
            world.await_worker(name)
        world.slow_down()
        world.tell_late(LATE)
        people = world.people(PEOPLE, first=PEOPLE * seed)
        world.greet(people)
        for number in trials:
            (_stop_thinking, _stop_sending)[number % 2](world, workers, people)
        row = world.judge()
        _look_for_previews(world)
        return row


def _judge_takeovers(row: Row) -> None:
    """Without any, nobody's commit could have been late, and nobody's text overwritten."""
    if row.trials and not row.counts.get("takeovers"):
        row.broken.append("no worker took over from one that was stopped")


def _stop_thinking(world: World, workers: dict[str, RedisProxy], people: People) -> None:
    asked = len(world.model.requests)
    world.write(people)
    if not world.model.wait_until(lambda: len(world.model.requests) > asked, 30):
        raise NotReady(f"The model is not asked.\n{world.processes.log_tails()}")
    _stop(world, workers)


def _stop_sending(world: World, workers: dict[str, RedisProxy], people: People) -> None:
    """The platform has a message, and its answer lies before a worker that does not read it."""
    taken, stopped = threading.Event(), threading.Event()

    def hold(method: str, _: str, __: dict[str, Any]) -> None:
        if method.lower() in world.platform.messages and not taken.is_set():
            taken.set()
            stopped.wait(10)

    if world.random.random() < 0.5:
        world.platform.before = hold
    else:
        world.platform.after = hold
    try:
        world.write(people)
        if not taken.wait(30):
            raise NotReady(f"Nothing is sent.\n{world.processes.log_tails()}")
        _stop(world, workers, stopped)
    finally:
        world.platform.before = world.platform.after = None


def _holder(workers: dict[str, RedisProxy]) -> str:
    """Who took the last turn: there is one at a time."""
    taken = {name: [one.time for one in proxy.trace if one.name == "take"] for name, proxy in workers.items()}
    return max(taken, key=lambda name: max(taken[name], default=0.0))


def _stop(world: World, workers: dict[str, RedisProxy], stopped: threading.Event | None = None) -> None:
    name = _holder(workers)
    process, began = world.processes.running[name], monotonic()
    pause(process)
    if stopped:
        stopped.set()
    sleep(world.random.uniform(*STOPPED) * LEASE_SECONDS)
    resumed = monotonic()
    resume(process)
    world.row.trials += 1
    world.await_rest()
    (other,) = (proxy for one, proxy in workers.items() if one != name)
    if did := [one.time for one in other.trace if one.time > began and one.name in WORK]:
        world.row.count("takeovers")
        late = [one for one in workers[name].trace if one.time > max(resumed, did[0]) and one.name == "commit"]
        world.row.count("commits_after_a_takeover", len(late))


def _look_for_previews(world: World) -> None:
    """A final text that a preview came after must have come back."""
    whole: dict[str, bool] = {}
    for call in world.platform.calls:
        if call.taken and call.bubble:
            text = str(call.params.get("text", ""))
            final = bool(marks_of(text)) and not is_partial(text)
            if whole.get(call.bubble) and not final:
                world.row.count("previews_after_the_final_text")
            whole[call.bubble] = final


STOPS = Scenario(
    NAME, "a worker stopped for longer than its lease, then continued", Trials(2, 8, 100), stops, waits=True
)
