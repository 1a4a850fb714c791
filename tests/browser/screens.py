"""The pictures of both pages in the READMEs: ``python -m tests.browser.screens`` makes them anew."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bot import texts
from simulator.demo import FOLDER as DEMO
from simulator.demo import Demo
from simulator.processes import NotReady
from simulator.screens import PLAYS
from tests.browser import surfing
from tests.browser.chat import Chats
from tests.browser.surfing import ROOT, Surfer, expect
from tests.browser.world import ChatWorld
from workers.ui import words

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = ROOT / "docs" / "screens"
CHAT = {"width": 900, "height": 800}
INSIDE = {"width": 1240, "height": 1320}
MOST_BYTES = 120_000
COLOURS = 128
VERDICT_MS = 90_000


def save_chat(chats: Chats, world: ChatWorld, folder: Path) -> list[Path]:
    """The chat page in each language, while the last answer still grows and can be stopped."""
    saved = []
    for language, play in PLAYS.items():
        chat = chats.open(language=language, viewport=CHAT)
        (_, *asked), answers = play.asked, play.answers
        for question, pieces in zip(asked, answers, strict=True):
            is_last = question == asked[-1]
            held = world.mind.holds(question, *pieces)
            chat.says(question)
            held.give(len(pieces) - is_last)
            expect(chat.answers.last).to_contain_text(play.until if is_last else "€")
            expect(chat.button(texts.STOP if is_last else words.AGAIN)).to_be_enabled()
        saved.append(save(chat.page, folder / f"page.{language}.png"))
        world.mind.forget()
    return saved


def save_demo(surfer: Surfer, url: str, folder: Path) -> list[Path]:
    """The demo's page in each language, after a burst in it during which a worker was killed."""
    saved = []
    for language in PLAYS:
        page = surfer.open(f"{url}?lang={language}", language=language, viewport=INSIDE)
        burst = page.locator("#burst")
        expect(burst).to_have_attribute("aria-disabled", "false", timeout=VERDICT_MS)
        burst.click()
        expect(burst).to_have_attribute("aria-disabled", "true")
        expect(burst).to_have_attribute("aria-disabled", "false", timeout=VERDICT_MS)
        expect(page.locator("#workers .up")).to_have_count(2)
        saved.append(save(page, folder / f"demo.{language}.png"))
        page.close()
    return saved


def save(page: Page, path: Path) -> Path:
    """What stands on the page, in few colours, so that it is small."""
    from PIL import Image

    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide")))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


@contextmanager
def _chat_page(folder: Path) -> Iterator[ChatWorld]:
    world = ChatWorld(folder / "installation", folder / "outside")
    try:
        world.start()
        yield world
    finally:
        world.close()


@contextmanager
def _demo_page(folder: Path) -> Iterator[str]:
    os.chdir(folder)
    DEMO.mkdir()
    demo = Demo(Console(quiet=True), page=True)
    with demo.telegram, demo.whatsapp, demo.processes:
        demo.processes.wait_ready(60)
        if not demo.play():
            raise NotReady(demo.processes.log_tails())
        with demo.page() as page:
            yield f"{page.url}/"


def main() -> None:
    with tempfile.TemporaryDirectory() as name, surfing.browsing() as (browser, _):
        folder, surfer = Path(name), Surfer(browser)
        with _chat_page(folder) as world:
            saved = save_chat(Chats(surfer, world.url), world, FOLDER)
        with _demo_page(folder) as url:
            saved += save_demo(surfer, url, FOLDER)
        surfer.close()
    for path in saved:
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
