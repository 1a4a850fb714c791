"""A worker's instruments, and its own /metrics. The names are part of the outside surface."""

from __future__ import annotations

import logging
import sys
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.errors import Rejected, Unavailable, Unfetched
from bot.stores.taken import Waited
from workers.figures import NOBODY, Figures

PORTS: Final = 16
"""Workers on one machine take so many ports, the first that is free each."""

WAITS: Final = (0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 600, 1800)
"""Upper bounds in seconds of what a person waits for."""
CALLS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)
"""And of what a model takes."""

OUTCOMES: Final = frozenset(
    ("answered", "frequent", "heard", "stopped", "command", "no_text", "rejected", "dead", "relayed", "other")
)
DELIVERIES: Final = frozenset(
    ("sent", "ratelimited", "undelivered", "halted", "unknown", "gone", "parked", "refused", "blocked")
)
RETRIES: Final = ("model", "file", "channel", "error", "revised")
"""Why a turn is thought again: its model or a file of its person's is not to be had, its channel is off, something
failed, or a message of it was put right."""
FREQUENT: Final = ("hit", "miss", "stored")
_WORDS: Final = {
    "no text": "no_text", "unknown command": "command", "admins only": "command", "heard: stopped": "stopped",
    "said by the business": "relayed",
}  # fmt: skip

log = logging.getLogger("recado.worker")


class InHand(Protocol):
    """A conversation in this worker's hands."""

    @property
    def doing(self) -> str: ...


class Metrics:
    """The instruments of one worker, on a registry of their own. What is told here raises nothing and waits for nobody;
    every label comes from a small fixed set, and none is a person's."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry(auto_describe=True)
        self.address = ""
        """Where they are served, as host:port; empty: nowhere."""
        self._in_hand: Callable[[], Iterable[InHand]] = tuple

        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(name, words, labels, registry=registry)

        def histogram(name: str, words: str, *labels: str, bounds: tuple[float, ...] = WAITS) -> Histogram:
            return Histogram(name, words, labels, buckets=bounds, registry=registry)

        who, whom = ("channel", "backend"), "backend"
        self._turns = counter("recado_turns", "Turns that ended", *who, "outcome")
        self._waited = histogram("recado_turn_waited_seconds", "Oldest message accepted until taken", "channel")
        self._first_words = histogram(
            "recado_turn_first_words_seconds", "Newest message accepted until the first bubble was shown", *who
        )
        self._answer = histogram(
            "recado_turn_answer_seconds", "Newest message accepted until the last bubble was sent", *who
        )
        self._first_token = histogram(
            "recado_model_first_token_seconds", "Model asked until its first piece", whom, bounds=CALLS
        )
        self._model = histogram("recado_model_seconds", "Model asked until its last piece", whom, bounds=CALLS)
        self._tokens = counter("recado_tokens", "Tokens of prompts and answers", whom, "direction")
        self._errors = counter("recado_model_errors", "Requests that a model did not answer", whom, "kind")
        self._retries = counter("recado_turn_retries", "Turns that are to be thought again", "reason")
        self._deliveries = counter("recado_deliveries", "Calls that send or end a bubble", "channel", "outcome")
        self._limited = counter("recado_rate_limited", "Calls that a platform wants later", "channel")
        self._frequent = counter("recado_frequent_answers", "Questions looked up among the frequent", "outcome")
        self._fixed()
        registry.register(_Gpu())
        ProcessCollector(registry=registry)

    def _fixed(self) -> None:
        """What is there from the start, at zero: a rate needs two values."""
        for reason in RETRIES:
            self._retries.labels(reason)
        for outcome in FREQUENT:
            self._frequent.labels(outcome)
        gauge = Gauge("recado_turns_in_hand", "Turns of this worker", ["state"], registry=self.registry)
        for state in ("thinking", "speaking"):
            gauge.labels(state).set_function(lambda state=state: self.doing()[state])  # type: ignore[misc]

    def look_at(self, in_hand: Callable[[], Iterable[InHand]]) -> None:
        """Whose turns are in hand is asked of ``in_hand`` from now on."""
        self._in_hand = in_hand

    def doing(self) -> Tally[str]:
        """How many of the conversations in hand are thought about, and how many are spoken to."""
        return Tally(held.doing for held in self._in_hand())

    def turn(self, figures: Figures) -> None:
        """A turn is committed."""
        self._turns.labels(figures.channel, figures.backend, _outcome(figures.outcome)).inc()
        if figures.waited.asked_at:
            self._waited.labels(figures.channel).observe(figures.waited.oldest)

    @contextmanager
    def asking(self, backend: str, figures: Figures) -> Iterator[None]:
        """A model is asked meanwhile: what it took, or that it failed. Raises what is raised meanwhile."""
        try:
            yield
        except Unfetched:
            raise
        except Unavailable:
            self._errors.labels(backend, "unavailable" if figures.first_token is None else "cut").inc()
            raise
        except Rejected:
            self._errors.labels(backend, "rejected").inc()
            raise
        if figures.first_token is not None and figures.model is not None:
            self._first_token.labels(backend).observe(figures.first_token)
            self._model.labels(backend).observe(figures.model)
            self._tokens.labels(backend, "in").inc(figures.tokens_in)
            self._tokens.labels(backend, "out").inc(figures.tokens_out)

    def first_words(self, channel: str, backend: str, waited: Waited) -> None:
        """Somebody sees the first bubble of an answer."""
        if waited.asked_at:
            self._first_words.labels(channel, backend or NOBODY).observe(waited.so_far)

    def answered(self, channel: str, backend: str, waited: Waited) -> None:
        """Somebody has the whole answer."""
        if waited.asked_at:
            self._answer.labels(channel, backend or NOBODY).observe(waited.so_far)

    def retried(self, reason: str) -> None:
        """A turn is to be thought again, for one of RETRIES."""
        self._retries.labels(reason if reason in RETRIES else "error").inc()

    def delivered(self, channel: str, outcome: str) -> None:
        """What came of calling a platform about a bubble: one of DELIVERIES."""
        self._deliveries.labels(channel, outcome if outcome in DELIVERIES else "refused").inc()

    def limited(self, channel: str) -> None:
        """A platform wants a pause."""
        self._limited.labels(channel).inc()

    def frequent(self, outcome: str) -> None:
        """What came of looking a question up among the frequent ones: one of FREQUENT."""
        self._frequent.labels(outcome if outcome in FREQUENT else "miss").inc()

    def serve(self, host: str, port: int) -> None:
        """Show them on ``host``, at the first free port from ``port`` on; who gets none works all the same."""
        disable_created_metrics()  # type: ignore[no-untyped-call]
        for one in range(port, min(port + PORTS, 65536)):
            try:
                start_http_server(one, host, self.registry)
            except OSError as error:
                refused = error
                continue
            self.address = f"{host}:{one}"
            log.info("metrics on http://%s/metrics", self.address)
            return
        log.error(
            "WORKER_METRICS_PORT: no metrics, for nobody can listen on %s:%d to %d (%s)", host, port, one, refused
        )


class _Gpu(Collector):
    """The accelerators' memory, where this process uses one."""

    def collect(self) -> Iterator[Metric]:
        known = list(gpu_memory())
        if not known:
            return
        family = GaugeMetricFamily("recado_gpu_memory_bytes", "Memory of an accelerator", labels=["device", "kind"])
        for device, (used, total) in enumerate(known):
            family.add_metric([str(device), "used"], used)
            family.add_metric([str(device), "total"], total)
        yield family


def gpu_memory() -> Iterator[tuple[int, int]]:
    """Bytes in use, by whomever, and all there are, of each accelerator; none where this process has not used one."""
    torch: Any = sys.modules.get("torch")  # looking must load nothing
    if torch is None or not torch.cuda.is_initialized():
        return
    with suppress(RuntimeError):  # of one that broke nothing is known, and all else is wanted the more
        for device in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(device)
            yield total - free, total


def _outcome(words: str) -> str:
    """One of OUTCOMES for what a turn's outcome says."""
    if words.startswith("/"):
        return "command"
    found = _WORDS.get(words, words.partition(":")[0])
    return found if found in OUTCOMES else "other"
