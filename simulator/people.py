"""People who write numbered messages, so that a ledger can tell what became of each."""

from __future__ import annotations

import itertools
import random
import secrets
import threading
from dataclasses import dataclass
from time import monotonic

from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer


@dataclass(slots=True)
class Person:
    """Somebody in a chat of their own; ``conversation`` is the number that their messages carry."""

    conversation: int
    chat_id: str
    written: int = 0


class People:
    """``count`` people on one platform who write ``rate`` messages a second, all together.

    A message reads ``c12 n3 5f0c9a2e``: conversation, number in it, and a word that nobody can
    guess. ``first`` is the first conversation's number; two groups of people need different ones. ``number`` is
    the business's WhatsApp number to which they write, its first if empty.
    """

    def __init__(
        self, platform: TelegramServer | WhatsAppServer, count: int, *, rate: float, first: int = 0, seed: int = 0,
        number: str = "",
    ) -> None:  # fmt: skip
        self._platform = platform
        self._number = number
        self._rate = rate
        self._random = random.Random(seed)
        self.persons = [Person(first + i, str(34_600_000_000 + first + i)) for i in range(count)]

    def write(self, messages: int, stop: threading.Event | None = None) -> int:
        """Write so many messages, each by somebody at random, at an even rate; how many it were when stopped."""
        stop = stop or threading.Event()
        start = monotonic()
        for number in range(messages):
            if stop.wait(max(start + number / self._rate - monotonic(), 0)):
                return number
            self.write_one(self._random.choice(self.persons))
        return messages

    def everybody(self, each: int = 1) -> None:
        """Everybody writes so many messages, as fast as can be."""
        for _, person in itertools.product(range(each), self.persons):
            self.write_one(person)

    def write_one(self, person: Person) -> str:
        """One person writes the next message; its text."""
        person.written += 1
        text = f"c{person.conversation} n{person.written} {secrets.token_hex(4)}"
        if isinstance(self._platform, TelegramServer):
            self._platform.say(int(person.chat_id), text)
        else:
            self._platform.say(person.chat_id, text, number=self._number)
        return text
