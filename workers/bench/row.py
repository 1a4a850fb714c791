"""One configuration, measured in a process of its own: python -m workers.bench.row JOB (JSON), which says rows (JSON).

What is measured goes through the backend's port alone, so that a server and a model in this process are measured alike.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from statistics import mean, median
from threading import Barrier
from time import perf_counter
from typing import Any, NamedTuple, TextIO, cast

from bot import cli
from bot.errors import BackendError, RecadoError, SettingsError
from bot.settings import Settings, load_settings
from workers import jobs
from workers.backends import Backend
from workers.bench import memory
from workers.bench.configurations import Job, overrides
from workers.bench.questions import prompt
from workers.bench.rows import Round, Row, figures, growth

Tell = Callable[[str], None]


class Opened(NamedTuple):
    """A backend that has answered, what it says of itself, and what the model cannot do of what was asked."""

    backend: Backend
    answers: str
    note: str


class Reply(NamedTuple):
    """When one conversation asked, when the first piece and the end came (perf_counter), and its tokens."""

    asked: float
    first: float
    ended: float
    tokens: int


def measure(job: Job, settings: Settings, tell: Tell) -> Iterator[Row]:
    """A row for each concurrency, as soon as it is there; ``tell`` hears what is being done."""
    before = memory.now()
    tell("opening the backend")
    try:
        backend, answers, note = _open(job, settings)
    except RecadoError as error:
        yield from (Row(job.configuration, level, str(error)) for level in job.concurrency)
        return
    with closing(backend):
        for level in job.concurrency:
            row = Row(job.configuration, level, note=note, answers=answers)
            try:
                columns = figures(_rounds(backend, level, job, tell))
            except BackendError as error:
                yield replace(row, reason=str(error))
                continue
            remote = bool(backend.servers(""))
            place = {"device": "a server"} if remote else {"device": memory.device()} | growth(before, memory.now())
            yield replace(row, **columns, **place)


def _open(job: Job, settings: Settings) -> Opened:
    """The first of the job's settings that the model can do. Raises RecadoError with the last one's reason."""
    *wishes, last = overrides(job, settings)
    refused = []
    for wish in wishes:
        try:
            return _answering(load_settings(**wish), "")
        except SettingsError as error:
            refused.append(str(error))
    return _answering(load_settings(**last), " ".join(refused))


def _answering(settings: Settings, note: str) -> Opened:
    backend = jobs.open_backend(settings)
    try:
        return Opened(backend, backend.check(), note)
    except RecadoError:
        backend.close()
        raise


def _rounds(backend: Backend, level: int, job: Job, tell: Tell) -> list[Round]:
    """The rounds that count, after one that does not. The numbers are new, so that no server knows the prompts."""
    first = 100_000 + secrets.randbelow(800_000)
    rounds = []
    for number in range(job.repeat + 1):
        tell(f"{level} at once, " + (f"round {number} of {job.repeat}" if number else "warming up"))
        rounds.append(_round(backend, range(first + number * level, first + (number + 1) * level)))
    return rounds[1:]


def _round(backend: Backend, numbers: range) -> Round:
    """Raises BackendError when one of the conversations gets no answer."""
    barrier = Barrier(len(numbers))
    with ThreadPoolExecutor(len(numbers)) as pool:
        replies = list(pool.map(lambda number: _ask(backend, number, barrier), numbers))
    tokens = [reply.tokens for reply in replies]
    seconds = max(reply.ended for reply in replies) - min(reply.asked for reply in replies)
    return Round(
        first=median(reply.first - reply.asked for reply in replies),
        reply=median(reply.ended - reply.asked for reply in replies),
        rate=sum(tokens) / seconds,
        tokens=mean(tokens),
    )


def _ask(backend: Backend, number: int, barrier: Barrier) -> Reply:
    barrier.wait()
    asked = perf_counter()
    stream = backend.stream(prompt(number))
    pieces = [next(stream)]
    first = perf_counter()
    pieces.extend(stream)
    ended = perf_counter()
    tokens = backend.count_tokens("".join(pieces)) - backend.count_tokens("")
    return Reply(asked, first, ended, tokens)


def _own_output() -> TextIO:
    """Our standard output for us alone; what libraries print goes where errors go."""
    ours = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    cast(io.TextIOWrapper, sys.stdout).reconfigure(line_buffering=True)  # or it would come after the last words
    return ours


def main(text: str) -> None:
    """Measure the job that ``text`` describes; one line of JSON for each step (a text) and each row (an object)."""
    found = json.loads(text)
    job = Job(**found | {"concurrency": tuple(found["concurrency"])})
    output = _own_output()

    def say(line: Any) -> None:
        print(json.dumps(line), file=output, flush=True)

    for row in measure(job, cli.begin("ERROR"), say):
        say(row.write())


if __name__ == "__main__":
    cli.main(lambda: main(sys.argv[1]))
