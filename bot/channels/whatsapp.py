"""WhatsApp by Meta's Cloud API: https://developers.facebook.com/docs/whatsapp/cloud-api.

The half that receives checks signatures and reads JSON; the half that speaks loads its HTTP client on first use.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from bot.channels import Channel
from bot.channels._once import Once
from bot.channels._whatsapp_payload import read_payload
from bot.errors import Forged, Refused, SettingsError
from bot.message import Conversation, Limit, Piece, Received
from bot.settings import Settings, require_secret

if TYPE_CHECKING:
    from bot.channels._whatsapp_client import WhatsAppClient

SIGNATURE_HEADER = "X-Hub-Signature-256"

_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
_PRINTABLE = re.compile(r"[!-~]+")
_NUMBER = re.compile(r"[0-9]{1,32}")
_BURST = 45
"""So many messages to one person may follow each other closely."""

_HOW_TO_FIND_NUMBER = (
    "WHATSAPP_PHONE_NUMBER_ID must be the number's id, digits only (not the phone number itself): "
    "Meta's dashboard, WhatsApp > API Setup."
)
_HOW_TO_FIND_APP = "It is in Meta's dashboard: App settings > Basic > App secret. Without it no webhook can be trusted."
_HOW_TO_VERIFY = (
    "Choose any text that nobody guesses, and give the same one to Meta: WhatsApp > Configuration > Verify token."
)


class WhatsApp(Channel):
    """One number of a business. ``account`` is its phone number id."""

    name = "whatsapp"
    body_limit = 4 << 20
    typing_seconds = 20.0
    seen_hours = 8 * 24  # Meta delivers again for up to 7 days

    def __init__(
        self, token: str, number: str, *, app_secret: str, verify_token: str, api_url: str, unknown_seconds: float,
        per_second: float = 80, person_seconds: float = 6,
    ) -> None:  # fmt: skip
        self.account = number
        self.unknown_seconds = unknown_seconds
        self._token = token
        self._app_secret = app_secret.encode()
        self._verify_token = verify_token.encode()
        self._api_url = api_url
        self._overall = Limit(f"{self.name}:{number}", per_second, 1)
        self._person_seconds = person_seconds
        self._client: Once[WhatsAppClient] = Once(self._connect)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        token = settings.whatsapp_token.get_secret_value().strip()
        if not token:
            return None
        if not _PRINTABLE.fullmatch(token):
            raise SettingsError("WHATSAPP_TOKEN has a space or a letter that no token has. Copy it again from Meta.")
        number = settings.whatsapp_phone_number_id.strip()
        if not _NUMBER.fullmatch(number):
            raise SettingsError(_HOW_TO_FIND_NUMBER)
        return cls(
            token,
            number,
            app_secret=require_secret("WHATSAPP_APP_SECRET", settings.whatsapp_app_secret, 32, _HOW_TO_FIND_APP),
            verify_token=require_secret("WHATSAPP_VERIFY_TOKEN", settings.whatsapp_verify_token, 8, _HOW_TO_VERIFY),
            api_url=settings.whatsapp_api_url,
            unknown_seconds=settings.whatsapp_status_seconds,
            per_second=settings.whatsapp_messages_per_second,
            person_seconds=settings.whatsapp_person_seconds,
        )

    def admit(self, headers: Mapping[str, str]) -> None:
        """Only the form of the signature can be judged before the body is there."""
        if not _SIGNATURE.fullmatch(headers.get(SIGNATURE_HEADER, "")):
            raise Forged(f"{SIGNATURE_HEADER} is missing, or no signature by SHA-256")

    def receive(self, headers: Mapping[str, str], body: bytes) -> Received:
        self.admit(headers)
        signature = f"sha256={hmac.new(self._app_secret, body, sha256).hexdigest()}"
        if not hmac.compare_digest(headers[SIGNATURE_HEADER].encode(), signature.encode()):
            raise Forged(f"{SIGNATURE_HEADER} is not the body's")
        return read_payload(body, self.account)

    def verify(self, query: Mapping[str, str]) -> str:
        """The challenge that Meta sends when the webhook is set up, if it knows our verify token."""
        given = query.get("hub.verify_token", "").encode("utf-8", "surrogatepass")
        known = hmac.compare_digest(given, self._verify_token)
        if not known or query.get("hub.mode") != "subscribe" or "hub.challenge" not in query:
            raise Forged("this is not Meta's verification with WHATSAPP_VERIFY_TOKEN")
        return query["hub.challenge"]

    def render(self, text: str) -> tuple[Piece, ...]:
        from bot.channels._whatsapp_markup import render  # noqa: PLC0415 - heavy, and not for the receiver

        return render(text)

    def limits(self, conversation: str) -> tuple[Limit, ...]:
        """The number's throughput, and its pair rate with one person: a burst, then one in some seconds.

        Source: https://developers.facebook.com/docs/whatsapp/cloud-api/overview#throughput, and #pair-rate-limits.
        """
        pair = f"{self._overall.name}:{Conversation.parse(conversation).chat}"
        return (self._overall, Limit(pair, _BURST, _BURST * self._person_seconds))

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        """Send one bubble; every status of it will carry ``reference``."""
        return self._client.get().send(_user(conversation), piece.text, reference)

    def show_typing(self, conversation: str, message_id: str) -> None:
        """Mark ``message_id`` as read and show "typing" until the answer, 25 seconds at most."""
        self._client.get().read_and_type(message_id)

    def warm_up(self) -> None:
        self.render("*")
        self._client.get()

    def check(self) -> str:
        """The business's verified name and number, as Meta gives them."""
        return self._client.get().name()

    def close(self) -> None:
        self._client.close()

    def _connect(self) -> WhatsAppClient:
        from bot.channels._whatsapp_client import WhatsAppClient  # noqa: PLC0415 - heavy, and not for the receiver

        return WhatsAppClient(self._token, self.account, self._api_url)


def _user(conversation: str) -> str:
    """Who a conversation is with. Raises Refused for what is none."""
    try:
        return Conversation.parse(conversation).chat
    except ValueError:
        raise Refused(f"{conversation!r} is no conversation on WhatsApp") from None
