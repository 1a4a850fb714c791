"""The demo's page answers its own browser on this machine alone, in both languages, and names no other host."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest
import redis
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from simulator import page as page_
from simulator.page.app import create_app
from simulator.page.inside import Inside
from simulator.page.show import Show
from simulator.page.staff import Staff
from simulator.page.way import Logs
from simulator.page.words import LANGUAGES, WORDS
from tests.unit.demo_page import ANA, LUIS, Small

FOLDER = Path(str(page_.__file__)).parent
URL = "http://127.0.0.1:7777"
CHANGES = ("/say", "/press", "/kill", "/burst")
SCRIPTS = sorted((FOLDER / "static").glob("*.js"))


@pytest.fixture
def world() -> Iterator[Small]:
    with Small() as small:
        yield small


@pytest.fixture
def show(world: Small) -> Iterator[Show]:
    phones = (world.ana, world.luis)
    found = Show(phones, cast("Staff", world.staff), cast("Inside", world.inside), Logs([]))
    yield found
    found.burst.close()


@pytest.fixture
def browser(show: Show) -> FlaskClient:
    return create_app(show, URL).test_client()


def opened(browser: FlaskClient, path: str = "/", **headers: str) -> TestResponse:
    return browser.get(path, base_url=URL, headers=headers, buffered=True)


def word(browser: FlaskClient) -> str:
    [found] = re.findall(r'name="page-word" content="([^"]+)"', opened(browser).text)
    return str(found)


def change(browser: FlaskClient, path: str, given: dict[str, str] | None = None, **headers: str) -> int:
    mine = {"X-Page-Word": word(browser), "Origin": URL, "Sec-Fetch-Site": "same-origin"} | headers
    return browser.post(path, base_url=URL, json=given or {}, headers=mine).status_code


def test_a_message_written_on_the_page_is_the_persons_own(browser: FlaskClient, world: Small) -> None:
    assert change(browser, "/say", {"phone": "telegram", "text": " hola ", "language": "en"}) == 204
    assert change(browser, "/say", {"phone": "whatsapp", "text": "buenas"}) == 204
    assert [one.text for one in world.ana.said()] == ["hola"]
    assert [one.text for one in world.luis.said()] == ["buenas"]
    [bubble] = world.telegram.chat("34611")
    assert bubble.raw["from"]["language_code"] == "en"


@pytest.mark.parametrize("given", [{"phone": "fax", "text": "hola"}, {"phone": "telegram", "text": " "}, {}])
def test_what_cannot_be_written_is_refused(browser: FlaskClient, world: Small, given: dict[str, str]) -> None:
    assert change(browser, "/say", given) == 400
    assert change(browser, "/say", {"phone": "telegram", "text": "x" * 4097}) == 400
    assert world.ana.said() == []


def test_a_worker_is_killed_once_and_nothing_else_is(browser: FlaskClient, world: Small) -> None:
    assert change(browser, "/kill", {"worker": "receiver"}) == 409
    assert change(browser, "/kill", {"worker": "worker"}) == 204
    assert change(browser, "/kill", {"worker": "worker"}) == 409
    [killed] = world.staff.killed
    assert (killed.name, killed.held) == ("worker", (ANA, LUIS))


def test_while_a_burst_runs_nobody_writes_and_no_other_begins(
    browser: FlaskClient, show: Show, world: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.page.burst.LATENCY_SECONDS", 0.01)
    assert change(browser, "/burst", {"language": "es"}) == 204
    assert show.burst.running
    assert change(browser, "/burst") == 409
    assert change(browser, "/say", {"phone": "telegram", "text": "hola"}) == 409
    assert browser.get("/state", base_url=URL).json["busy"]


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Page-Word": ""},
        {"X-Page-Word": "x" * 43},
        {"X-Page-Word": "ñ"},
        {"Origin": "http://127.0.0.1:8080"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_changes_nothing(browser: FlaskClient, world: Small, path: str, headers: dict[str, str]) -> None:
    given = {"phone": "telegram", "text": "hola", "worker": "worker"}
    assert change(browser, path, given, **headers) == 403
    assert world.ana.said() == []
    assert world.staff.killed == []


@pytest.mark.parametrize("path", CHANGES)
def test_looking_changes_nothing(browser: FlaskClient, path: str) -> None:
    assert opened(browser, path).status_code == 405


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7777", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.nip:7777"]
)
@pytest.mark.parametrize("path", ["/", "/state", "/static/page.js"])
def test_under_another_name_the_page_is_not_there(browser: FlaskClient, host: str, path: str) -> None:
    """A site can let its own name point to this machine, and would read what its own pages may read."""
    assert browser.get(path, base_url=URL, headers={"Host": host}).status_code == 403


def test_it_is_there_as_localhost_too(browser: FlaskClient) -> None:
    assert browser.get("/", base_url="http://localhost:7777").status_code == 200


def test_other_sites_may_link_to_it_and_not_use_it(browser: FlaskClient) -> None:
    assert opened(browser, "/", **{"Sec-Fetch-Site": "cross-site"}).status_code == 200
    for path in ("/state", "/static/page.js"):
        assert opened(browser, path, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert opened(browser, path, **{"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_the_browser_is_told_to_ask_nobody_else(browser: FlaskClient) -> None:
    answer = opened(browser)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "'unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_no_file_of_the_page_names_another_host() -> None:
    names = {"http://www.w3.org/2000/svg"}  # a name of a language, which nobody asks for
    files = [path for folder in ("static", "templates") for path in (FOLDER / folder).iterdir()]
    assert len(files) >= 6
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"(?:https?:)?//[a-z0-9][\w.-]+\.[\w/.]+", text)) <= names | {"//www.w3.org/2000/svg"}
        assert "innerHTML" not in text


@pytest.mark.parametrize(
    ("asked", "query", "expected"),
    [
        ("es-ES,es;q=0.9", "", "es"),
        ("en-GB,en;q=0.9", "", "en"),
        ("de-DE", "", "en"),
        ("es-MX", "?lang=en", "en"),
        ("en", "?lang=es", "es"),
        ("es", "?lang=zz", "en"),
    ],
)
def test_the_page_is_in_the_browsers_language_or_the_chosen_one(
    browser: FlaskClient, asked: str, query: str, expected: str
) -> None:
    text = opened(browser, f"/{query}", **{"Accept-Language": asked}).text
    assert f'<html lang="{expected}">' in text
    assert getattr(WORDS["lead"], expected) in text


def test_both_languages_say_the_same_and_everything_said_is_used() -> None:
    states = [FOLDER / "show.py", FOLDER / "inside.py"]  # what a script is told has words of the same name
    files = [*SCRIPTS, FOLDER / "templates" / "page.html", *states]
    used = "".join(path.read_text(encoding="utf-8") for path in files)
    for name, said in WORDS.items():
        holes = [sorted(re.findall(r"\{(\w+)\}", text)) for text in said]
        assert all(text.strip() for text in said)
        assert holes[0] == holes[1], name
        assert re.search(rf"\b{name}\b", used), f"nothing says {name}"
    assert {"es", "en"} == set(LANGUAGES)


def test_scripts_say_only_what_there_is() -> None:
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        asked = re.findall(r"\bwords\.(\w+)", text) + re.findall(r'\bsay\("(\w+)"', text)
        assert set(asked) <= set(WORDS), path.name


def test_the_state_is_what_the_page_needs(browser: FlaskClient, world: Small) -> None:
    world.ana.say("¿Está lista la bolsa 5?")
    assert world.telegram.wait_until(lambda: len(world.telegram.answers("34611")) == 1)
    state = json.loads(opened(browser, "/state").text)
    [ana, luis] = state["phones"]
    assert [bubble["who"] for bubble in ana["bubbles"]] == ["person", "assistant"]
    assert (ana["name"], luis["name"], luis["bubbles"]) == ("Ana", "Luis", [])
    assert (ana["stage"], ana["holder"]) == ("speaking", "worker")
    assert state["workers"][0] | {"deaths": 0} == {
        "name": "worker", "pid": 4711, "state": "up", "holds": ["telegram", "whatsapp"], "slots": 16, "memory": 90,
        "deaths": 0,
    }  # fmt: skip
    assert state["workers"][1]["state"] == "dead"
    assert (state["ways"], state["answers"], state["burst"]) == ([], [], None)


def test_a_dead_workers_lease_is_told(browser: FlaskClient, world: Small) -> None:
    world.staff.kill("worker")
    [ana, _] = json.loads(opened(browser, "/state").text)["phones"]
    assert (ana["orphaned"], ana["holder"], ana["lease"]) == (True, "", 3000)


def test_a_redis_that_is_away_hides_nothing_else(
    browser: FlaskClient, world: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise redis.ConnectionError

    for name in ("standings", "cards", "due"):
        monkeypatch.setattr(world.inside, name, away)
    state = json.loads(opened(browser, "/state").text)
    assert [phone["stage"] for phone in state["phones"]] == ["unknown", "unknown"]
    assert change(browser, "/burst") == 503


def test_a_button_under_an_answer_is_pressed_as_on_a_telephone(browser: FlaskClient, world: Small) -> None:
    world.ana.say("¿Está lista la bolsa 5?")
    assert world.telegram.wait_until(lambda: len(world.telegram.answers("34611")) == 1)
    [answer] = world.telegram.answers("34611")
    answer_id, shown = answer.id, world.telegram.bubble("34611", answer.id)
    assert shown is not None
    shown.raw["reply_markup"] = {"inline_keyboard": [[{"text": "Parar", "callback_data": "stop"}]]}
    [_, bubble] = json.loads(opened(browser, "/state").text)["phones"][0]["bubbles"]
    assert bubble["buttons"] == [{"data": "stop", "text": "Parar"}]
    given = {"phone": "telegram", "bubble": answer_id, "data": "stop"}
    assert change(browser, "/press", given) == 204
    assert len(world.telegram.queries) == 1
    assert change(browser, "/press", given | {"data": "else"}) == 409
    assert change(browser, "/press", given | {"phone": "whatsapp"}) == 409


def test_a_sign_of_typing_is_seen_until_the_answer(world: Small) -> None:
    assert not world.ana.view()["typing"]
    url = f"{world.telegram.url}/bot{world.telegram.token}/sendChatAction"
    httpx.post(url, json={"chat_id": "34611", "action": "typing"}).raise_for_status()
    assert world.ana.view()["typing"]
    world.ana.say("¿Está lista la bolsa 5?")
    assert world.telegram.wait_until(lambda: len(world.telegram.answers("34611")) == 1)
    assert not world.ana.view()["typing"]
