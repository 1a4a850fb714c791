"""A stand-in for Telegram's Bot API, with the shapes, refusals and webhooks of the real one."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Callable, Mapping
from time import time
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from simulator.bot_api import (
    ERRORS,
    MIGRATED,
    NOT_MODIFIED,
    SUPERGROUPS,
    bad,
    chat_object,
    encode,
    params_of,
    refusal,
    wrong_chat,
    wrong_text,
)
from simulator.calls import Outcome
from simulator.delivery import Said
from simulator.platforms import Bubble, Platform

ACTIONS: Final = ("typing", "upload_photo", "record_voice", "upload_voice", "upload_document", "choose_sticker")


class TelegramServer(Platform):
    """A Bot API with one bot. ``webhook_url`` and ``webhook_secret`` are as if setWebhook had set them.

    ``moved`` are the groups that became supergroups: old id to new.
    """

    name = "telegram"
    messages = frozenset({"sendmessage", "editmessagetext"})

    def __init__(
        self,
        token: str,
        webhook_url: str = "",
        webhook_secret: str = "",
        *,
        retry_seconds: float = 2.0,
        redeliver: float = 0.0,
    ) -> None:
        super().__init__(webhook_url, retry_seconds=retry_seconds, redeliver=redeliver)
        self.token = token
        self.webhook_secret = webhook_secret
        self.commands: list[dict[str, str]] = []
        self.moved: dict[str, str] = {}
        self._blocked: set[str] = set()
        self._update_ids = itertools.count(secrets.randbelow(800_000_000) + 100_000_000)
        self._message_ids = itertools.count(secrets.randbelow(100_000) + 1)
        self._me = {
            "id": int(token.partition(":")[0]) if token.partition(":")[0].isdecimal() else 1,
            "is_bot": True,
            "first_name": "Recado",
            "username": "recado_bot",
        }

    # what a person does

    def say(self, chat_id: int, text: str, language: str = "es", name: str = "Ana") -> dict[str, Any]:
        """A person writes (and blocks us no longer); the webhook hears of it in the background. Returns the update."""
        with self.changed:
            self._blocked.discard(str(chat_id))
            update = self.update(chat_id, text, language, name)
            said = Said(str(chat_id), str(update["message"]["message_id"]), text)
            self.carry(str(chat_id), encode(update), (said,))
        return update

    def update(self, chat_id: int, text: str, language: str = "es", name: str = "Ana") -> dict[str, Any]:
        """An Update as Telegram builds it, not yet delivered."""
        more: dict[str, Any] = {"text": text}
        if command := re.match(r"/\w+(@\w+)?", text):
            more["entities"] = [{"type": "bot_command", "offset": 0, "length": len(command[0])}]
        return self._update(chat_id, more, language, name)

    def _update(self, chat_id: int, more: dict[str, Any], language: str = "es", name: str = "Ana") -> dict[str, Any]:
        message: dict[str, Any] = {
            "message_id": next(self._message_ids),
            "from": {"id": abs(chat_id), "is_bot": False, "first_name": name, "language_code": language},
            "chat": chat_object(chat_id, name),
            "date": int(time()),
        }
        return {"update_id": next(self._update_ids), "message": message | more}

    def block(self, chat_id: int) -> None:
        """A person blocks the bot, until they write again or unblock it."""
        with self.changed:
            self._blocked.add(str(chat_id))

    def unblock(self, chat_id: int) -> None:
        """A person lets the bot write again."""
        with self.changed:
            self._blocked.discard(str(chat_id))

    def migrate(self, chat_id: int) -> int:
        """A group becomes a supergroup; both ids tell the webhook. Returns the new id; the old takes no calls."""
        with self.changed:
            new = SUPERGROUPS - next(self._message_ids)
            self.moved[str(chat_id)] = str(new)
            self.carry(str(chat_id), encode(self._update(chat_id, {"migrate_to_chat_id": new})))
            self.carry(str(new), encode(self._update(new, {"migrate_from_chat_id": chat_id})))
        return new

    def deliver(self, update: dict[str, Any]) -> int:
        """One POST of an update, now; the status, 0 without an answer."""
        return self.post(encode(update))[0]

    def webhook_headers(self, body: bytes) -> dict[str, str]:
        secret = {"X-Telegram-Bot-Api-Secret-Token": self.webhook_secret} if self.webhook_secret else {}
        return {"Content-Type": "application/json"} | secret

    # the Bot API

    def error(self, status: int) -> Any:
        retry = {"retry_after": 1} if status == 429 else {}
        return refusal(status, ERRORS.get(status, "Internal Server Error"), **retry).body

    def limit(self, seconds: float, overall: bool) -> Outcome:
        words = refusal(429, f"Too Many Requests: retry after {seconds:g}", retry_after=seconds)
        return Outcome(words.body, 429, pause=seconds, overall=overall)

    def pause_of(self, body: Any, headers: Mapping[str, str]) -> tuple[float, bool]:
        """What a body asks for, of one chat: Telegram does not say what its pauses are for."""
        parameters = body.get("parameters") if isinstance(body, dict) else None
        return float((parameters or {}).get("retry_after", 0)), False

    def concerned(self, method: str, *, overall: bool) -> bool:
        return method in self.messages or method == "sendchataction"

    def respond(self, request: Request) -> Response:
        found = re.fullmatch(r"/bot([^/]*)/(\w+)", request.path)
        method = found[2] if found else ""
        params = params_of(request)

        def act() -> Outcome:
            if not found or ":" not in found[1]:
                return refusal(404, "Not Found")
            if not secrets.compare_digest(found[1].encode(), self.token.encode()):
                return refusal(401, "Unauthorized")
            known = self._methods().get(method.lower())
            return known(params) if known else refusal(404, "Not Found: method not found")

        return self.take(method, str(params.get("chat_id", "")), params, act)

    def _methods(self) -> dict[str, Callable[[dict[str, Any]], Outcome]]:
        return {
            "getme": lambda _: Outcome({"ok": True, "result": self._me | {"can_join_groups": True}}),
            "sendmessage": self._send_message,
            "editmessagetext": self._edit_message,
            "sendchataction": self._send_action,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._webhook_info,
            "setmycommands": self._set_commands,
        }

    def _send_message(self, params: dict[str, Any]) -> Outcome:
        chat_id, text = str(params.get("chat_id", "")), str(params.get("text", ""))
        if closed := self._closed(chat_id):
            return closed
        if wrong := wrong_text(text, params.get("entities") or [], "message is too long"):
            return bad(wrong)
        reply = params.get("reply_parameters") or {}
        lost = reply and self.bubble(chat_id, str(reply.get("message_id"))) is None
        if lost and not reply.get("allow_sending_without_reply"):
            return bad("message to be replied not found")
        bubble = Bubble(str(next(self._message_ids)), "assistant", text, entities=params.get("entities") or [])
        self.show(chat_id, bubble)
        return self._shown(chat_id, bubble)

    def _edit_message(self, params: dict[str, Any]) -> Outcome:
        chat_id, text = str(params.get("chat_id", "")), str(params.get("text", ""))
        entities = params.get("entities") or []
        if closed := self._closed(chat_id):
            return closed
        if wrong := wrong_text(text, entities, "MESSAGE_TOO_LONG"):
            return bad(wrong)
        bubble = self.bubble(chat_id, str(params.get("message_id", "")))
        if bubble is None:
            return bad("message to edit not found")
        if bubble.who == "person":
            return bad("message can't be edited")
        if (bubble.text, bubble.entities) == (text, entities):
            return bad(NOT_MODIFIED)
        self.change(bubble, text, entities)
        return self._shown(chat_id, bubble)

    def _closed(self, chat_id: str) -> Outcome | None:
        """Why nothing may be done in a chat; None when it may."""
        if wrong := wrong_chat(chat_id):
            return bad(wrong)
        if chat_id in self._blocked:
            return refusal(403, ERRORS[403])
        if chat_id in self.moved:
            return refusal(400, MIGRATED, migrate_to_chat_id=int(self.moved[chat_id]))
        return None

    def _shown(self, chat_id: str, bubble: Bubble) -> Outcome:
        message: dict[str, Any] = {
            "message_id": int(bubble.id),
            "from": self._me,
            "chat": chat_object(int(chat_id), "Ana"),
            "date": int(time()),
            "text": bubble.text,
        }
        extra = {"entities": bubble.entities} if bubble.entities else {}
        return Outcome({"ok": True, "result": message | extra}, bubble=bubble.id)

    def _send_action(self, params: dict[str, Any]) -> Outcome:
        if closed := self._closed(str(params.get("chat_id", ""))):
            return closed
        known = params.get("action") in ACTIONS
        return Outcome({"ok": True, "result": True}) if known else bad("wrong parameter action in request")

    def _set_webhook(self, params: dict[str, Any]) -> Outcome:
        self.webhook_url, self.webhook_secret = str(params.get("url", "")), str(params.get("secret_token", ""))
        return Outcome({"ok": True, "result": True, "description": "Webhook was set"})

    def _delete_webhook(self, _: dict[str, Any]) -> Outcome:
        self.webhook_url = self.webhook_secret = ""
        return Outcome({"ok": True, "result": True, "description": "Webhook was deleted"})

    def _webhook_info(self, _: dict[str, Any]) -> Outcome:
        info: dict[str, Any] = {"url": self.webhook_url, "has_custom_certificate": False, "max_connections": 40}
        return Outcome({"ok": True, "result": info | {"pending_update_count": self.delivery.pending}})

    def _set_commands(self, params: dict[str, Any]) -> Outcome:
        self.commands = list(params.get("commands") or [])
        return Outcome({"ok": True, "result": True})
