"""The chat page behind UI_PASSWORD, and its process when it dies: in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from bot.texts import Language
from simulator.ports import free_port
from tests.browser import axe
from tests.browser.chat import Chat, Chats
from tests.browser.surfing import PHONE, Surfer, expect, is_wider
from tests.browser.world import NAME, ChatWorld
from workers.ui import words

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD = "una barra de masa madre"


@pytest.fixture(scope="module")
def door(chat_world: ChatWorld) -> Iterator[str]:
    """Another page of the same installation, which asks for a password."""
    port = free_port()
    chat_world.start_page("door", UI_PORT=str(port), UI_PASSWORD=PASSWORD)
    chat_world.wait(lambda: chat_world.is_up(port))
    yield f"http://127.0.0.1:{port}/"
    chat_world.installation.kill("door")
    chat_world.installation.processes.running.pop("door")


def sign_in(page: Page, password: str, language: Language = "es") -> None:
    """By keyboard, into the field that has the focus by itself."""
    expect(page.get_by_label(words.PASSWORD.to(language))).to_be_focused()
    page.keyboard.type(password)
    page.keyboard.press("Enter")


@pytest.mark.parametrize(("language", "dark"), [("es", False), ("en", True)], ids=["light", "dark"])
def test_the_door_is_for_everybody_who_knows_the_password(
    surfer: Surfer, world: ChatWorld, door: str, language: Language, *, dark: bool
) -> None:
    """By keyboard, on a telephone, in their language; a wrong one is said to be wrong. Behind it is the chat."""
    page = surfer.open(door, language=language, dark=dark, viewport=PHONE)
    expect(page.get_by_label(words.PASSWORD.to(language))).to_be_focused()
    assert axe.grave(page) == []
    sign_in(page, "no es esta", language)
    expect(page.get_by_role("alert")).to_have_text(words.WRONG.to(language))
    assert axe.grave(page) == []
    assert not is_wider(page)
    sign_in(page, PASSWORD, language)
    chat = Chat(page, language)
    chat.says("hola")
    chat.reads("re: hola")
    surfer.refused[:] = [one for one in surfer.refused if not one.startswith("403")]
    surfer.errors[:] = [one for one in surfer.errors if "403" not in one]


def test_nothing_is_behind_the_door_for_who_has_no_password(surfer: Surfer, door: str) -> None:
    """Neither the page, which leads to the door, nor what it is made of, nor what it knows."""
    ask = surfer.context().request

    assert 'type="password"' in ask.get(f"{door}es/").text()
    for path in ("es/config", "en/gradio_api/info", "es/gradio_api/queue/data?session_hash=a", "page.js"):
        assert ask.get(door + path).status == 401


def test_who_is_no_longer_let_in_is_asked_for_the_password(surfer: Surfer, door: str) -> None:
    """As after seven days, or when the password is another; what was not sent yet is in the field afterwards."""
    page = surfer.open(door)
    sign_in(page, PASSWORD)
    chat = Chat(page)
    chat.field.fill("medio dicho")
    page.context.clear_cookies()
    sign_in(page, PASSWORD)
    expect(chat.field).to_have_value("medio dicho")
    assert all("401" in one for one in surfer.refused)
    surfer.forgive()  # what Gradio says of it to the console is not always the same


def test_the_page_may_die_in_the_middle_of_an_answer(
    surfer: Surfer, chats: Chats, chat: Chat, world: ChatWorld
) -> None:
    """kill -9 of the page's own process: that is told in the page's language, and the answer goes on without it.

    It is there as soon as there is a page.
    """
    held = world.mind.holds("¿qué hay hoy?", "Hoy hay ", "empanada.")
    chat.says("¿qué hay hoy?")
    held.give()
    chat.reads("Hoy hay …")

    def meanwhile() -> None:
        told = chat.page.locator(".toast-body")
        expect(told).to_contain_text(words.GONE.to("es"))
        expect(told).to_contain_text(words.COMES_BACK.to("es"))
        held.give_all()

    world.replace_page(meanwhile)
    chat.reads("Hoy hay empanada.")
    chat.says("gracias")
    chat.reads("re: gracias")

    expect(chat.questions).to_have_text(["¿qué hay hoy?", "gracias"])
    assert len(world.asked("¿qué hay hoy?")) == 1
    assert NAME in chat.page.title()
    surfer.forgive()
