"""From a message to the first text on the platform, the model's time taken out: python bench/latency.py

20 messages a second, half on Telegram, half on WhatsApp, each from a person of their own, with DEBOUNCE_SECONDS=0
and a model that answers at once. Measured from the moment when a person writes (the fake platform posts its webhook)
to the moment when the fake platform takes the first call with text; every process and the fakes share one machine
and one clock. What the model server had a request for is subtracted. The first message ever, for which the
worker loads the platforms' clients, stands in a line of its own, and those of the first second are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from time import monotonic, sleep
from typing import NamedTuple

from _installation import Installation
from _report import SHORT, Figure, percentile, run

from simulator.models import ModelServer
from simulator.people import People
from simulator.platforms import Platform
from simulator.processes import wait_until

RATE = 20
SECONDS = 4 if SHORT else 30
WARM_UP = RATE
BOUND_P50_MS, BOUND_P99_MS, BOUND_QUARTER_MS = 25, 100, 75
"""A short run on a busy machine looks at the fastest quarter alone, for something that has gone badly wrong."""

TEXT_CALLS = ("sendMessage", "messages")


class Way(NamedTuple):
    """When a message was written, accepted, shown to the model, answered by it, and its answer sent (monotonic)."""

    written: float
    accepted: float
    asked: float
    answered: float
    sent: float

    @property
    def steps(self) -> dict[str, float]:
        """The way's parts in ms, and the whole without the model's."""
        model = self.answered - self.asked
        parts = {
            "whole way, without the model's time": self.sent - self.written - model,
            "  written to accepted (200)": self.accepted - self.written,
            "  written to asked (at the model)": self.asked - self.written,
            "  asked to answered (the model)": model,
            "  answered to sent (on the platform)": self.sent - self.answered,
        }
        return {name: seconds * 1000 for name, seconds in parts.items()}


def measure() -> Iterator[Figure]:
    with Installation(ModelServer(), DEBOUNCE_SECONDS="0") as installation:
        installation.start("receiver")
        installation.start_worker()
        write(installation, WARM_UP + RATE * SECONDS)
        ways = [way for platform in installation.platforms for way in ways_on(platform, installation.model)]
        installation.prove()
    first, *rest = (way.steps for way in sorted(ways))
    steps = rest[WARM_UP - 1 :]
    for number, name in enumerate(first):
        values = [step[name] for step in steps]
        p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
        spread = f"p50 {p50:.1f}, p99 {p99:.1f}, min {min(values):.1f}, max {max(values):.1f} ms"
        if number:
            yield Figure(name, spread)
        else:
            bound, held = bounded(values)
            yield Figure(name, spread, bound, held, "whole", p50, "ms", min(values), p99)
    yield Figure("first message ever, whole way", f"{next(iter(first.values())):.0f} ms")
    yield Figure("messages counted", f"{len(steps)} at {RATE} a second")


def bounded(values: Sequence[float]) -> tuple[str, bool]:
    """The bound for these, in ms, and whether they keep it."""
    quarter, p50, p99 = (percentile(values, share) for share in (0.25, 0.5, 0.99))
    if SHORT:
        return f"p25 <= {BOUND_QUARTER_MS} ms", quarter <= BOUND_QUARTER_MS
    return f"p50 <= {BOUND_P50_MS}, p99 <= {BOUND_P99_MS} ms", p50 <= BOUND_P50_MS and p99 <= BOUND_P99_MS


def write(installation: Installation, messages: int) -> None:
    """So many people write once each, on both platforms in turn, at an even rate; wait for all answers."""
    crowds = [
        People(platform, messages // 2, rate=RATE, first=100_000 * number)
        for number, platform in enumerate(installation.platforms)
    ]
    voices = cycle([(crowd, iter(crowd.persons)) for crowd in crowds])
    start = monotonic()
    for number in range(messages):
        sleep(max(start + number / RATE - monotonic(), 0))
        crowd, persons = next(voices)
        crowd.write_one(next(persons))
    if not wait_until(lambda: sum(len(texts(platform)) for platform in installation.platforms) >= messages, 30):
        raise SystemExit(f"not everybody was answered\n{installation.processes.log_tails()}")


def texts(platform: Platform) -> dict[str, float]:
    """When each chat's first call with text was taken."""
    with platform.changed:
        calls = [call for call in reversed(platform.calls) if call.method in TEXT_CALLS and call.taken]
    return {call.chat_id: call.time for call in calls}


def ways_on(platform: Platform, model: ModelServer) -> Iterator[Way]:
    asked = {one.said[-1][1]: one for one in model.requests}
    sent = texts(platform)
    for said in platform.said:
        question = asked[said.text]
        ended = question.ended or question.time
        yield Way(said.time, said.accepted or said.time, question.time, ended, sent[said.chat_id])


if __name__ == "__main__":
    run("latency, two channels mixed", measure)
