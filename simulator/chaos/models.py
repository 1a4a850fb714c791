"""Model servers that go away for a while, and one that serves one request at a time."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Final

from simulator.chaos.load import FOUR, accepted, answered, judge_order, start_workers
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import World
from simulator.ledger.records import marks_of
from simulator.models import echo
from simulator.people import People

PEOPLE: Final = 12
NOTICE_SECONDS: Final = 5.0
"""The product's own SLOW_NOTICE_SECONDS, as shipped."""
SURELY_SECONDS: Final = NOTICE_SECONDS + 5
SLOW: Final = ("tardo más", "slower than usual")
"""In these words people are told that it takes longer."""
ALONE_DOWN: Final = 12.0
DOWN: Final = (60.0, 90.0)
"""Seconds that the model is away, at random; an outage that is the only one is shorter."""
WRITING: Final = 0.4
"""The share of an outage in which everybody writes once."""
BACK_SECONDS: Final = 20.0
"""Two probes (one in ten seconds) may pass before somebody is answered again."""
ALONE_TURN: Final = 0.5
TURN: Final = 1.5
"""Seconds that the serial model takes for a turn: 30 s, 20 times as fast; a round that is the only one is faster."""
QUEUE: Final = 16
SPACED: Final = 0.2


def outages(trials: int, seed: int, channel: str) -> Row:
    """The model goes away, everybody writes, it comes back; as often as there are trials."""
    with World("model-down", channel, seed) as world:
        start_workers(world)
        people = world.people(PEOPLE)
        world.greet(people)
        for _ in range(trials):
            _outage(world, people, world.random.uniform(*DOWN) if trials > 1 else ALONE_DOWN)
            world.row.trials += 1
        row = world.judge()
        if twice := world.model.asked_twice():
            row.broken.append(f"{len(twice)} answers were thought twice")
        return row


def _outage(world: World, people: People, seconds: float) -> None:
    told = _told(world, people)
    world.model.down()
    back = monotonic() + seconds
    firsts = []
    for person in world.random.sample(people.persons, PEOPLE):
        firsts += marks_of(people.write_one(person))
        sleep(seconds * WRITING / PEOPLE)
    for person in world.random.sample(people.persons, PEOPLE // 3):
        people.write_one(person)
    sleep(max(back - monotonic(), 0))
    world.model.up()
    back = monotonic()
    world.await_rest()
    _judge_return(world, firsts, back)
    judge_order(world, firsts, back)
    _judge_told(world, people, told, firsts)


def _judge_return(world: World, firsts: list[str], back: float) -> None:
    seen = answered(world)
    took = min((seen[mark] for mark in firsts if mark in seen), default=back) - back
    world.row.count("back_ms_most", round(took * 1000))
    world.row.count("drained_ms_most", round((monotonic() - back) * 1000))
    if took > BACK_SECONDS:
        world.row.slow.append(f"more than {BACK_SECONDS:.0f} s until somebody was answered again")


def _told(world: World, people: People) -> dict[str, int]:
    """How often each person has been told that it takes longer."""
    return {
        person.chat_id: sum(
            any(words in bubble.text for words in SLOW) for bubble in world.platform.answers(person.chat_id)
        )
        for person in people.persons
    }


def _judge_told(world: World, people: People, before: dict[str, int], firsts: list[str]) -> None:
    """Nobody more than once; and everybody once who had to wait for long."""
    came, seen, now = accepted(world), answered(world), _told(world, people)
    waited = {mark.partition(" ")[0]: seen[mark] - came[mark] for mark in firsts if mark in seen and mark in came}
    for person in people.persons:
        times = now[person.chat_id] - before[person.chat_id]
        world.row.count("told", times)
        if times > 1:
            world.row.broken.append(f"somebody was told {times} times in one outage")
        if not times and waited.get(f"c{person.conversation}", 0) > SURELY_SECONDS:
            world.row.broken.append("somebody waited for long and was not told")


def rounds(trials: int, seed: int, channel: str) -> Row:
    """Sixteen people write at about the same time to a model that serves one of them at a time."""
    settings = {"LLM_PARALLEL": "1", "LLM_FIRST_TOKEN_TIMEOUT": "8"}
    with World("serial-model", channel, seed, **settings) as world:
        start_workers(world, FOUR)
        people = world.people(QUEUE)
        world.greet(people)
        world.model.parallel, world.model.pace, world.model.reply = 1, 0.0, echo
        world.model.delay = TURN if trials > 1 else ALONE_TURN
        world.model.peak = 0
        for _ in range(trials):
            _round(world, people)
            world.row.trials += 1
        return _judge_rounds(world)


def _round(world: World, people: People) -> None:
    began, marks = monotonic(), []
    for person in world.random.sample(people.persons, QUEUE):
        marks += marks_of(people.write_one(person))
        sleep(SPACED)
    world.await_rest()
    judge_order(world, marks, began)


def _judge_rounds(world: World) -> Row:
    row = world.judge()
    row.count("asked_at_once_most", world.model.peak)
    if world.model.peak > 1:
        row.broken.append(f"the model was asked {world.model.peak} things at once")
    if twice := world.model.asked_twice(whole=False):
        row.broken.append(f"the model was asked {len(twice)} things twice")
    return row


DOWNS = Scenario("model-down", "the model is down while everybody writes", Trials(1, 1, 5), outages, waits=True)
SERIAL = Scenario(
    "serial-model", "a model that serves one request at a time, 16 people", Trials(1, 1, 3), rounds, waits=True
)
