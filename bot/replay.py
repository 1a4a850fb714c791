"""Bodies that were kept aside are read again: what this version understands is accepted, once, and leaves.

A message is recognised as accepted before for as long as its channel remembers ids. What is older, or has no time of
its own, could be answered twice: it stays where it is.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial

from bot import wiring
from bot.channels import Channel
from bot.errors import Unreadable
from bot.received import Received
from bot.safety import Guard
from bot.settings import Settings
from bot.stores import kept
from bot.stores.connection import Store
from bot.stores.kept import Kept
from bot.stores.mailbox import Mailbox
from bot.stores.meter import Calendar
from bot.stores.outbox import Outbox

MARGIN_SECONDS = 3600.0
"""A platform's clock may be so far from ours."""

_OFF = "of a channel that is off"
_UNREADABLE = "not readable yet"
_UNSERVED = "not served yet"
_OLD = "too old to know whether it was answered"


class Replay:
    """Reads bodies again; each step may be repeated, also while receivers run."""

    def __init__(self, store: Store, channels: Mapping[str, Channel], mailbox: Mailbox, outbox: Outbox) -> None:
        self._store, self._channels, self._mailbox, self._outbox = store, channels, mailbox, outbox
        self.accepted = 0

    def place(self, name: str) -> Counter[str]:
        """Read again what lies in one of kept.PLACES; how many bodies left ("") or stayed, by the reason.

        Raises StoreUnavailable.
        """
        found: Counter[str] = Counter()
        for one in kept.oldest_first(self._store, name):
            reason = self._again(one)
            found[reason] += 1
            if not reason:
                kept.leave(self._store, name, one)
        return found

    def _again(self, one: Kept) -> str:
        """Accept what a body says; why it stays, or empty."""
        channel = self._channels.get(one.channel)
        if not channel:
            return _OFF
        try:
            received = channel.read(one.body, one.origin)
        except Unreadable:
            return _UNREADABLE
        old = self._accept(channel, received)
        return _UNREADABLE if received.unreadable else _UNSERVED if received.unserved else _OLD if old else ""

    def _accept(self, channel: Channel, received: Received) -> bool:
        """Whether something was too old."""
        is_fresh = partial(_is_fresh, time.time(), channel.seen_hours * 3600)
        moved = [alias for alias in received.aliases if not alias.freed or is_fresh(alias.at)]
        fresh = [message for message in received.messages if is_fresh(message.sent_at)]
        for alias in moved:
            self._mailbox.alias(*alias)
        self.accepted += self._mailbox.accept(
            fresh, seen_hours=channel.seen_hours, raw_hours=channel.raw_hours, follows=channel.follows
        )
        for status in received.statuses:
            if is_fresh(status.at):
                self._outbox.settle(status)
        return len(moved) + len(fresh) < len(received.aliases) + len(received.messages)


def replay(settings: Settings) -> Iterator[str]:
    """Read everything that is kept aside again, and say in words what came of it.

    Raises SettingsError, StoreUnavailable; what was done until then is done.
    """
    store = wiring.open_loaded(settings)
    Guard(settings, store).check()
    outbox = Outbox(store, hold_seconds=settings.whatsapp_hold_seconds)
    outbox.calendar = Calendar(settings)
    again = Replay(store, wiring.open_channels(settings), wiring.open_mailbox(settings, store), outbox)
    for place in kept.PLACES:
        before, found = again.accepted, again.place(place)
        left = found.pop("", 0)
        yield f"{place}: bodies read and gone: {left}; messages accepted: {again.accepted - before}"
        for reason, count in sorted(found.items()):
            yield f"  stay: {count}, {reason}"


def _is_fresh(now: float, seen_seconds: float, at: float) -> bool:
    return now - seen_seconds + MARGIN_SECONDS < at < now + MARGIN_SECONDS
