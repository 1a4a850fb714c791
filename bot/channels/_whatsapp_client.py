"""The Cloud API's endpoints for one number: one attempt for each call, and what its errors mean for us.

Errors: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import httpx

from bot.channels._http import NEVER_SENT
from bot.channels._whatsapp_errors import REFUSED_WORDS, Meaning, advice, explain, is_alarming, meaning_of
from bot.channels._whatsapp_files import WhatsAppFiles, shorter
from bot.channels._whatsapp_pauses import named_pause
from bot.errors import Blocked, DeliveryError, Halted, Parked, RateLimited, Refused, Undelivered, Unknown
from bot.message import Attachment, Piece

POOL_SIZE = 128
TIMES = httpx.Timeout(20, connect=5)
BUSY_SECONDS = 6.0
"""The pause after a rate limit that names none."""

SERVICE_TRIES, FAULT_TRIES = 40, 8
"""How often a bubble is tried while Meta's service is down, and after an error of Meta's that is about it alone."""

_PHONE: Final = re.compile(r"[0-9]+", re.ASCII)
_BAD_VALUE: Final = frozenset({100, 131009})


class WhatsAppClient:
    """Speaks for one number. May be used from many threads at once."""

    def __init__(self, token: str, number: str, api_url: str) -> None:
        self._number = f"{api_url}/{number}"
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMES,
            limits=httpx.Limits(max_connections=POOL_SIZE),
        )
        self._files = WhatsAppFiles(self._http, api_url, number)

    def send(self, user: str, piece: Piece, reference: str) -> str:
        """Send one bubble, with its file if it has one, and return its wamid. Raises DeliveryError."""
        said = self._document(piece) if piece.file else _text(piece)
        if not piece.quotes:
            return self._send(user, said, reference)
        try:
            return self._send(user, {**said, "context": {"message_id": piece.quotes}}, reference)
        except Refused as error:
            if error.code not in _BAD_VALUE:
                raise
            return self._send(user, said, reference)  # what it quotes is too old, or was taken back

    def ask_to_write(self, user: str, template: str, language: str, reference: str) -> str:
        """Send an approved template without parameters, and return its wamid. Raises DeliveryError.

        https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates
        """
        named = {"name": template, "language": {"code": language}}
        return self._send(user, {"type": "template", "template": named}, reference)

    def read_and_type(self, message_id: str) -> None:
        """Mark a message as read and show "typing" for up to 25 seconds, in one call."""
        note = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
        self._ask("POST", f"{self._number}/messages", json={**note, "typing_indicator": {"type": "text"}})

    def fetch(self, sent: Attachment, most: int) -> bytes:
        """A file that a person sent. Raises DeliveryError; TooLarge beyond ``most`` bytes."""
        return self._files.fetch(sent, most, self._ask)

    def name(self) -> str:
        """The number as people see it, asked of Meta."""
        answer = self._ask("GET", self._number, params={"fields": "display_phone_number,verified_name"})
        return f"{answer.get('verified_name', '')} {answer.get('display_phone_number', '')}".strip()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _send(self, user: str, said: dict[str, Any], reference: str) -> str:
        """A phone number is reached by ``to``, a user id by ``recipient``: in ``to`` it would be dropped in silence."""
        message = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to" if _PHONE.fullmatch(user) else "recipient": user,
            **said,
            "biz_opaque_callback_data": reference,
        }
        answer = self._ask("POST", f"{self._number}/messages", json=message)
        try:
            return str(answer["messages"][0]["id"])
        except (KeyError, IndexError, TypeError):
            raise Unknown("Meta's answer names no message") from None

    def _document(self, piece: Piece) -> dict[str, Any]:
        """Nobody sees a file for being uploaded, or twice: what becomes of that is never in doubt."""
        try:
            media = self._files.upload(piece, self._ask)
        except Unknown as error:
            raise _tried(Undelivered(str(error)), FAULT_TRIES) from error
        document = {"id": media, "filename": piece.file_name, "caption": shorter(piece.text)}
        return {"type": "document", "document": document}

    def _ask(self, method: str, url: str, **parts: Any) -> dict[str, Any]:
        try:
            response = self._http.request(method, url, **parts)
        except NEVER_SENT as error:
            raise Undelivered(f"WhatsApp was not reached ({error}). Is WHATSAPP_API_URL right?") from error
        except httpx.HTTPError as error:
            raise Unknown(f"the connection to WhatsApp broke ({type(error).__name__})") from error
        answer = _object(response)
        if not response.is_success:
            raise translate(response, answer)
        return answer


def _text(piece: Piece) -> dict[str, Any]:
    return {"type": "text", "text": {"body": piece.text, "preview_url": False}}


def translate(response: httpx.Response, answer: dict[str, Any]) -> DeliveryError:
    """Meta's error as ours; ``answer`` is the response's JSON object, empty where it has none."""
    error = answer.get("error")
    if not isinstance(error, dict) or type(code := error.get("code")) is not int:
        return _without_code(response)
    meaning, reason = meaning_of(code), f"WhatsApp error {explain(code, error)}"
    if meaning in {"token", "account"}:
        reason = f"{reason}. {advice(code)}".removesuffix(". ")
    found = _ERRORS[meaning](reason, response)
    found.code, found.alarming = code, is_alarming(code)
    return found


def _busy(reason: str, response: httpx.Response) -> RateLimited:
    return RateLimited(reason, named_pause(response.headers) or BUSY_SECONDS, everybody=True)


def _pair(reason: str, response: httpx.Response) -> RateLimited:
    return RateLimited(reason, named_pause(response.headers), growing=True)


def _strange(reason: str, response: httpx.Response) -> DeliveryError:
    return _tried(Unknown(reason), FAULT_TRIES) if response.is_server_error else Refused(reason)


_ERRORS: Final[dict[Meaning, Callable[[str, httpx.Response], DeliveryError]]] = {
    "token": lambda reason, _: Halted(reason),
    "account": lambda reason, _: Halted(reason),
    "busy": _busy,
    "pair": _pair,
    "service": lambda reason, _: _tried(Undelivered(reason), SERVICE_TRIES),
    "fault": lambda reason, _: _tried(Undelivered(reason), FAULT_TRIES),
    "parked": lambda reason, _: Parked(reason),
    "blocked": lambda reason, _: Blocked(reason),
    "failed": lambda reason, _: Refused(reason),
    "unknown": _strange,
}


def _without_code(response: httpx.Response) -> DeliveryError:
    """What a proxy, a load balancer or a wrong address answers."""
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return _busy("WhatsApp answered 429", response)
    if status == httpx.codes.UNAUTHORIZED:
        return Halted(REFUSED_WORDS)
    if status < 500:
        return Undelivered(f"not Meta's API answered ({status}). Is WHATSAPP_API_URL right?")
    return _tried(Unknown(f"WhatsApp answered {status}"), SERVICE_TRIES)


def _tried(error: DeliveryError, tries: int) -> DeliveryError:
    error.tries = tries
    return error


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
