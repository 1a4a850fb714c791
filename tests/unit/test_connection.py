"""The way to Redis: an answer that is lost on the way doubles nothing, and every failure is ours."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import SettingsError, StoreUnavailable
from bot.message import Message, Piece, Reply
from bot.stores import embedded
from bot.stores.connection import Store, connect, key
from bot.stores.mailbox import Mailbox, Think
from bot.stores.outbox import Outbox

ANA = "telegram:7:1"


class Swallower:
    """A proxy before Redis that carries out commands. It swallows the answers to the next ones when told, and hangs
    up; or it keeps the answer to the next one for ``late`` seconds."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.swallow, self.late, self.asked = 0, 0.0, 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as redis:
            redis.connect(self._upstream)
            while data := client.recv(1 << 20):
                self.asked += b"EVAL" in data
                redis.sendall(data)
                answer = redis.recv(1 << 20)
                if self.swallow and b"EVAL" in data:
                    self.swallow -= 1
                    return
                if self.late and b"EVAL" in data:
                    late, self.late = self.late, 0
                    time.sleep(late)
                client.sendall(answer)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def proxy(store: Store, redis_dir: Path) -> Iterator[Swallower]:
    found = Swallower(str(embedded.socket_path(redis_dir)))
    yield found
    found.close()


@pytest.fixture
def shaky(proxy: Swallower, tmp_path: Path) -> Iterator[Store]:
    found = connect(f"redis://127.0.0.1:{proxy.port}", tmp_path, 2)
    yield found
    found.close()


def test_a_swallowed_answer_doubles_nothing(store: Store, shaky: Store, proxy: Swallower) -> None:
    """Each step of a turn runs twice in Redis, because its answer was lost, and counts once."""
    box, outbox = Mailbox(shaky, lease=15, quiet=0, cap=0, days=30), Outbox(shaky)
    box.accept([Message("0", "telegram:7:0", "so that the scripts are known to Redis")])

    proxy.swallow = 1
    assert box.accept([Message("1", ANA, "hola")]) == 0  # the second run finds it accepted
    assert store.client.llen(key(ANA, "in")) == 1
    proxy.swallow = 1
    task = box.take(ANA, "a")
    assert isinstance(task, Think)
    assert (task.batch.turn, len(task.batch.messages)) == (1, 1)
    answer = Reply(1, (Piece("answer"),))
    proxy.swallow = 1
    assert box.commit(ANA, "a", 1, answer)
    assert store.client.llen(key(ANA, "out")) == 1
    proxy.swallow = 1
    assert outbox.begin(ANA, "a", answer.turn, 0, ()).permission == "go"
    proxy.swallow = 1
    assert outbox.record(ANA, answer.turn, 0, "sent")
    proxy.swallow = 1
    assert not box.release(ANA, "a")
    assert store.client.exists(key(ANA, "out"), key(ANA, "in"), key(ANA, "wip"), key(ANA, "lease")) == 0
    assert proxy.swallow == 0


def test_a_connection_that_stays_broken_is_said_in_our_words(shaky: Store, proxy: Swallower) -> None:
    """One retry, no more: the platform waits for an answer."""
    proxy.swallow = 5
    with pytest.raises(StoreUnavailable, match="Redis"):
        Mailbox(shaky, lease=15, quiet=0, cap=0, days=30).accept([Message("1", ANA, "hola")])
    assert proxy.swallow == 3


def test_an_answer_that_does_not_come_in_time_is_not_waited_for_twice(proxy: Swallower, tmp_path: Path) -> None:
    """The platform is told to come again at once; a late answer is never taken for the next question's."""
    hasty = connect(f"redis://127.0.0.1:{proxy.port}", tmp_path, 1)
    box = Mailbox(hasty, lease=15, quiet=0, cap=0, days=30)
    box.accept([Message(str(number), ANA, "hola") for number in range(3)])
    proxy.late, proxy.asked = 1.2, 0
    with pytest.raises(StoreUnavailable, match="does not answer"):
        box.accept([Message(str(number), ANA, "hola") for number in range(3, 10)])
    assert proxy.asked == 1
    time.sleep(0.3)
    assert box.accept([Message("10", ANA, "hola")]) == 1
    hasty.close()


def test_connections_that_broke_are_used_up_by_nobody(store: Store, shaky: Store, proxy: Swallower) -> None:
    """However often a connection breaks, the process goes on: here as often as redis-py's pool has places, and more."""
    box = Mailbox(shaky, lease=15, quiet=0, cap=0, days=30)
    for number in range(130):
        proxy.swallow = 1
        box.accept([Message(str(number), ANA, "hola")])
    assert store.client.llen(key(ANA, "in")) == 130
    assert len(shaky._idle) == 1


def test_a_restarted_redis_is_used_at_once(shaky: Store, proxy: Swallower) -> None:
    """All connections that idled are dead; no call fails because of that."""
    links = [shaky.client.connection_pool.make_connection() for _ in range(6)]
    for link in links:
        link.connect()
        link._sock.close()
    shaky._idle.extend(links)
    for _ in range(6):
        shaky.ping()


def test_a_wrong_address_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="REDIS_URL"):
        connect("http://localhost", tmp_path, 2)


def test_redis_that_refuses_to_write_is_unavailable(store: Store, mailbox: Mailbox) -> None:
    """A full Redis is an outage, not a loss: nothing is accepted."""
    store.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable):
            mailbox.accept([Message("1", ANA, "hola")])
    finally:
        store.client.config_set("maxmemory", 0)
    assert mailbox.accept([Message("1", ANA, "hola")]) == 1
