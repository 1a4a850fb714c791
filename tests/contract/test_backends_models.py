"""A conversation may want another model than the usual one, where its server has several."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.business import Business
from bot.errors import Rejected, Unavailable
from bot.message import Turn
from bot.settings import load_settings
from simulator.models import ModelServer
from workers import jobs
from workers.backends import Backend, Prompt
from workers.backends.faq import Faq

TURNS = (Turn("user", "Hola"),)
each_provider = pytest.mark.parametrize("provider", ["ollama", "openai"])


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(models=["small:1b", "large:70b"]) as server:
        yield server


def backend(provider: str, url: str) -> Backend:
    return jobs.open_backend(load_settings(llm_provider=provider, llm_base_url=url, llm_model="small:1b"))


@each_provider
def test_the_one_that_is_wanted_answers(provider: str, server: ModelServer) -> None:
    found = backend(provider, server.url)
    assert found.chooses
    for wanted, asked in (("", "small:1b"), ("large:70b", "large:70b")):
        assert "".join(found.stream(Prompt(TURNS, model=wanted)))
        assert server.requests[-1].json["model"] == asked
    found.close()


@each_provider
def test_the_server_says_which_there_are(provider: str, server: ModelServer) -> None:
    found = backend(provider, server.url)
    assert set(found.models()) == {"small:1b", "large:70b"}
    found.close()


@each_provider
def test_a_server_that_is_away_does_not_say(provider: str) -> None:
    found = backend(provider, "http://127.0.0.1:1")
    with pytest.raises(Unavailable):
        found.models()
    found.close()


def test_a_model_that_is_not_there_is_named_with_the_way_out(server: ModelServer) -> None:
    found = backend("ollama", server.url)
    with pytest.raises(Rejected, match="ollama pull huge:400b"):
        list(found.stream(Prompt(TURNS, model="huge:400b")))
    found.close()


def test_hugging_face_is_asked_for_it_too(server: ModelServer) -> None:
    found = backend("huggingface", server.url)
    assert found.chooses
    assert found.models() == ()
    "".join(found.stream(Prompt(TURNS, model="large:70b")))
    assert server.requests[-1].json["model"] == "large:70b"
    found.close()


def test_where_there_is_one_there_is_no_choice() -> None:
    found = Faq(Business())
    assert not found.chooses
    assert found.models() == ()
