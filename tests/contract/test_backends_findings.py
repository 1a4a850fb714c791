"""What an operator is told of the model servers: each by itself, what is broken and what is only worth a look."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from bot.settings import load_settings
from bot.stores.connection import Store
from bot.stores.line import MODELS
from simulator.models import ModelServer
from tests.contract.scripted import OLLAMA, OPENAI, Dialect, Exchange, ScriptedServer, each_dialect, nowhere
from tests.unit.worlds import World
from workers.backends import Finding
from workers.jobs import open_backend

MODEL = "mistral:7b"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as found:
        yield found


def findings(*urls: str, dialect: Dialect = OLLAMA, **settings: object) -> list[Finding]:
    backend = dialect.backend(*urls, **{"llm_model": MODEL} | settings)
    try:
        return list(backend.examine())
    finally:
        backend.close()


def looks(*urls: str, **settings: object) -> list[str]:
    """What is worth a look at servers that answer."""
    first, *others = findings(*urls, **settings)
    assert first.ok
    assert "answers" in first.words
    assert {finding.ok for finding in others} <= {None}
    return [finding.words for finding in others]


def test_a_server_that_is_well_is_one_line(server: ModelServer) -> None:
    assert findings(server.url) == [Finding(f"mistral:7b at {server.url} answers (context tokens: 8192)")]


# -- broken ----------------------------------------------------------------------------------------


def test_an_ollama_that_does_not_run_is_told_how_to_start() -> None:
    url = nowhere()
    (found,) = findings(url)

    assert found.ok is False
    assert found.words.startswith(f"Ollama is not running at {url}: start it there with `ollama serve`")


def test_one_that_runs_and_is_ill_is_not_called_absent() -> None:
    with ScriptedServer(OLLAMA.says("Sí")) as ill:
        ill.pages["/api/tags"] = 500, {"error": "open manifests: permission denied"}
        (found,) = findings(ill.url)

    assert found.ok is False
    assert "not running" not in found.words
    assert "permission denied" in found.words
    assert "systemctl restart ollama" in found.words


def test_a_server_of_another_kind_is_not_taken_for_ollama() -> None:
    with ScriptedServer(OPENAI.says("Sí")) as other:
        (found,) = findings(other.url)

    assert found == Finding(f"{other.url} is not Ollama: check LLM_BASE_URL, or set LLM_PROVIDER=openai", ok=False)


def test_a_model_that_was_not_pulled_is_named_with_the_command(server: ModelServer) -> None:
    (found,) = findings(server.url, llm_model="qwen3:4b")

    assert found.ok is False
    assert found.words.startswith("model not pulled")
    assert "ollama pull qwen3:4b" in found.words
    assert server.requests == []


@pytest.mark.parametrize("name", ["phi4", "phi4:latest", "PHI4", "library/phi4", "registry.ollama.ai/library/phi4"])
def test_a_model_is_known_by_all_of_its_names(name: str) -> None:
    with ScriptedServer(OLLAMA.says("Sí")) as server:
        server.pages["/api/tags"] = 200, {"models": [{"name": "llama3:8b"}, {"name": "phi4:latest"}]}
        assert [found.ok for found in findings(server.url, llm_model=name)] == [True]


@each_dialect
def test_a_server_that_is_down_hides_nothing_of_the_others(dialect: Dialect) -> None:
    """Wherever it stands in LLM_BASE_URL."""
    down = nowhere()
    with ModelServer() as one, ModelServer() as two:
        first, second, third = findings(one.url, down, two.url, dialect=dialect)

    assert [first.ok, second.ok, third.ok] == [True, False, True]
    assert one.url in first.words
    assert down in second.words
    assert two.url in third.words


def test_the_model_is_looked_for_on_each_server() -> None:
    with ModelServer() as one, ModelServer(models=("phi4:latest",)) as two:
        has, lacks = findings(one.url, two.url)

    assert (has.ok, lacks.ok) == (True, False)
    assert f"{two.url} has no {MODEL}" in lacks.words


# -- worth a look ----------------------------------------------------------------------------------


def test_a_context_that_is_cut_is_told_with_what_to_set(server: ModelServer) -> None:
    """A proxy drops num_ctx, or the server has its own idea: the conversation's start would be lost unseen."""
    server.host.context_limit = 4096
    (look,) = looks(server.url)

    assert look.startswith(f"context cut to 4096: mistral:7b at {server.url}")
    assert "CONTEXT_TOKENS=4096" in look
    assert "OLLAMA_CONTEXT_LENGTH=8192" in look
    assert looks(server.url, context_tokens=4096) == []


def test_more_context_than_the_model_was_trained_for_is_told(server: ModelServer) -> None:
    server.host.trained = 4096
    (look,) = looks(server.url, context_tokens=16384)

    assert look.startswith("context cut to 4096")
    assert "CONTEXT_TOKENS=4096, or take a model" in look
    assert looks(server.url) == []


def test_one_server_whose_model_has_less_context_is_named() -> None:
    """The same name, another file: all are asked for what the first one has."""
    with ModelServer() as one, ModelServer() as two:
        two.host.trained = 2048
        found = [finding.words for finding in findings(one.url, two.url, context_tokens=8192) if finding.ok is None]

    assert len(found) == 1
    assert f"context cut to 2048: mistral:7b at {two.url}" in found[0]


@pytest.mark.parametrize(
    ("share", "told"), [(1.0, []), (0.62, ["loaded on CPU in part: 62 %"]), (0.0, ["loaded on CPU: mistral:7b"])]
)
def test_a_model_that_is_not_on_the_gpu_is_told(server: ModelServer, share: float, told: list[str]) -> None:
    server.host.gpu_share = share
    found = looks(server.url)

    assert [look.startswith(words) for look, words in zip(found, told, strict=True)] == [True] * len(told)


@pytest.mark.parametrize(("version", "told"), [("0.9.6", True), ("0.17.1", False), ("1.0.0-rc2", False), ("?", False)])
def test_a_version_that_leaks_is_told(server: ModelServer, version: str, *, told: bool) -> None:
    server.host.version = version
    assert any("CVE-2026-7482" in look for look in looks(server.url)) is told


def test_a_server_that_says_nothing_of_itself_is_well_if_it_answers() -> None:
    with OLLAMA.served(OLLAMA.says("Sí")) as (backend, server):
        for path in ("/api/ps", "/api/version"):
            server.pages[path] = 500, {}
        assert [found.ok for found in backend.examine()] == [True]
        server.pages["/api/ps"] = 200, {"models": [{"name": "tiny:latest", "size": "?", "size_vram": None}, 7]}
        assert [found.ok for found in backend.examine()] == [True]


# -- on the command line ---------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["look", "bad"])
def test_check_ends_with_1_only_for_what_is_broken(server: ModelServer, clean_env: dict[str, str], state: str) -> None:
    """As words for people, what is broken on stderr; as one line of JSON for the doctor."""
    server.host.gpu_share = 0.0
    urls = f"{server.url},{nowhere()}" if state == "bad" else server.url
    env = clean_env | {"LLM_BASE_URL": urls}
    plain, as_json = (
        subprocess.run(
            [sys.executable, "-m", "workers", "check", *more], env=env, capture_output=True, text=True, timeout=60,
            check=False,
        )
        for more in ((), ("--json",))
    )  # fmt: skip

    assert plain.returncode == as_json.returncode == (1 if state == "bad" else 0)
    assert f"{MODEL} at {server.url} answers" in plain.stdout
    assert "look: loaded on CPU" in plain.stdout
    assert ("not running" in plain.stderr) is (state == "bad")
    assert [found["ok"] for found in json.loads(as_json.stdout)] == [True, None, *([False] * (state == "bad"))]


def test_a_backend_without_servers_tells_its_one_finding() -> None:
    (found,) = open_backend(load_settings(llm_provider="faq", business_file="business.example.toml")).examine()
    assert found.ok
    (found,) = open_backend(load_settings(llm_provider="faq")).examine()
    assert found.ok is False


# -- a model that is loading -----------------------------------------------------------------------


def test_a_model_that_loads_for_long_is_waited_for(store: Store) -> None:
    """Longer than any pause between two tokens may be: the answer comes, and nothing counts as failed."""

    def load(exchange: Exchange) -> None:
        time.sleep(5 * pause)
        OLLAMA.says("Ya ", "estoy")(exchange)

    pause = 0.1
    with OLLAMA.served(load, llm_first_token_timeout=10, llm_timeout=pause) as (backend, server):
        world = World(store)
        world.served_by(server.url)
        world.backend.stream = backend.stream
        assert world.answer("hello") == ["Ya estoy"]
        assert len(server.prompts) == 1

    assert store.client.hkeys(f"recado:line:{MODELS}:state") == [b"number"]
