"""How updates leave Telegram: by the webhook that is set, or to whoever asks for them by getUpdates.

The rules and the words are those of tdlib/telegram-bot-api (Client.cpp, WebhookActor.cpp).
"""

from __future__ import annotations

import contextlib
import json
from abc import abstractmethod
from time import monotonic, time
from typing import Any, Final

from simulator.bot_api import WORDS_OF_CONFLICT, bad, encode, refusal, wrong_webhook
from simulator.calls import Outcome
from simulator.delivery import Parcel, Said
from simulator.platforms import Platform
from simulator.post import Answer
from simulator.server import Cut

UNASKED: Final = ("chat_member", "message_reaction", "message_reaction_count")
"""Updates that come only to those who list them (https://core.telegram.org/bots/api#setwebhook)."""
MOST_UPDATES: Final = 100
LONGEST_POLL: Final = 50
SAME_OFFSET_SECONDS: Final = 3.0
HASTY_SECONDS: Final = 0.5
CONNECTIONS: Final = 40
NOT_FROM_WEBHOOKS: Final = ("get", "setwebhook", "deletewebhook", "close", "logout")
"""What the answer to a webhook may not ask for, or begin with."""


class TelegramFeed(Platform):
    """Updates wait here until a webhook has taken them, or a poller has asked for what follows.

    ``ways`` are https addresses that lead to this machine: what they begin with, and what stands for that here.
    ``allowed`` are the kinds of updates that are wanted, None for the usual ones. ``conflicts`` is how many pollers
    were sent away because of another.
    """

    def __init__(self, webhook_url: str, webhook_secret: str, *, retry_seconds: float, redeliver: float) -> None:
        super().__init__(webhook_url, retry_seconds=retry_seconds, redeliver=redeliver)
        self.webhook_secret = webhook_secret
        self.ways: dict[str, str] = {}
        self.allowed: tuple[str, ...] | None = None
        self.conflicts = 0
        self._waiting: dict[Parcel, dict[str, Any]] = {}
        self._max_connections, self._set_at = CONNECTIONS, -1.0
        self._last_error: dict[str, Any] = {}
        self._poll, self._polled = 0, (0, -SAME_OFFSET_SECONDS)

    @abstractmethod
    def carry_out(self, method: str, params: dict[str, Any]) -> Any:
        """Do a call and record it. Raises Cut."""

    def forget_errors(self) -> None:
        """Nothing has ever gone wrong with a delivery, as after the webhook was set anew."""
        self._last_error = {}

    def tell(self, queue: str, update: dict[str, Any], said: tuple[Said, ...] = ()) -> None:
        """Let the product hear of an update, after everything else in the same queue, unless it wants none of these."""
        with self.changed:
            if self._is_wanted(update):
                self._waiting[self.carry(queue, encode(update), said)] = update
            else:
                self.hear(said)

    def _is_wanted(self, update: dict[str, Any]) -> bool:
        kind = next(name for name in update if name != "update_id")
        return kind not in UNASKED if self.allowed is None else kind in self.allowed

    # by webhook

    def webhook_headers(self, body: bytes) -> dict[str, str]:
        secret = {"X-Telegram-Bot-Api-Secret-Token": self.webhook_secret} if self.webhook_secret else {}
        return {"Content-Type": "application/json"} | secret

    def bring(self, body: bytes) -> Answer:
        """One delivery, now. What the receiver's answer asks for is done, and nobody hears of the result."""
        url = self.webhook_url
        for begin, here in self.ways.items():
            url = here + url.removeprefix(begin) if url.startswith(begin) else url
        if url.startswith("https:"):
            answer = Answer(error="Connection timed out")
        else:
            answer = self._post(url, self.webhook_headers(body), body) if url else Answer()
        if answer.error:
            with self.changed:
                self._last_error = {"last_error_date": int(time()), "last_error_message": answer.error}
        elif answer.accepted:
            self._heed(answer.body)
        return answer

    def _heed(self, body: bytes) -> None:
        try:
            asked = json.loads(body or b"null")
        except ValueError:
            return
        method = str(asked.pop("method", "")) if isinstance(asked, dict) else ""
        if method and not method.lower().startswith(NOT_FROM_WEBHOOKS):
            with contextlib.suppress(Cut):
                self.carry_out(method, asked)

    def _send(self, parcel: Parcel) -> tuple[int, float | None]:
        status, wish = super()._send(parcel)
        if 200 <= status < 300:
            with self.changed:
                self._waiting.pop(parcel, None)
        return status, wish

    def set_webhook(self, params: dict[str, Any]) -> Outcome:
        """setWebhook; a webhook that is refused leaves none, as the old one is closed before the new one is tried."""
        url = str(params.get("url", ""))
        if not url:
            return self.delete_webhook(params)
        if monotonic() < self._set_at + 1:
            return refusal(429, "Too Many Requests: retry after 1", retry_after=1)
        self._set_at = monotonic()
        secret, most = str(params.get("secret_token", "")), int(params.get("max_connections") or CONNECTIONS)
        same = (url, secret, most) == (self.webhook_url, self.webhook_secret, self._max_connections)
        if same and not _is_true(params.get("drop_pending_updates")):
            self._allow(params)
            return _done("Webhook is already set")
        self._poll += 1
        self.webhook_url = self.webhook_secret = ""
        self._drop_if_told(params)
        if wrong := wrong_webhook(url, secret):
            return bad(wrong)
        self._allow(params)
        self._last_error, self._max_connections = {}, min(max(most, 1), 100)
        self.webhook_secret, self.webhook_url = secret, url
        return _done("Webhook was set")

    def delete_webhook(self, params: dict[str, Any]) -> Outcome:
        """deleteWebhook, or setWebhook without an address."""
        was_set = bool(self.webhook_url)
        self.webhook_url = self.webhook_secret = ""
        self._drop_if_told(params)
        return _done("Webhook was deleted" if was_set else "Webhook is already deleted")

    def webhook_info(self, _: dict[str, Any]) -> Outcome:
        """getWebhookInfo."""
        info = {"url": self.webhook_url, "has_custom_certificate": False, "pending_update_count": len(self._waiting)}
        if self.webhook_url:
            info |= {"max_connections": self._max_connections, "ip_address": "127.0.0.1"} | self._last_error
        if self.allowed is not None:
            info["allowed_updates"] = list(self.allowed)
        return Outcome({"ok": True, "result": info})

    def _drop_if_told(self, params: dict[str, Any]) -> None:
        if _is_true(params.get("drop_pending_updates")):
            for parcel in self._waiting:
                self.delivery.drop(parcel)
            self._waiting.clear()

    def _allow(self, params: dict[str, Any]) -> None:
        """What is left out stays as it was; an empty list stands for the usual ones."""
        wanted = params.get("allowed_updates")
        if isinstance(wanted, list):
            self.allowed = tuple(wanted) or None

    # by getUpdates

    def get_updates(self, params: dict[str, Any]) -> Outcome:
        """getUpdates. A second poller ends the first one's waiting; the same offset twice in a hurry must wait."""
        if self.webhook_url:
            return refusal(409, WORDS_OF_CONFLICT["webhook"])
        self._allow(params)
        offset, limit = int(params.get("offset") or 0), int(params.get("limit") or MOST_UPDATES)
        wait = min(float(params.get("timeout") or 0), LONGEST_POLL)
        again, now = offset == self._polled[0], monotonic()
        if again and now < self._polled[1] + SAME_OFFSET_SECONDS:
            wait = max(wait, SAME_OFFSET_SECONDS)
            limit = 1 if now < self._polled[1] + HASTY_SECONDS else limit
        self._polled = (offset, now)
        self._move_on(offset)
        if not self._waiting and wait and (refused := self._await_updates(wait)):
            return refused
        return Outcome({"ok": True, "result": self._given(min(max(limit, 1), MOST_UPDATES))})

    def _move_on(self, offset: int) -> None:
        """What comes before an offset has arrived; a negative one counts from the end."""
        updates = [update["update_id"] for update in self._waiting.values()]
        first = offset if offset >= 0 else (updates[offset:] or [0])[0]
        self._confirm([parcel for parcel, update in self._waiting.items() if update["update_id"] < first])

    def _await_updates(self, seconds: float) -> Outcome | None:
        """Wait for an update; why there will be none, if somebody else came meanwhile."""
        self._poll += 1
        mine = self._poll
        self.changed.notify_all()
        self.wait_until(lambda: bool(self._waiting or self._poll != mine or self.closing.is_set()), seconds)
        if self._poll == mine:
            return None
        self.conflicts += 1
        return refusal(409, WORDS_OF_CONFLICT["webhook set" if self.webhook_url else "another"])

    def _given(self, limit: int) -> list[dict[str, Any]]:
        there = list(self._waiting.items())[:limit]
        for parcel, _ in there:
            for said in parcel.said:
                said.tried = said.tried or monotonic()
        return [update for _, update in there]

    def _confirm(self, parcels: list[Parcel]) -> None:
        """The product has these; they go no more."""
        for parcel in parcels:
            self._waiting.pop(parcel)
            self.delivery.drop(parcel)
            for said in parcel.said:
                said.accepted = said.accepted or monotonic()


def _is_true(value: Any) -> bool:
    return str(value).lower() in ("true", "yes", "1")


def _done(description: str) -> Outcome:
    return Outcome({"ok": True, "result": True, "description": description})
