"""A stand-in for WhatsApp's Cloud API (Meta's Graph API), with signed webhooks like the real one's."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from werkzeug.wrappers import Request, Response

from simulator.calls import Outcome
from simulator.delivery import Said
from simulator.graph import (
    BUSY,
    CODES,
    PAIR,
    TITLES,
    WINDOW,
    Statuses,
    Told,
    encode,
    handshake,
    message,
    refusal,
    refusal_of,
    value,
    webhook,
    wrong_message,
)
from simulator.packing import Packer
from simulator.platforms import Bubble, Platform


class WhatsAppServer(Platform):
    """A Graph API with one business number.

    ``statuses`` is what is told of the messages that were taken (True: that they were sent and
    delivered, at once); ``batch`` how many messages of any people come in one body, between two bounds.
    """

    name = "whatsapp"
    messages = frozenset({"messages"})

    def __init__(
        self,
        token: str,
        phone_number_id: str,
        app_secret: str,
        verify_token: str,
        webhook_url: str = "",
        *,
        statuses: Statuses | bool = False,
        batch: tuple[int, int] = (1, 1),
        retry_seconds: float = 2.0,
        redeliver: float = 0.0,
    ) -> None:
        super().__init__(webhook_url, retry_seconds=retry_seconds, redeliver=redeliver)
        self.token = token
        self.phone_number_id = phone_number_id
        self.app_secret = app_secret
        self.verify_token = verify_token
        self.statuses = statuses
        self.batch = batch
        self._packer = Packer(self)
        self._closed_windows: dict[str, bool] = {}
        self._expired = False
        self._ids, self._series = itertools.count(1), secrets.token_hex(6)
        self._number = {"display_phone_number": "+34 600 000 000", "verified_name": "Recado"}

    # what people do

    def say(self, wa_id: str, text: str, name: str = "Ana") -> dict[str, Any]:
        """A person writes; the webhook hears of it in the background. Returns the body, of this message alone."""
        return self.say_many([(wa_id, text)], name)

    def say_many(self, messages: Sequence[tuple[str, str]], name: str = "Ana") -> dict[str, Any]:
        """Several messages in one webhook; it waits its turn in all their chats."""
        with self.changed:
            body = self.body(messages, name)
            written = body["entry"][0]["changes"][0]["value"]["messages"]
            said = tuple(Said(one["from"], one["id"], one["text"]["body"]) for one in written)
            for one in said:
                self._closed_windows.pop(one.chat_id, None)
            if len(said) > 1 or self.batch[1] < 2:
                self.carry(said[0].chat_id, encode(body), said)
            else:
                self._packer.pack(body["entry"][0]["changes"][0]["value"], said, self.batch)
        return body

    def body(self, messages: Sequence[tuple[str, str]], name: str = "Ana") -> dict[str, Any]:
        """A webhook body with text messages, not yet delivered."""
        contacts = [{"profile": {"name": name}, "wa_id": wa_id} for wa_id in dict.fromkeys(one[0] for one in messages)]
        said = [message(wa_id, self._wamid(), text) for wa_id, text in messages]
        return webhook([value(self._metadata(), contacts=contacts, messages=said)])

    def close_window(self, wa_id: str, *, by_status: bool = False) -> None:
        """Let the 24 hours after somebody's last message be over, until they write again.

        Messages are refused, or with ``by_status`` taken and then told to have failed.
        """
        with self.changed:
            self._closed_windows[wa_id] = by_status

    def status(self, bubble_id: str, status: str, code: int = 0) -> None:
        """Tell the webhook what became of a message that the product sent: sent, delivered, read or failed."""
        with self.changed:
            call = next(call for call in reversed(self.calls) if call.bubble == bubble_id)
            self._tell(call.chat_id, bubble_id, call.params, [Told(status, code=code)])

    def _tell(self, wa_id: str, wamid: str, params: dict[str, Any], statuses: Sequence[Told]) -> None:
        in_order = not (isinstance(self.statuses, Statuses) and self.statuses.shuffled)
        for number, told in enumerate(statuses):
            about = told.body(wamid, wa_id, str(params.get("biz_opaque_callback_data") or ""))
            body = encode(webhook([value(self._metadata(), statuses=[about])]))
            self.carry(f"status {wa_id}" if in_order else f"status {wamid} {number}", body, wait=told.wait)

    def _metadata(self) -> dict[str, str]:
        number = self._number["display_phone_number"]
        return {"display_phone_number": number, "phone_number_id": self.phone_number_id}

    def _wamid(self) -> str:
        return f"wamid.{self._series}{next(self._ids):08d}"

    # webhooks

    def deliver(self, body: dict[str, Any] | str | bytes) -> int:
        """One signed POST, now; the status, 0 without an answer. Text and bytes go out as they are."""
        raw = encode(body) if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
        return self.post(raw)[0]

    def webhook_headers(self, body: bytes) -> dict[str, str]:
        signature = hmac.new(self.app_secret.encode(), body, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}

    def verify(self) -> bool:
        """Meta's test of the address: whether the webhook echoes the challenge as plain text."""
        return handshake(self.webhook_url, self.verify_token)

    # the Graph API

    def error(self, status: int) -> Any:
        return refusal(status, CODES.get(status, 131000), "Told to fail").body

    def limit(self, seconds: float, overall: bool) -> Outcome:
        """The number's throughput, or the rate of the pair of number and person; both name their pause here."""
        words, headers = refusal_of(130429 if overall else PAIR), {"Retry-After": f"{seconds:g}"}
        return replace(words, headers=headers, pause=seconds, overall=overall)

    def pause_of(self, body: Any, headers: Mapping[str, str]) -> tuple[float, bool]:
        error = body.get("error") if isinstance(body, dict) else None
        code = (error or {}).get("code")
        return float(headers.get("Retry-After", 0)) if code in {PAIR, *BUSY} else 0.0, code in BUSY

    def concerned(self, method: str, *, overall: bool) -> bool:
        return method in self.messages or (overall and method == "read")

    def refuse_next(self, code: int, *, retry_after: float = 0.0, times: int = 1) -> None:
        """Let the next ``times`` messages be refused with this Graph error code."""
        words = refusal_of(code)
        headers = {"Retry-After": f"{retry_after:g}"} if retry_after else None
        self.fail_next("messages", words.status, words.body, headers=headers, times=times)

    def revoke_token(self) -> None:
        """Every call is refused until ``renew_token``."""
        self._expired = True

    def renew_token(self, token: str = "") -> None:
        """Calls are taken again, with another token if given."""
        self._expired, self.token = False, token or self.token

    def respond(self, request: Request) -> Response:
        found = re.fullmatch(r"(?:/v\d+\.\d+)?/(\d+)(/messages)?", request.path)
        params = (request.get_json(silent=True) or {}) if request.method == "POST" else request.args.to_dict()
        method = "check" if not (found and found[2]) else "read" if params.get("status") == "read" else "messages"
        chat_id = self._chat_of(method, params)

        def act() -> Outcome:
            bearer = f"Bearer {self.token}".encode()
            if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), bearer):
                return refusal(401, 190, "Invalid OAuth access token - Cannot parse access token")
            if self._expired:
                return refusal(401, 190, TITLES[190], error_subcode=463)
            if not found or found[1] != self.phone_number_id:
                reason = "Unsupported request. The object does not exist or cannot be loaded"
                return refusal(400, 100, reason, error_subcode=33)
            if request.method != ("GET" if method == "check" else "POST"):
                return refusal(400, 100, "Unsupported request method")
            return getattr(self, f"_{method}")(params)  # type: ignore[no-any-return]

        return self.take(method, chat_id, params, act)

    def _chat_of(self, method: str, params: dict[str, Any]) -> str:
        if method != "read":
            return str(params.get("to") or params.get("recipient") or "").lstrip("+")
        with self.changed:
            read = str(params.get("message_id", ""))
            return next((one.chat_id for one in reversed(self.said) if one.id == read), "")

    def _messages(self, params: dict[str, Any]) -> Outcome:
        to = str(params.get("to") or params.get("recipient") or "")
        text = str((params.get("text") or {}).get("body", ""))
        if wrong := wrong_message(params, to, text):
            return refusal(400, 100, wrong)
        wa_id, wamid = to.lstrip("+"), self._wamid()
        by_status = self._closed_windows.get(wa_id)
        if by_status is False:
            return refusal_of(WINDOW)
        plan = self.statuses if isinstance(self.statuses, Statuses) else Statuses()
        told = plan.failure(WINDOW) if by_status else plan.next() if self.statuses else []
        failed = any(one.kind == "failed" for one in told)
        if not failed:
            self.show(wa_id, Bubble(wamid, "assistant", text))
        self._tell(wa_id, wamid, params, told)
        contacts = [{"input": to, "wa_id": wa_id}]
        body = {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": wamid}]}
        return Outcome(body, bubble=wamid, void=failed)

    def _read(self, params: dict[str, Any]) -> Outcome:
        if not params.get("message_id"):
            return refusal(400, 100, "The parameter message_id is required.")
        return Outcome({"success": True})

    def _check(self, params: dict[str, Any]) -> Outcome:
        wanted = str(params.get("fields", "display_phone_number,verified_name")).split(",")
        return Outcome({key: self._number[key] for key in wanted if key in self._number} | {"id": self.phone_number_id})
