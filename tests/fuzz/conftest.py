"""The receiver that every fuzz test throws things at."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.stores.connection import Store
from tests.fuzz.receiving import Receiver


@pytest.fixture
def receiver(store: Store, redis_dir: Path) -> Receiver:
    return Receiver(redis_dir, store)
