"""Photos: who looks at them, how it is found out, and how each server is shown one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import ollama
import pytest

from bot.business import Business
from bot.errors import Unavailable
from bot.message import Image, Turn
from bot.settings import load_settings
from simulator.models import ModelServer
from tests.contract.scripted import HUGGINGFACE, OLLAMA, OPENAI, Dialect, each_dialect, nowhere
from tests.unit.files import JPEG, PNG
from workers.backends import Prompt
from workers.backends.faq import Faq

SHOWN = Prompt(
    (
        Turn("system", "Be kind."),
        Turn(
            "user",
            "[foto]\n¿qué es?",
            note="Hoy es lunes.",
            images=(Image("image/jpeg", JPEG), Image("image/png", PNG)),
        ),
    )
)
PACKED = [base64.b64encode(data).decode() for data in (JPEG, PNG)]
MISTRAL = {"id": "tiny", "capabilities": {"completion_chat": True, "vision": True}}
OPENROUTER = {"id": "tiny", "architecture": {"input_modalities": ["text", "image"], "tokenizer": "Other"}}
VLLM = {"id": "tiny", "max_model_len": 4096}


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer() as found:
        yield found


def bodies(dialect: Dialect, prompt: Prompt) -> list[dict[str, Any]]:
    """What the server was sent as messages."""
    with dialect.served(dialect.says("ok")) as (backend, server):
        list(backend.stream(prompt))
        found: list[dict[str, Any]] = server.prompts[-1].body["messages"]
        return found


def test_ollama_is_given_the_images_beside_the_words() -> None:
    assert bodies(OLLAMA, SHOWN) == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hoy es lunes.\n\n[foto]\n¿qué es?", "images": PACKED},
    ]


@pytest.mark.parametrize("dialect", [OPENAI, HUGGINGFACE], ids=lambda dialect: dialect.provider)
def test_others_are_given_words_and_images_in_parts(dialect: Dialect) -> None:
    """No address is among them: nobody fetches anything for a person."""
    system, asked = bodies(dialect, SHOWN)

    assert system == {"role": "system", "content": "Be kind."}
    assert asked["content"] == [
        {"type": "text", "text": "Hoy es lunes.\n\n[foto]\n¿qué es?"},
        {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{PACKED[0]}"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PACKED[1]}"}},
    ]


@each_dialect
def test_a_prompt_without_images_is_as_ever(dialect: Dialect) -> None:
    assert bodies(dialect, Prompt((Turn("user", "hola"),))) == [{"role": "user", "content": "hola"}]


def test_ollamas_own_client_sends_images_alike(models: ModelServer) -> None:
    """Same JSON: the real server would take it."""
    client = ollama.Client(host=models.url, timeout=10, trust_env=False)
    said = [{"role": "user", "content": "¿qué es?", "images": [JPEG]}]
    list(client.chat("mistral:7b", said, stream=True))
    client.close()
    backend = OLLAMA.backend(models.url, llm_model="mistral:7b")
    list(backend.stream(Prompt((Turn("user", "¿qué es?", images=(Image("image/jpeg", JPEG),)),))))
    backend.close()

    theirs, ours = models.requests
    assert theirs.images == ours.images == [JPEG]
    assert theirs.json["messages"] == ours.json["messages"]


def test_ollamas_client_reads_from_the_simulator_whether_a_model_sees(models: ModelServer) -> None:
    models.host.sees = True
    client = ollama.Client(host=models.url, timeout=10, trust_env=False)

    assert client.show("mistral:7b").capabilities == ["completion", "vision"]
    client.close()


# -- whether it sees -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "sees"),
    [
        ({"capabilities": ["completion", "vision"]}, True),
        ({"capabilities": ["completion", "tools"]}, False),
        ({"projector_info": {"general.architecture": "clip"}}, True),
        ({"model_info": {}}, False),
    ],
)
def test_ollama_says_whether_its_model_sees(shown: dict[str, Any], sees: bool) -> None:
    with OLLAMA.served(OLLAMA.says("ok")) as (backend, server):
        server.pages["/api/show"] = 200, shown

        assert backend.sees is sees


@pytest.mark.parametrize(("entry", "sees"), [(MISTRAL, True), (OPENROUTER, True), (VLLM, False)])
def test_others_see_where_the_list_of_models_says_so(entry: dict[str, Any], sees: bool) -> None:
    with OPENAI.served(OPENAI.says("ok")) as (backend, server):
        server.pages["/v1/models"] = 200, {"data": [{"id": "other"} | MISTRAL | {"id": "other"}, entry]}

        assert backend.sees is sees


@pytest.mark.parametrize("dialect", [OPENAI, HUGGINGFACE], ids=lambda dialect: dialect.provider)
def test_a_server_that_lists_nothing_does_not_see(dialect: Dialect) -> None:
    """A server that does not answer such questions is no reason to wait."""
    with dialect.served(dialect.says("ok")) as (backend, _):
        assert backend.sees is False


@pytest.mark.parametrize("dialect", [OLLAMA, OPENAI], ids=lambda dialect: dialect.provider)
def test_while_the_server_is_away_nobody_knows(dialect: Dialect) -> None:
    backend = dialect.backend(nowhere())
    with pytest.raises(Unavailable):
        _ = backend.sees
    backend.close()


@each_dialect
@pytest.mark.parametrize(("setting", "sees"), [("on", True), ("off", False)])
def test_the_operator_has_the_last_word(dialect: Dialect, setting: str, sees: bool) -> None:
    """Without asking anybody, for a server that is away too."""
    backend = dialect.backend(nowhere(), llm_vision=setting)

    assert backend.sees is sees
    backend.close()


def test_the_business_file_sees_nothing() -> None:
    assert Faq.from_settings(load_settings(llm_vision="on"), Business()).sees is False


def test_the_check_says_that_photos_are_seen(models: ModelServer) -> None:
    backend = OLLAMA.backend(models.url, llm_model="mistral:7b", llm_vision="on")

    assert "sees photos" in backend.check()
    backend.close()
