"""The pictures of the pages in the READMEs are made by what follows."""

from __future__ import annotations

from pathlib import Path

from tests.browser import screens
from tests.browser.chat import Chats
from tests.browser.world import ChatWorld


def test_the_chat_page_is_pictured_in_both_languages_while_an_answer_grows(
    chats: Chats, world: ChatWorld, tmp_path: Path
) -> None:
    """Small enough for a README. Where the page has changed: python -m tests.browser.screens."""
    saved = screens.save_chat(chats, world, tmp_path)

    assert [path.name for path in saved] == ["page.es.png", "page.en.png"]
    assert all(5_000 < path.stat().st_size < screens.MOST_BYTES for path in saved)
