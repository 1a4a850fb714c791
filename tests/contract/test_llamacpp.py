"""The openai backend against a real llama.cpp server: what it asks is taken, and what it is told is understood."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.errors import Rejected, Unavailable
from bot.message import Turn
from tests.contract.scripted import OLLAMA, OPENAI
from workers.backends import Prompt
from workers.backends._watch import Watch
from workers.backends.openai import OpenAI

NEEDS = "needs the llamacpp extra: make install EXTRAS=llamacpp"
pytest.importorskip("xllamacpp", reason=NEEDS)
pytest.importorskip("gguf", reason=NEEDS)

ROOT = Path(__file__).parents[2]
PROMPT = Prompt((Turn("system", "Be kind."), Turn("user", "Hola, ¿a qué hora abren?")), session="pseudonym")
CONTEXT = 8192


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of two slots with a model of 90,000 random parameters, in a process of its own."""
    folder = tmp_path_factory.mktemp("llamacpp")
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "tests.contract.llamacpp", str(folder)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            address = process.stdout.readline().strip()
            assert address, (folder / "log").read_text()
            yield address
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def backend(url: str) -> Iterator[OpenAI]:
    yield (found := OPENAI.backend(url, llm_first_token_timeout=60, llm_timeout=60, llm_temperature=0, reply_tokens=12))
    found.close()


def events(backend: OpenAI, prompt: Prompt, limit: int) -> list[dict[str, Any]]:
    """What the server sends for what our backend asks."""
    (server,), watch = backend._servers.all, Watch(60, 60)
    with watch.on_this_thread():
        lines = backend._wire.lines(server, "/v1/chat/completions", backend._body(server, prompt, limit), watch)
        data = [line.removeprefix("data: ") for line in lines]
    assert data[-1] == "[DONE]"
    return [json.loads(one) for one in data[:-1]]


def eventually(true: Callable[[], bool], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def busy(url: str) -> int:
    return sum(slot["is_processing"] for slot in httpx.get(f"{url}/slots").json())


def predicted(url: str) -> int:
    """How many tokens have come of answers that came to their end."""
    found = re.search(r"^llamacpp:tokens_predicted_total (\d+)", httpx.get(f"{url}/metrics").text, re.MULTILINE)
    assert found
    return int(found[1])


def test_an_answer_comes_in_pieces_and_nothing_we_ask_is_refused(backend: OpenAI) -> None:
    pieces = list(backend.stream(PROMPT))

    assert len(pieces) > 1
    assert "".join(pieces) == "".join(backend.stream(PROMPT))
    assert backend._refused == frozenset()


def test_an_answer_ends_at_reply_tokens_and_counts_as_whole(backend: OpenAI) -> None:
    *_, last, usage = events(backend, PROMPT, 12)

    assert last["choices"][0]["finish_reason"] == "length"
    assert usage["usage"]["completion_tokens"] == 12
    assert usage["usage"]["prompt_tokens"] > 40
    assert 1 < len(list(backend.stream(PROMPT))) <= 12


def test_what_was_said_is_not_paid_for_again_in_the_next_turn(backend: OpenAI) -> None:
    """The server keeps the conversation's beginning, and our prompt begins as before."""
    asked = Turn("user", "¿Y los domingos, también abren ustedes por la tarde?")
    first = Prompt((Turn("system", "You sell bread, and nothing else."), asked))
    said = "".join(backend.stream(first))
    then = Prompt((*first.turns, Turn("assistant", said), Turn("user", "Gracias")))
    usage = events(backend, then, 4)[-1]["usage"]

    assert 0.5 * usage["prompt_tokens"] < usage["prompt_tokens_details"]["cached_tokens"] < usage["prompt_tokens"]


def test_the_context_is_one_slots(backend: OpenAI) -> None:
    assert backend.context_tokens() == CONTEXT


def test_a_prompt_that_does_not_fit_is_refused_in_our_words_and_the_next_one_answered(backend: OpenAI) -> None:
    with pytest.raises(Rejected, match=r"^The prompt does not fit the model's context; set CONTEXT_TOKENS"):
        list(backend.stream(Prompt((Turn("user", "a" * (CONTEXT + 1)),))))

    assert list(backend.stream(PROMPT))


def test_a_closed_stream_frees_its_slot(url: str) -> None:
    """The answer would have filled the context; the server stops thinking about it."""
    long = OPENAI.backend(url, llm_temperature=0, reply_tokens=CONTEXT - 100)
    before = predicted(url)
    streams = [long.stream(PROMPT) for _ in range(2)]
    for stream in streams:
        next(stream)
    assert busy(url) == 2
    for stream in streams:
        stream.close()
        with pytest.raises(Unavailable, match="closed"):
            next(stream)

    assert eventually(lambda: busy(url) == 0)
    assert predicted(url) - before < CONTEXT - 100
    long.close()


def test_check_names_what_answers_and_its_context(backend: OpenAI, url: str) -> None:
    (found,) = backend.examine()

    assert (found.ok, found.words) == (True, f"tiny at {url} answers (context tokens: {CONTEXT})")


def test_the_ollama_backend_says_that_it_is_none(url: str) -> None:
    ollama = OLLAMA.backend(url)
    (found,) = ollama.examine()
    ollama.close()

    assert (found.ok, "is not Ollama" in found.words) == (False, True)
