"""What each provider's own API asks for, and what it says of itself."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from bot.errors import Rejected, SettingsError, Unavailable
from bot.message import Turn
from tests.contract.scripted import HUGGINGFACE, OLLAMA, OPENAI, Exchange, Script, ScriptedServer
from workers.backends import Prompt
from workers.backends.huggingface import HuggingFace
from workers.backends.ollama import Ollama

ASKED = Prompt((Turn("user", "Hola"),), session="pseudonym")


def refuses(status: int, words: str) -> Script:
    return lambda exchange: exchange.whole(status, f'{{"error": {{"message": "{words}"}}}}'.encode())


# -- ollama ---------------------------------------------------------------------------------------


def test_ollama_is_told_the_context_and_all_the_rest() -> None:
    more: dict[str, Any] = {"context_tokens": 2048, "reply_tokens": 99, "llm_temperature": 0.1, "llm_top_p": 0.5}
    with OLLAMA.served(OLLAMA.says("Sí"), llm_api_key="key-1", **more) as (backend, server):
        list(backend.stream(ASKED))
        asked = server.prompts[0]

    assert asked.path == "/api/chat"
    assert asked.body["options"] == {"num_ctx": 2048, "num_predict": 99, "temperature": 0.1, "top_p": 0.5}
    assert (asked.body["stream"], asked.body["think"], asked.body["keep_alive"]) == (True, False, "30m")
    assert asked.headers["Authorization"] == "Bearer key-1"


@pytest.mark.parametrize(
    ("trained", "modelfile", "setting", "expected"),
    [
        (32768, "", None, 8192),
        (2048, "", None, 2048),
        (32768, "stop x\nnum_ctx 16384", None, 16384),
        (32768, "", 20000, 20000),
        (2048, "", 20000, 2048),
        (None, "", None, 4096),
        (None, "", 6000, 6000),
    ],
)
def test_ollamas_context_is_what_the_model_has_and_the_machine_can_bear(
    trained: int | None, modelfile: str, setting: int | None, expected: int
) -> None:
    with OLLAMA.served(OLLAMA.says("Sí"), context_tokens=setting) as (backend, server):
        if trained:
            shown = {"model_info": {"llama.context_length": trained}, "parameters": modelfile}
            server.pages["/api/show"] = 200, shown
        list(backend.stream(ASKED))

        assert backend.context_tokens() == expected
        assert server.prompts[0].body["options"]["num_ctx"] == expected


def test_ollamas_context_is_asked_once() -> None:
    with OLLAMA.served(OLLAMA.says("Sí")) as (backend, server):
        for _ in range(3):
            list(backend.stream(ASKED))

        assert [exchange.path for exchange in server.seen].count("/api/show") == 1


def test_a_model_that_cannot_be_told_not_to_think_is_asked_without() -> None:
    with OLLAMA.served(OLLAMA.says("Sí")) as (backend, server):
        server.scripts.append(lambda exchange: exchange.whole(400, b'{"error": "tiny does not support thinking"}'))
        answers = ["".join(backend.stream(ASKED)) for _ in range(2)]

        assert answers == ["Sí", "Sí"]
        assert ["think" in exchange.body for exchange in server.prompts] == [True, False, False]


def test_a_model_that_was_not_pulled_is_named_with_the_way_out() -> None:
    with OLLAMA.served(refuses(404, "model not found"), llm_model="mistral:7b") as (backend, _):
        with pytest.raises(Rejected, match="ollama pull mistral:7b"):
            list(backend.stream(ASKED))
        with pytest.raises(Rejected, match="ollama pull mistral:7b"):
            backend.check()


def test_an_ollama_that_does_not_run_is_named_with_the_way_out() -> None:
    with OLLAMA.served(OLLAMA.says("Sí")) as (backend, server):
        server.pages["/api/tags"] = 500, {}
        with pytest.raises(Unavailable, match="ollama serve"):
            backend.check()


def test_check_makes_one_real_generation() -> None:
    """A server that lists the model may still not be able to load it."""
    with (
        OLLAMA.served(refuses(500, "out of memory")) as (backend, _),
        pytest.raises(Unavailable, match="out of memory"),
    ):
        backend.check()


def test_ollama_needs_no_settings_at_all() -> None:
    backend = Ollama(OLLAMA.settings(llm_model=""))

    (server,) = backend._servers.all
    assert server.url == "http://localhost:11434"
    assert backend._model(server) == "mistral:7b"
    backend.close()


@pytest.mark.parametrize("dialect", [OLLAMA, OPENAI, HUGGINGFACE], ids=lambda dialect: dialect.provider)
@pytest.mark.parametrize("end", ["/v1", "/v1/", "/", ""])
def test_the_address_may_end_in_v1(dialect: Any, end: str) -> None:
    with ScriptedServer(dialect.says("Sí")) as server:
        backend = dialect.backend(server.url + end)
        assert "".join(backend.stream(ASKED)) == "Sí"
        backend.close()

        assert server.prompts[0].path == ("/api/chat" if dialect is OLLAMA else "/v1/chat/completions")


@pytest.mark.parametrize("dialect", [OLLAMA, OPENAI], ids=lambda dialect: dialect.provider)
def test_lines_end_only_where_the_protocol_ends_them(dialect: Any) -> None:
    """Inside JSON there may be characters that Unicode calls line ends."""
    text = "uno\u2028dos\u0085tres\u2029"
    with dialect.served(dialect.says(text, "!")) as (backend, _):
        assert "".join(backend.stream(ASKED)) == text + "!"


# -- openai ---------------------------------------------------------------------------------------


def test_an_openai_server_is_told_who_asks_and_all_the_rest() -> None:
    with OPENAI.served(OPENAI.says("Sí"), llm_api_key="key-1", reply_tokens=99) as (backend, server):
        list(backend.stream(ASKED))
        asked = server.prompts[0]

    assert asked.headers["Authorization"] == "Bearer key-1"
    assert asked.headers["X-Session-ID"] == asked.body["user"] == "pseudonym"
    assert (asked.body["max_tokens"], asked.body["stream"]) == (99, True)
    assert asked.body["stream_options"] == {"include_usage": True}


def test_openai_without_an_address_does_not_start() -> None:
    with pytest.raises(SettingsError, match="LLM_BASE_URL is missing"):
        OPENAI.backend()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [({"max_model_len": 8000}, 8000), ({"meta": {"n_ctx": 4000}}, 4000), ({}, None), ({"meta": "?"}, None)],
)
def test_openais_context_is_what_the_server_says(entry: dict[str, Any], expected: int | None) -> None:
    with OPENAI.served(OPENAI.says("Sí")) as (backend, server):
        server.pages["/v1/models"] = 200, {"data": [{"id": "other", "max_model_len": 1}, {"id": "tiny"} | entry]}

        assert backend.context_tokens() == expected


def test_without_llm_model_the_servers_first_is_taken() -> None:
    with OPENAI.served(OPENAI.says("Sí"), llm_model="") as (backend, server):
        server.pages["/v1/models"] = 200, {"data": [{"id": "first"}, {"id": "second"}]}
        list(backend.stream(ASKED))

        assert server.prompts[0].body["model"] == "first"


def test_a_server_without_models_says_so() -> None:
    with OPENAI.served(OPENAI.says("Sí"), llm_model="") as (backend, server):
        server.pages["/v1/models"] = 200, {"data": []}
        with pytest.raises(Rejected, match="set LLM_MODEL"):
            list(backend.stream(ASKED))


def test_a_prompt_that_is_too_long_is_rejected_with_the_setting_to_change() -> None:
    words = "request (27011 tokens) exceeds the available context size (8192 tokens), lower max_tokens"
    with OPENAI.served(refuses(400, words)) as (backend, server):
        with pytest.raises(Rejected, match=r"does not fit.*CONTEXT_TOKENS"):
            list(backend.stream(ASKED))

        assert len(server.prompts) == 1


def test_a_parameter_that_a_server_refuses_is_left_out_from_then_on() -> None:
    with OPENAI.served(OPENAI.says("Sí")) as (backend, server):
        server.scripts.append(refuses(400, "Unsupported parameter: max_tokens. Use max_completion_tokens instead."))
        server.scripts.append(refuses(400, "Unsupported value: temperature does not support 0.7"))
        for _ in range(2):
            assert "".join(backend.stream(ASKED)) == "Sí"
        last = server.prompts[-1].body

    assert len(server.prompts) == 4
    assert "max_tokens" not in last
    assert "temperature" not in last
    assert last["max_completion_tokens"] == 512


def test_an_answer_that_a_filter_holds_back_is_rejected() -> None:
    held = b'data: {"choices": [{"delta": {}, "finish_reason": "content_filter"}]}\n\n'

    def script(exchange: Exchange) -> None:
        exchange.begin()
        exchange.chunk(held)
        exchange.end()

    with OPENAI.served(script) as (backend, _), pytest.raises(Rejected, match="content_filter"):
        list(backend.stream(ASKED))


# -- huggingface ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "HUGGINGFACE_API_KEY is missing"),
        ({"huggingface_api_key": "sk-of-somebody-else"}, "begin with hf_"),
        ({"huggingface_api_key": "hf_abc", "llm_model": ""}, "LLM_MODEL is missing"),
    ],
)
def test_huggingface_says_at_the_start_what_is_missing(settings: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        HUGGINGFACE.backend(**settings)


def test_either_key_is_huggingfaces() -> None:
    for name in ("huggingface_api_key", "llm_api_key"):
        with HUGGINGFACE.served(HUGGINGFACE.says("Sí"), **{name: "hf_abc"}) as (backend, server):
            list(backend.stream(ASKED))

            assert server.prompts[0].headers["Authorization"] == "Bearer hf_abc"
            assert server.prompts[0].body["max_tokens"] == 512


def test_without_its_package_huggingface_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from workers.backends import huggingface

    huggingface._library.cache_clear()
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(SettingsError, match="make install EXTRAS=huggingface"):
        HuggingFace(HUGGINGFACE.settings("http://127.0.0.1:1"))
