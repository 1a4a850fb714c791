"""From tokens to the words a person reads: whole characters, no stop strings, in time, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Final

from bot.errors import BackendError
from workers.backends._watch import Watch, closed
from workers.backends.local.job import Box, Engine, Job, Signal
from workers.backends.local.prompts import Prompts

LATE: Final = "LLM_PARALLEL or WORKER_CONCURRENCY may be too high for this machine; or raise LLM_FIRST_TOKEN_TIMEOUT"
HALF_CHARACTER: Final = "\ufffd"
HALVES_MOST: Final = 8
"""Tokens that may wait for the rest of a character; after so many there is none to come."""


class Wait(Watch):
    """The deadlines of one answer; whoever waits for its next token is woken when it is ended."""

    def __init__(self, first: float, gap: float) -> None:
        super().__init__(first, gap, LATE)
        self.box: Box = SimpleQueue()

    def cut(self) -> None:
        super().cut()
        self.box.put(Signal.CLOSED)


class Decoder:
    """Text out of tokens that come one by one: a character may be made of several.

    What came last is decoded again together with what follows, since a tokenizer may treat a beginning differently.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._start = self._read = 0
        self.text = ""

    def feed(self, ids: Sequence[int], *, last: bool = False) -> str:
        """The text that these tokens complete; ``last``: also what never will be."""
        self._ids += ids
        known, now = self._decode(self._ids[self._start : self._read]), self._decode(self._ids[self._start :])
        if now.endswith(HALF_CHARACTER) and not last and len(self._ids) - self._read < HALVES_MOST:
            return ""
        self._start, self._read = self._read, len(self._ids)
        self.text += now[len(known) :]
        return now[len(known) :]

    @property
    def read(self) -> list[int]:
        """The tokens of ``text``."""
        return self._ids[: self._read]


class Until:
    """A text up to the first of some stop strings; what may be the beginning of one is held back."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops, self._held = tuple(filter(None, stops)), ""
        self.met = False

    def feed(self, text: str, *, last: bool = False) -> str:
        """What can be said now; ``last``: nothing more comes, so that nothing is held back."""
        if self.met:
            return ""
        text = self._held + text
        found = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if found:
            self.met, self._held = True, ""
            return text[: min(found)]
        said = len(text) - (0 if last else self._beginning(text))
        self._held = text[said:]
        return text[:said]

    def _beginning(self, text: str) -> int:
        """How much of the end of ``text`` could be the beginning of a stop string."""
        longest = min(max(map(len, self._stops), default=1) - 1, len(text))
        ends = (text[len(text) - size :] for size in range(longest, 0, -1))
        return next((len(end) for end in ends if any(stop.startswith(end) for stop in self._stops)), 0)


def words(engine: Engine, prompts: Prompts, job: Job, wait: Wait, stops: Sequence[str]) -> Generator[str, None, None]:
    """The answer's text as it comes; however this ends, the engine is free of it, and its tokens are remembered.

    Raises Rejected and Unavailable.
    """
    engine.submit(job)
    decoder, until, said = Decoder(prompts.decode), Until(stops), ""
    try:
        for ids in _tokens(job, wait):
            if text := until.feed(decoder.feed([token for token in ids if token not in engine.ends])):
                said += text
                yield text
            if until.met:
                return
        wait.limited = len(job.made) >= job.limit and job.made[-1] not in engine.ends
        if text := until.feed(decoder.feed([], last=True), last=True):
            said += text
            yield text
    finally:
        engine.cancel(job)
        if said == decoder.text:
            prompts.remember(job.session, said, decoder.read)


def _tokens(job: Job, wait: Wait) -> Iterator[list[int]]:
    while True:
        try:
            item = job.box.get(timeout=wait.left())
        except Empty:
            if verdict := wait.verdict():
                raise verdict from None
            continue
        if wait.closed:
            raise closed()
        if isinstance(item, BackendError):
            raise item
        if isinstance(item, Signal):
            return
        wait.token()
        yield item
