"""A stand-in for Telegram's Bot API, with the shapes, refusals and webhooks of the real one."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from time import time
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from simulator.bot_api import (
    CAPTION_UNITS,
    ERRORS,
    MIGRATED,
    NOT_MODIFIED,
    TOO_OLD,
    Upload,
    bad,
    chat_object,
    params_of,
    refusal,
    wrong_chat,
    wrong_markup,
    wrong_text,
)
from simulator.bubble import Bubble
from simulator.calls import Outcome
from simulator.telegram_menus import Menus
from simulator.telegram_people import GENERAL_TOPIC, TelegramPeople

GIFTS: Final = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
ACTIONS: Final = ("typing", "upload_photo", "record_voice", "upload_voice", "upload_document", "choose_sticker")


class TelegramServer(TelegramPeople):
    """A Bot API with one bot. ``webhook_url`` and ``webhook_secret`` are as if setWebhook had set them.

    ``moved`` are the groups that became supergroups: old id to new. ``queries`` are the presses of buttons by their
    id, and whether they were answered. ``privacy`` is what getMe says of the bot's privacy mode.
    """

    name = "telegram"
    messages = frozenset({"sendmessage", "editmessagetext", "senddocument"})

    def __init__(
        self,
        token: str,
        webhook_url: str = "",
        webhook_secret: str = "",
        *,
        retry_seconds: float = 2.0,
        redeliver: float = 0.0,
    ) -> None:
        super().__init__(token, webhook_url, webhook_secret, retry_seconds=retry_seconds, redeliver=redeliver)
        self.menus = Menus()
        self.privacy = True

    @property
    def commands(self) -> list[dict[str, str]]:
        """The menu for everybody whose language has none of its own."""
        return self.menus.of()

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
        found = re.fullmatch(r"/(?:file/)?bot([^/]*)/(.+)", request.path)
        method, params = found[2] if found else "", params_of(request)
        is_file = request.path.startswith("/file/")

        def act() -> Outcome:
            if not found or ":" not in found[1]:
                return refusal(404, "Not Found")
            if not secrets.compare_digest(found[1].encode(), self.token.encode()):
                return refusal(401, "Unauthorized")
            if is_file:
                return self.files.fetch(method) or refusal(404, "Not Found")
            return self._do(method, params)

        if is_file:
            return self.take("file", "", {"file_path": method}, act)
        return self.take(method, str(params.get("chat_id", "")), params, act)

    def carry_out(self, method: str, params: dict[str, Any]) -> Response:
        return self.take(method, str(params.get("chat_id", "")), params, lambda: self._do(method, params))

    def _do(self, method: str, params: dict[str, Any]) -> Outcome:
        known = self._methods().get(method.lower())
        return known(params) if known else refusal(404, "Not Found: method not found")

    def _methods(self) -> dict[str, Callable[[dict[str, Any]], Outcome]]:
        return {
            "getme": self._get_me,
            "getchat": self._get_chat,
            "sendmessage": self._send_message,
            "senddocument": self._send_document,
            "editmessagetext": self._edit_message,
            "deletemessage": self._delete_message,
            "sendchataction": self._send_action,
            "answercallbackquery": self._answer_query,
            "getfile": self.files.get_file,
            "getupdates": self.get_updates,
            "setwebhook": self.set_webhook,
            "deletewebhook": self.delete_webhook,
            "getwebhookinfo": self.webhook_info,
            "setmycommands": self.menus.set,
            "getmycommands": self.menus.get,
            "deletemycommands": self.menus.delete,
        }

    def _get_me(self, _: dict[str, Any]) -> Outcome:
        can = {"can_join_groups": True, "can_read_all_group_messages": not self.privacy}
        return Outcome({"ok": True, "result": self.me | can | {"supports_inline_queries": False}})

    def _get_chat(self, params: dict[str, Any]) -> Outcome:
        """A chat is known once somebody has written in it."""
        chat_id = str(params.get("chat_id", ""))
        if not self.chat(chat_id):
            return bad("chat not found")
        gifts = dict.fromkeys(GIFTS, False)
        full = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}
        return Outcome({"ok": True, "result": chat_object(int(chat_id), "Ana") | full})

    def _send_message(self, params: dict[str, Any]) -> Outcome:
        text, entities = str(params.get("text", "")), params.get("entities") or []
        if refused := self._refused(params) or self._nowhere(params):
            return refused
        if wrong := wrong_text(text, entities, "message is too long"):
            return bad(wrong)
        return self._show(params, text, entities, {"text": text} | _marked("entities", entities))

    def _send_document(self, params: dict[str, Any]) -> Outcome:
        text, entities, file = (
            str(params.get("caption", "")),
            params.get("caption_entities") or [],
            params.get("document"),
        )
        if refused := self._refused(params) or self._nowhere(params):
            return refused
        if not isinstance(file, Upload):
            return bad("there is no document in the request")
        if not file.content:
            return bad("file must be non-empty")
        if text and (wrong := wrong_text(text, entities, "message caption is too long", CAPTION_UNITS)):
            return bad(wrong)
        about = {"document": self.files.keep("document", file.content, mime=file.mime, name=file.name)}
        about |= {"caption": text} if text else {}
        return self._show(params, text, entities, about | _marked("caption_entities", entities))

    def _show(self, params: dict[str, Any], text: str, entities: list[dict[str, Any]], more: dict[str, Any]) -> Outcome:
        """A new bubble of the bot's."""
        chat_id, number = str(params["chat_id"]), next(self._message_ids)
        raw = {"message_id": number, "from": self.me, "chat": chat_object(int(chat_id), "Ana"), "date": int(time())}
        if thread := params.get("message_thread_id"):
            raw |= {"message_thread_id": int(thread), "is_topic_message": True}
        if answered := self.bubble(chat_id, str((params.get("reply_parameters") or {}).get("message_id"))):
            left = {"reply_to_message", "reply_markup"}
            raw["reply_to_message"] = {key: value for key, value in answered.raw.items() if key not in left}
        raw |= more | _marked("reply_markup", params.get("reply_markup"))
        bubble = Bubble(str(number), "assistant", text, entities=entities, raw=raw)
        self.show(chat_id, bubble)
        return Outcome({"ok": True, "result": raw}, bubble=bubble.id)

    def _edit_message(self, params: dict[str, Any]) -> Outcome:
        chat_id, text = str(params.get("chat_id", "")), str(params.get("text", ""))
        entities, markup = params.get("entities") or [], params.get("reply_markup") or None
        if refused := self._refused(params):
            return refused
        if wrong := wrong_text(text, entities, "MESSAGE_TOO_LONG"):
            return bad(wrong)
        bubble = self.bubble(chat_id, str(params.get("message_id", "")))
        if bubble is None:
            return bad("message to edit not found")
        if bubble.who == "person" or "text" not in bubble.raw:
            person = bubble.who == "person"
            return bad("message can't be edited" if person else "there is no text in the message to edit")
        if (bubble.text, bubble.entities, bubble.raw.get("reply_markup")) == (text, entities, markup):
            return bad(NOT_MODIFIED)
        kept = {key: value for key, value in bubble.raw.items() if key not in ("entities", "reply_markup")}
        kept |= {"text": text, "edit_date": int(time())} | _marked("entities", entities)
        bubble.raw = kept | _marked("reply_markup", markup)
        self.change(bubble, text, entities)
        return Outcome({"ok": True, "result": bubble.raw}, bubble=bubble.id)

    def _delete_message(self, params: dict[str, Any]) -> Outcome:
        if refused := self._refused(params):
            return refused
        chat_id, number = str(params["chat_id"]), str(params.get("message_id", ""))
        bubble = self.bubble(chat_id, number)
        if bubble is None:
            return bad("message to delete not found")
        if bubble.who == "person" and chat_id.startswith("-"):
            return bad("message can't be deleted")
        self.remove(chat_id, number)
        return Outcome({"ok": True, "result": True})

    def _refused(self, params: dict[str, Any]) -> Outcome | None:
        """Why nothing may be done in a chat, or with these buttons; None when it may."""
        chat_id = str(params.get("chat_id", ""))
        if wrong := wrong_chat(chat_id) or wrong_markup(params.get("reply_markup")):
            return bad(wrong)
        if chat_id in self._blocked:
            return refusal(403, ERRORS[403])
        if chat_id in self.moved:
            return refusal(400, MIGRATED, migrate_to_chat_id=int(self.moved[chat_id]))
        return None

    def _nowhere(self, params: dict[str, Any]) -> Outcome | None:
        """Why a message cannot be put where it should go; None when it can. Only the general topic has no thread."""
        if str(params.get("message_thread_id") or "") == str(GENERAL_TOPIC):
            return bad("message thread not found")
        reply = params.get("reply_parameters") or {}
        lost = reply and self.bubble(str(params["chat_id"]), str(reply.get("message_id"))) is None
        return bad("message to be replied not found") if lost and not reply.get("allow_sending_without_reply") else None

    def _send_action(self, params: dict[str, Any]) -> Outcome:
        if refused := self._refused(params):
            return refused
        known = params.get("action") in ACTIONS
        return Outcome({"ok": True, "result": True}) if known else bad("wrong parameter action in request")

    def _answer_query(self, params: dict[str, Any]) -> Outcome:
        """A press is answered once."""
        query = str(params.get("callback_query_id", ""))
        if self.queries.get(query, True):
            return bad(TOO_OLD)
        self.queries[query] = True
        return Outcome({"ok": True, "result": True})


def _marked(field: str, value: Any) -> dict[str, Any]:
    return {field: value} if value else {}
