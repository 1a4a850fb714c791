"""What it costs to rebuild a context from a long history and from a short one: python bench/context.py

Two conversations on an embedded server of their own, one of 20 messages and one of 100,000, all of the same form. A
step does what every turn does, History.tail and then context.fit, for both, in an order that changes; the
median of the ratios within a step counts. Both have the same budget, which holds some 20 messages:

- a window is remembered (every turn but the first): both prompts have the 20 newest messages, and nothing is cut;
- no window is known (its key was lost): the long history is read as far as the budget goes, and cut to 60 %.
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

from _installation import SHORT, Figure, run, started

from bot.message import Turn
from bot.stores import embedded, history
from bot.stores.connection import Store, connect, key
from simulator.processes import wait_until
from workers import context
from workers.backends import estimate

LONG, BRIEF = 100_000, 20
STEPS = 400 if SHORT else 3000
BOUND = 1.3
SAID = "¿Tenéis pan sin gluten los domingos, o hay que encargarlo antes del viernes? Son para doce personas. "
SYSTEM = Turn("system", SAID * 10, estimate(SAID * 10))
ASKED = Turn("user", SAID, estimate(SAID), LONG)
BUDGET = SYSTEM.tokens + (BRIEF + 1) * ASKED.tokens


class Case(NamedTuple):
    name: str
    conversation: str
    window: int


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as folder, server(Path(folder)) as store:
        brief = Case(f"{BRIEF} messages", "telegram:1:20", 1)
        long = Case(f"{LONG:,} messages", "telegram:1:100000", (LONG - BRIEF) // 2 + 1)
        lost = Case(f"{LONG:,} messages, no window known", long.conversation, 0)
        seed(store, brief.conversation, BRIEF)
        seed(store, long.conversation, LONG)
        cases = [brief, long, lost]
        took = compare(history.History(store), cases)
        for case in cases:
            yield Figure(
                f"{case.name} ({len(rebuild(history.History(store), case).turns) - 2} reach the prompt)",
                f"median {median(took[case]) * 1e6:.0f}, min {min(took[case]) * 1e6:.0f} us",
            )
        for case in (long, lost):
            ratio = median(a / b for a, b in zip(took[case], took[brief], strict=True))
            bound, held = (f"<= {BOUND}", ratio <= BOUND) if case is long else ("", None)
            yield Figure(f"{case.name}, against {brief.name}", f"{ratio:.2f} times", bound, held)


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
