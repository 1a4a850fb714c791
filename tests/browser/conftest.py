"""Tests in a real browser. Where something of it is missing they are left out, or fail: BROWSER_TESTS=required.

`make browser` installs what they need. Neither the browser nor the processes reach any other machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import surfing
from tests.browser.surfing import Surfer, Wall
from tests.browser.world import ChatWorld

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.chat import Chat, Chats


@pytest.fixture(scope="package", autouse=True)
def _installed() -> None:
    if absent := surfing.missing("gradio"):
        words = f"not installed: {', '.join(absent)}; `make browser` does it"
        pytest.fail(words) if surfing.required() else pytest.skip(words)


@pytest.fixture(scope="package")
def browser_and_wall(_installed: None) -> Iterator[tuple[Browser, Wall]]:
    """One browser for all these tests, and gone with them: its event loop would be in the way of others."""
    with surfing.browsing() as found:
        yield found


@pytest.fixture
def surfer(browser_and_wall: tuple[Browser, Wall]) -> Iterator[Surfer]:
    """Opens pages. Whatever a test does with them: nothing outside is asked for, and no script breaks.

    A test that provokes an error takes it out of ``errors`` or ``refused``.
    """
    browser, wall = browser_and_wall
    one = Surfer(browser)
    wall.asked.clear()
    yield one
    one.close()
    assert (one.outside, wall.asked) == ([], [])
    assert (one.refused, one.errors) == ([], [])


@pytest.fixture(scope="package")
def outside_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where processes with the environment of ``surfing.guarded`` write whom else they wanted to reach: nobody."""
    log = tmp_path_factory.mktemp("outside") / "log"
    yield log
    assert not log.exists(), log.read_text(encoding="utf-8")


# the chat page


@pytest.fixture(scope="package")
def chat_world(tmp_path_factory: pytest.TempPathFactory, outside_log: Path) -> Iterator[ChatWorld]:
    """A worker and the page, for all tests."""
    one = ChatWorld(tmp_path_factory.mktemp("chat") / "installation", outside_log)
    try:
        one.start()
        yield one
    finally:
        one.close()


@pytest.fixture
def world(chat_world: ChatWorld) -> Iterator[ChatWorld]:
    """At rest, with nothing of what the model was asked before."""
    chat_world.rest()
    yield chat_world
    chat_world.mind.forget()


@pytest.fixture
def chats(surfer: Surfer, world: ChatWorld) -> Chats:
    from tests.browser.chat import Chats

    return Chats(surfer, world.url)


@pytest.fixture
def chat(chats: Chats) -> Chat:
    """A Spanish tab on which nothing was said."""
    return chats.open()
