"""Who appears in the stories: a customer on WhatsApp or Telegram, and the owner, who has a chat with the bot."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.installation import FREE_OF_LIMITS
from simulator.platforms import Bubble, Platform
from simulator.processes import wait_until
from tests.e2e.conftest import Installation

SECONDS = 30
OWNER = 9001
SETTINGS = FREE_OF_LIMITS | {"OWNER_CHAT": f"telegram:{OWNER}", "DEFAULT_LANGUAGE": "es"}


@dataclass
class Someone:
    """Somebody who writes to the business; ``seen`` is how many bubbles they have read."""

    one: Installation
    chat: int
    on_whatsapp: bool = True
    name: str = "Ana"
    seen: int = 0
    waiting: int = 0
    """Replies that wait for somebody to write first."""

    @property
    def platform(self) -> Platform:
        return self.one.whatsapp if self.on_whatsapp else self.one.telegram

    def writes(self, text: str, *, answering: Bubble | None = None) -> None:
        if self.on_whatsapp:
            self.one.whatsapp.say(str(self.chat), text, self.name)
        else:
            self.one.telegram.say(self.chat, text, name=self.name, reply_to=int(answering.id) if answering else 0)

    def reads(self) -> str:
        """The next bubble, as soon as it is there and nothing is being done any more."""
        return self.sees().text

    def sees(self) -> Bubble:
        assert self.platform.wait_until(lambda: len(self._answers()) > self.seen, SECONDS), self._logs()
        self._rest()
        self.seen += 1
        return self._answers()[self.seen - 1]

    def reads_nothing(self) -> None:
        """All that was said is dealt with, and there is nothing new."""
        self._rest()
        assert [bubble.text for bubble in self._answers()[self.seen :]] == []

    def _rest(self) -> None:
        """Everything is accepted, and nothing is left but what must wait for its person."""
        told = [*self.one.telegram.said, *self.one.whatsapp.said]
        assert wait_until(lambda: all(one.accepted for one in told), SECONDS), self._logs()
        assert wait_until(lambda: self.one.due() <= self.waiting, SECONDS), self._logs()

    def _logs(self) -> str:
        return self.one.processes.log_tails(30)

    def _answers(self) -> list[Bubble]:
        return self.platform.answers(str(self.chat))


def owner_of(one: Installation) -> Someone:
    """The owner, who has read what there was until now."""
    owner = Someone(one, OWNER, on_whatsapp=False, name="Eva")
    owner.seen = len(one.telegram.answers(OWNER))
    return owner
