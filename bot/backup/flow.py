"""The two commands: everything into a file, and everything of a file into a Redis that nobody uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from bot.backup import file
from bot.backup.words import FILLED, HALF, IN_USE, Unfit
from bot.errors import SettingsError
from bot.numbers import numbers
from bot.settings import Settings
from bot.stores.connection import DUE, Store, translated
from bot.stores.handovers import Handovers
from bot.stores.owner import Owner
from bot.stores.server import ask
from bot.stores.snapshot import Group, Snapshot, conversation_of

AT_ONCE: Final = 100
"""So many groups go to Redis in one call."""


class Saved(NamedTuple):
    """How much a backup holds; ``size`` is the file's, in bytes."""

    keys: int
    conversations: int
    size: int


class Restored(NamedTuple):
    """How many keys were written, and how many conversations have something to do."""

    keys: int
    due: int


def save(settings: Settings, store: Store, path: Path) -> Saved:
    """Write everything that is kept here into a new file, while the installation runs.

    Raises Unfit, StoreUnavailable.
    """
    snapshot, keys, conversations = Snapshot(store), 0, 0
    if snapshot.is_half():
        raise Unfit(HALF)
    with file.writing(path, file.Header(snapshot.now(), _version(), _server(store))) as write:
        for group in snapshot.groups(_owners(settings, store)):
            write(group)
            keys += len(group)
            conversations += bool(group and conversation_of(group[0].name))
    return Saved(keys, conversations, path.stat().st_size)


def restore(store: Store, path: Path, *, replace: Callable[[], bool] | None = None) -> Restored:
    """Put a backup, which was verified, into a Redis that nobody uses and that holds no conversation.

    One that does is emptied first where ``replace`` says so. A restore that was not ended is begun anew.
    Raises Unfit before anything is touched, StoreUnavailable at any time: then it is to be done again.
    """
    snapshot = Snapshot(store)
    if users := snapshot.users():
        raise Unfit(IN_USE, processes=", ".join(users))
    if not snapshot.is_half() and snapshot.is_filled() and not (replace and replace()):
        raise Unfit(FILLED)
    snapshot.begin()
    snapshot.clear()
    now, keys = snapshot.now(), 0
    for several in _by(AT_ONCE, file.groups(path)):
        keys += snapshot.put(several, now)
    snapshot.end()
    with translated():
        return Restored(keys, store.client.zcard(DUE))


def time_of(header: file.Header) -> str:
    """When a backup was made, as the operator's clock shows it."""
    return f"{datetime.fromtimestamp(header.made / 1000, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def _by(most: int, groups: Iterator[Group]) -> Iterator[list[Group]]:
    while several := list(islice(groups, most)):
        yield several


def _owners(settings: Settings, store: Store) -> list[str]:
    """The conversations in which owners read and answer."""
    owner, found = Owner(store, settings), {one.owner for one in Handovers(store, settings).all()}
    with suppress(SettingsError):  # an owner whom nobody can reach has no conversation
        found |= {owner.conversation(account) for account in ("", *numbers(settings))}
    return sorted(found - {""})


def _version() -> str:
    try:
        return metadata.version("recado")
    except metadata.PackageNotFoundError:
        return ""


def _server(store: Store) -> str:
    info = ask(store).info
    valkey = info.get("valkey_version")
    return f"valkey {valkey}" if valkey else f"redis {info.get('redis_version', '')}"
