"""A stand-in for WhatsApp's Cloud API (Meta's Graph API), with signed webhooks like the real one's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from hmac import compare_digest
from time import monotonic
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from simulator.calls import Outcome
from simulator.graph import BUSY, CODES, PAIR, TITLES, Statuses, refusal, refusal_of
from simulator.graph_numbers import Number
from simulator.graph_people import Contact
from simulator.whatsapp_sends import Sender, WhatsAppSends, address_of

_PATH: Final = re.compile(r"(?:/v\d+\.\d+)?/(?:media/(?P<word>\w+)|(?P<id>\d+)(?:/(?P<edge>messages|media))?)")


class WhatsAppServer(WhatsAppSends):
    """A Graph API with one business number, and more if told so.

    ``batch`` is how many messages of any people come in one body, between two bounds.
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
        first = Number(phone_number_id, token, app_secret)
        super().__init__(first, webhook_url, verify_token, retry_seconds=retry_seconds, redeliver=redeliver)
        self.statuses = statuses
        self.batch = batch
        self.account = self.account_of(first)

    @property
    def token(self) -> str:
        """The first number's."""
        return self.first.token

    @property
    def phone_number_id(self) -> str:
        """The first number's."""
        return self.first.phone_number_id

    @property
    def app_secret(self) -> str:
        """The first number's."""
        return self.first.app_secret

    # what goes wrong

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

    # the Graph API

    def respond(self, request: Request) -> Response:
        found = _PATH.fullmatch(request.path)
        params = _params(request)
        method = self._method(request.method, found, params)
        ours = self.numbers.get(found["id"] or "") if found else None
        chat_id, arrived = self._chat_of(method, params, ours), monotonic()

        def act() -> Outcome:
            asker = self._asker(request)
            if refused := self._stranger(request, params, asker):
                return refused
            sender = Sender(ours or asker or self.first, chat_id, arrived)
            return self._do(method, request, params, sender) if ours else self._file(found, sender)

        try:
            return self.take(method, chat_id, params, act)
        finally:
            request.close()  # and with it what was uploaded

    def _stranger(self, request: Request, params: dict[str, Any], asker: Number | None) -> Outcome | None:
        """What is answered to whoever asks about the account, or may not ask at all."""
        account = self.account_of(asker or self.first)
        if known := account.answer(request, params, expired=bool(asker and asker.expired)):
            return known
        if asker is None:
            return refusal(401, 190, "Invalid OAuth access token - Cannot parse access token")
        return refusal(401, 190, TITLES[190], error_subcode=463) if asker.expired else None

    def _file(self, found: re.Match[str] | None, sender: Sender) -> Outcome:
        if found and found["word"]:
            return self.files.fetch(found["word"], sender.number.phone_number_id)
        return self.files.about(found["id"] if found else "", sender.number.phone_number_id)

    def _do(self, method: str, request: Request, params: dict[str, Any], sender: Sender) -> Outcome:
        if self._asker(request) is not sender.number:
            return refusal(403, 10, "Application does not have permission for this action")
        if request.method != "POST" or method == "check":
            return refusal(400, 100, "Unsupported request method")
        if trouble := sender.number.trouble:
            if method in self.messages and trouble.refuse(sender.arrived, monotonic()):
                self.forbidden.append(f"{self.name}: to {sender.chat} from a number on hold ({trouble.code})")
            return refusal_of(trouble.code)
        if method == "upload":
            return self.files.upload(sender.number.phone_number_id, request.files.get("file"), params)
        if method == "read":
            return self._read(params)
        return self.accept_message(params, sender)

    def _method(self, verb: str, found: re.Match[str] | None, params: dict[str, Any]) -> str:
        """What a call wants."""
        if found and found["word"]:
            return "fetch"
        if found and found["edge"] == "messages":
            return "read" if params.get("status") == "read" else "messages"
        if found and found["edge"]:
            return "upload"
        return "file" if verb == "GET" and found and found["id"] in self.files.kept else "check"

    def _asker(self, request: Request) -> Number | None:
        """Whose token a call bears."""
        given = request.headers.get("Authorization", "").encode()
        return next(
            (one for one in self.numbers.values() if compare_digest(given, f"Bearer {one.token}".encode())), None
        )

    def _chat_of(self, method: str, params: dict[str, Any], ours: Number | None) -> str:
        if method == "messages":
            address = address_of(params)
            contact = self.contacts.at(address) or Contact(address)
            return self.chat_with(contact, ours.phone_number_id if ours else "")
        with self.changed:
            read = str(params.get("message_id") or "")
            return next((one.chat_id for one in reversed(self.said) if one.id == read), "") if read else ""

    def _read(self, params: dict[str, Any]) -> Outcome:
        if not params.get("message_id"):
            return refusal(400, 100, "The parameter message_id is required.")
        return Outcome({"success": True})


def _params(request: Request) -> dict[str, Any]:
    if request.method != "POST":
        return request.args.to_dict()
    if request.mimetype == "multipart/form-data":
        return request.form.to_dict()
    found = request.get_json(silent=True)
    return found if isinstance(found, dict) else {}
