"""Erased means erased: in every value, in Redis' files, and for a worker that was in the middle of a turn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.message import Piece, Reply, Turn
from bot.received import Status
from bot.stores import bell, erase
from bot.stores.connection import Store, connect, key
from bot.stores.line import MODELS, Line
from bot.stores.mailbox import COUNTS, QUARANTINE, Mailbox, Rest
from bot.stores.outbox import Outbox
from bot.stores.person import PARTS, Person
from tests.servers import serving
from tests.unit.everything import BEA, CHAT, HERE, LIMIT, PLACE, THERE, WORDS, be_neighbour, everything, live, said
from tests.unit.mailboxes import until

ANSWER = Reply(2, (Piece(WORDS),))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker here needs time to notice."""
    monkeypatch.setattr(erase, "NOTICE_SECONDS", 0)


@pytest.fixture
def filed(tmp_path: Path) -> Iterator[Store]:
    """A server of this test alone, with its files in the test's folder."""
    with serving(tmp_path) as url:
        store = connect(url, tmp_path, 5)
        yield store
        store.close()


def holding(folder: Path, *words: str) -> list[str]:
    """The files in which any of these words stands."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files for word in words if word.encode() in path.read_bytes()]


def test_nothing_is_left_in_any_value_or_file(filed: Store, tmp_path: Path) -> None:
    """The canary's words and number stand in the append-only file before, and in no byte of it afterwards."""
    filed.client.config_set("slowlog-log-slower-than", 0)
    live(filed)
    be_neighbour(filed)
    assert any(name.endswith(".aof") for name in holding(tmp_path, WORDS))
    assert any(name.endswith(".aof") for name in holding(tmp_path, CHAT))

    assert erase.erase(filed, Person.parse(CHAT)) == erase.Erased(conversations=2, quarantined=2)
    until(lambda: not holding(tmp_path, WORDS, CHAT), 20)
    log = str(filed.client.execute_command("SLOWLOG", "GET", 1000))
    left = str(everything(filed))
    assert [word for word in (WORDS, CHAT) if word in left or word in log] == []


def test_a_snapshot_is_written_anew_too(filed: Store, tmp_path: Path) -> None:
    """A server that also keeps dump.rdb."""
    filed.client.config_set("save", "3600 1")
    filed.client.config_set("rdbcompression", "no")
    live(filed)
    filed.client.save()
    assert "dump.rdb" in holding(tmp_path, CHAT)

    assert erase.erase(filed, Person.parse(CHAT)).remains == ()
    until(lambda: not holding(tmp_path, CHAT), 20)


def test_the_neighbour_is_untouched(store: Store) -> None:
    """What Redis holds afterwards is what it holds where the erased person never was."""
    be_neighbour(store)
    alone = {name: value for name, value in everything(store).items() if BEA in name}
    bodies, rings = (store.client.lrange(name, 0, -1) for name in (QUARANTINE, bell.QUEUE_KEY))
    live(store)
    erase.erase(store, Person.parse(CHAT))

    now = everything(store)
    assert {name: value for name, value in now.items() if BEA in name} == alone
    assert store.client.lrange(QUARANTINE, 0, -1) == bodies
    assert [name for name, _ in now["recado:due"]] == [BEA.encode()]
    assert now[bell.QUEUE_KEY] == rings
    assert int(store.client.hget(COUNTS, "quarantine_bytes") or 0) == sum(map(len, bodies))


def test_rq_knows_none_of_their_wakeups_any_more(store: Store) -> None:
    """Neither those in line, nor the one that failed, nor the one that is being run."""
    live(store)
    rung = [name for name in everything(store) if name.startswith("rq:job:")]
    assert rung
    erase.erase(store, Person.parse(CHAT))
    left = {name: value for name, value in everything(store).items() if name.startswith("rq:")}
    assert left == {"rq:queues": {b"rq:queue:recado"}}


def test_one_conversation_alone_can_be_erased(store: Store) -> None:
    live(store)
    assert erase.erase(store, Person.parse(HERE)).conversations == 1
    names = "".join(everything(store))
    assert HERE not in names
    assert THERE in names


def test_a_redelivery_brings_nothing_back(store: Store, mailbox: Mailbox) -> None:
    """The hashed id stays: the platform's second copy is dropped, while a new message starts from nothing."""
    live(store)
    erase.erase(store, Person.parse(CHAT))

    assert mailbox.accept([said(1, HERE), said(2, HERE), said(1, THERE)]) == 0
    assert mailbox.accept([said(9, HERE, "hola de nuevo")]) == 1


def test_a_worker_in_the_middle_of_it_writes_nothing_any_more(store: Store, mailbox: Mailbox) -> None:
    """Whatever step of its turn comes next, and a late status: all find nothing to add to."""
    live(store)
    erase.erase(store, Person.parse(CHAT))
    before = everything(store)
    outbox, line = Outbox(store), Line(store, MODELS, places=[PLACE], parallel=1, lease=60)

    assert mailbox.renew([(HERE, "ours", [line.seat(PLACE)])]).lost == {"ours"}
    assert not mailbox.commit(HERE, "ours", 2, ANSWER, (Turn("user", WORDS, 3, 2),), language="es")
    assert not mailbox.commit(HERE, "ours", 2, ANSWER, mode="bury", reason=WORDS)
    mailbox.defer(HERE, "ours", 1, notice=ANSWER)
    assert outbox.begin(HERE, "ours", 2, 0, [LIMIT], mode="preview")[0] == "lost"
    outbox.opened(HERE, "0123456789ab.2.0", "77")
    outbox.record(HERE, 2, 0, "sent", identity="77")
    outbox.repair(HERE, "ours", 2, 0, again=True)
    outbox.settle(Status(HERE, "0123456789ab.2.0", "sent"))
    line.leave(HERE, "ours", PLACE, "left")
    assert line.enter(HERE, "ours", [PLACE]) == ("", 0)
    assert not mailbox.release(HERE, "ours")
    assert isinstance(mailbox.take(HERE, "ours"), Rest)
    mailbox.sweep()
    assert everything(store) == before


def test_a_workers_last_gesture_is_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it notices that its turn is gone it may still show "typing", which counts against the chat's limit."""
    live(store)

    def notice(seconds: float) -> None:
        assert not store.client.exists(key(HERE, "lease"))
        store.client.delete(*store.client.keys("recado:limit:*"))
        assert Outbox(store).spare(HERE, [LIMIT])

    clock = SimpleNamespace(sleep=notice, monotonic=time.monotonic)
    monkeypatch.setattr(erase, "time", clock)
    monkeypatch.setattr(erase, "_rewrite", lambda _: [])
    erase.erase(store, Person.parse(CHAT))
    assert CHAT not in str(everything(store))


def test_every_part_of_a_conversation_is_known(store: Store) -> None:
    """One that came between the look and the deed goes too, because its name is known."""
    live(store)
    found = {name.rpartition(":")[2] for name in everything(store) if name.startswith("recado:{")}
    assert found == set(PARTS)


def test_erasing_twice_does_no_harm(store: Store) -> None:
    live(store)
    erase.erase(store, Person.parse(CHAT))
    assert erase.erase(store, Person.parse(CHAT)) == erase.Erased(conversations=0, quarantined=0)


def test_a_server_that_keeps_its_files_to_itself_is_told_of(store: Store) -> None:
    """Where the rewrite is refused, the operator hears what remains and what to do."""
    store.client.execute_command(
        "ACL", "SETUSER", "guest", "on", "nopass", "~*", "&*", "+@all", "-bgrewriteaof", "-config"
    )
    guest = connect(_as_guest(store), Path(), 5)
    live(guest)
    try:
        (words,) = erase.erase(guest, Person.parse(CHAT)).remains
    finally:
        guest.close()
        store.client.execute_command("ACL", "DELUSER", "guest")
    assert "BGREWRITEAOF" in words
    assert CHAT not in str(everything(store))


def _as_guest(store: Store) -> str:
    return f"unix://guest:@{store.client.connection_pool.connection_kwargs['path']}"


def test_a_rewrite_that_does_not_end_is_told_of(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erase, "REWRITE_SECONDS", 0)
    begun = time.monotonic()
    (words,) = erase.erase(store, Person.parse(CHAT)).remains
    assert "BGREWRITEAOF" in words
    assert time.monotonic() - begun < 30


def test_what_an_old_worker_heard_settles_no_reply_of_whoever_writes_again(store: Store, mailbox: Mailbox) -> None:
    """Turns begin with 1 again; the id under which a bubble was begun tells the new one from the old."""
    outbox, told = Outbox(store), Reply(1, (Piece("answer"),))
    ids = []
    for number in (1, 2):
        mailbox.accept([said(number, HERE)])
        mailbox.take(HERE, "ours")
        mailbox.commit(HERE, "ours", 1, told)
        ids.append(outbox.begin(HERE, "ours", 1, 0, ()).identity.partition(".")[0])
        if number == 1:
            erase.erase(store, Person.parse(CHAT))
    before = everything(store)
    for outcome in ("sent", "failed", "unknown", "staged"):
        outbox.record(HERE, 1, 0, outcome, identity=ids[0], mine=ids[0])
    assert everything(store) == before
    assert outbox.record(HERE, 1, 0, "sent", identity="wamid", mine=ids[1])
    assert store.client.exists(key(HERE, "out")) == 0
