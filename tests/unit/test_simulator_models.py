"""The simulated model servers speak both protocols, count what is in flight and fail as told."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.models import ModelServer
from tests.unit.prompts import NATIVE, OPENAI, both_wires

INSTALL = Path(__file__).parents[2] / "install_ollama.sh"


def body(text: str = "hola", *, stream: bool = True, **more: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "be kind"}, {"role": "user", "content": text}]
    return {"model": "mistral:7b", "messages": messages, "stream": stream} | more


def lines(server: ModelServer, path: str, asked: dict[str, Any]) -> list[str]:
    with httpx.stream("POST", server.url + path, json=asked) as answer:
        assert answer.status_code == 200
        return [line for line in answer.iter_lines() if line]


def test_ollama_streams_pieces_and_counts(models: ModelServer) -> None:
    got = [json.loads(line) for line in lines(models, NATIVE, body("Fecha: hoy\n\nhola qué tal"))]

    assert "".join(line["message"]["content"] for line in got) == "re: hola qué tal"
    assert [line["done"] for line in got] == [False] * 4 + [True]
    assert got[-1]["done_reason"] == "stop"
    assert (got[-1]["prompt_eval_count"], got[-1]["eval_count"]) == (7, 4)


def test_ollama_streams_unless_told_not_to(models: ModelServer) -> None:
    asked = body()
    del asked["stream"]
    assert len(lines(models, NATIVE, asked)) == 3

    whole = httpx.post(models.url + NATIVE, json=body(stream=False)).json()
    assert (whole["message"]["content"], whole["done"]) == ("re: hola", True)


def test_openai_streams_events_with_usage_and_done(models: ModelServer) -> None:
    got = lines(models, OPENAI, body(stream_options={"include_usage": True}))

    assert got[-1] == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in got[:-1]]
    text = "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])
    assert text == "re: hola"
    assert chunks[-1]["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert not any("usage" in line for line in lines(models, OPENAI, body()))


def test_openai_answers_at_once_when_asked_to(models: ModelServer) -> None:
    whole = httpx.post(models.url + OPENAI, json=body(stream=False)).json()
    assert whole["choices"][0]["message"] == {"role": "assistant", "content": "re: hola"}
    assert whole["usage"]["completion_tokens"] == 2


def test_the_lists_name_the_models() -> None:
    with ModelServer(models=("a:1b", "b:latest")) as server:
        assert [m["name"] for m in httpx.get(f"{server.url}/api/tags").json()["models"]] == ["a:1b", "b:latest"]
        assert httpx.get(f"{server.url}/api/ps").json() == {"models": []}
        assert [m["id"] for m in httpx.get(f"{server.url}/v1/models").json()["data"]] == ["a:1b", "b:latest"]
        version = httpx.get(f"{server.url}/api/version").json()["version"]
        assert f"VERSION={version}\n" in INSTALL.read_text()
        shown = httpx.post(f"{server.url}/api/show", json={"model": "b"}).json()
        assert shown["model_info"]["llama.context_length"] == 8192
        assert httpx.get(f"{server.url}/nothing").status_code == 404


@both_wires
def test_a_model_that_is_not_there_is_named(models: ModelServer, path: str) -> None:
    answer = httpx.post(models.url + path, json=body(model="nobody"))
    assert answer.status_code == 404
    assert "nobody" in answer.text
    assert models.running == 0


def test_a_reply_may_be_ones_own_pieces(models: ModelServer) -> None:
    models.reply = lambda asked: [asked["messages"][-1]["content"], "!", "!"]
    assert [json.loads(line)["message"]["content"] for line in lines(models, NATIVE, body())] == ["hola", "!", "!", ""]


def test_requests_are_recorded_with_their_json_and_times(models: ModelServer) -> None:
    models.delay = 0.1
    lines(models, NATIVE, body("hola", options={"num_ctx": 4096}))

    (asked,) = models.requests
    assert asked.json["options"] == {"num_ctx": 4096}
    assert asked.path == NATIVE
    assert asked.first is not None
    assert asked.first - asked.time >= 0.1
    assert models.wait_until(lambda: asked.outcome == "done")


def test_told_failures_come_once_each_with_their_headers(models: ModelServer) -> None:
    models.fail_next(503, {"error": "busy"}, {"Retry-After": "7"})
    models.fail_next(500)

    first = httpx.post(models.url + NATIVE, json=body())
    assert (first.status_code, first.headers["Retry-After"], first.json()) == (503, "7", {"error": "busy"})
    assert httpx.post(models.url + OPENAI, json=body()).status_code == 500
    assert httpx.post(models.url + NATIVE, json=body()).status_code == 200


@both_wires
def test_a_stream_can_be_cut_after_some_pieces(models: ModelServer, path: str) -> None:
    models.cut_next(after_pieces=2)
    got: list[str] = []

    with pytest.raises(httpx.RemoteProtocolError), httpx.stream("POST", models.url + path, json=body("a b c")) as cut:
        got.extend(cut.iter_lines())
    text = "".join(got)
    assert '"re: "' in text
    assert '"a "' in text
    assert '"b "' not in text
    assert '"done": true' not in text
    assert "[DONE]" not in text
    assert models.wait_until(lambda: models.requests[0].outcome == "cut")


def test_a_hanging_request_ends_when_its_client_leaves(models: ModelServer) -> None:
    models.hang_next()
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(models.url + NATIVE, json=body(), timeout=0.3)

    assert models.wait_until(lambda: models.requests[0].outcome == "left", 5)
    assert models.running == 0


def test_a_client_that_leaves_in_mid_stream_is_noticed(models: ModelServer) -> None:
    models.pace = 0.1
    with httpx.stream("POST", models.url + NATIVE, json=body("x " * 200)) as answer:
        next(answer.iter_lines())

    assert models.wait_until(lambda: models.requests[0].outcome == "left", 5)


def test_closing_the_server_wakes_who_hangs() -> None:
    server = ModelServer().start()
    server.hang_next()
    errors: list[Exception] = []

    def ask() -> None:
        try:
            httpx.post(server.url + NATIVE, json=body(), timeout=10)
        except httpx.HTTPError as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert server.wait_until(lambda: server.running == 1)
    server.close()
    thread.join(5)
    assert len(errors) == 1


def test_many_are_answered_at_once(models: ModelServer) -> None:
    models.delay = 0.5
    threads = [threading.Thread(target=lines, args=(models, NATIVE, body())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert models.peak >= 12
    assert models.wait_until(lambda: models.running == 0)
    assert {asked.outcome for asked in models.requests} == {"done"}
