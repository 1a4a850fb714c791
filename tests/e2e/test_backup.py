"""A backup made while people write and workers answer, restored elsewhere: nothing of it is lost or said twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from bot.backup import file, flow
from bot.settings import load_settings
from bot.stores.connection import connect
from bot.stores.entries import unpack_entry
from bot.stores.history import unpack
from bot.stores.outbox import unpack as unpack_reply
from bot.stores.snapshot import Snapshot, conversation_of
from bot.stores.whom import Person
from simulator.ledger import Ledger
from simulator.ledger.records import marks_of
from simulator.people import People
from simulator.processes import wait_until
from tests.e2e.conftest import Installation
from tests.upgrade.aged import aged
from tests.upgrade.make import CLOSED, HALF, PAUSED, WAITING, mark

PEOPLE = 12


class Left:
    """What a backup holds of each conversation, by marks, in their order: what is answered, what waits, and what is
    still to be delivered."""

    def __init__(self, path: Path) -> None:
        self.answered, self.waiting, self.owed = (dict[str, list[str]]() for _ in range(3))
        for group in file.groups(path):
            for one in sorted(group, key=lambda one: one.name.endswith(":in")):  # the batch stands before them
                conversation, part = conversation_of(one.name), one.name.rpartition(":")[2]
                values = [value.encode(errors="surrogateescape") for value in one.value if isinstance(value, str)]
                if part == "history":
                    self._note(self.answered, conversation, [t.text for t in map(unpack, values) if t.role == "user"])
                elif part in {"wip", "in"}:
                    self._note(self.waiting, conversation, [unpack_entry(v, conversation).text for v in values])
                elif part == "out":
                    pieces = [piece.text for value in values for piece in unpack_reply(value).pieces]
                    self._note(self.owed, conversation, pieces)

    def _note(self, where: dict[str, list[str]], conversation: str, texts: list[str]) -> None:
        where.setdefault(conversation, []).extend(mark for text in texts for mark in marks_of(text))


def kill_all(one: Installation) -> None:
    """kill -9 of everything, Redis too: what comes after the backup is lost."""
    for name in [*one.processes.running]:
        one.kill(name)
        one.processes.running.pop(name)
    one.kill_redis()


def test_a_backup_made_under_load_loses_and_repeats_nothing_of_what_is_in_it(
    install: Callable[..., Installation], tmp_path: Path
) -> None:
    """By the person's own eyes: what waited is answered once and in order, what was owed is delivered, and what was
    answered is not said again."""
    one, path, stop = install(delay=0.3), tmp_path / "backup", threading.Event()
    one.start("receiver", "worker")
    people = People(one.telegram, PEOPLE, rate=60)
    writing = threading.Thread(target=people.write, args=(10_000, stop))
    writing.start()
    assert one.telegram.wait_until(lambda: sum(len(one.telegram.answers(p.chat_id)) > 1 for p in people.persons) > 5)
    saved = flow.save(load_settings(), one.store, path)
    kill_all(one)
    stop.set()
    writing.join()
    left, two = Left(path), install()
    assert saved.conversations == PEOPLE
    assert sum(map(len, left.answered.values())) > PEOPLE
    assert sum(map(len, left.waiting.values())) > 2

    there = connect("", two.data, 5)
    restored = flow.restore(there, path)
    there.close()
    two.start("receiver", "worker")
    assert restored.due > 1
    assert wait_until(lambda: not two.due(), 30), two.processes.log_tails(40)
    ledger = Ledger()
    for conversation in left.answered | left.waiting:
        answered, waiting, owed = (of.get(conversation, []) for of in (left.answered, left.waiting, left.owed))
        for text in (*owed, *waiting):
            ledger.said(f"telegram:{Person.parse(conversation).chat}", text)
        said = [unpack(record) for record in two.redis.lrange(f"recado:{{{conversation}}}:history", 0, -1)]
        asked = [mark for turn in said if turn.role == "user" for mark in marks_of(turn.text)]
        assert asked == [*answered, *waiting]
    ledger.read(two.telegram)
    report = ledger.check()
    assert report.ok, str(report)
    assert report.answered == report.accepted > 2


def test_what_an_older_version_left_is_ended_by_todays_processes(
    install: Callable[..., Installation], tmp_path: Path
) -> None:
    """Killed in mid-turn then, restored and started now: each answer is seen once and in order, on both platforms."""
    one, older = install(), Path(__file__).parents[1] / "upgrade" / "edcd37c.backup"
    there = connect("", one.data, 5)
    flow.restore(there, aged(older, tmp_path / "today", Snapshot(there).now()))
    there.close()
    one.start("receiver", "worker")

    def seen(chat: int | str) -> list[str]:
        platform = one.whatsapp if isinstance(chat, str) else one.telegram
        return [mark for bubble in platform.answers(chat) for mark in marks_of(bubble.text)]

    assert one.telegram.wait_until(lambda: mark(HALF, 2) in seen(HALF) and mark(WAITING, 2) in seen(WAITING), 30)
    one.whatsapp.say(CLOSED, mark(CLOSED, 2))
    assert one.whatsapp.wait_until(lambda: mark(CLOSED, 2) in seen(CLOSED), 30)
    for chat in (HALF, WAITING, CLOSED):
        assert seen(chat) == [mark(chat, 1), mark(chat, 2)]
    assert seen(PAUSED) == []
