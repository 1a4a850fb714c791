"""The two phones of the demo: a chat as its person sees it, and what that person can do there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from simulator.bubble import Bubble
from simulator.calls import Call
from simulator.delivery import Said
from simulator.page.bags import Language
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

NEWEST: Final = 80
"""So many bubbles of a chat are shown."""
TYPING_SECONDS: Final = {"telegram": 5.0, "whatsapp": 25.0}
"""How long a sign of typing stands unless a message comes: https://core.telegram.org/bots/api#sendchataction and
https://developers.facebook.com/docs/whatsapp/cloud-api/typing-indicators."""
GROWS: Final = "…"


@dataclass(frozen=True, slots=True)
class Phone:
    """Somebody's telephone with one chat: ``name`` is the person's, ``chat_id`` the platform's, ``conversation`` what
    the product calls it."""

    name: str
    platform: TelegramServer | WhatsAppServer
    chat_id: str
    conversation: str

    @property
    def key(self) -> str:
        """The phone's own name: its platform's."""
        return self.platform.name

    @property
    def chat(self) -> str:
        """The chat as a ledger names it."""
        return f"{self.platform.name}:{self.chat_id}"

    def say(self, text: str, language: Language = "es") -> str:
        """Write; the id of the message."""
        if isinstance(self.platform, TelegramServer):
            update = self.platform.say(int(self.chat_id), text, language, self.name)
            return str(update["message"]["message_id"])
        body = self.platform.say(self.chat_id, text, name=self.name)
        return str(body["entry"][0]["changes"][0]["value"]["messages"][0]["id"])

    def press(self, bubble: str, data: str, language: Language) -> bool:
        """Press a button under an answer; False when no such button is there."""
        shown = self.platform.bubble(self.chat_id, bubble)
        if not isinstance(self.platform, TelegramServer) or shown is None or data not in _buttons(shown):
            return False
        self.platform.press(int(self.chat_id), int(bubble), data, language=language, name=self.name)
        return True

    def said(self, since: float = 0.0) -> list[Said]:
        """What its person wrote since then (monotonic), in order."""
        with self.platform.changed:
            return [one for one in self.platform.said if one.chat_id == self.chat_id and one.time >= since]

    def shown(self, since: float = 0.0) -> list[Call]:
        """The calls since then (monotonic) that put a bubble there or changed it, in order."""
        with self.platform.changed:
            calls = [one for one in self.platform.calls if one.chat_id == self.chat_id and one.time >= since]
        return [one for one in calls if one.taken and one.bubble and one.method.lower() in self.platform.messages]

    def view(self) -> dict[str, Any]:
        """The chat as its person sees it now, for JSON."""
        bubbles = self.platform.chat(self.chat_id)[-NEWEST:]
        accepted = {one.id for one in self.said() if one.accepted is not None}
        return {
            "key": self.key,
            "name": self.name,
            "typing": self._typing(bubbles),
            "bubbles": [_view(bubble, accepted) for bubble in bubbles],
        }

    def _typing(self, bubbles: list[Bubble]) -> bool:
        """Whether the platform shows there that an answer is on its way."""
        since = max((bubble.changed for bubble in bubbles if bubble.who == "assistant"), default=0.0)
        since = max(since, monotonic() - TYPING_SECONDS[self.key])
        with self.platform.changed:
            calls = self.platform.calls[-NEWEST:]
        return any(one.time > since and one.chat_id == self.chat_id and _is_typing(one) for one in calls)


def text_of(call: Call) -> str:
    """What a call shows."""
    text = call.params.get("text")
    return str(text.get("body", "")) if isinstance(text, Mapping) else str(text or "")


def _is_typing(call: Call) -> bool:
    return call.taken and (call.method.lower() == "sendchataction" or "typing_indicator" in call.params)


def _view(bubble: Bubble, accepted: set[str]) -> dict[str, Any]:
    """A bubble for JSON; ``entities`` count UTF-16 units, as Telegram does and JavaScript too."""
    return {
        "id": bubble.id,
        "who": bubble.who,
        "text": bubble.text,
        "grows": bubble.who == "assistant" and bubble.text.endswith(GROWS),
        "accepted": bubble.id in accepted,
        "entities": [_entity(one) for one in bubble.entities if re.fullmatch(r"\w+", str(one.get("type")))],
        "buttons": [{"data": data, "text": text} for data, text in _buttons(bubble).items()],
    }


def _entity(entity: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": entity["type"], "offset": int(entity["offset"]), "length": int(entity["length"])}


def _buttons(bubble: Bubble) -> dict[str, str]:
    """The buttons under a bubble: what each sends, and what it reads."""
    rows = (bubble.raw.get("reply_markup") or {}).get("inline_keyboard") or []
    return {str(one["callback_data"]): str(one["text"]) for row in rows for one in row if "callback_data" in one}
