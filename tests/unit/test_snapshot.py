"""A snapshot: everything that is kept of people, read while they write, and put into another Redis unharmed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bot.errors import Undelivered
from bot.message import Message
from bot.stores.connection import DUE, WAITING, Script, Store, connect, key
from bot.stores.dead import DeadLetters
from bot.stores.mailbox import Mailbox
from bot.stores.person import export
from bot.stores.snapshot import Group, Kept, Snapshot
from bot.stores.whom import Person
from tests.servers import serving
from tests.unit.bosses import BOSS, Shop
from tests.unit.everything import CHAT, be_neighbour, live
from tests.unit.mailboxes import ANA, BEA, now_ms, said, taken_texts, until
from tests.unit.test_dead import die
from tests.unit.waits import unanswered, waiting
from tests.unit.worlds import World

PASSING = {"lease", "exported_at", "due_at", "limits"}


@pytest.fixture(scope="module")
def other_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("other")
    with serving(folder, "--appendfsync", "no"):
        yield folder


@pytest.fixture
def other(other_dir: Path) -> Iterator[Store]:
    """Another Redis, empty."""
    found = connect(f"unix://{other_dir / 'redis.sock'}", other_dir, 5)
    found.client.flushall()
    yield found
    found.close()


def moved(store: Store, other: Store, groups: Sequence[Group] | None = None) -> None:
    """What is in one Redis is in the other one, too."""
    there = Snapshot(other)
    there.put(list(Snapshot(store).groups()) if groups is None else groups, there.now())


def kept(store: Store, *, but: tuple[str, ...] = ()) -> dict[str, object]:
    """Every key that must be kept, with what it holds."""
    found = {}
    for group in Snapshot(store).groups():
        for one in group:
            if not one.name.endswith(but or ("\0",)):
                found[one.name] = (one.kind, one.ends // 60_000, one.value)
    return found


def test_everything_of_everybody_is_there_again(store: Store, other: Store) -> None:
    """Keys of every type, with their ends; states lose only what belongs to processes that are gone."""
    live(store)
    be_neighbour(store)
    moved(store, other)

    states, indices = (":state",), ("recado:dead",)
    assert kept(other, but=(*states, *indices)) == kept(store, but=(*states, *indices))
    assert len(kept(other)) == len(kept(store)) > 20
    there, here = (export(one, Person.parse(CHAT))["conversations"] for one in (other, store))
    gone = {"ring", "thinker", "line_at", "number:models", "think_at", "think_wait"}
    for one, before in zip(there, here, strict=True):
        assert {**one, "state": 0, "due_at": 0} == {**before, "state": 0, "due_at": 0}
        assert one["state"] == {name: value for name, value in before["state"].items() if name not in gone}


def test_no_lease_place_line_limit_or_card_goes_with_it(store: Store, other: Store) -> None:
    live(store)
    store.client.set("recado:worker:w1", "{}", ex=15)
    moved(store, other)

    names = {name.decode() for name in other.client.scan_iter("*")}
    assert not [
        name for name in names if name.endswith(":lease") or name.startswith(("rq:", "recado:limit", "recado:pl"))
    ]
    assert not names & {"recado:line:models", "recado:worker:w1", "recado:rings", "recado:clock"}


def test_whoever_has_work_is_due_and_who_waits_longest_first(store: Store, other: Store, mailbox: Mailbox) -> None:
    for number, who in enumerate((BEA, ANA)):
        mailbox.accept([said(number, conversation=who)])
        before = now_ms(store)
        until(lambda before=before: now_ms(store) > before)
    mailbox.take(ANA, "a")
    moved(store, other)
    heir = Mailbox(other, lease=15, quiet=0, cap=0, days=30)

    assert [name.decode() for name in other.client.zrange(DUE, 0, -1)] == [BEA, ANA]
    assert waiting(other) == unanswered(other) == waiting(store)
    assert heir.sweep()[0] == 2
    assert taken_texts(heir, "b", ANA) == ["message 1"]
    assert other.client.hget(key(ANA, "state"), "deaths") is None


def test_a_conversation_at_rest_is_not_due(store: Store, other: Store) -> None:
    world = World(store)
    world.answer("hola")
    moved(store, other)

    assert not other.client.exists(DUE, WAITING)
    assert other.client.ttl(key(ANA, "history")) > 0


def test_what_has_ended_meanwhile_stays_gone(store: Store, other: Store) -> None:
    now = now_ms(other)
    over, lasting = (Kept(f"recado:told:{ends}", "string", ends, "1") for ends in (now - 1, now + 60_000))

    assert Snapshot(other).put([[over, lasting]], now) == 1
    assert [name.decode() for name in other.client.keys("*")] == [lasting.name]


def test_it_can_be_put_twice(store: Store, other: Store) -> None:
    """A restore that was broken off is begun anew."""
    live(store)
    moved(store, other)
    once = kept(other)
    moved(store, other)

    assert kept(other) == once


def test_bytes_that_are_no_text_survive(store: Store, other: Store, mailbox: Mailbox) -> None:
    body = b'\xff\xfe{"from": \x00 \xed\xa0\x80 \xf0\x9f\x8e\x82'
    mailbox.quarantine("whatsapp", body)
    moved(store, other)

    assert other.client.lindex("recado:quarantine", 0).endswith(body)


def test_who_died_is_on_the_list_although_they_were_retried_while_the_backup_was_made(
    store: Store, other: Store, mailbox: Mailbox
) -> None:
    """The list of them is read last, the letters before it."""
    die(mailbox, said(1))
    groups = list(Snapshot(store).groups())
    without = [[one for one in group if one.name != "recado:dead"] for group in groups]
    moved(store, other, without)

    assert [letters.messages for letters in DeadLetters(other).all()] == [1]


def test_an_answer_that_was_not_yet_said_is_said_after_a_restore(store: Store, other: Store) -> None:
    """Its person has nothing else waiting, and need not write again for it."""
    world = World(store)
    world.channel.fail = [Undelivered("no network")]
    world.answer("hello")
    moved(store, other)

    assert other.client.zscore(DUE, ANA) <= now_ms(other)
    heir = World(other)
    other.client.hdel(key(ANA, "state"), "speak_at")
    heir.answerer.answer(ANA)
    assert heir.channel.spoken == ["re: hello"]


class Meanwhile(Store):
    """A Redis in which something happens before every read of a snapshot."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.client)
        self.happens = iter(())

    def run(self, script: Script, keys: Sequence[str], args: Sequence[object]) -> object:  # type: ignore[override]
        next(self.happens, None)
        return super().run(script, keys, args)  # type: ignore[arg-type]


def test_what_comes_while_it_is_read_is_lost_in_no_case(store: Store, other: Store) -> None:
    """At every moment somebody writes and is answered: what was seen is there, and what is not may come again."""
    world = World(store)
    number = 0

    def happens() -> Iterator[None]:
        nonlocal number
        while True:
            number += 1
            world.say(f"w{number}", conversation=(ANA, BEA)[number % 2])
            if number % 3 == 0:
                world.answerer.answer(ANA)
            yield

    world.say("first")
    world.answerer.answer(ANA)
    busy = Meanwhile(store)
    busy.happens = happens()
    moved(store, other, list(Snapshot(busy).groups()))

    def missing() -> list[int]:
        texts = "".join(str(one.value) for group in Snapshot(other).groups() for one in group)
        return [n for n in range(1, number + 1) if f"w{n}" not in texts]

    assert 0 < len(missing()) < number
    heir = Mailbox(other, lease=15, quiet=0, cap=0, days=30)
    heir.accept(Message(str(n + 1), (ANA, BEA)[n % 2], f"w{n}") for n in range(1, number + 1))
    assert missing() == []


@pytest.mark.parametrize("moment", range(4))
def test_the_owners_words_reach_their_customer_although_both_are_read_apart(
    store: Store, other: Store, moment: int
) -> None:
    """The owner's conversation is read first: what it does to another one is done by its turn, now or again."""
    shop = Shop(store)
    shop.say("/humano")
    [notice] = shop.notices
    shop.mailbox.accept([Message("relayed", BOSS, "tomorrow at nine", quoted=notice, sender="99", person="Eva")])
    busy = Meanwhile(store)
    busy.happens = (shop.world.answerer.answer(BOSS) if n == moment else None for n in range(99))
    groups = list(Snapshot(busy).groups(first=[BOSS]))
    shop.work(BOSS)
    moved(store, other, groups)

    texts = "".join(str(one.value) for group in Snapshot(other).groups() for one in group)
    assert "tomorrow at nine" in texts


def test_who_uses_a_redis_is_known_by_its_connections(redis_dir: Path, store: Store) -> None:
    url = f"unix://{redis_dir / 'redis.sock'}"
    receiver = connect(url, redis_dir, 5, "receiver")
    receiver.ping()

    assert Snapshot(store).users() == ["receiver"]
    receiver.close()


def test_forgetting_everything_leaves_other_keys_and_the_number_of_the_last_wake_up(store: Store) -> None:
    """Wake-ups of before may still stand in RQ's queue: a new one must not have their number."""
    live(store)
    store.client.set("somebody:else", "1")
    rings = store.client.get("recado:rings")
    Snapshot(store).clear()

    assert {name.decode() for name in store.client.keys("recado:*")} == {"recado:rings"}
    assert store.client.get("recado:rings") == rings
    assert store.client.get("somebody:else") == b"1"
