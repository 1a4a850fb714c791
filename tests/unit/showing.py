"""One conversation as an operator is shown it, for the tests of that."""

from __future__ import annotations

from typing import Any

from bot.show import Shown, show
from bot.stores.connection import Store
from tests.unit.mailboxes import ANA
from tests.unit.worlds import World

CEM = "fake:7:3"


def look(world: World, who: str = ANA) -> Shown:
    [shown] = show(world.store, world.settings, world.channels, who)
    return shown


def codes(world: World, who: str = ANA) -> list[str]:
    return [finding.code for finding in look(world, who).findings]


def value(world: World, code: str, name: str) -> Any:
    return next(finding.values[name] for finding in look(world).findings if finding.code == code)


def employ(store: Store) -> None:
    """A worker is on RQ's books."""
    store.client.sadd("rq:workers", "rq:worker:w1")
    store.client.hset("rq:worker:w1", "birth", "now")
