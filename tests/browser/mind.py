"""What the model says, told by the tests: piece by piece, when they want it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from simulator.asked import text_of, words
from simulator.models import echo

GIVE_UP_SECONDS = 60.0


class Held:
    """An answer of which the model says a piece only when it is given; whoever asks again hears those at once."""

    def __init__(self, *pieces: str) -> None:
        self._pieces, self._given = pieces, 0
        self._changed = threading.Condition()

    def give(self, pieces: int = 1) -> None:
        with self._changed:
            self._given += pieces
            self._changed.notify_all()

    def give_all(self) -> None:
        self.give(len(self._pieces))

    def __iter__(self) -> Iterator[str]:
        for number, piece in enumerate(self._pieces):
            with self._changed:
                self._changed.wait_for(partial(self._has, number), GIVE_UP_SECONDS)
            yield piece

    def _has(self, number: int) -> bool:
        return self._given > number


class Mind:
    """The answer to each question as it was told; to any other one the question itself."""

    def __init__(self) -> None:
        self._answers: dict[str, Callable[[], str | Iterable[str]]] = {}
        self._held: list[Held] = []

    def __call__(self, body: dict[str, Any]) -> Any:
        said = next((words(text_of(turn)) for turn in reversed(body["messages"]) if turn["role"] == "user"), "")
        return self._answers[said]() if said in self._answers else echo(body)

    def says(self, question: str, *answers: str) -> None:
        """Each time that it is asked the next answer, the last one for good; word by word, as fast as the server is."""
        left = list(answers)

        def answer() -> str:
            return left.pop(0) if len(left) > 1 else left[0]

        self._answers[question] = answer

    def holds(self, question: str, *pieces: str) -> Held:
        """An answer whose pieces the test gives."""
        held = Held(*pieces)
        self._held.append(held)
        self._answers[question] = lambda: iter(held)
        return held

    def forget(self) -> None:
        """Nothing is told any more; whoever still waits for a piece has it."""
        for held in self._held:
            held.give_all()
        self._held.clear()
        self._answers.clear()
