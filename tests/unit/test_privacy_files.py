"""Who wanted all to go is in none of Redis' files either, whatever happens to the worker that sees to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bot.stores import bell, erase
from bot.stores.connection import DUE, Store, connect
from tests.servers import serving
from tests.unit.fates import Killed
from tests.unit.mailboxes import ANA
from tests.unit.worlds import World

WORDS = "canario-4711"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Store]:
    """A Redis of our own, whose files are in ``tmp_path``."""
    with serving(tmp_path) as url:
        store = connect(url, tmp_path, 5)
        yield store
        store.close()


def naming(folder: Path, words: str = ANA) -> list[str]:
    return [one.name for one in folder.rglob("*.aof") if words.encode() in one.read_bytes()]


def gone(store: Store) -> None:
    """Somebody has said goodbye and was told so; RQ has forgotten the wake-ups, as it does when they were heard."""
    world = World(store)
    world.answer(WORDS)
    world.answer("/privacy erase yes")
    store.client.delete(bell.QUEUE_KEY, *store.client.scan_iter("rq:job:*"))


def test_redis_files_are_written_anew(disk: Store, tmp_path: Path) -> None:
    """What was said stands in no byte of them."""
    world = World(disk)
    world.answer(WORDS)
    assert naming(tmp_path, WORDS)
    world.answer("/privacy erase yes")
    erase.finish(disk)
    assert naming(tmp_path, WORDS) == []


def test_the_files_do_not_even_name_who_was_erased(disk: Store, tmp_path: Path) -> None:
    """Nor by what was done in order to erase them."""
    gone(disk)
    assert naming(tmp_path)
    erase.finish(disk)
    assert naming(tmp_path) == []
    assert not disk.client.exists(erase.ERASING, erase.STALE, erase.BUSY)


def test_a_worker_that_dies_before_the_files_are_written_leaves_that_to_the_next(
    disk: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_: redis.Redis) -> list[str]:
        raise Killed

    gone(disk)
    with monkeypatch.context() as patch:
        patch.setattr(erase, "_rewrite", die)
        with pytest.raises(Killed):
            erase.finish(disk)
    disk.client.delete(erase.BUSY)
    assert naming(tmp_path)
    erase.finish(disk)
    assert naming(tmp_path) == []


def test_the_files_wait_for_the_farewell_but_not_for_ever(disk: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that is away for days must not keep what was said on the disk for so long."""
    monkeypatch.setattr(erase, "FAREWELL_SECONDS", 0.2)
    waited: list[bool] = []

    def rewrite(client: redis.Redis) -> list[str]:
        waited.append(client.zscore(DUE, ANA) is not None)
        return []

    monkeypatch.setattr(erase, "_rewrite", rewrite)
    world = World(disk)
    world.channel.fail = [OSError("away")]
    world.say("/privacy erase yes")
    world.answerer.answer(ANA)
    erase.finish(disk)
    assert waited == [True]
    assert not disk.client.exists(erase.ERASING, erase.STALE)
