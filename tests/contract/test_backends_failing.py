"""How model servers fail, and what each failure means for the turn: later, or never."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Generator
from itertools import islice
from time import monotonic, sleep

import pytest

from bot.errors import BackendError, Rejected, SettingsError, Unavailable
from bot.message import Turn
from tests.contract.scripted import HUGGINGFACE, OLLAMA, OPENAI, Dialect, Exchange, Script, each_dialect, nowhere
from workers.backends import Prompt
from workers.backends._answer import Answer
from workers.backends._watch import Watch, WatchedConnection

ASKED = Prompt((Turn("user", "Hola"),), session="s1")
KEY = "sk-very-secret-key"
WAY_OUT = r"check the server|look |probably wrong|lower$|should be|raise LLM_|raise REPLY_TOKENS"
"""What to do about it: every error that an operator reads in the log says something of the kind."""
QUEUE_FULL = b'{"error": "server busy, please try again.  maximum pending requests exceeded"}'


def refuses(status: int, **headers: str) -> Script:
    return lambda exchange: exchange.whole(status, f'{{"error": "no, {KEY}"}}'.encode(), **headers)


def answers_with(body: bytes, kind: str) -> Script:
    return lambda exchange: exchange.whole(200, body, kind)


NOT_NOW = [
    (refuses(500), "HTTP 500", None),
    (refuses(503, Retry_After="7"), "HTTP 503.*LLM_PARALLEL", 7),
    (lambda exchange: exchange.whole(503, QUEUE_FULL), "HTTP 503.*LLM_PARALLEL", None),
    (refuses(429, Retry_After="2"), "HTTP 429.*LLM_PARALLEL", 2),
    (refuses(429, Retry_After="soon"), "HTTP 429", None),
    (refuses(429, Retry_After="Sun, 06 Nov 1994 08:49:37 GMT"), "HTTP 429", 0),
    (refuses(302, Location="http://127.0.0.1:1/"), "LLM_BASE_URL", None),
    (answers_with(b"<html>Welcome</html>", "text/html"), "LLM_BASE_URL", None),
    (answers_with(b"\x00\xff\n{\n", "text/plain"), "LLM_BASE_URL", None),
    (answers_with(b"", "text/event-stream"), "broke off", None),
    (Exchange.drop, "broke off", None),
]


@each_dialect
@pytest.mark.parametrize(("script", "told", "wait"), NOT_NOW)
def test_what_may_pass_is_unavailable(dialect: Dialect, script: Script, told: str, wait: float | None) -> None:
    """With the server's own wish for a pause, and never with the key."""
    with dialect.served(script, llm_api_key=KEY) as (backend, _):
        with pytest.raises(Unavailable, match=told) as caught:
            list(backend.stream(ASKED))

        assert caught.value.retry_after == wait
        assert re.search(WAY_OUT, str(caught.value))
        assert KEY not in str(caught.value)


@each_dialect
@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, "does not take this request"),
        (401, "API_KEY"),
        (403, "API_KEY"),
        (404, "LLM_MODEL"),
        (413, "CONTEXT_TOKENS"),
    ],
)
def test_what_will_not_change_is_rejected(dialect: Dialect, status: int, told: str) -> None:
    """With what the operator should look at, and never with the key."""
    with dialect.served(refuses(status), llm_api_key=KEY) as (backend, _):
        with pytest.raises(Rejected, match=told) as caught:
            list(backend.stream(ASKED))

        assert KEY not in str(caught.value)


def again(what: Callable[[Dialect], bytes], pause: float) -> Callable[[Exchange, Dialect], None]:
    """Send the same for five seconds, or until the client goes away."""

    def go_on(exchange: Exchange, dialect: Dialect) -> None:
        until = monotonic() + 5
        while monotonic() < until:
            exchange.chunk(what(dialect))
            sleep(pause)

    return go_on


def sends(what: Callable[[Dialect], bytes]) -> Callable[[Exchange, Dialect], None]:
    """Send this as the last thing, and end in good order."""

    def send(exchange: Exchange, dialect: Dialect) -> None:
        exchange.chunk(what(dialect))
        exchange.end()

    return send


show_life = again(lambda dialect: dialect.alive, 0.05)
flood = again(lambda dialect: dialect.alive * 100, 0)
trickle = again(lambda _: b"x", 0.05)

GARBAGE = b'data: {"\x00\xff]\n<html>502 Bad Gateway</html>\n\n'
HALF_A_LINE = "LLM_BASE_URL|broke off"

HALVES: dict[str, tuple[Callable[[Dialect], Script], list[str], str]] = {
    "cut": (lambda d: d.begins("Ho", then=lambda exchange, _: exchange.drop()), ["Ho"], "broke off"),
    "no end": (lambda d: d.begins("Ho", then=lambda exchange, _: exchange.end()), ["Ho"], "broke off"),
    "error": (lambda d: d.begins("Ho", then=lambda e, d: e.chunk(d.trouble)), ["Ho"], "broke off"),
    "half a line": (lambda d: d.begins("Ho", then=sends(lambda d: d.lines("la")[:-12])), ["Ho"], HALF_A_LINE),
    "garbage": (lambda d: d.begins("Ho", then=sends(lambda _: GARBAGE)), ["Ho"], "LLM_BASE_URL"),
    "trickle": (lambda d: d.begins("Ho", then=trickle), ["Ho"], "LLM_TIMEOUT"),
    "trickle at first": (lambda d: d.begins(then=trickle), [], "LLM_FIRST_TOKEN_TIMEOUT"),
    "flood": (lambda d: d.begins("Ho", then=flood), ["Ho"], "LLM_TIMEOUT"),
    "flood at first": (lambda d: d.begins(then=flood), [], "LLM_FIRST_TOKEN_TIMEOUT"),
    "silence": (lambda d: d.begins("Ho", then=lambda e, _: e.wait_for_hang_up()), ["Ho"], "LLM_TIMEOUT"),
    "life only": (lambda d: d.begins("Ho", then=show_life), ["Ho"], "LLM_TIMEOUT"),
    "silence at first": (lambda d: d.begins(then=lambda e, _: e.wait_for_hang_up()), [], "LLM_FIRST_TOKEN_TIMEOUT"),
    "life only at first": (lambda d: d.begins(then=show_life), [], "LLM_FIRST_TOKEN_TIMEOUT"),
    "no headers": (lambda _: Exchange.wait_for_hang_up, [], "LLM_FIRST_TOKEN_TIMEOUT"),
    "empty": (lambda d: d.says(), [], "empty answer"),
    "thoughts only": (lambda d: d.says("<think>Hm", "m.</think>", " \n"), [], "empty answer"),
}


@each_dialect
@pytest.mark.parametrize("trouble", [lambda d: d.trouble, lambda _: GARBAGE], ids=["error", "garbage"])
def test_an_answer_that_becomes_none_is_read_no_further(dialect: Dialect, trouble: Callable[[Dialect], bytes]) -> None:
    """Its connection is closed there and then, although its error is still being told."""

    def then(exchange: Exchange, dialect: Dialect) -> None:
        exchange.chunk(trouble(dialect))
        exchange.wait_for_hang_up()

    with dialect.served(dialect.begins("Ho", then=then)) as (backend, server):
        with pytest.raises(Unavailable) as caught:
            list(backend.stream(ASKED))
        assert server.hung_up.wait(5)
        assert caught.value.__traceback__


@each_dialect
@pytest.mark.parametrize("half", HALVES)
def test_an_answer_without_its_end_is_void(dialect: Dialect, half: str) -> None:
    """What came is given, then Unavailable; signs of life that hold no token do not count as one."""
    make, pieces, told = HALVES[half]
    limits = {name: 0.15 if name == told else 30 for name in ("LLM_FIRST_TOKEN_TIMEOUT", "LLM_TIMEOUT")}
    came: list[str] = []
    started = monotonic()
    with dialect.served(make(dialect), **{name.lower(): limit for name, limit in limits.items()}) as (backend, _):
        stream = backend.stream(ASKED)
        with pytest.raises(Unavailable, match=told) as caught:
            came.extend(stream)

    assert came == pieces
    assert re.search(WAY_OUT, str(caught.value))
    assert monotonic() - started < 20


@each_dialect
def test_time_to_the_first_token_is_not_time_between_tokens(dialect: Dialect) -> None:
    """A model may be loaded for long, and must then not fall silent for long."""

    def slow(exchange: Exchange) -> None:
        sleep(0.3)
        dialect.says("Ho", "la")(exchange)

    with dialect.served(slow, llm_first_token_timeout=5, llm_timeout=0.2) as (backend, _):
        assert "".join(backend.stream(ASKED)) == "Hola"


@pytest.mark.parametrize("dialect", [OPENAI, HUGGINGFACE], ids=lambda dialect: dialect.provider)
@pytest.mark.parametrize("reason", ["abort", "error"])
def test_an_end_that_is_none_is_a_cut(dialect: Dialect, reason: str) -> None:
    """A server that is stopped gives such a reason and ends in good order; what came looks whole and is not."""
    script = dialect.begins("Ho", then=sends(lambda dialect: dialect.ends(reason)))
    came: list[str] = []
    with dialect.served(script) as (backend, _), pytest.raises(Unavailable, match="broke off"):
        came.extend(backend.stream(ASKED))

    assert came == ["Ho"]


@pytest.mark.parametrize("dialect", [OLLAMA, OPENAI], ids=lambda dialect: dialect.provider)
def test_a_line_without_an_end_is_not_read_for_ever(dialect: Dialect) -> None:
    endless = dialect.begins(then=again(lambda _: b"x" * 65536, 0))
    unread = pytest.raises(Unavailable, match="LLM_BASE_URL")
    with dialect.served(endless, llm_first_token_timeout=60) as (backend, _), unread:
        list(backend.stream(ASKED))


def test_only_waiting_for_the_server_counts_as_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads an answer may pause, for example because a platform lets it wait."""
    now, left = [0.0], []
    monkeypatch.setattr("workers.backends._watch.monotonic", lambda: now[0])
    watch = Watch(first=5, gap=2)

    def pieces() -> Generator[str, None, None]:
        for piece in ("Ho", "la"):
            left.append(watch.left())
            watch.token()
            yield piece

    answer = Answer(pieces(), watch)
    for _ in range(2):
        now[0] += 60
        next(answer)

    assert left == [5, 2]


class Flood:
    """A connection, as httpcore has them, on which there is always something to read."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return b"\n" * max_bytes

    def get_extra_info(self, info: str) -> socket.socket:
        return self._connection


def test_a_server_that_never_pauses_is_late_all_the_same() -> None:
    """A socket's timeout is for silence only."""
    ours, theirs = socket.socketpair()
    watch, connection = Watch(first=0.05), WatchedConnection(Flood(ours))
    reads = iter(lambda: connection.read(16), b"")
    with ours, theirs, watch.on_this_thread(), pytest.raises(Unavailable, match="LLM_FIRST_TOKEN_TIMEOUT"):
        list(islice(reads, 10_000_000))


@each_dialect
def test_a_server_that_is_not_there_is_unavailable(dialect: Dialect) -> None:
    backend = dialect.backend(nowhere())
    with pytest.raises(Unavailable, match=r"cannot be reached.*check the server and LLM_BASE_URL"):
        list(backend.stream(ASKED))
    with pytest.raises(BackendError, match=r"LLM_BASE_URL|cannot be reached"):
        backend.check()
    backend.close()


@pytest.mark.parametrize("url", ["http://", "ftp://127.0.0.1", "http:///v1"])
@each_dialect
def test_an_address_that_is_none_is_named_at_the_start(dialect: Dialect, url: str) -> None:
    with pytest.raises(SettingsError, match="LLM_BASE_URL"):
        dialect.backend(url)


@each_dialect
def test_a_key_that_is_none_is_named_at_the_start(dialect: Dialect) -> None:
    """A line break that was copied along would otherwise break the request's header."""
    with pytest.raises(SettingsError, match="API_KEY"):
        dialect.backend("http://127.0.0.1:1", llm_api_key="sk-one\nsk-two")
