"""How model servers fail, and what each failure means for the turn: later, or never."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from time import monotonic, sleep

import pytest

from bot.errors import BackendError, Rejected, SettingsError, Unavailable
from bot.message import Turn
from tests.contract.scripted import OPENAI, Dialect, Exchange, Script, ScriptedServer, each_dialect
from workers.backends import Prompt

ASKED = Prompt((Turn("user", "Hola"),), session="s1")
KEY = "sk-very-secret-key"


def refuses(status: int, **headers: str) -> Script:
    return lambda exchange: exchange.whole(status, f'{{"error": "no, {KEY}"}}'.encode(), **headers)


def answers_with(body: bytes, kind: str) -> Script:
    return lambda exchange: exchange.whole(200, body, kind)


NOT_NOW = [
    (refuses(500), "HTTP 500", None),
    (refuses(503, Retry_After="7"), "HTTP 503", 7),
    (refuses(429, Retry_After="2"), "HTTP 429", 2),
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


def show_life(exchange: Exchange, dialect: Dialect) -> None:
    until = monotonic() + 5
    while monotonic() < until:
        exchange.chunk(dialect.alive)
        sleep(0.05)


HALVES: dict[str, tuple[Callable[[Dialect], Script], list[str], str]] = {
    "cut": (lambda d: d.begins("Ho", then=lambda exchange, _: exchange.drop()), ["Ho"], "broke off"),
    "no end": (lambda d: d.begins("Ho", then=lambda exchange, _: exchange.end()), ["Ho"], "broke off"),
    "error": (lambda d: d.begins("Ho", then=lambda e, d: e.chunk(d.trouble)), ["Ho"], "broke off"),
    "silence": (lambda d: d.begins("Ho", then=lambda e, _: e.wait_for_hang_up()), ["Ho"], "LLM_TIMEOUT"),
    "life only": (lambda d: d.begins("Ho", then=show_life), ["Ho"], "LLM_TIMEOUT"),
    "silence at first": (lambda d: d.begins(then=lambda e, _: e.wait_for_hang_up()), [], "LLM_FIRST_TOKEN_TIMEOUT"),
    "life only at first": (lambda d: d.begins(then=show_life), [], "LLM_FIRST_TOKEN_TIMEOUT"),
    "no headers": (lambda _: Exchange.wait_for_hang_up, [], "LLM_FIRST_TOKEN_TIMEOUT"),
    "empty": (lambda d: d.says(), [], "empty answer"),
    "thoughts only": (lambda d: d.says("<think>Hm", "m.</think>", " \n"), [], "empty answer"),
}


@each_dialect
@pytest.mark.parametrize("half", HALVES)
def test_an_answer_without_its_end_is_void(dialect: Dialect, half: str) -> None:
    """What came is given, then Unavailable; signs of life that hold no token do not count as one."""
    make, pieces, told = HALVES[half]
    limits = {name: 0.15 if name == told else 5 for name in ("LLM_FIRST_TOKEN_TIMEOUT", "LLM_TIMEOUT")}
    came, started = [], monotonic()
    with dialect.served(make(dialect), **{name.lower(): limit for name, limit in limits.items()}) as (backend, _):
        stream = backend.stream(ASKED)
        with pytest.raises(Unavailable, match=told):
            came.extend(stream)

    assert came == pieces
    assert monotonic() - started < 3


@each_dialect
def test_time_to_the_first_token_is_not_time_between_tokens(dialect: Dialect) -> None:
    """A model may be loaded for long, and must then not fall silent for long."""

    def slow(exchange: Exchange) -> None:
        sleep(0.3)
        dialect.says("Ho", "la")(exchange)

    with dialect.served(slow, llm_first_token_timeout=5, llm_timeout=0.2) as (backend, _):
        assert "".join(backend.stream(ASKED)) == "Hola"


def nowhere() -> str:
    """An address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@each_dialect
def test_a_server_that_is_not_there_is_unavailable(dialect: Dialect) -> None:
    backend = dialect.backend(nowhere())
    with pytest.raises(Unavailable, match="cannot be reached"):
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


# -- several servers ------------------------------------------------------------------------------


@each_dialect
def test_a_conversation_stays_with_its_server_and_conversations_spread(dialect: Dialect) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(ScriptedServer(dialect.says("Sí"))) for _ in range(3)]
        backend = dialect.backend(*(server.url for server in servers))
        for session in range(20):
            for _ in range(2):
                list(backend.stream(Prompt(ASKED.turns, session=str(session))))
        backend.close()
        counts = [len(server.prompts) for server in servers]

    assert sum(counts) == 40
    assert all(count > 0 and count % 2 == 0 for count in counts)


@each_dialect
def test_the_next_server_is_asked_when_one_is_away(dialect: Dialect) -> None:
    with ScriptedServer(dialect.says("Sí")) as well, ScriptedServer(refuses(503)) as ill:
        backend = dialect.backend(ill.url, nowhere(), well.url)
        answers = {"".join(backend.stream(Prompt(ASKED.turns, session=str(session)))) for session in range(12)}
        backend.close()

        assert answers == {"Sí"}
        assert len(ill.prompts) <= 2  # the one that did not answer is then asked last


@each_dialect
def test_an_answer_that_has_begun_is_not_begun_again_elsewhere(dialect: Dialect) -> None:
    """Its first words may have been shown; the turn as a whole is thought again."""
    cut = dialect.begins("Ho", then=lambda exchange, _: exchange.drop())
    with ScriptedServer(cut) as one, ScriptedServer(cut) as other:
        backend = dialect.backend(one.url, other.url)
        with pytest.raises(Unavailable, match="broke off"):
            list(backend.stream(ASKED))
        backend.close()

        assert len(one.prompts) + len(other.prompts) == 1


def test_a_login_in_the_address_is_used_and_not_shown() -> None:
    with ScriptedServer(refuses(500)) as server:
        backend = OPENAI.backend(server.url.replace("http://", "http://lola:pass%20word@"))
        with pytest.raises(Unavailable) as caught:
            list(backend.stream(ASKED))
        backend.close()

        assert server.prompts[0].headers["Authorization"] == "Basic bG9sYTpwYXNzIHdvcmQ="
        assert "lola" not in str(caught.value)
