"""Messages that end the worker that thinks about them, and messages at which its code fails."""

from __future__ import annotations

import threading
from typing import Any, Final

from simulator.chaos.load import WORKERS, answered, writing
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import READY, World
from simulator.ledger.judge import DEAD
from simulator.ledger.records import marks_of
from simulator.models import Reply
from simulator.people import People, Person
from simulator.processes import NotReady, wait_until

OTHERS: Final = 20
PER_SECOND: Final = 2.0
POISONER: Final = 9000
"""Conversations from this number on are poisoners'; the second message of each is poison."""
POISON: Final = rf"c{POISONER // 1000}\d{{3}} n2 "
BURIED_SECONDS: Final = 120.0
"""Seven deaths of a worker, each found after a lease; three failures take much less."""
APOLOGY: Final = ("no he podido responder", "could not answer")
RAISING: Final = "raising"
BACKEND: Final = f"""
import re

from workers.backends.ollama import Ollama


class Raising(Ollama):
    name = "{RAISING}"

    def stream(self, prompt):
        if re.search(r"{POISON}", prompt.turns[-1].text):
            raise RuntimeError("what nobody had thought of")
        return super().stream(prompt)
"""
"""A backend as anybody may add one, with a fault in it."""
START: Final = """
import pathlib
import runpy

import workers.backends

workers.backends.__path__.append(str(pathlib.Path(__file__).with_name("backends")))
runpy.run_module("workers", run_name="__main__", alter_sys=True)
"""


def deadly(trials: int, seed: int, channel: str) -> Row:
    """kill -9 of whichever worker asks the model about a poisonous message; a new worker takes its place."""
    with World("deadly-messages", channel, seed, LEASE_SECONDS="1") as world:
        world.model.models = WORKERS
        for name in WORKERS:
            world.start_worker(name, LLM_MODEL=name)
        for name in WORKERS:
            world.await_worker(name)
        poisonous = _Poison(world)
        world.model.reply = poisonous
        row = _poison(world, trials, seed)
        row.count("workers_killed", poisonous.kills)
        return row


def raising(trials: int, seed: int, channel: str) -> Row:
    """A backend with a fault fails whenever it is given a poisonous message."""
    with World("raising-messages", channel, seed) as world:
        folder = world.folder / "faulty"
        (folder / "backends").mkdir(parents=True)
        (folder / "backends" / f"{RAISING}.py").write_text(BACKEND, encoding="utf-8")
        (folder / "faulty_workers.py").write_text(START, encoding="utf-8")
        settings = {"PYTHONPATH": str(folder), "LLM_PROVIDER": RAISING}
        for name in WORKERS:
            world.processes.start(name, "faulty_workers", "run", settings=settings)
        logs = [world.processes.log(name) for name in WORKERS]
        if not wait_until(lambda: all(READY in log.read_bytes() for log in logs), 60):
            raise NotReady(f"The workers do not come up.\n{world.processes.log_tails()}")
        return _poison(world, trials, seed)


class _Poison:
    """The model's answers, if it comes to that. A worker is known by the model that it asks for."""

    def __init__(self, world: World) -> None:
        self.kills = 0
        self._world = world
        self._reply: Reply = world.model.reply
        self._killing = threading.Lock()

    def __call__(self, body: dict[str, Any]) -> Any:
        turns = body["messages"]
        if any(_is_poison(mark) for mark in marks_of(str(turns[-1]["content"]))):
            with self._killing:
                self._world.kill(str(body["model"]))
                self._world.start_worker(str(body["model"]), LLM_MODEL=str(body["model"]))
                self.kills += 1
        return self._reply(body)


def _is_poison(mark: str) -> bool:
    conversation, number, _ = mark.split()
    return int(conversation[1:]) >= POISONER and number == "n2"


def _poison(world: World, trials: int, seed: int) -> Row:
    """So many poisoners, one after the other, beside others who only want an answer."""
    poisoners, others = world.people(trials, first=POISONER), world.people(OTHERS)
    world.greet(poisoners)
    with writing(others, PER_SECOND, seed):
        for person in poisoners.persons:
            _one(world, poisoners, person)
            world.row.trials += 1
    row = world.judge(dead=trials)
    if (buried := row.counts.get(DEAD, 0)) < trials:
        row.broken.append(f"{buried} of {trials} poisonous messages are in the dead letters")
    return row


def _one(world: World, poisoners: People, person: Person) -> None:
    """Poison is buried with an apology, and the same person's next message is answered."""
    poisoners.write_one(person)
    if not wait_until(lambda: _apologies(world, person) > 0, BURIED_SECONDS):
        world.row.broken.append(f"after {BURIED_SECONDS:.0f} s there is no apology for a poisonous message")
        return
    (next_one,) = marks_of(poisoners.write_one(person))
    if not wait_until(lambda: next_one in answered(world), BURIED_SECONDS):
        world.row.broken.append("a poisoner's next message is not answered")
    if _apologies(world, person) > 1:
        world.row.broken.append("somebody got more than one apology")


def _apologies(world: World, person: Person) -> int:
    bubbles = world.platform.answers(person.chat_id)
    return sum(any(words in bubble.text for words in APOLOGY) for bubble in bubbles)


DEADLY = Scenario(
    "deadly-messages", "messages that end the worker that answers them", Trials(1, 1, 20), deadly, waits=True
)
FAULTY = Scenario("raising-messages", "messages at which a turn fails", Trials(1, 2, 20), raising)
