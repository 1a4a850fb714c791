"""The Cloud API's message endpoint: one attempt for each call, and what its errors mean for us.

Errors: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes.
"""

from __future__ import annotations

import re
from typing import Any

import httpx

from bot.channels._http import NEVER_SENT
from bot.channels._whatsapp_errors import WINDOW_CLOSED, explain
from bot.errors import Blocked, DeliveryError, Parked, RateLimited, Refused, Undelivered, Unknown

POOL_SIZE = 128
TIMES = httpx.Timeout(20, connect=5)
BUSY_SECONDS = 6.0
"""The pause after a rate limit that names none; one number may write to one person so often."""

_SECONDS = re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?")
_BUSY = frozenset({4, 80007, 130429})
_PAIR = 131056
_TOKEN = frozenset({0, 3, 10, 190, *range(200, 300)})
_ACCOUNT = frozenset({368, 131031, 133010})
_MEANINGS: dict[int, type[Undelivered | Parked | Blocked]] = {
    **dict.fromkeys((2, 131000, 131016, 131057, 135000), Undelivered),
    WINDOW_CLOSED: Parked,
    130497: Blocked,  # not in this person's country
}
_REFUSED_WORDS = (
    "Meta does not take WHATSAPP_TOKEN (expired, or without permission for this number). Make a system user's "
    "token with whatsapp_business_messaging in Meta Business Settings, and put it into .env."
)
_ACCOUNT_WORDS = "Meta has restricted this number or its account. See Account Quality in Meta Business Suite."


class WhatsAppClient:
    """Speaks for one number. May be used from many threads at once."""

    def __init__(self, token: str, number: str, api_url: str) -> None:
        self._number = f"{api_url}/{number}"
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMES,
            limits=httpx.Limits(max_connections=POOL_SIZE),
        )

    def send(self, user: str, text: str, reference: str) -> str:
        """Send one bubble and return its wamid. A phone number is reached by ``to``, a user id by ``recipient``."""
        address = {"to": user} if user.isascii() and user.isdigit() else {"recipient": user}
        message: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            **address,
            "type": "text",
            "text": {"body": text, "preview_url": False},
            "biz_opaque_callback_data": reference,
        }
        answer = self._ask("POST", f"{self._number}/messages", json=message)
        try:
            return str(answer["messages"][0]["id"])
        except (KeyError, IndexError, TypeError):
            raise Unknown("Meta's answer names no message") from None

    def read_and_type(self, message_id: str) -> None:
        """Mark a message as read and show "typing" for up to 25 seconds, in one call."""
        note = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
        self._ask("POST", f"{self._number}/messages", json={**note, "typing_indicator": {"type": "text"}})

    def name(self) -> str:
        """The number as people see it, asked of Meta."""
        answer = self._ask("GET", self._number, params={"fields": "display_phone_number,verified_name"})
        return f"{answer.get('verified_name', '')} {answer.get('display_phone_number', '')}".strip()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

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


def translate(response: httpx.Response, answer: dict[str, Any]) -> DeliveryError:
    """Meta's error as ours; ``answer`` is the response's JSON object, empty where it has none."""
    error = answer.get("error")
    if not isinstance(error, dict) or not isinstance(code := error.get("code"), int):
        return _without_code(response)
    reason = f"WhatsApp error {explain(code, error)}"
    if code in _BUSY or code == _PAIR:
        return RateLimited(reason, _pause(response), everybody=code in _BUSY)
    if code in _TOKEN or code in _ACCOUNT:
        return Undelivered(f"{reason}. {_REFUSED_WORDS if code in _TOKEN else _ACCOUNT_WORDS}")
    if meaning := _MEANINGS.get(code):
        return meaning(reason)
    return Unknown(reason) if response.is_server_error else Refused(reason)


def _without_code(response: httpx.Response) -> DeliveryError:
    """What a proxy, a load balancer or a wrong address answers."""
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return RateLimited("WhatsApp answered 429", _pause(response), everybody=True)
    if status == httpx.codes.UNAUTHORIZED:
        return Undelivered(_REFUSED_WORDS)
    if status < 500:
        return Undelivered(f"not Meta's API answered ({status}). Is WHATSAPP_API_URL right?")
    return Unknown(f"WhatsApp answered {status}")


def _pause(response: httpx.Response) -> float:
    """What it names itself, else a usual one."""
    given = response.headers.get("Retry-After", "")
    return float(given) if _SECONDS.fullmatch(given) else BUSY_SECONDS


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
