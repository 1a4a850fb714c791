"""The same call to the same model by our worker and by other queues' workers, in turns in one run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Self

from _plots import Bar, Bars
from _queues import FORK, OURS, SIMPLE, Workers, others
from _report import SHORT, Figure, spread

from bot.stores import embedded
from bot.stores.connection import connect
from simulator.models import Asked, ModelServer
from simulator.processes import NotReady, wait_until

CALLS = 64
"""So many calls wait at once, and so many a worker makes at a time, where it can."""

ROUNDS = 1 if SHORT else 5
LEAST = 6.0 if SHORT else 12.0
"""A short run on a busy machine only looks for something that has gone badly wrong."""

PRODUCT = "Recado's whole turn"
_words = itertools.count()


class Race:
    """One worker of each library at an embedded Redis as shipped, with ``model`` to ask."""

    def __init__(self, model: ModelServer) -> None:
        self._model = model
        self._open = ExitStack()
        self._workers: list[Workers] = []

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            folder = Path(opened.enter_context(TemporaryDirectory(prefix="recado-bench-")))
            url = opened.enter_context(redis_at(folder))
            for library in (OURS, FORK, SIMPLE, *others()):
                workers = Workers(library, url, slots=CALLS, MODEL_URL=self._model.url)
                self._workers.append(opened.enter_context(workers))
            for workers in self._workers:
                self.rate(workers, 1)
            self._open = opened.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.close()

    def rates(self, calls_of_one: int) -> dict[str, float]:
        """Calls a second of each library, one after the other; who makes one call at a time is given fewer."""
        libraries = {workers: workers.library for workers in self._workers}
        return {
            library.name: self.rate(workers, CALLS if library.slots else calls_of_one)
            for workers, library in libraries.items()
        }

    def rate(self, workers: Workers, calls: int) -> float:
        """Calls a second, from the first question that the model hears to its last answer."""
        word = f"race{next(_words)}"
        for _ in range(calls):
            workers.put("ask", word)
        if not wait_until(lambda: len(done(self._model, word)) >= calls, 60 + 3 * calls * self._model.delay):
            raise NotReady(f"{workers.library.name} made {len(done(self._model, word))} of {calls} calls.")
        return calls / seconds(done(self._model, word))


@contextmanager
def redis_at(folder: Path) -> Iterator[str]:
    """The address of an embedded server as shipped, with its data in ``folder``."""
    store = connect("", folder, 5)
    try:
        store.ping()
        yield f"unix://{embedded.socket_path(folder)}"
    finally:
        store.close()
        embedded.leave(folder)


def done(model: ModelServer, word: str) -> list[Asked]:
    """The questions with this word that the model has answered."""
    with model.changed:
        return [asked for asked in model.requests if asked.outcome == "done" and asked.said[-1][1] == word]


def seconds(asked: list[Asked]) -> float:
    return max(one.ended or 0 for one in asked) - min(one.time for one in asked)


def compared(
    race: Race, model: ModelServer, calls_of_one: int, product: Callable[[], float]
) -> Iterator[Figure | Bars]:
    """Rates and their ratios; ``product`` is the rate of our whole turns, which take part in every round."""
    rounds = [race.rates(calls_of_one) | {PRODUCT: product()} for _ in range(ROUNDS)]
    name = f"{model.delay * 1000:g} ms"
    for library in rounds[0]:
        rates = [one[library] for one in rounds]
        yield spread(f"calls of {name}: {library}, one process", rates, "/s", key=f"{library}, {name}", digits=1)
    for ours, least in ((OURS.name, LEAST), (PRODUCT, None)):
        for stock in (FORK.name, SIMPLE.name):
            ratios = [one[ours] / one[stock] for one in rounds]
            what = f"{ours} against {stock}"
            yield spread(f"  {what}, calls of {name}", ratios, key=f"{what}, {name}", least=least, digits=1)
    yield plot(name, rounds)


def plot(name: str, rounds: Sequence[Mapping[str, float]]) -> Bars:
    bars = []
    for library in sorted(rounds[0], key=lambda library: -median(one[library] for one in rounds)):
        rates = [one[library] for one in rounds]
        bars.append(Bar(library, median(rates), min(rates), max(rates), ours=library.startswith("Recado")))
    title = f"Calls of {name} to a model, one worker process"
    return Bars(f"worker-{name.replace(' ', '')}", title, f"calls a second, {CALLS} waiting", bars)
