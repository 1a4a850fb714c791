"""Whoever knows the chat page's password comes in, and nobody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from bot.texts import Language
from tests.unit.test_ui_outside import Behind
from workers.ui import door, words
from workers.ui.door import COOKIE, WAITING_MOST, Door

PASSWORD = "a long ñ password"
KEY = b"the installation's"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "PAUSE_SECONDS", 0.05)


@pytest.fixture
def behind() -> Behind:
    return Behind()


def shut(behind: Behind, password: str = PASSWORD, key: bytes = KEY) -> Door:
    def title(language: Language) -> str:
        return "Chez <X>"

    return Door(
        behind, password, key, title, lambda headers: "en" if "en" in headers.get("accept-language", "") else "es"
    )


Talk = Callable[[httpx.AsyncClient], Awaitable[Any]]


def visit(app: Door, talk: Talk, scheme: str = "http") -> Any:
    async def once() -> Any:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://chat.example") as client:
            return await talk(client)

    return asyncio.run(once())


def sign_in(client: httpx.AsyncClient, password: str = PASSWORD) -> Awaitable[httpx.Response]:
    return client.post("/login", data={"password": password})


def test_a_stranger_is_asked_for_the_password(behind: Behind) -> None:
    """The page's address leads to the question; nothing else says anything, and nothing comes in."""

    async def talk(client: httpx.AsyncClient) -> list[int]:
        first = await client.get("/es/")
        assert first.headers["location"] == "/login"
        others = [
            await client.get("/es/config"),
            await client.post("/es/gradio_api/queue/join"),
            await client.get("/page.js"),
        ]
        return [first.status_code, *(one.status_code for one in others)]

    assert visit(shut(behind), talk) == [303, 401, 401, 401]
    assert behind.asked == []


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_question_is_in_the_visitors_language(behind: Behind, language: Language) -> None:
    asked = visit(shut(behind), lambda client: client.get("/login", headers={"Accept-Language": language}))

    assert f'<html lang="{language}">' in asked.text
    assert f'<label for="password">{words.PASSWORD.to(language)}</label>' in asked.text
    assert "Chez &lt;X&gt;" in asked.text
    assert asked.headers["cache-control"] == "no-store"


def test_who_knows_it_comes_in_and_stays(behind: Behind) -> None:
    """After the page was started anew, too."""

    async def talk(client: httpx.AsyncClient) -> tuple[httpx.Response, httpx.Response]:
        return await sign_in(client), await client.get("/es/")

    entered, page = visit(shut(behind), talk)
    cookie = entered.headers["set-cookie"].partition(";")[0]

    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert page.status_code == 200
    assert "HttpOnly; SameSite=Lax" in entered.headers["set-cookie"]
    assert PASSWORD not in cookie
    again = visit(shut(behind), lambda client: client.get("/es/", headers={"Cookie": cookie}))
    assert again.status_code == 200


def test_by_https_the_pass_is_for_https_alone(behind: Behind) -> None:
    assert "Secure" in visit(shut(behind), sign_in, "https").headers["set-cookie"]
    assert "Secure" not in visit(shut(behind), sign_in).headers["set-cookie"]


@pytest.mark.parametrize("given", ["", "a long", PASSWORD + " ", PASSWORD.upper(), "\x00", "ñ" * 5000])
def test_who_does_not_know_it_stays_outside(behind: Behind, given: str) -> None:
    answer = visit(shut(behind), lambda client: sign_in(client, given))

    assert answer.status_code == 403
    assert words.WRONG.es in answer.text
    assert COOKIE not in answer.headers.get("set-cookie", "")
    assert behind.asked == []


def test_what_is_no_form_is_no_password(behind: Behind) -> None:
    assert visit(shut(behind), lambda client: client.post("/login", content=b"\xff\xfe")).status_code == 403


def test_wrong_ones_are_looked_at_one_after_the_other(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking at once from many places guesses no faster, and a line that is too long is sent away."""
    monkeypatch.setattr(door, "PAUSE_SECONDS", 0.02)

    async def talk(client: httpx.AsyncClient) -> list[int]:
        tries = [sign_in(client, f"guess {number}") for number in range(WAITING_MOST + 5)]
        return [answer.status_code for answer in await asyncio.gather(*tries)]

    began = time.monotonic()
    statuses = visit(shut(behind), talk)

    assert sorted(statuses) == [403] * WAITING_MOST + [429] * 5
    assert time.monotonic() - began >= WAITING_MOST * 0.02


@pytest.mark.parametrize("change", ["password", "key", "time", "letters"])
def test_a_pass_is_good_for_this_door_and_for_its_time(behind: Behind, change: str) -> None:
    """Another password makes all of them void, and nobody makes one longer."""
    issued = shut(behind)._pass()
    until, _, signed = issued.partition(".")
    app = shut(behind, "another password" if change == "password" else PASSWORD, b"x" if change == "key" else KEY)
    shown = {"time": f"{int(until) + 1}.{signed}", "letters": "x.y"}.get(change, issued)

    for cookie in (shown, "", ".", "ñ", "9" * 50):
        answer = visit(
            app, lambda client, cookie=cookie: client.get("/es/", headers={"Cookie": f"{COOKIE}={cookie}".encode()})
        )
        assert answer.status_code == 303
    assert (
        visit(shut(behind), lambda client: client.get("/es/", headers={"Cookie": f"{COOKIE}={issued}"})).status_code
        == 200
    )


def test_a_pass_runs_out(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "DAYS", 0)
    issued = shut(behind)._pass()
    assert (
        visit(shut(behind), lambda client: client.get("/es/", headers={"Cookie": f"{COOKIE}={issued}"})).status_code
        == 303
    )


def test_the_style_of_the_question_and_the_pulse_are_free(behind: Behind) -> None:
    async def talk(client: httpx.AsyncClient) -> list[int]:
        return [(await client.get(path)).status_code for path in ("/page.css", "/healthz")]

    assert visit(shut(behind), talk) == [200, 200]
