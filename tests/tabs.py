"""The chat page without a browser: what a tab of it says, and what stands in it."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable

from bot.message import Conversation, Message
from bot.stores.mailbox import Mailbox
from bot.stores.page import ASSISTANT, PERSON, Page, Shown

_numbers = itertools.count(1)


class Tab:
    """One tab's conversation; its ``name`` stands for the token that the browser holds."""

    def __init__(self, page: Page, mailbox: Mailbox, name: str = "tab") -> None:
        self.page, self.mailbox = page, mailbox
        self.conversation = str(Conversation("web", "page", hashlib.sha256(name.encode()).hexdigest()[:32]))

    def put(self, text: str) -> Message:
        """The person's bubble stands there, and nobody has been asked yet."""
        message = self.message(text)
        self.page.put(self.conversation, message.id, PERSON, text)
        return message

    def say(self, text: str, *, language: str = "en") -> None:
        message = self.put(text)
        self.mailbox.accept([self.message(text, message.id, language=language)])

    def press(self, command: str) -> None:
        self.mailbox.accept([self.message(command, pressed=True)])

    def clear(self) -> None:
        """What the button does that begins anew."""
        self.press("/stop")
        self.page.clear(self.conversation)
        self.press("/reset")

    def message(self, text: str, known: str = "", *, language: str = "en", pressed: bool = False) -> Message:
        number = known or f"{self.conversation[-6:]}-{next(_numbers)}"
        bubble = "" if pressed else number
        return Message(number, self.conversation, text, time.time(), language=language, bubble=bubble, pressed=pressed)

    @property
    def shown(self) -> tuple[Shown, ...]:
        return self.page.read(self.conversation).shown

    @property
    def texts(self) -> list[str]:
        """What is read there, top to bottom."""
        return [one.text for one in self.shown]

    @property
    def answers(self) -> list[str]:
        return [one.text for one in self.shown if one.who == ASSISTANT]

    def watch(self, until: Callable[[], bool], *, seconds: float = 20) -> list[tuple[float, tuple[Shown, ...]]]:
        """Look as the page does, until something is so: what was seen, and when (monotonic)."""
        seen: list[tuple[float, tuple[Shown, ...]]] = []
        version, end = -1, time.monotonic() + seconds
        while True:
            over = until()
            if (now := self.page.version(self.conversation)) != version:
                version = now
                seen.append((time.monotonic(), self.shown))
            if over:
                return seen
            assert time.monotonic() < end, f"it did not happen in time: {self.texts}"
            time.sleep(0.005)
