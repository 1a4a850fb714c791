"""A stand-in for Telegram's Bot API, with the shapes, refusals and webhooks of the real one.

The words of the refusals are those of tdlib/telegram-bot-api; formatting by ``parse_mode`` is not
applied (the text stays as it came), entities are checked and kept.
"""

from __future__ import annotations

import itertools
import json
import re
import secrets
from collections.abc import Callable
from time import time
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from simulator.delivery import Said
from simulator.platforms import Bubble, Outcome, Platform

TEXT_UNITS: Final = 4096
JSON_PARAMS: Final = ("entities", "reply_parameters", "link_preview_options", "reply_markup", "commands", "scope")
ERRORS: Final = {
    400: "Bad Request: can't parse entities",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request",
    429: "Too Many Requests: retry after 1",
    500: "Internal Server Error",
    502: "Bad Gateway",
}
NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
ACTIONS: Final = ("typing", "upload_photo", "record_voice", "upload_voice", "upload_document", "choose_sticker")


def refusal(status: int, description: str, **parameters: int) -> Outcome:
    """An error as the Bot API words it."""
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    return Outcome(body | ({"parameters": parameters} if parameters else {}), status)


def bad(reason: str) -> Outcome:
    return refusal(400, f"Bad Request: {reason}")


def units(text: str) -> int:
    """The length in UTF-16 units, in which Telegram counts texts and entities."""
    return len(text.encode("utf-16-le")) // 2


class TelegramServer(Platform):
    """A Bot API with one bot. ``webhook_url`` and ``webhook_secret`` are as if setWebhook had set them."""

    name = "telegram"

    def __init__(
        self, token: str, webhook_url: str = "", webhook_secret: str = "", *, retry_seconds: float = 2.0
    ) -> None:
        super().__init__(webhook_url, retry_seconds=retry_seconds)
        self.token = token
        self.webhook_secret = webhook_secret
        self.commands: list[dict[str, str]] = []
        self._update_ids = itertools.count(secrets.randbelow(800_000_000) + 100_000_000)
        self._message_ids = itertools.count(secrets.randbelow(100_000) + 1)
        self._me = {
            "id": int(token.partition(":")[0]) if token.partition(":")[0].isdecimal() else 1,
            "is_bot": True,
            "first_name": "Recado",
            "username": "recado_bot",
        }
        self._methods: dict[str, Callable[[dict[str, Any]], Outcome]] = {
            "getme": lambda _: Outcome({"ok": True, "result": self._me | {"can_join_groups": True}}),
            "sendmessage": self._send_message,
            "editmessagetext": self._edit_message,
            "sendchataction": self._send_action,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._webhook_info,
            "setmycommands": self._set_commands,
        }

    # what a person does

    def say(self, chat_id: int, text: str, language: str = "es", name: str = "Ana") -> dict[str, Any]:
        """A person writes; the webhook hears of it in the background. Returns the update."""
        with self.changed:
            update = self.update(chat_id, text, language, name)
            said = Said(str(chat_id), str(update["message"]["message_id"]), text)
            self.carry(str(chat_id), _encode(update), (said,))
        return update

    def update(self, chat_id: int, text: str, language: str = "es", name: str = "Ana") -> dict[str, Any]:
        """An Update as Telegram builds it, not yet delivered."""
        message: dict[str, Any] = {
            "message_id": next(self._message_ids),
            "from": {"id": abs(chat_id), "is_bot": False, "first_name": name, "language_code": language},
            "chat": _chat(chat_id, name),
            "date": int(time()),
            "text": text,
        }
        if command := re.match(r"/\w+(@\w+)?", text):
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(command[0])}]
        return {"update_id": next(self._update_ids), "message": message}

    def deliver(self, update: dict[str, Any]) -> int:
        """One POST of an update, now; the status, 0 without an answer."""
        return self.post(_encode(update))[0]

    def webhook_headers(self, body: bytes) -> dict[str, str]:
        secret = {"X-Telegram-Bot-Api-Secret-Token": self.webhook_secret} if self.webhook_secret else {}
        return {"Content-Type": "application/json"} | secret

    # the Bot API

    def error(self, status: int) -> Any:
        retry = {"retry_after": 1} if status == 429 else {}
        return refusal(status, ERRORS.get(status, "Internal Server Error"), **retry).body

    def respond(self, request: Request) -> Response:
        found = re.fullmatch(r"/bot([^/]*)/(\w+)", request.path)
        method = found[2] if found else ""
        params = _params(request)

        def act() -> Outcome:
            if not found or ":" not in found[1]:
                return refusal(404, "Not Found")
            if not secrets.compare_digest(found[1].encode(), self.token.encode()):
                return refusal(401, "Unauthorized")
            known = self._methods.get(method.lower())
            return known(params) if known else refusal(404, "Not Found: method not found")

        return self.take(method, str(params.get("chat_id", "")), params, act)

    def _send_message(self, params: dict[str, Any]) -> Outcome:
        chat_id, text = str(params.get("chat_id", "")), str(params.get("text", ""))
        wrong = _wrong_chat(chat_id) or _wrong_text(text, params.get("entities") or [], "message is too long")
        if wrong:
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
        wrong = _wrong_chat(chat_id) or _wrong_text(text, entities, "MESSAGE_TOO_LONG")
        if wrong:
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

    def _shown(self, chat_id: str, bubble: Bubble) -> Outcome:
        message: dict[str, Any] = {
            "message_id": int(bubble.id),
            "from": self._me,
            "chat": _chat(int(chat_id), "Ana"),
            "date": int(time()),
            "text": bubble.text,
        }
        extra = {"entities": bubble.entities} if bubble.entities else {}
        return Outcome({"ok": True, "result": message | extra}, bubble=bubble.id)

    def _send_action(self, params: dict[str, Any]) -> Outcome:
        if wrong := _wrong_chat(str(params.get("chat_id", ""))):
            return bad(wrong)
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


def _encode(update: dict[str, Any]) -> bytes:
    return json.dumps(update, ensure_ascii=False, separators=(",", ":")).encode()


def _chat(chat_id: int, name: str) -> dict[str, Any]:
    return (
        {"id": chat_id, "type": "private", "first_name": name}
        if chat_id > 0
        else {"id": chat_id, "type": "supergroup", "title": "Group"}
    )


def _params(request: Request) -> dict[str, Any]:
    """Parameters from the address, a form or a JSON body; in a form, structures are JSON text."""
    if request.mimetype == "application/json":
        return dict(request.get_json(silent=True) or {})
    values: dict[str, Any] = request.values.to_dict()
    return {key: json.loads(value) if key in JSON_PARAMS else value for key, value in values.items()}


def _wrong_chat(chat_id: str) -> str:
    if not chat_id:
        return "chat_id is empty"
    return "" if re.fullmatch(r"-?[1-9]\d*", chat_id) else "chat not found"


def _wrong_text(text: str, entities: list[dict[str, Any]], too_long: str) -> str:
    """Why Telegram does not take a text; empty when it does."""
    size = units(text)
    if not text.strip():
        return "message text is empty"
    if size > TEXT_UNITS:
        return too_long
    for entity in entities:
        start, length = int(entity.get("offset", -1)), int(entity.get("length", 0))
        if start < 0 or length <= 0:
            return f"receive an entity with incorrect {'offset' if start < 0 else 'length'}"
        if start + length > size:
            return f"entity beginning at UTF-16 offset {start} ends after the end of the text at UTF-16 offset {size}"
    return ""
