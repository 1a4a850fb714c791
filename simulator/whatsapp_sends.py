"""Messages of a business on WhatsApp: whether Meta takes them, and what it tells later of what it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import time
from typing import Any, Final, NamedTuple

from simulator.calls import Outcome
from simulator.graph import (
    NO_TEMPLATE,
    UNDELIVERABLE,
    WINDOW,
    Statuses,
    Told,
    encode,
    refusal,
    refusal_of,
    value,
    webhook,
    wrong_message,
)
from simulator.graph_account import Account
from simulator.graph_numbers import Number
from simulator.graph_people import USER_ID
from simulator.graph_shapes import read_back
from simulator.graph_trouble import Plan, Trouble
from simulator.platforms import Bubble
from simulator.whatsapp_people import WhatsAppPeople

DAY_SECONDS: Final = 24 * 3600.0
FINAL: Final = frozenset({UNDELIVERABLE, 100, 130472, 130497, 131048, 131049, 131050})
"""The codes of a message that never reaches its person."""
CLOCKS_SECONDS: Final = 5.0
"""Two clocks differ by less: who writes so much later than a day could know that the window is closed."""


class Sender(NamedTuple):
    """The number that sends a message, to which chat, and when the call came (monotonic)."""

    number: Number
    chat: str
    arrived: float


class WhatsAppSends(WhatsAppPeople):
    """What is sent to people, and how it can be made to fail.

    ``statuses`` is what is told of the messages that were taken (True: that they were sent and delivered, at once).
    ``window_seconds`` is how long after somebody's message they may be written to; who never wrote may always be.
    ``dropped`` are messages that were taken and go nowhere, because a user id stood in their ``to``.
    """

    def __init__(
        self, first: Number, webhook_url: str, verify_token: str, *, retry_seconds: float, redeliver: float
    ) -> None:
        super().__init__(first, webhook_url, verify_token, retry_seconds=retry_seconds, redeliver=redeliver)
        self.statuses: Statuses | bool = False
        self.window_seconds = DAY_SECONDS
        self.dropped: list[str] = []
        self._accounts: dict[str, Account] = {}
        self._plans: dict[str, list[Plan]] = {}

    def account_of(self, number: Number) -> Account:
        """The account that a number belongs to."""
        return self._accounts.setdefault(number.phone_number_id, Account(number))

    # what goes wrong

    def refuse_person(
        self, wa_id: str, code: int, *, later: bool = False, retry_after: float = 0.0, number: str = ""
    ) -> None:
        """Let the next message to somebody be refused with this code, or be taken and ``later`` told to have failed."""
        with self.changed:
            chat = self.chat_with(self.contacts.of(wa_id), number)
            self._plans.setdefault(chat, []).append(Plan(code, later, retry_after))

    def halt(self, code: int, *, hold_seconds: float, number: str = "") -> Trouble:
        """Meta takes nothing from a number until ``mend``: a dead token (190), a blocked or unregistered number.

        ``hold_seconds`` is how long the product waits before it tries again; what comes sooner is ``forbidden``.
        """
        with self.changed:
            trouble = self.number(number).trouble = Trouble(code, hold_seconds)
            return trouble

    def mend(self, number: str = "") -> None:
        """Messages of a number are taken again."""
        self.number(number).trouble = None

    def revoke_token(self, number: str = "") -> None:
        """Every call is refused until ``renew_token``."""
        self.number(number).expired = True

    def renew_token(self, token: str = "", number: str = "") -> None:
        """Calls are taken again, with another token if given."""
        ours = self.number(number)
        ours.expired, ours.token = False, token or ours.token

    def status(self, bubble_id: str, status: str, code: int = 0) -> None:
        """Tell the webhook what became of a message that the product sent: sent, delivered, read or failed."""
        with self.changed:
            call = next(call for call in reversed(self.calls) if call.bubble == bubble_id)
            self._tell(call.chat_id, bubble_id, call.params, [Told(status, code=code)], {})

    # what is sent

    def accept_message(self, params: dict[str, Any], sender: Sender) -> Outcome:
        address = address_of(params)
        if wrong := wrong_message(params, address, str((params.get("text") or {}).get("body", ""))):
            return refusal(400, 100, wrong)
        wamid = self._wamid()
        body = {"messaging_product": "whatsapp", "messages": [{"id": wamid}]}
        body["contacts"] = [{"input": address, "wa_id": address}]
        if not params.get("recipient") and USER_ID.fullmatch(address):
            self.dropped.append(wamid)
            return Outcome(body, bubble=wamid, void=True)
        plans = self._plans.get(sender.chat)
        planned = plans.pop(0) if plans else None
        if planned and planned.code in FINAL:
            self.returned.append((sender.chat, read_back(params)))
        if refused := self._refused(params, sender, address, planned):
            return refused
        told = self._outlook(params, sender, planned)
        failed = any(one.kind == "failed" for one in told)
        if not failed:
            quotes = str((params.get("context") or {}).get("message_id") or "")
            raw = params | {"quotes": quotes}
            self.show(sender.chat, Bubble(wamid, "assistant", read_back(params), raw=raw))
        price = {} if failed else sender.number.price("utility" if _is_template(params) else "service")
        self._tell(sender.chat, wamid, params, told, price)
        return Outcome(body, bubble=wamid, void=failed)

    def _refused(self, params: dict[str, Any], sender: Sender, address: str, planned: Plan | None) -> Outcome | None:
        """Why Meta does not take a message that is right in itself."""
        if planned and planned.code == WINDOW:
            self._closed_windows[sender.chat] = planned.later
        elif planned and not planned.later:
            words = refusal_of(planned.code)
            headers = {"Retry-After": f"{planned.pause:g}"} if planned.pause else {}
            return replace(words, headers=headers, pause=planned.pause)
        if self.contacts.gone(address):
            return refusal_of(UNDELIVERABLE)
        if _is_template(params):
            template = params["template"]
            known = f"{template.get('name')}:{(template.get('language') or {}).get('code')}"
            return None if known in self._templates(sender.number) else refusal_of(NO_TEMPLATE)
        file = (params.get(str(params.get("type"))) or {}).get("id")
        if file and file not in self.files.kept:
            return refusal_of(100)
        return refusal_of(WINDOW) if self._is_closed(sender.chat) else None

    def _is_closed(self, chat: str) -> bool:
        """Whether the window is closed, by this platform's clock or as told; only a status says so if told that."""
        heard = self.heard.get(chat)
        if heard is not None and time() > heard + DAY_SECONDS + CLOCKS_SECONDS:
            self.forbidden.append(f"{self.name}: to {chat} outside the window")
        over = heard is not None and self.now() > heard + self.window_seconds
        return over or self._closed_windows.get(chat) is False

    def _outlook(self, params: dict[str, Any], sender: Sender, planned: Plan | None) -> list[Told]:
        """What is told later of a message that is taken now."""
        plan = self.statuses if isinstance(self.statuses, Statuses) else Statuses()
        if planned and planned.later and planned.code != WINDOW:
            return plan.failure(planned.code)
        if self._closed_windows.get(sender.chat) and not _is_template(params):
            return plan.failure(WINDOW)
        return plan.next() if self.statuses else []

    def _templates(self, number: Number) -> set[str]:
        account = self.account_of(number).templates
        return number.templates | {f"{one['name']}:{one['language']}" for one in account}

    def _tell(
        self, chat: str, wamid: str, params: dict[str, Any], statuses: Sequence[Told], price: dict[str, Any]
    ) -> None:
        in_order = not (isinstance(self.statuses, Statuses) and self.statuses.shuffled)
        number, contact = self.parties(chat)
        echoed = str(params.get("biz_opaque_callback_data") or "")
        for place, told in enumerate(statuses):
            about = told.body(wamid, contact.recipient(), echoed, self.now(), price)
            body = encode(webhook([value(number.metadata, statuses=[about])]))
            self.carry(f"status {chat}" if in_order else f"status {wamid} {place}", body, wait=told.wait)


def address_of(params: dict[str, Any]) -> str:
    """A user id belongs into ``recipient``; where both are there, that one counts."""
    return str(params.get("recipient") or params.get("to") or "").lstrip("+")


def _is_template(params: dict[str, Any]) -> bool:
    return params.get("type") == "template" and isinstance(params.get("template"), dict)
