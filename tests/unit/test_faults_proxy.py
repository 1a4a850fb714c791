"""The proxy before Redis: it changes nothing unless told to, and then breaks exactly what it was told to."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.message import Message
from bot.stores import embedded
from bot.stores.connection import connect
from bot.stores.mailbox import Mailbox
from simulator.faults import CUT, SWALLOW, Action, Delay, Point, RedisProxy, kill, proxy
from simulator.faults.plan import When
from simulator.processes import free_port, wait_until

Client = Callable[..., Any]
WHEN: tuple[When, When] = ("before", "after")
PATIENCE = 30.0


class Server:
    """A Redis on a port of its own, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()

    def start(self) -> None:
        command = [*embedded.command(self.folder, self.port), "--appendfsync", "no", "--enable-debug-command", "yes"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert wait_until(lambda: embedded.is_running(self.folder), PATIENCE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("behind"))
    found.start()
    yield found
    kill(found.process)


@pytest.fixture
def through(server: Server) -> Iterator[RedisProxy]:
    direct = redis.Redis(port=server.port)
    direct.flushall()
    direct.script_flush()
    direct.close()
    with RedisProxy("127.0.0.1", server.port) as found:
        yield found
    assert [thread for thread in threading.enumerate() if thread.name == "RedisProxy"] == []


@pytest.fixture
def client() -> Iterator[Client]:
    """Opens clients that never try again by themselves."""
    opened: list[Any] = []

    def make(at: RedisProxy | Server, **options: Any) -> Any:
        url = at.url if isinstance(at, RedisProxy) else f"redis://127.0.0.1:{at.port}/0"
        options = {"retry": Retry(NoBackoff(), 0), "socket_timeout": PATIENCE} | options
        opened.append(redis.Redis.from_url(url, **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def port_of(through: RedisProxy) -> int:
    return int(through.url.removesuffix("/0").rpartition(":")[2])


def names(through: RedisProxy) -> list[str]:
    return [passed.name for passed in through.trace]


# -- nothing is planned


@pytest.mark.parametrize("protocol", [2, 3])
def test_sixteen_threads_get_their_own_answers(through: RedisProxy, client: Client, protocol: int) -> None:
    """Plain commands, pipelines, transactions and lists, in both protocols, all at once."""
    many = client(through, protocol=protocol)

    def use(who: int) -> None:
        for n in range(40):
            value = f"{who}:{n}:".encode() * (1 + n * who % 97)
            assert many.set(f"k{who}", value)
            assert many.get(f"k{who}") == value
            with many.pipeline(transaction=bool(n % 2)) as pipe:
                for i in range(20):
                    pipe.rpush(f"l{who}:{n}", value, i)
                pipe.lrange(f"l{who}:{n}", 0, -1).get("none").hgetall("none").smembers("none")
                *lengths, items, none, no_hash, no_set = pipe.execute()
            assert lengths == list(range(2, 42, 2))
            assert items == [part for i in range(20) for part in (value, str(i).encode())]
            assert (none, no_hash, no_set) == (None, {}, set())

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(use, range(16)))
    assert through.errors == []
    assert names(through).count("rpush") == 16 * 40 * 20
    assert names(through).count("exec") == names(through).count("multi") == 16 * 20
    assert [passed.number for passed in through.trace] == list(range(1, len(through.trace) + 1))


def test_who_waits_for_work_gets_it_and_delays_nobody(through: RedisProxy, client: Client) -> None:
    """BLMOVE on many connections, each element moved once."""
    many = client(through)
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(many.blmove, "in", "out", PATIENCE) for _ in range(8)]
        assert wait_until(lambda: names(through).count("blmove") == 8, PATIENCE)
        assert many.ping()
        many.rpush("in", *range(8))
        moved = sorted(int(one.result(PATIENCE)) for one in waiting)
    assert moved == list(range(8))
    assert sorted(int(one) for one in many.lrange("out", 0, -1)) == list(range(8))


@pytest.mark.parametrize("protocol", [2, 3])
def test_what_is_published_arrives_in_between(through: RedisProxy, client: Client, protocol: int) -> None:
    many = client(through, protocol=protocol)
    with many.pubsub() as listener:
        listener.subscribe("a", "b")
        listener.psubscribe("c*")
        for channel in ("a", "b", "c1"):
            many.publish(channel, f"for {channel}")
        told = (listener.get_message(timeout=PATIENCE) for _ in range(6))
        heard = [(one["type"], one["channel"]) for one in told if one]
    assert heard == [
        *(("subscribe", b"a"), ("subscribe", b"b"), ("psubscribe", b"c*")),
        *(("message", b"a"), ("message", b"b"), ("pmessage", b"c1")),
    ]


def test_large_values_pass_unchanged(through: RedisProxy, client: Client) -> None:
    value = bytes(range(256)) * (5 << 12)
    many = client(through)
    many.set("large", value)
    many.rpush("list", *range(50_000))

    assert many.get("large") == value
    assert many.lrange("list", 0, -1) == [str(i).encode() for i in range(50_000)]


def test_what_was_sent_before_leaving_still_arrives(through: RedisProxy, server: Server, client: Client) -> None:
    """A client that does not wait for its answers, in the form for people that Redis reads too."""
    with socket.create_connection(("127.0.0.1", port_of(through))) as link:
        link.sendall(b"\r\nSET left yes\r\n" * 100 + b"*3\r\n$3\r\nSET\r\n$4\r\nlast\r\n$3\r\nyes\r\n")
    assert wait_until(lambda: client(server).get("last") == b"yes", PATIENCE)
    assert names(through) == ["set"] * 101


def test_redis_is_told_when_a_client_leaves(through: RedisProxy, server: Server, client: Client) -> None:
    """So nothing is moved for somebody who waits no longer."""
    direct = client(server)
    with socket.create_connection(("127.0.0.1", port_of(through))) as link:
        link.sendall(b"BLMOVE in out LEFT LEFT 0\r\n")
        assert wait_until(lambda: direct.info("clients")["blocked_clients"] == 1, PATIENCE)
    assert wait_until(lambda: direct.info("clients")["blocked_clients"] == 0, PATIENCE)


def test_scripts_go_by_their_own_names(through: RedisProxy, client: Client) -> None:
    """Learned from EVAL and SCRIPT LOAD; a script nobody has seen goes by its hash."""
    shared, take, unnamed = "-- shared by all\nlocal x = 1\n", "-- take: a turn\nreturn 1", "return 2 -- x: y"
    many = client(through)
    many.eval(shared + take, 0)
    loaded = many.script_load("-- give: nothing\n-- take: not this\nreturn 3")
    many.evalsha(hashlib.sha1((shared + take).encode()).hexdigest().upper(), 0)
    many.evalsha(loaded, 0)
    many.eval(unnamed, 0)
    with pytest.raises(redis.exceptions.NoScriptError):
        many.evalsha("0123456789abcdef0123456789abcdef01234567", 0)
    scripts = names(through)[-6:]
    assert scripts == ["take", "script", "take", "give", hashlib.sha1(unnamed.encode()).hexdigest()[:8], "01234567"]


def test_the_products_own_steps_have_names(through: RedisProxy, tmp_path: Path) -> None:
    store = connect(through.url, tmp_path, PATIENCE)
    mailbox = Mailbox(store, lease=15, quiet=0, cap=0, days=30)
    for n in range(2):
        mailbox.accept([Message(str(n), "telegram:1:2", "hello")])
    store.close()
    assert names(through)[-2:] == ["accept", "accept"]


def test_the_trace_does_not_grow_for_ever(through: RedisProxy, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "KEPT", 50)
    many = client(through)
    for _ in range(400):
        many.ping()
    assert 50 <= len(through.trace) <= 100
    assert through.trace[-1].number >= 400


# -- at a point


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("occurrence", [1, 3])
def test_a_cut_is_where_it_was_planned(through: RedisProxy, client: Client, when: When, occurrence: int) -> None:
    """before: not done. after: done, and the client does not know."""
    many = client(through)
    many.ping()
    through.restart_count()
    fired = through.at(Point("incrby", occurrence, when), CUT)
    for _ in range(occurrence - 1):
        many.incr("n")
        many.set("other", 5)
    assert not fired.is_set()
    with pytest.raises(redis.exceptions.ConnectionError):
        many.incr("n")
    assert fired.wait(PATIENCE)
    assert through.fired.is_set()
    assert int(many.get("n") or 0) == (occurrence if when == "after" else occurrence - 1)
    assert many.incr("n"), "it happens once"


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("k", range(1, 7))
def test_a_pipeline_is_cut_at_the_very_command(
    through: RedisProxy, server: Server, client: Client, when: When, k: int
) -> None:
    """All commands come in one packet; exactly those up to the point are done."""
    many = client(through)
    many.ping()
    through.restart_count()
    fired = through.at(Point.nth(k, when), CUT)
    pipe = many.pipeline(transaction=False)
    for n in range(1, 7):
        pipe.rpush("done", n)
    with pytest.raises(redis.exceptions.ConnectionError):
        pipe.execute()
    assert fired.wait(PATIENCE)
    direct, last = client(server), k if when == "after" else k - 1
    assert wait_until(lambda: direct.llen("done") == last, PATIENCE)
    assert wait_until(lambda: len(direct.client_list()) == 1, PATIENCE), "Redis has seen the connection end"
    assert direct.llen("done") == last


def test_a_transaction_that_is_cut_is_not_done(through: RedisProxy, server: Server, client: Client) -> None:
    through.at(Point("exec"), CUT)
    with pytest.raises(redis.exceptions.ConnectionError):
        client(through).pipeline().set("a", 1).set("b", 2).execute()
    assert client(server).keys() == []


@pytest.mark.parametrize("when", WHEN)
def test_a_swallowed_command_is_never_answered(through: RedisProxy, server: Server, client: Client, when: When) -> None:
    """Its connection stays open, with the earlier answers and without the later ones; others go on."""
    through.at(Point("incr", 2, when), SWALLOW)
    with socket.create_connection(("127.0.0.1", port_of(through)), PATIENCE) as link:
        link.sendall(b"INCR n\r\nINCR n\r\nINCR n\r\n")
        assert link.recv(64) == b":1\r\n"
        assert through.fired.wait(PATIENCE)
        assert client(through).incr("others") == 1
        link.sendall(b"INCR n\r\n")
        link.settimeout(0.3)
        with pytest.raises(TimeoutError):
            link.recv(64)
    assert client(server).get("n") == (b"2" if when == "after" else b"1")
    assert names(through).count("incr") == 2, "what comes after it reaches nobody"


@pytest.mark.parametrize("when", WHEN)
def test_a_delay_holds_one_command_and_nobody_else(
    through: RedisProxy, server: Server, client: Client, when: When
) -> None:
    through.at(Point("incrby", 1, when), Delay(0.4))
    with ThreadPoolExecutor(1) as thread:
        started = time.monotonic()
        slow = thread.submit(client(through).incr, "n")
        assert through.fired.wait(PATIENCE)
        assert client(through).ping()
        assert slow.result(PATIENCE) == 1
        assert time.monotonic() - started >= 0.4


@pytest.mark.parametrize("when", WHEN)
def test_a_callers_action_sees_the_moment(through: RedisProxy, server: Server, client: Client, when: When) -> None:
    """before: Redis has not done it. after: it has; the client is cut either way, and other clients go on."""
    seen: list[object] = []
    through.at(Point("set", 1, when), lambda: seen.append((client(server).get("a"), client(through).ping())))
    with pytest.raises(redis.exceptions.ConnectionError):
        client(through).set("a", "done")
    assert through.fired.wait(PATIENCE)
    assert seen == [(b"done" if when == "after" else None, True)]


WRITER = """
import redis, sys
client = redis.Redis.from_url(sys.argv[1])
client.set("first", "yes")
client.set("second", "yes")
client.set("third", "yes")
"""


@pytest.mark.parametrize(("when", "done"), [("before", 1), ("after", 2)])
def test_a_process_dies_at_the_point(
    through: RedisProxy, server: Server, client: Client, when: When, done: int
) -> None:
    started = threading.Event()

    def murder() -> None:
        started.wait(PATIENCE)
        kill(process)

    fired = through.at(Point("set", 2, when), murder)
    process = subprocess.Popen([sys.executable, "-c", WRITER, through.url])
    started.set()
    assert fired.wait(PATIENCE)
    assert process.wait(PATIENCE) == -9
    assert client(server).dbsize() == done


def test_what_an_action_raises_is_kept(through: RedisProxy, client: Client) -> None:
    def fail() -> None:
        raise ValueError("no such process")

    through.at(Point("ping"), fail)
    with pytest.raises(redis.exceptions.ConnectionError):
        client(through).ping()
    assert [str(error) for error in through.errors] == ["no such process"]


def test_subscribing_moves_no_point(through: RedisProxy, client: Client) -> None:
    """After messages that nobody asked for, an answer still belongs to its own command."""
    many = client(through, protocol=3)
    with many.pubsub() as listener:
        listener.subscribe("a", "b", "c")
        many.publish("a", "hello")
        through.at(Point("ping", 1, "after"), CUT)
        listener.ping()
        heard = [listener.get_message(timeout=PATIENCE)["type"] for _ in range(4)]
        with pytest.raises(redis.exceptions.ConnectionError):
            listener.get_message(timeout=PATIENCE)
    assert heard == ["subscribe", "subscribe", "subscribe", "message"]


def test_a_fault_does_not_come_back_when_the_count_does(through: RedisProxy, client: Client) -> None:
    through.at(Point("ping"), CUT)
    with pytest.raises(redis.exceptions.ConnectionError):
        client(through).ping()
    through.restart_count()
    assert client(through).ping()
    assert not through.fired.is_set()


def test_what_is_planned_can_be_forgotten(through: RedisProxy, client: Client) -> None:
    through.at(Point("ping"), CUT)
    through.forget()
    assert client(through).ping()
    assert not through.fired.is_set()


def test_the_count_starts_again_with_an_empty_trace(through: RedisProxy, client: Client) -> None:
    many = client(through)
    for _ in range(2):
        many.ping()
    through.restart_count()
    many.ping()
    assert [(passed.number, passed.name) for passed in through.trace] == [(1, "ping")]


# -- for a while


def test_nothing_gets_through_a_blackhole(through: RedisProxy, server: Server, client: Client) -> None:
    """Connections stay, new ones are made, nobody answers; what was sent arrives late, as on a real network."""
    old, new = client(through, socket_timeout=0.3), client(through, socket_timeout=0.3)
    assert old.ping()
    through.blackhole()
    for one in (old, new):
        with pytest.raises(redis.exceptions.TimeoutError):
            one.incr("late")
    assert client(server).get("late") is None
    through.heal()
    assert client(through).ping()
    assert wait_until(lambda: client(server).get("late") == b"1", PATIENCE), "the one that was connected before"


def test_refused_means_refused_until_healed(through: RedisProxy, client: Client) -> None:
    """Who is connected is cut, who comes is refused, on a port that stays ours."""
    many, waiting = client(through), client(through)
    assert many.ping()
    with ThreadPoolExecutor(1) as thread:
        blocked = thread.submit(waiting.blmove, "a", "b", PATIENCE)
        assert wait_until(lambda: "blmove" in names(through), PATIENCE)
        for _ in range(2):
            through.refuse()
        with pytest.raises(redis.exceptions.ConnectionError):
            blocked.result(PATIENCE)
    with pytest.raises(redis.exceptions.ConnectionError):
        many.ping()
    with pytest.raises(redis.exceptions.ConnectionError, match="refused"):
        many.ping()
    for _ in range(2):
        through.heal()
    assert many.ping()


def test_a_delay_for_all(through: RedisProxy, client: Client) -> None:
    many = client(through)
    many.ping()
    through.delay = 0.2
    started = time.monotonic()
    assert many.ping()
    assert time.monotonic() - started >= 0.2


def test_an_action_may_be_a_fault_that_lasts(through: RedisProxy, client: Client) -> None:
    fired = through.at(Point("ping"), through.refuse)
    with pytest.raises(redis.exceptions.ConnectionError):
        client(through).ping()
    assert fired.wait(PATIENCE)
    with pytest.raises(redis.exceptions.ConnectionError, match="refused"):
        client(through).ping()


def test_a_redis_that_dies_is_seen_to_die_and_to_come_back(tmp_path: Path, client: Client) -> None:
    behind = Server(tmp_path)
    behind.start()
    try:
        with RedisProxy("127.0.0.1", behind.port) as through:
            many = client(through)
            many.set("kept", "yes")
            kill(behind.process)
            for _ in range(2):
                with pytest.raises(redis.exceptions.ConnectionError):
                    many.ping()
            behind.start()
            assert many.get("kept") == b"yes"
            assert through.errors == []
    finally:
        kill(behind.process)


def test_what_is_no_protocol_is_noted(through: RedisProxy) -> None:
    with socket.create_connection(("127.0.0.1", port_of(through)), PATIENCE) as link:
        link.sendall(b"*1\r\n?what\r\n")
        assert link.recv(64) == b""
    assert wait_until(lambda: len(through.errors) == 1, PATIENCE)


@pytest.mark.parametrize("action", [CUT, SWALLOW, Delay(30)])
def test_leaving_ends_whatever_is_under_way(server: Server, client: Client, action: Action) -> None:
    with RedisProxy("127.0.0.1", server.port) as through, ThreadPoolExecutor(1) as thread:
        through.at(Point("ping"), action)
        thread.submit(client(through, socket_timeout=0.2).ping)
        assert through.fired.wait(PATIENCE)
        through.blackhole()
    assert not through._thread.is_alive()
