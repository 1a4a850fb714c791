"""The simulated Ollama, judged by Ollama's own client: what that one understands, the real server says too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import ollama
import pytest

from bot.errors import Rejected, Unavailable
from bot.message import Turn
from simulator.models import ModelServer
from tests.contract.scripted import OLLAMA
from workers.backends import Prompt

MODEL = "mistral:7b"
ASKED = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hola, ¿qué tal?"}]
PROMPT = Prompt((Turn("system", "Be kind."), Turn("user", "Hola, ¿qué tal?")))


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as found:
        yield found


@pytest.fixture
def client(server: ModelServer) -> Iterator[ollama.Client]:
    found = ollama.Client(host=server.url, timeout=10, trust_env=False)
    yield found
    found.close()


def say(server: ModelServer, **settings: Any) -> str:
    """What our own backend hears."""
    backend = OLLAMA.backend(server.url, llm_model=MODEL, **settings)
    try:
        return "".join(backend.stream(PROMPT))
    finally:
        backend.close()


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """A request without what says nothing."""
    return {name: value for name, value in body.items() if value not in (None, [], {}, "")}


def test_our_backend_asks_as_the_client_asks(server: ModelServer, client: ollama.Client) -> None:
    """Same path, same JSON: the real server would take it."""
    options = {"num_ctx": 8192, "num_predict": 512, "temperature": 0.7, "top_p": 0.9}
    list(client.chat(MODEL, ASKED, stream=True, think=False, keep_alive="30m", options=options))
    say(server)

    theirs, ours = server.requests
    assert (ours.path, plain(ours.json)) == (theirs.path, plain(theirs.json))


def test_the_client_hears_what_our_backend_hears(server: ModelServer, client: ollama.Client) -> None:
    server.reply = lambda _: ["Ho", "la ", "👋 ", "¿qué?"]
    *pieces, end = client.chat(MODEL, ASKED, stream=True)

    assert [piece.message.content for piece in pieces] == ["Ho", "la ", "👋 ", "¿qué?"]
    assert "".join(piece.message.content for piece in pieces) == say(server)
    assert [piece.done for piece in pieces] == [False] * 4
    assert (end.done, end.done_reason, end.eval_count, end.prompt_eval_count) == (True, "stop", 4, 5)
    assert {piece.message.role for piece in pieces} == {"assistant"}
    assert min(end.total_duration, end.load_duration, end.prompt_eval_duration, end.eval_duration) > 0
    assert client.chat(MODEL, ASKED).message.content == "Hola 👋 ¿qué?"


def test_the_list_of_models_is_one(client: ollama.Client) -> None:
    (model,) = client.list().models

    assert model.model == MODEL
    assert model.size > 4 * 10**9
    assert len(model.digest) == 64
    assert model.modified_at <= datetime.now(UTC)
    assert (model.details.format, model.details.quantization_level) == ("gguf", "Q4_K_M")


def test_a_models_card_says_what_it_was_trained_for(client: ollama.Client) -> None:
    shown = client.show(MODEL)

    assert shown.modelinfo["llama.context_length"] == 8192
    assert shown.capabilities == ["completion"]
    assert shown.details.family == "llama"
    assert "stop" in shown.parameters


def test_what_is_loaded_is_what_was_asked_for(server: ModelServer, client: ollama.Client) -> None:
    """Nothing before the first request; then the context as allocated, and how long it stays."""
    assert client.ps().models == []
    client.chat(MODEL, ASKED)
    assert client.ps().models[0].context_length == 4096
    say(server, context_tokens=6000)
    server.host.gpu_share = 0.5
    (model,) = client.ps().models

    assert (model.model, model.context_length) == (MODEL, 6000)
    assert 2 * model.size_vram == model.size
    assert timedelta(minutes=29) < model.expires_at - datetime.now(UTC) <= timedelta(minutes=30)
    client.chat(MODEL, ASKED, keep_alive=-1)
    assert client.ps().models[0].expires_at - datetime.now(UTC) > timedelta(days=300)
    client.chat(MODEL, ASKED, keep_alive=0)
    assert client.ps().models == []


def test_a_context_is_never_longer_than_the_model_was_trained_for(server: ModelServer, client: ollama.Client) -> None:
    client.chat(MODEL, ASKED, options={"num_ctx": 100_000})
    assert client.ps().models[0].context_length == 8192


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"model": "nobody"}, 404, "model 'nobody' not found"),
        ({"model": MODEL, "think": True}, 400, '"mistral:7b" does not support thinking'),
    ],
)
def test_a_refusal_is_the_clients_error(client: ollama.Client, asked: dict[str, Any], status: int, words: str) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat(messages=ASKED, **asked)
    assert (caught.value.status_code, caught.value.error) == (status, words)

    with pytest.raises(ollama.ResponseError) as caught:
        list(client.chat(messages=ASKED, stream=True, **asked))
    assert (caught.value.status_code, caught.value.error) == (status, words)


def test_both_are_told_the_same_of_a_model_that_is_not_there(server: ModelServer, client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="model 'phi4' not found"):
        client.show("phi4")
    server.models = ("phi4:latest",)
    assert client.show("phi4").details.family == "llama"
    with pytest.raises(Rejected, match="ollama pull mistral:7b"):
        say(server)


def test_a_busy_server_is_busy_for_both(server: ModelServer, client: ollama.Client) -> None:
    server.fail_next(503, {"error": "server busy, please try again.  maximum pending requests exceeded"}, times=2)
    with pytest.raises(ollama.ResponseError, match="server busy") as caught:
        client.chat(MODEL, ASKED)
    assert caught.value.status_code == 503
    with pytest.raises(Unavailable, match="HTTP 503"):
        say(server)
