"""Which model servers an operator is told of as broken: those that somebody waits for, and none that is history."""

from __future__ import annotations

import pytest

from bot import status
from bot.stores.connection import Store
from bot.stores.line import MODELS
from tests.unit.test_status import SERVER, metrics


def rested(store: Store, *, ms_ago: int, failures: int) -> None:
    """That server's breaker, and how long ago it was to be probed again."""
    seconds, micros = store.client.time()
    until = seconds * 1000 + micros // 1000 - ms_ago
    store.client.hset(
        f"recado:line:{MODELS}:state", mapping={f"failures:{SERVER}": failures, f"rest:{SERVER}": int(until)}
    )


def test_a_server_that_was_taken_out_of_the_settings_alarms_nobody_for_ever(store: Store) -> None:
    """It stays in the book with its failures, for no success will ever strike them out."""
    rested(store, ms_ago=status.GONE_MS + 1000, failures=status.OPEN_AT)

    assert status.read(store).servers == ()
    assert "recado_breaker_open{" not in metrics(store)


@pytest.mark.parametrize("ms_ago", [-10_000, 0, status.GONE_MS - 60_000])
def test_a_server_that_is_still_probed_is_shown_as_broken(store: Store, ms_ago: int) -> None:
    """A probe may take as long as its first token may."""
    rested(store, ms_ago=ms_ago, failures=status.OPEN_AT)

    assert [server.open for server in status.read(store).servers] == [True]
