"""WhatsApp by Meta's Cloud API: https://developers.facebook.com/docs/whatsapp/cloud-api.

The half that receives checks signatures and reads JSON; the half that speaks loads its HTTP client on first use.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self

from bot.channels import Channel
from bot.channels._once import Once
from bot.channels._whatsapp_payload import read_payload
from bot.errors import Forged, Refused, SettingsError, Undelivered
from bot.message import Attachment, Conversation, Limit, Piece
from bot.numbers import PHONE_NUMBER_ID, VARIABLE, Number, numbers
from bot.received import Received
from bot.settings import Settings, require_secret

if TYPE_CHECKING:
    from bot.channels._whatsapp_client import WhatsAppClient

SIGNATURE_HEADER = "X-Hub-Signature-256"

_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
_PRINTABLE = re.compile(r"[!-~]+")
_BURST = 45
"""So many messages to one person may follow each other closely."""

_TEMPLATE = re.compile(r"([a-z0-9_]{1,512}):([a-z]{2,3}(_[A-Z]{2})?)")

_HOW_TO_NAME_TEMPLATE = (
    "names a template and its language, as in write_to_us:es; WhatsApp Manager > Templates has both."
)
_HOW_TO_FIND_NUMBER = (
    "WHATSAPP_PHONE_NUMBER_ID must be the number's id, digits only (not the phone number itself): "
    "Meta's dashboard, WhatsApp > API Setup."
)
_HOW_TO_FIND_APP = "It is in Meta's dashboard: App settings > Basic > App secret. Without it no webhook can be trusted."
_HOW_TO_VERIFY = (
    "Choose any text that nobody guesses, and give the same one to Meta: WhatsApp > Configuration > Verify token."
)

_NONE: Final[Mapping[str, Number]] = MappingProxyType({})


class WhatsApp(Channel):
    """The numbers of this installation, each an account by its phone number id; ``account`` is the one of `.env`."""

    name = "whatsapp"
    body_limit = 4 << 20
    fetches = True
    sends_files = True
    typing_seconds = 20.0
    window_seconds = 24 * 3600.0
    seen_hours = 8 * 24  # Meta delivers again for up to 7 days
    raw_hours = 3 * 24

    def __init__(
        self, token: str, number: str, *, app_secret: str, verify_token: str, api_url: str, unknown_seconds: float,
        per_second: float = 80, person_seconds: float = 6, others: Mapping[str, Number] = _NONE, template: str = "",
    ) -> None:  # fmt: skip
        """``others`` are further numbers, by their ids; a ``template`` is written name:language."""
        self.account = number
        self.unknown_seconds = unknown_seconds
        keys = {number: (token, app_secret, verify_token)} | {one: _keys(others[one]) for one in others}
        self._signed = _shared({one: secret for one, (_, secret, _) in keys.items()})
        self._verify_tokens = [verify.encode() for _, _, verify in keys.values()]
        self._api_url = api_url
        self._per_second, self._person_seconds = per_second, person_seconds
        self._templates = {number: template} | {one: others[one].template for one in others}
        self._credentials = {one: sha256(token.encode()).hexdigest()[:12] for one, (token, _, _) in keys.items()}
        self._clients = {one: Once(partial(self._connect, one, token)) for one, (token, _, _) in keys.items()}

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        token = settings.whatsapp_token.get_secret_value().strip()
        if not token:
            return None
        number = settings.whatsapp_phone_number_id.strip()
        if not PHONE_NUMBER_ID.fullmatch(number):
            raise SettingsError(_HOW_TO_FIND_NUMBER)
        first, *others = numbers(settings).items()
        token, app_secret, verify_token = _vetted(
            first[1], "WHATSAPP_TOKEN", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"
        )
        for one, values in others:
            part = f"{VARIABLE}: numbers.{one}."
            _vetted(values, f"{part}token", f"{part}app_secret", f"{part}verify_token")
            _check_template(f"{part}template", values.template)
        _check_template("WHATSAPP_TEMPLATE", settings.whatsapp_template)
        return cls(
            token,
            number,
            app_secret=app_secret,
            verify_token=verify_token,
            api_url=settings.whatsapp_api_url,
            unknown_seconds=settings.whatsapp_status_seconds,
            per_second=settings.whatsapp_messages_per_second,
            person_seconds=settings.whatsapp_person_seconds,
            others=dict(others),
            template=settings.whatsapp_template,
        )

    def serves(self, account: str) -> bool:
        return account in self._clients

    def admit(self, headers: Mapping[str, str]) -> None:
        """Only the form of the signature can be judged before the body is there."""
        if not _SIGNATURE.fullmatch(headers.get(SIGNATURE_HEADER, "")):
            raise Forged(f"{SIGNATURE_HEADER} is missing, or no signature by SHA-256")

    def receive(self, headers: Mapping[str, str], body: bytes) -> Received:
        self.admit(headers)
        return read_payload(body, self._signer(headers, body))

    def origin(self, headers: Mapping[str, str], body: bytes) -> str:
        return ",".join(sorted(self._signer(headers, body)))

    def read(self, body: bytes, origin: str = "") -> Received:
        """An ``origin`` is the numbers of the app that signed it; without one it is the first number's app."""
        then = set(origin.split(",")) if origin else {self.account}
        return read_payload(body, {one for _, own in self._signed if own & then for one in own})

    def verify(self, query: Mapping[str, str]) -> str:
        """The challenge that Meta sends when the webhook is set up, if it knows our verify token."""
        given = query.get("hub.verify_token", "").encode("utf-8", "surrogatepass")
        known = sum(hmac.compare_digest(given, verify_token) for verify_token in self._verify_tokens)
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
        where = Conversation.parse(conversation)
        overall = Limit(f"{self.name}:{where.account}", self._per_second, 1)
        return (overall, Limit(f"{overall.name}:{where.chat}", _BURST, _BURST * self._person_seconds))

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        """Send one bubble; every status of it will carry ``reference``."""
        account, user = _parties(conversation)
        return self._client(account).send(user, piece, reference)

    def credential(self, conversation: str) -> str:
        return self._credentials.get(Conversation.parse(conversation).account, "")

    def asks_to_write(self, conversation: str) -> bool:
        return bool(self._templates.get(Conversation.parse(conversation).account))

    def ask_to_write(self, conversation: str, reference: str) -> str:
        account, user = _parties(conversation)
        template, _, language = self._templates.get(account, "").partition(":")
        return self._client(account).ask_to_write(user, template, language, reference)

    def fetch(self, conversation: str, attachment: Attachment, most: int) -> bytes:
        """A file, whose address is asked for anew by its id: one holds for five minutes only."""
        return self._client(_parties(conversation)[0]).fetch(attachment, most)

    def show_typing(self, conversation: str, message_id: str) -> None:
        """Mark ``message_id`` as read and show "typing" until the answer, 25 seconds at most."""
        self._client(_parties(conversation)[0]).read_and_type(message_id)

    def warm_up(self) -> None:
        self.render("*")
        for client in self._clients.values():
            client.get()

    def check(self) -> str:
        """Each number with its business's verified name, as Meta gives them."""
        return ", ".join(client.get().name() for client in self._clients.values())

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def _signer(self, headers: Mapping[str, str], body: bytes) -> frozenset[str]:
        """The numbers for which whoever signed a body speaks: an app for its own alone. Raises Forged."""
        given = headers[SIGNATURE_HEADER].encode()
        for secret, accounts in self._signed:
            signature = f"sha256={hmac.new(secret, body, sha256).hexdigest()}"
            if hmac.compare_digest(given, signature.encode()):
                return accounts
        raise Forged(f"{SIGNATURE_HEADER} is not the body's")

    def _client(self, account: str) -> WhatsAppClient:
        """Whoever speaks for this number. Raises Undelivered where it is not ours any more."""
        if client := self._clients.get(account):
            return client.get()
        raise Undelivered(
            f"the number {account} is neither in .env nor in {VARIABLE}: write it back, or erase its people"
        )

    def _connect(self, account: str, token: str) -> WhatsAppClient:
        from bot.channels._whatsapp_client import WhatsAppClient  # noqa: PLC0415 - heavy, and not for the receiver

        return WhatsAppClient(token, account, self._api_url)


def _keys(number: Number) -> tuple[str, str, str]:
    """A number's token, app secret and verify token."""
    secrets = (number.token, number.app_secret, number.verify_token)
    token, app_secret, verify_token = (secret.get_secret_value() for secret in secrets)
    return token, app_secret, verify_token


def _vetted(number: Number, token: str, app_secret: str, verify_token: str) -> tuple[str, str, str]:
    """A number's secrets, each under the name that an operator knows it by. Raises SettingsError."""
    found = number.token.get_secret_value()
    if not _PRINTABLE.fullmatch(found):
        raise SettingsError(f"{token} is empty, or has a space or a letter that no token has. Copy it again from Meta.")
    return (
        found,
        require_secret(app_secret, number.app_secret, 32, _HOW_TO_FIND_APP),
        require_secret(verify_token, number.verify_token, 8, _HOW_TO_VERIFY),
    )


def _check_template(name: str, template: str) -> None:
    if template and not _TEMPLATE.fullmatch(template):
        raise SettingsError(f"{name} {_HOW_TO_NAME_TEMPLATE}")


def _shared(secrets: Mapping[str, str]) -> list[tuple[bytes, frozenset[str]]]:
    """Each app's secret, and the accounts whose webhooks it signs."""
    apps = {secret: frozenset(one for one, own in secrets.items() if own == secret) for secret in secrets.values()}
    return [(secret.encode(), accounts) for secret, accounts in apps.items()]


def _parties(conversation: str) -> tuple[str, str]:
    """Our number in a conversation, and who it is with. Raises Refused for what is none."""
    try:
        where = Conversation.parse(conversation)
    except ValueError:
        raise Refused(f"{conversation!r} is no conversation on WhatsApp") from None
    return where.account, where.chat.partition("~")[0]  # behind it stands which of several people had the number
