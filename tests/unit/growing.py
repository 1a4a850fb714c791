"""Answers that grow before the person's eyes, for the tests of it."""

from __future__ import annotations

from bot.stores.connection import Store, key
from tests.unit.fates import EditingChannel
from tests.unit.mailboxes import ANA
from tests.unit.worlds import World

WORDS = ["The bakery ", "opens at nine ", "and closes at five, ", "except on Sundays"]
WHOLE = "".join(WORDS)


def growing(store: Store, channel: EditingChannel) -> World:
    """A world whose bubbles can be edited, and whose model says WORDS."""
    world = World(store, channel=channel)
    world.backend.answers = [list(WORDS)]
    return world


def ask(world: World) -> None:
    world.say("when?")
    world.answerer.answer(ANA)


def come_back(world: World) -> None:
    """Answer again as if all that waits had waited long enough."""
    world.store.client.hdel(key(ANA, "state"), "speak_at", "think_at", "pause_at")
    world.answerer.answer(ANA)
