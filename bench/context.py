"""What it costs to rebuild a context from a long history and from a short one: python bench/context.py

Three conversations on an embedded server of their own, of 10, 1,000 and 100,000 messages, all of the same form. A
step does what every turn does, History.tail and then context.fit, for each, in an order that changes. What counts is
the median of the ratios within a step, by rounds of 100 steps. All have the same budget, which holds 10 messages:

- a window is remembered (every turn but the first): all prompts have the 10 newest messages, and nothing is cut;
- no window is known (its key was lost): a long history is read as far as the budget goes, and cut to 60 %.
  The short one does not need cutting, so this compares different work; it shows that the cost stays bounded.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from _installation import started
from _plots import Lines, Point
from _report import SHORT, Figure, percentile, run, spread

from bot.message import Turn
from bot.stores import embedded, history
from bot.stores.connection import Store, connect, key
from simulator.processes import wait_until
from workers import context
from workers.backends import estimate

BRIEF, *LONG = 10, 1_000, 100_000
STEPS, IN_A_ROUND = 400 if SHORT else 3000, 100
BOUND = 1.3
SAID = "¿Tenéis pan sin gluten los domingos, o hay que encargarlo antes del viernes? Son para doce personas. "
SYSTEM = Turn("system", SAID * 2, estimate(SAID * 2))
ASKED = Turn("user", SAID, estimate(SAID), LONG[-1])
BUDGET = SYSTEM.tokens + (BRIEF + 1) * ASKED.tokens


class Case(NamedTuple):
    """A conversation of so many ``messages``; its first in the prompt is turn ``window``, 0: that is not known."""

    messages: int
    window: int

    @property
    def conversation(self) -> str:
        return f"telegram:1:{self.messages}"

    def __str__(self) -> str:
        return f"{self.messages:,} messages{'' if self.window else ', no window known'}"


def measure() -> Iterator[Figure | Lines]:
    kept = [Case(messages, (messages - BRIEF) // 2 + 1) for messages in (BRIEF, *LONG)]
    lost = [Case(messages, 0) for messages in LONG]
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as folder, server(Path(folder)) as store:
        for case in kept:
            seed(store, case.conversation, case.messages)
        took = compare(history.History(store), [*kept, *lost])
        for case in (*kept, *lost):
            reach = len(rebuild(history.History(store), case).turns) - 2
            yield Figure(f"{case} ({reach} reach the prompt)", microseconds(took[case]))
    for case in (*kept[1:], *lost):
        ratios = [a / b for a, b in zip(took[case], took[kept[0]], strict=True)]
        rounds = [median(ratios[at : at + IN_A_ROUND]) for at in range(0, STEPS, IN_A_ROUND)]
        key = f"{case.messages}{'' if case.window else '-lost'}"
        yield spread(f"{case}, against {BRIEF}", rounds, key=key, most=BOUND if case.window else None)
    yield plot(took, kept, lost)


def microseconds(took: list[float]) -> str:
    return f"median {median(took) * 1e6:.0f}, min {min(took) * 1e6:.0f} us"


def plot(took: dict[Case, list[float]], kept: list[Case], lost: list[Case]) -> Lines:
    def points(cases: list[Case]) -> list[Point]:
        return [Point(case.messages, *(percentile(took[case], at) * 1e6 for at in (0.5, 0.05, 0.95))) for case in cases]

    series = {"as every turn": points(kept), "its window was lost": points(lost)}
    axes = ("messages in the history", "us of time (median, 90 %)")
    return Lines("context", "Rebuilding a context from a long history", *axes, series, logarithmic_x=True)


def rebuild(past: history.History, case: Case) -> context.Fit:
    """What a turn does before it asks the model."""
    turns = past.tail(case.conversation, case.window, BUDGET)
    return context.fit(SYSTEM, turns, ASKED, window=case.window, budget=BUDGET, count=estimate)


def compare(past: history.History, cases: list[Case]) -> dict[Case, list[float]]:
    """Seconds that each took in each step."""
    took: dict[Case, list[float]] = {case: [] for case in cases}
    for step in range(STEPS):
        for case in cases[step % len(cases) :] + cases[: step % len(cases)]:
            began = time.perf_counter()
            rebuild(past, case)
            took[case].append(time.perf_counter() - began)
    return took


def seed(store: Store, conversation: str, messages: int) -> None:
    """So many messages as mailbox.commit leaves them: a question and its answer bear one number."""
    records = [
        history.pack(Turn("assistant" if number % 2 else "user", SAID, estimate(SAID), number // 2 + 1))
        for number in range(messages)
    ]
    for start in range(0, messages, 5000):
        store.client.rpush(key(conversation, "history"), *records[start : start + 5000])


@contextmanager
def server(folder: Path) -> Iterator[Store]:
    """The embedded server as the product starts it, ended before its folder goes."""
    with started(embedded.command(folder, port=0), quiet=True):
        if not wait_until(lambda: embedded.is_running(folder), embedded.START_SECONDS):
            raise SystemExit("the embedded server does not come up")
        yield connect(f"unix://{embedded.socket_path(folder)}", folder, 5)


if __name__ == "__main__":
    run("rebuilding a context", measure)
