"""The demo's page in a real browser: both phones, what happens behind them, and a worker that is killed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from simulator.demo import FOLDER, Demo
from tests.browser.axe import grave
from tests.browser.surfing import PHONE, Surfer, expect, guarded, is_wider

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

BURST_MS = 90_000
SUNDAY, OPEN = "¿A qué hora abrís los domingos?", "Los domingos abrimos de 8:00 a 14:00."


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, outside_log: Path, _installed: None) -> Iterator[str]:
    """A demo that has played its conversation and stays up; its page's address."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("demo"))
    try:
        FOLDER.mkdir()
        demo = Demo(Console(quiet=True), page=True)
        demo.processes.environment |= guarded(outside_log)
        with demo.telegram, demo.whatsapp, demo.processes:
            demo.processes.wait_ready(60)
            assert demo.play(), demo.processes.log_tails()
            with demo.page() as page:
                yield f"{page.url}/"
    finally:
        os.chdir(before)


def phone(page: Page, key: str) -> Locator:
    return page.locator(f"[data-phone={key}]")


def last(page: Page, key: str) -> Locator:
    """The newest bubble on a phone, whole."""
    return phone(page, key).locator(".bubble[aria-busy=false]").last


def worker(page: Page, name: str = "worker") -> Locator:
    return page.locator(f"[data-worker={name}]")


def at_rest(page: Page) -> None:
    """Both workers run, and nothing is on its way."""
    for name in ("worker", "worker-2"):
        expect(worker(page, name)).to_have_class("up")
    expect(page.locator("#burst")).to_have_attribute("aria-disabled", "false")


def test_both_phones_show_what_their_people_see_and_take_what_they_write(surfer: Surfer, url: str) -> None:
    """And a reload finds it all again. What is written is text, whatever it looks like."""
    page = surfer.open(url)
    expect(phone(page, "telegram").locator(".bubble.person").first).to_contain_text("/start")
    expect(phone(page, "whatsapp").locator(".bubble.person").first).to_contain_text("/help")
    page.get_by_label("Escribe como Ana").fill(SUNDAY)
    page.get_by_label("Escribe como Ana").press("Enter")
    page.get_by_label("Escribe como Luis").fill("<b id=oops>¿Tenéis pan sin gluten?</b>")
    phone(page, "whatsapp").get_by_role("button", name="Enviar").click()
    expect(last(page, "telegram")).to_contain_text(OPEN)
    expect(last(page, "whatsapp")).to_contain_text("sin gluten los martes")
    assert page.locator("#oops").count() == 0
    expect(phone(page, "telegram").locator(".bubble.person").last).to_contain_text("guardado")

    page.reload()
    expect(last(page, "telegram")).to_contain_text(OPEN)
    expect(last(page, "whatsapp")).to_contain_text("sin gluten los martes")


def test_each_messages_way_is_told_with_its_times(surfer: Surfer, url: str) -> None:
    page = surfer.open(url)
    phone(page, "telegram").get_by_label("Ana").last.fill("hola, ¿qué pan tenéis?")
    page.keyboard.press("Enter")
    row = page.locator("#ways tr", has_text="hola, ¿qué pan tenéis?").first
    expect(row).to_contain_text("Telegram")
    expect(row.locator("td").last).to_have_text(re.compile(r"\d+"))  # not before its first words
    cells = [int(text) for text in row.locator("td").all_inner_texts()]
    accepting, listening, waiting, thinking, speaking, first_words = cells
    assert 700 < listening <= 800
    assert min(accepting, waiting, thinking, speaking) >= 0
    assert first_words >= listening
    expect(page.locator("#answers rect.telegram").first).to_be_visible()
    expect(page.locator("#answers-told")).to_contain_text(re.compile(r"\d+ respuestas"))


def test_the_page_speaks_both_languages(surfer: Surfer, url: str) -> None:
    """The browser's at first, then the chosen one; so do the questions of a burst, and the answers."""
    page = surfer.open(url, language="en")
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page.get_by_role("heading", name="Each message's way")).to_be_visible()
    expect(worker(page).locator(".state")).to_have_text("running")
    page.get_by_role("link", name="Español").click()
    assert page.locator("html").get_attribute("lang") == "es"
    expect(page.get_by_role("heading", name="El camino de cada mensaje")).to_be_visible()
    expect(worker(page).locator(".state")).to_have_text("en marcha")
    assert page.title() == "Recado por dentro"


@pytest.mark.parametrize(("dark", "language"), [(False, "es"), (True, "en")])
def test_everybody_can_read_it(surfer: Surfer, url: str, dark: bool, language: str) -> None:
    """axe-core finds nothing serious, in light and in dark."""
    page = surfer.open(url, dark=dark, language=language)
    at_rest(page)
    assert grave(page) == []


def test_on_a_small_telephone_the_keyboard_is_enough(surfer: Surfer, url: str) -> None:
    """Write, and kill a worker: its successor has another pid. At 360 pixels nothing is wider than the window."""
    page = surfer.open(url, viewport=PHONE)
    at_rest(page)
    assert not is_wider(page)
    assert grave(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the first link leads to the first field
    expect(page.get_by_label("Escribe como Ana")).to_be_focused()
    page.keyboard.type("¿Cómo encargo una tarta de cumpleaños?")
    page.keyboard.press("Enter")
    expect(last(page, "telegram")).to_contain_text("con dos días de antelación")
    at_rest(page)

    before = worker(page).locator(".name").inner_text()
    kill = worker(page).get_by_role("button")
    for _ in range(40):
        if kill.evaluate("button => button === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(worker(page)).to_have_class("dead")
    expect(worker(page)).to_have_class("up")
    assert worker(page).locator(".name").inner_text() != before
    expect(worker(page).locator(".about")).to_contain_text("muertes: 1")
    assert not is_wider(page)


def test_a_burst_during_which_a_worker_is_killed_loses_nothing(surfer: Surfer, url: str) -> None:
    """The verdict is the ledger's, and both phones show all answers, in order."""
    page = surfer.open(url, language="en")
    at_rest(page)
    page.get_by_role("button", name="Burst and kill -9").click()
    verdict = page.locator("#verdict")
    expect(verdict).to_have_class("running")
    expect(phone(page, "telegram").get_by_role("button", name="Send")).to_have_attribute("aria-disabled", "true")
    expect(verdict).to_have_class(re.compile("kept|broken"), timeout=BURST_MS)
    expect(verdict).to_contain_text("Promises kept")
    expect(verdict.locator(".judged")).to_have_text(re.compile(r"· \d+(\.\d)? s$"))
    for name, number in (
        ("written", 12),
        ("taken", 12),
        ("answered", 12),
        ("lost", 0),
        ("twice", 0),
        ("disordered", 0),
    ):
        expect(verdict.locator(f"[data-number={name}] dd")).to_have_text(str(number))
    expect(verdict).to_contain_text(re.compile(r"worker(-2)? died \(pid \d+\)"))
    for key, first in (("telegram", 1), ("whatsapp", 7)):
        text = " ".join(phone(page, key).locator(".bubble.assistant:not(.grows)").all_inner_texts())
        shown = [int(bag) for bag in re.findall(r"Yes, bag (\d+) is ready", text)]
        assert shown == list(range(first, first + 6))
    assert grave(page) == []
    at_rest(page)
    page.get_by_role("link", name="Español").click()
    expect(verdict.locator(".judged")).to_have_text(re.compile(r"Promesas cumplidas · \d+(,\d)? s$"))


def test_a_demo_that_is_gone_is_told_and_so_is_its_return(surfer: Surfer, url: str) -> None:
    page = surfer.open(url)
    at_rest(page)
    page.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("La demo no contesta")
    page.context.set_offline(False)
    expect(page.locator("#trouble")).to_be_hidden()
    assert all("ERR_INTERNET_DISCONNECTED" in one for one in (*surfer.refused, *surfer.errors))
    surfer.refused.clear()
    surfer.errors.clear()
