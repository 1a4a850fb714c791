"""A stand-in for WhatsApp's Cloud API (Meta's Graph API), with signed webhooks like the real one's."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from time import time
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from simulator.delivery import Said
from simulator.platforms import Bubble, Call, Outcome, Platform

TEXT_CHARACTERS: Final = 4096
CODES: Final = {400: 100, 401: 190, 403: 131031, 404: 100, 429: 130429, 500: 131000, 503: 131016}
"""The Graph error code that usually comes with each HTTP status."""


def refusal(status: int, code: int, message: str, **more: Any) -> Outcome:
    """An error as the Graph API words it."""
    error = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code, "fbtrace_id": "A1b2C3d4"}
    error["error_data"] = {"messaging_product": "whatsapp", "details": message}
    return Outcome({"error": error | more}, status)


class WhatsAppServer(Platform):
    """A Graph API with one business number.

    With ``statuses`` every message that was taken is followed by its ``sent`` and ``delivered`` webhooks.
    """

    name = "whatsapp"

    def __init__(
        self,
        token: str,
        phone_number_id: str,
        app_secret: str,
        verify_token: str,
        webhook_url: str = "",
        *,
        statuses: bool = False,
        retry_seconds: float = 2.0,
    ) -> None:
        super().__init__(webhook_url, retry_seconds=retry_seconds)
        self.token = token
        self.phone_number_id = phone_number_id
        self.app_secret = app_secret
        self.verify_token = verify_token
        self.statuses = statuses
        self._ids = itertools.count(1)
        self._series = secrets.token_hex(6)
        self._number = {"display_phone_number": "+34 600 000 000", "verified_name": "Recado"}

    # what people do

    def say(self, wa_id: str, text: str, name: str = "Ana") -> dict[str, Any]:
        """A person writes; the webhook hears of it in the background. Returns the body."""
        return self.say_many([(wa_id, text)], name)

    def say_many(self, messages: Sequence[tuple[str, str]], name: str = "Ana") -> dict[str, Any]:
        """Several messages in one webhook; it waits its turn in the first one's chat."""
        with self.changed:
            body = self.body(messages, name)
            ids = [message["id"] for message in body["entry"][0]["changes"][0]["value"]["messages"]]
            said = tuple(Said(wa_id, key, text) for key, (wa_id, text) in zip(ids, messages, strict=True))
            self.carry(messages[0][0], encode(body), said)
        return body

    def body(self, messages: Sequence[tuple[str, str]], name: str = "Ana") -> dict[str, Any]:
        """A webhook body with text messages, not yet delivered."""
        people = dict.fromkeys(wa_id for wa_id, _ in messages)
        return self._webhook(
            contacts=[{"profile": {"name": name}, "wa_id": wa_id} for wa_id in people],
            messages=[
                {
                    "from": wa_id,
                    "id": self._wamid(),
                    "timestamp": str(int(time())),
                    "type": "text",
                    "text": {"body": text},
                }
                for wa_id, text in messages
            ],
        )

    def status(self, bubble_id: str, status: str) -> None:
        """Tell the webhook what became of a message that the product sent: sent, delivered, read or failed."""
        with self.changed:
            call = next(call for call in reversed(self.calls) if call.bubble == bubble_id)
            self._carry_status(call, status)

    def _carry_status(self, call: Call, status: str) -> None:
        told = {"id": call.bubble, "status": status, "timestamp": str(int(time())), "recipient_id": call.chat_id}
        if echoed := call.params.get("biz_opaque_callback_data"):
            told["biz_opaque_callback_data"] = echoed
        self.carry(f"status {call.chat_id}", encode(self._webhook(statuses=[told])))

    def _webhook(self, **what: Any) -> dict[str, Any]:
        metadata = {
            "display_phone_number": self._number["display_phone_number"],
            "phone_number_id": self.phone_number_id,
        }
        value = {"messaging_product": "whatsapp", "metadata": metadata} | what
        entry = {"id": "100000000000001", "changes": [{"value": value, "field": "messages"}]}
        return {"object": "whatsapp_business_account", "entry": [entry]}

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
        challenge = str(secrets.randbelow(10**9))
        query = {"hub.mode": "subscribe", "hub.verify_token": self.verify_token, "hub.challenge": challenge}
        address = f"{self.webhook_url}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - the operator's own address
                plain = answer.headers.get_content_type() == "text/plain"
                return bool(plain and answer.read().decode() == challenge)
        except (urllib.error.URLError, OSError):
            return False

    # the Graph API

    def error(self, status: int) -> Any:
        return refusal(status, CODES.get(status, 131000), "Told to fail").body

    def respond(self, request: Request) -> Response:
        found = re.fullmatch(r"(?:/v\d+\.\d+)?/(\d+)(/messages)?", request.path)
        params = (request.get_json(silent=True) or {}) if request.method == "POST" else request.args.to_dict()
        method = "check" if not (found and found[2]) else "read" if params.get("status") == "read" else "messages"
        chat_id = self._chat_of(method, params)

        def act() -> Outcome:
            bearer = f"Bearer {self.token}".encode()
            if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), bearer):
                return refusal(401, 190, "Invalid OAuth access token - Cannot parse access token")
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
        if params.get("messaging_product") != "whatsapp":
            return refusal(400, 100, "The parameter messaging_product is required.")
        to = str(params.get("to") or params.get("recipient") or "")
        if not to:
            return refusal(400, 100, "The parameter to is required.")
        text = str((params.get("text") or {}).get("body", ""))
        if params.get("type", "text") == "text" and not text.strip():
            return refusal(400, 100, "The parameter text['body'] is required.")
        if len(text) > TEXT_CHARACTERS:
            return refusal(400, 100, f"Param text['body'] must be at most {TEXT_CHARACTERS} characters long.")
        wa_id, wamid = to.lstrip("+"), self._wamid()
        self.show(wa_id, Bubble(wamid, "assistant", text))
        if self.statuses:
            for status in ("sent", "delivered"):
                self._carry_status(Call(0, "messages", wa_id, params, wamid), status)
        contacts = [{"input": to, "wa_id": wa_id}]
        body = {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": wamid}]}
        return Outcome(body, bubble=wamid)

    def _read(self, params: dict[str, Any]) -> Outcome:
        if not params.get("message_id"):
            return refusal(400, 100, "The parameter message_id is required.")
        return Outcome({"success": True})

    def _check(self, params: dict[str, Any]) -> Outcome:
        wanted = str(params.get("fields", "display_phone_number,verified_name")).split(",")
        return Outcome({key: self._number[key] for key in wanted if key in self._number} | {"id": self.phone_number_id})


def encode(body: dict[str, Any]) -> bytes:
    r"""JSON as Meta sends and signs it: everything above U+007F as a \u escape."""
    return json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode()
