"""One conversation as the product knows it: why did this person get no answer?"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text as Styled

from bot import wiring
from bot.channels import Channel
from bot.channels.web import Web
from bot.cli import clean
from bot.errors import SettingsError
from bot.message import Conversation
from bot.settings import Settings
from bot.show import labels
from bot.show.rows import Row, rows
from bot.show.verdict import Finding, View, clock, found, iso, verdict
from bot.stores import case
from bot.stores.connection import Store, key, translated
from bot.stores.person import Person, find
from bot.texts import Language


class Shown(NamedTuple):
    """A conversation (empty: there is none), when it was looked at (ms), why nothing is answered, and its messages."""

    conversation: str
    now: int
    findings: list[Finding]
    rows: list[Row]

    def told(self, *, text: bool) -> dict[str, Any]:
        """For machines."""
        verdicts = [finding.told() for finding in self.findings]
        messages = [row.told(text=text) for row in self.rows]
        return {"conversation": self.conversation, "at": iso(self.now), "verdict": verdicts, "messages": messages}

    def sentences(self, language: Language) -> list[str]:
        """The verdict for an operator."""
        return [clean(finding.to(language)) for finding in self.findings]

    def table(self, language: Language, *, text: bool) -> Table | None:
        """The messages for a terminal; None where there are none."""
        if not self.rows:
            return None
        title = labels.TITLE.to(language, conversation=self.conversation, now=clock(self.now))
        found = Table(
            *(column.to(language) for column in labels.COLUMNS), title=Styled(clean(title)), title_justify="left"
        )
        for row in self.rows:
            found.add_row(*(Styled(clean(cell)) for cell in row.cells(language, text=text)))
        return found


def open_channels(settings: Settings) -> Mapping[str, Channel]:
    """The channels that are on, the chat page too; what cannot be opened here is as good as off."""
    page = {Web.name: Web.from_settings(settings)}
    with suppress(SettingsError):
        return {**wiring.open_channels(settings), **page}
    return page


def show(store: Store, settings: Settings, channels: Mapping[str, Channel], who: str) -> list[Shown]:
    """All conversations of a person, as they are now. Raises RecadoError for who is nobody, StoreUnavailable."""
    stored = find(store, Person.parse(who))
    shown = [_one(store, settings, channels, one) for one in sorted(stored.conversations)]
    kept = [found("quarantined", count=len(stored.quarantined))] if stored.quarantined else []
    if not shown:
        return [Shown("", 0, kept or [found("nothing", who=who)], [])]
    return [one._replace(findings=[*one.findings, *kept]) for one in shown]


def _one(store: Store, settings: Settings, channels: Mapping[str, Channel], conversation: str) -> Shown:
    where = Conversation.parse(conversation)
    channel = channels.get(where.channel)
    channel = channel if channel and channel.serves(where.account) else None
    with translated():
        address = store.client.hget(key(conversation, "state"), "address")
    limits = channel.limits(address.decode() if isinstance(address, bytes) else conversation) if channel else ()
    found_now = case.read(store, conversation, tuple(limit.name for limit in limits))
    return Shown(conversation, found_now.now, verdict(View(found_now, settings, channel)), rows(found_now))
