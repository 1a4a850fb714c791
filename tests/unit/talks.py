"""A talk with the assistant, in short: what is left of it, and until nothing is left to do."""

from __future__ import annotations

import pytest

from bot.stores.connection import Store
from bot.stores.history import History
from tests.unit.mailboxes import ANA
from tests.unit.worlds import World

LANGUAGES = pytest.mark.parametrize("language", ["es", "en"])


def remembered(store: Store) -> list[tuple[str, str, str]]:
    return [(turn.role, turn.text, turn.heard) for turn in History(store).tail(ANA, 0, 10_000)]


def rest(world: World) -> None:
    """Whoever is rung does what is left."""
    while world.mailbox.has_work(ANA):
        world.answerer.answer(ANA)
