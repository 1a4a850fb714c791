"""What every backend promises, whoever thinks behind it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot import plugins
from bot.business import Business, Question
from bot.errors import Unavailable
from bot.message import Turn
from bot.settings import load_settings
from tests.contract.scripted import DIALECTS, OLLAMA, OPENAI, Dialect, Exchange, each_dialect
from workers.backends import Backend, Prompt
from workers.backends.faq import Faq

ASKED = Prompt((Turn("system", "Be kind."), Turn("user", "Hola", note="Hoy es lunes.")), session="s1")
ANSWER = ("Ho", "la, ", "¿qué tal? 👋")
FAQ = Business(faq=(Question(question="Hola", answer="Hola, ¿qué tal? 👋"),))


@pytest.fixture(params=["faq", *(dialect.provider for dialect in DIALECTS)])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Each backend in turn, answering ``ANSWER`` to ``ASKED``."""
    if request.param == "faq":
        yield (faq := Faq.from_settings(load_settings(), FAQ))
        faq.close()
        return
    spoken = next(dialect for dialect in DIALECTS if dialect.provider == request.param)
    with spoken.served(spoken.says(*ANSWER)) as (remote, _):
        yield remote


def test_its_name_in_the_settings_is_its_file(backend: Backend) -> None:
    assert plugins.load("workers.backends", backend.name, Backend) is type(backend)  # type: ignore[type-abstract]


def test_the_pieces_are_the_answer(backend: Backend) -> None:
    pieces = list(backend.stream(ASKED))

    assert len(pieces) > 1
    assert "".join(pieces) == "".join(ANSWER)


@each_dialect
@pytest.mark.parametrize("reason", ["stop", "length"])
def test_an_answer_that_was_given_no_more_tokens_is_known(dialect: Dialect, reason: str) -> None:
    """As each server says why it ended; it is said all the same."""

    def last(exchange: Exchange, dialect: Dialect) -> None:
        line = dialect.lines("", end=True).replace(b'"stop"', b'"%s"' % reason.encode())
        exchange.chunk(line.replace(b'"done": true', b'"done": true, "done_reason": "%s"' % reason.encode()))
        exchange.end()

    with dialect.served(dialect.begins(*ANSWER, then=last)) as (backend, _):
        stream = backend.stream(ASKED)

        assert "".join(stream) == "".join(ANSWER)
        assert stream.limited == (reason == "length")


def test_many_threads_ask_at_once(backend: Backend) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: "".join(backend.stream(ASKED)), range(36)))

    assert set(answers) == {"".join(ANSWER)}


def test_a_closed_stream_gives_no_more(backend: Backend) -> None:
    """A part of an answer must never look like a whole one."""
    stream = backend.stream(ASKED)
    next(iter(stream))
    stream.close()
    stream.close()

    with pytest.raises(Unavailable, match="closed"):
        next(iter(stream))


def test_a_stream_that_nobody_asks_does_nothing(backend: Backend) -> None:
    backend.stream(ASKED).close()


def test_check_says_what_answers(backend: Backend) -> None:
    assert "answers" in backend.check()


def test_every_text_has_a_size_and_a_longer_one_a_larger(backend: Backend) -> None:
    """An empty turn takes room too; tests/unit/test_context.py compares the estimate with real tokenizers."""
    sizes = [backend.count_tokens("¿Qué tal? 👋 " * times) for times in (0, 1, 10, 100)]

    assert sizes[0] > 0
    assert sizes == sorted(set(sizes))


@each_dialect
@pytest.mark.parametrize("pieces", [(), ("Ho",)], ids=["before the first piece", "after it"])
def test_closing_from_another_thread_ends_the_request(dialect: Dialect, pieces: tuple[str, ...]) -> None:
    """The server sees it at once, and so does whoever waits for a piece."""
    asked = threading.Event()

    def wait(exchange: Exchange, _: Dialect) -> None:
        asked.set()
        exchange.wait_for_hang_up()

    script = dialect.begins(*pieces, then=wait) if pieces else lambda exchange: wait(exchange, dialect)
    with (
        dialect.served(script, llm_first_token_timeout=60, llm_timeout=60) as (backend, server),
        ThreadPoolExecutor(1) as pool,
    ):
        stream = backend.stream(ASKED)
        waiting = pool.submit(lambda: list(stream))
        assert asked.wait(5)
        stream.close()

        assert isinstance(waiting.exception(timeout=5), Unavailable)
        assert server.hung_up.wait(5)


@each_dialect
def test_closing_between_two_pieces_ends_the_request(dialect: Dialect) -> None:
    script = dialect.begins("Ho", then=lambda exchange, _: exchange.wait_for_hang_up())
    with dialect.served(script) as (backend, server):
        stream = backend.stream(ASKED)
        next(iter(stream))
        stream.close()

        assert server.hung_up.wait(5)


@pytest.mark.parametrize("dialect", [OLLAMA, OPENAI], ids=lambda dialect: dialect.provider)
def test_connections_are_used_again(dialect: Dialect) -> None:
    """Not with huggingface_hub, whose stream stops reading before the end of the response."""
    with dialect.served(dialect.says(*ANSWER)) as (backend, server):
        for _ in range(5):
            assert "".join(backend.stream(ASKED)) == "".join(ANSWER)

        used = {exchange.client_address for exchange in server.prompts}
        assert len(used) == 1


@pytest.mark.parametrize("dialect", [OLLAMA, OPENAI], ids=lambda dialect: dialect.provider)
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_server_that_has_just_ended_a_kept_connection_is_asked_on_another(dialect: Dialect, *, reset: bool) -> None:
    """As one does that keeps them for some seconds, and is asked at that very moment. One that hangs up on a new
    connection does not answer."""

    def leave(exchange: Exchange) -> None:
        if reset:
            exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            exchange.connection.close()
        exchange.drop()

    says = dialect.says(*ANSWER)
    with dialect.served(leave) as (backend, server):
        server.scripts.extend([says, leave, says, leave])
        answers = ["".join(backend.stream(ASKED)) for _ in range(2)]
        with pytest.raises(Unavailable):
            list(backend.stream(ASKED))

    assert answers == ["".join(ANSWER)] * 2
    assert len(server.prompts) == 5


@each_dialect
def test_more_requests_run_at_once_than_an_ordinary_pool_holds(dialect: Dialect) -> None:
    """httpx opens at most 100 connections by itself."""
    together = threading.Barrier(120, timeout=20)

    def script(exchange: Exchange) -> None:
        together.wait()
        dialect.says(*ANSWER)(exchange)

    with dialect.served(script, llm_first_token_timeout=30) as (backend, _), ThreadPoolExecutor(120) as pool:
        answers = list(pool.map(lambda _: "".join(backend.stream(ASKED)), range(120)))

    assert set(answers) == {"".join(ANSWER)}


@each_dialect
def test_a_leading_thought_is_not_said(dialect: Dialect) -> None:
    pieces = ("<th", "ink>Let me see.", "\n</thi", "nk>\n\n", "Ho", "la <think> ", "yes")
    with dialect.served(dialect.says(*pieces)) as (backend, _):
        assert "".join(backend.stream(ASKED)) == "Hola <think> yes"


@each_dialect
def test_what_merely_begins_like_a_thought_is_said(dialect: Dialect) -> None:
    with dialect.served(dialect.says("<thi")) as (backend, _):
        assert "".join(backend.stream(ASKED)) == "<thi"


@each_dialect
def test_the_model_reads_the_note_before_the_persons_words(dialect: Dialect) -> None:
    with dialect.served(dialect.says("Sí")) as (backend, server):
        list(backend.stream(ASKED))

        asked = server.prompts[0].body
        assert asked["messages"][0] == {"role": "system", "content": "Be kind."}
        assert asked["messages"][1] == {"role": "user", "content": "Hoy es lunes.\n\nHola"}
        assert asked["model"] == "tiny"
