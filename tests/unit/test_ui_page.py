"""The chat page as a browser asks for it: the real process, by HTTP."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from bot.settings import ENV_FILE, Settings
from bot.stores import embedded
from bot.stores.connection import Store, key
from bot.stores.page import ASSISTANT, Page
from simulator.ports import free_port
from simulator.processes import wait_until
from tests.unit.desks import TOKEN
from workers.ui import words
from workers.ui.desk import LETTERS
from workers.ui.tab import conversation_of

HERE = conversation_of(TOKEN)
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(find_spec("gradio") is None, reason="make install EXTRAS=ui")


class Served(NamedTuple):
    """The page's process, its address and its log."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=headers, trust_env=False)

    def config(self, language: str) -> dict[str, Any]:
        """What Gradio tells the browser about the page."""
        found: dict[str, Any] = self.get(f"/{language}/config").json()
        return found


@pytest.fixture(scope="module")
def served(redis_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("ui"), free_port()
    log = folder / "log"
    business = ROOT / "business.example.toml"
    own = {
        "REDIS_URL": f"unix://{embedded.socket_path(redis_dir)}",
        "UI_PORT": str(port),
        "BUSINESS_FILE": str(business),
    }
    env = {name: value for name, value in _environment().items() if name not in own} | own | {"GRADIO_SHARE": "True"}
    with log.open("w") as written:
        process = subprocess.Popen([sys.executable, "-m", "workers", "ui"], env=env, stderr=written, cwd=folder)
    one = Served(process, f"http://127.0.0.1:{port}", log)
    try:
        assert wait_until(lambda: "the chat page is at" in log.read_text() or process.poll() is not None, 60)
        assert process.poll() is None, log.read_text()
        yield one
    finally:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    import os

    ours = {name.upper() for name in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name not in ours} | {ENV_FILE: ""}


def event(
    served: Served, name: str, *data: object, language: str = "es", token: str = TOKEN, only_first: bool = False
) -> list[dict[str, Any]]:
    """What the page does when something happens on it: the messages that come of it, up to the first data or all."""
    fn = next(one["id"] for one in served.config(language)["dependencies"] if one["api_name"] == name)
    headers = {"X-Recado-Tab": token}
    body = {"data": list(data), "fn_index": fn, "session_hash": f"s{time.monotonic_ns()}"}
    base = f"{served.url}/{language}/gradio_api/queue"
    headers["Content-Type"] = "application/json"
    httpx.post(f"{base}/join", content=json.dumps(body), headers=headers, trust_env=False).raise_for_status()
    told: list[dict[str, Any]] = []
    address = f"{base}/data?session_hash={body['session_hash']}"
    with httpx.stream("GET", address, timeout=20, trust_env=False) as stream:
        for line in stream.iter_lines():
            told += [json.loads(line[6:])] if line.startswith("data: ") else []
            if only_first and told[-1].get("output", {}).get("data"):
                break
    return told


def result(messages: list[dict[str, Any]]) -> list[Any]:
    """The first data of them."""
    found: list[Any] = next(one["output"]["data"] for one in messages if one.get("output", {}).get("data"))
    return found


def test_it_says_in_one_line_where_it_is(served: Served) -> None:
    lines = [line for line in served.log.read_text().splitlines() if "http" in line]
    assert [line.rpartition(" ")[2] for line in lines] == [f"{served.url}/"]


@pytest.mark.parametrize(
    ("accepts", "language"),
    [("es-ES,es;q=0.9", "es"), ("en-GB", "en"), ("de, en;q=0.3", "en"), ("ja", "es"), ("", "es")],
)
def test_it_opens_in_the_browsers_language(served: Served, accepts: str, language: str) -> None:
    answer = served.get("/", **{"Accept-Language": accepts})
    assert (answer.status_code, answer.headers["location"]) == (302, f"/{language}/")


def test_it_opens_in_the_language_in_which_it_was_opened_last(served: Served) -> None:
    chosen = served.get("/en/").headers["set-cookie"].partition(";")[0]
    assert served.get("/", Cookie=chosen, **{"Accept-Language": "es"}).headers["location"] == "/en/"


@pytest.mark.parametrize(("language", "other"), [("es", "en"), ("en", "es")])
def test_the_page_is_in_one_language_with_the_business_name(served: Served, language: str, other: str) -> None:
    page = served.get(f"/{language}/").text
    labels = json.dumps(served.config(language)["components"], ensure_ascii=False)

    assert f'<html lang="{language}"' in page
    assert "<title>Panadería La Espiga</title>" in page
    assert f'href="/{other}/"' in page
    for text in (words.FIELD, words.SEND, words.CLEAR, words.AGAIN, words.ASK):
        assert getattr(text, language) in labels
        assert getattr(text, other) not in labels


def test_it_begins_with_the_business_own_questions(served: Served) -> None:
    asked = {
        language: [
            one["text"]
            for part in served.config(language)["components"]
            for one in part["props"].get("examples") or ()
        ]
        for language in ("es", "en")
    }  # fmt: skip

    assert asked["es"][0] == "¿Cuál es el horario?"
    assert asked["en"] == [
        "What are your opening hours?", "Do you have gluten-free bread?", "Can I pay by card?", "Do you deliver?"
    ]  # fmt: skip


def test_the_page_names_no_outside_host_and_tells_nobody(served: Served) -> None:
    """But where its own words do; and Gradio's share, analytics, history, footer and API are not there."""
    page, config = served.get("/es/").text, served.config("es")
    named = set(re.findall(r"(?:https?:)?//([\w.-]+\.\w+)", page))

    assert named <= {"127.0.0.1"}
    assert (config["analytics_enabled"], config["run_history"], config["footer_links"]) == (False, False, [])
    assert config["connect_heartbeat"] is False  # it would hold a connection for each tab, of which browsers open six
    assert {one["api_visibility"] for one in config["dependencies"]} == {"private"}
    assert served.get("/es/gradio_api/info").json() == {"named_endpoints": {}, "unnamed_endpoints": {}}
    assert "fonts.googleapis" not in served.get("/es/theme.css").text


def test_what_it_loads_is_there(served: Served) -> None:
    page = served.get("/es/").text
    loaded = re.findall(r'(?:src|href)="(\./[^"]+|/page[^"]+)"', page)

    assert len(loaded) >= 4
    for path in loaded:
        answer = served.get(path if path.startswith("/") else f"/es/{path[2:]}")
        assert (path, answer.status_code) == (path, 200)
        assert len(answer.content) > 100


def test_what_is_said_drops_into_the_mailbox(served: Served, store: Store) -> None:
    """And stands on the page; the field is emptied only then."""
    field, _ = result(event(served, "send", "¿Abrís hoy?"))

    assert field == ""
    (entry,) = store.client.lrange(key(HERE, "in"), 0, -1)
    assert json.loads(entry.partition(b"\n")[0].split(b"|", 4)[4])["language"] == "es"
    assert [one.text for one in Page(store, 30).read(HERE).shown] == ["¿Abrís hoy?"]


def test_what_stands_there_is_shown(served: Served, store: Store) -> None:
    """The person's words as they wrote them, the assistant's as Markdown; nobody works, and that is said."""
    event(served, "send", "¿*Abrís*?")
    Page(store, 30).put(HERE, "1.0", ASSISTANT, "Sí, **hasta las dos** <b>")
    chat, note, stop, again = result(event(served, "look", only_first=True))

    assert [(one["role"], one["content"][0]["text"]) for one in chat] == [
        ("user", "¿\\*Abrís\\*\\?"), ("assistant", "Sí, **hasta las dos** <\N{WORD JOINER}b>")
    ]  # fmt: skip
    assert (note, stop["interactive"], again["interactive"]) == (words.NOBODY.es, True, False)


def test_whether_something_is_new_is_told_to_the_tabs_own_browser(served: Served, store: Store) -> None:
    """Without a word of it; whoever has no right to a conversation hears nothing of any."""
    before = served.get("/news", **{"X-Recado-Tab": TOKEN})
    event(served, "send", "hola")
    after = served.get("/news", **{"X-Recado-Tab": TOKEN})

    assert before.text == "0 done"
    assert re.fullmatch(r"[1-9]\d* due", after.text)
    assert after.headers["cache-control"] == "no-store"
    assert served.get("/news", **{"X-Recado-Tab": "f" * 32}).text == "0 done"
    assert [served.get("/news", **named).status_code for named in ({}, {"X-Recado-Tab": HERE})] == [400, 400]


def test_what_does_not_fit_stays_in_the_field(served: Served, store: Store) -> None:
    _, note = result(event(served, "send", "x" * (LETTERS + 1)))

    assert note == words.TOO_LONG.to("es", most=LETTERS)
    assert not store.client.exists(key(HERE, "in"))


@pytest.mark.parametrize("token", ["", "guess", "web:page:1"])
def test_without_a_tabs_token_nothing_is_read_or_said(served: Served, store: Store, token: str) -> None:
    assert result(event(served, "look", token=token))[1] == words.NO_TAB.es
    assert result(event(served, "send", "hola", token=token))[1] == words.NOT_SENT.es
    assert store.client.keys("*page*") == []


def test_half_a_character_does_no_harm(served: Served, store: Store) -> None:
    assert result(event(served, "send", "\ud83d hola"))[0] == ""
    assert [one.text for one in Page(store, 30).read(HERE).shown] == ["? hola"]


def test_nothing_that_is_asked_for_is_fetched(served: Served, store: Store) -> None:
    """Gradio fetches what it takes for a file, and looks its host up at a stranger's: it is not asked."""
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        event(served, "send", {"path": "http://outside.example/x", "meta": {"_type": "gradio.FileData"}})
    assert store.client.keys("*page*") == []


def test_neither_words_nor_tokens_are_logged(served: Served, store: Store) -> None:
    event(served, "send", "muy privado")
    event(served, "look", token="f" * 31)

    logged = served.log.read_text()
    assert "privado" not in logged
    assert TOKEN not in logged
    assert HERE not in logged


def test_told_to_end_it_ends_at_once_whoever_looks_on(served: Served, store: Store) -> None:
    """Last of these tests: nobody answers, so that a browser would look on for a minute."""
    event_data = f"{served.url}/es/gradio_api/queue"
    fn = next(one["id"] for one in served.config("es")["dependencies"] if one["api_name"] == "look")
    event(served, "send", "hola")
    body = {"data": [], "fn_index": fn, "session_hash": "onlooker"}
    httpx.post(f"{event_data}/join", json=body, headers={"X-Recado-Tab": TOKEN}, trust_env=False)
    with httpx.stream("GET", f"{event_data}/data?session_hash=onlooker", trust_env=False, timeout=20) as looking:
        next(looking.iter_lines())
        served.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert served.process.wait(20) == 0
    assert time.monotonic() - began < 10
    assert not re.search("ERROR|Traceback|uvicorn", served.log.read_text())
