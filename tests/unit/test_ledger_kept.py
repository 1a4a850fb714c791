"""The ledger judges what the product keeps, logs and leaves behind as strictly as what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.message import Message
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from simulator.ledger import Ledger, scan_logs
from simulator.ledger.records import Sender
from simulator.ledger.store import read_redis
from tests.unit.ledgers import GOOD, ONE, OTHER, THREE, TWO, written

KEPT: list[tuple[Sender, str]] = [
    ("user", ONE), ("assistant", f"re: {ONE}"), ("user", f"{TWO}\n{THREE}"), ("assistant", f"re: {TWO}\n{THREE}"),
]  # fmt: skip
ANA = "telegram:7123:555"


def remembered(*turns: tuple[Sender, str]) -> Ledger:
    """Everybody was answered; of Ana's conversation this is remembered, of Bob's what is right."""
    ledger = written(*GOOD)
    ledger.history("ana", turns)
    ledger.history("bob", [("user", OTHER), ("assistant", f"re: {OTHER}")])
    return ledger


def test_a_history_that_is_what_was_said_breaks_nothing() -> None:
    assert remembered(*KEPT).check().ok


@pytest.mark.parametrize(
    ("turns", "fault"),
    [
        ((*KEPT, *KEPT[:2]), f"{ONE} twice in what was said"),
        (KEPT[:2], f"{TWO}, {THREE} missing in what was said"),
        (KEPT[:3], f"{TWO}, {THREE} missing in the answers"),
        ((*KEPT[2:], *KEPT[:2]), f"{ONE} out of order in what was said"),
        ((KEPT[1], KEPT[0], *KEPT[2:]), f"{ONE} is answered before it is said"),
        ((*KEPT, ("user", OTHER)), f"{OTHER} too much in what was said"),
        ((), f"{ONE}, {TWO}, {THREE} missing in what was said"),
    ],
)
def test_a_history_that_is_not_what_was_said_is_caught(turns: tuple[tuple[Sender, str], ...], fault: str) -> None:
    report = remembered(*turns).check()
    assert not report.ok
    assert len(report.unequal) == 1
    assert report.unequal[0].startswith(f"ana: {fault}")


def test_a_history_that_is_missing_altogether_is_caught() -> None:
    ledger = written(*GOOD)
    ledger.history("ana", KEPT)
    assert ledger.check().ok
    ledger.complete()
    assert [line.partition(":")[0] for line in ledger.check().unequal] == ["bob"]


def test_a_turn_of_somebody_else_is_a_leak() -> None:
    assert remembered(*KEPT, ("assistant", f"re: {OTHER}")).check().leaked == [OTHER]


def test_the_heard_stand_in_history_and_the_dead_do_not() -> None:
    ledger = written(GOOD[0], GOOD[2])
    ledger.explain("ana", TWO, "quota")
    ledger.explain("ana", THREE, "dead")
    ledger.history("bob", [("user", OTHER), ("assistant", f"re: {OTHER}")])
    ledger.history("ana", KEPT[:2])
    assert ledger.check().unequal == [f"ana: {TWO} missing in what was said"]

    ledger.history("ana", [("user", TWO)])
    report = ledger.check()
    assert report.ok
    assert report.explained == {"quota": [TWO], "dead": [THREE]}


def test_an_answer_on_its_way_is_no_fault_of_history() -> None:
    ledger = written(GOOD[0], GOOD[2])
    ledger.history("ana", KEPT)
    ledger.history("bob", [("user", OTHER), ("assistant", f"re: {OTHER}")])
    assert ledger.check(waiting=["ana"]).ok
    assert ledger.check().unequal


@pytest.mark.parametrize("form", [str, json.dumps])
def test_a_prompt_with_the_words_of_two_people_is_a_leak(form: Callable[[str], str]) -> None:
    ledger = written(*GOOD)
    ledger.prompted(form(f"{ONE}\n{TWO}"))
    assert ledger.check().ok
    ledger.prompted(form(f"{ONE}\n{OTHER}"))
    assert ledger.check().leaked == [f"{ONE} beside {OTHER}"]


def test_what_is_left_at_rest_is_caught_but_not_what_a_run_cut_short_leaves() -> None:
    ledger = written(*GOOD)
    ledger.rest({"recado:due": 0, "rq:queue:recado": 0})
    assert ledger.check().ok
    ledger.rest({"recado:{telegram:7:1}:lease": 1}, {"rq:wip:recado": 2})
    report = ledger.check()
    assert report.left == ["recado:{telegram:7:1}:lease: 1", "rq:wip:recado: 2"]
    assert report.broken == ("left",)

    short = written(*GOOD[:2])
    short.rest({"recado:{telegram:7:2}:in": 1})
    assert short.check(waiting=["bob"]).ok


def test_early_calls_are_caught() -> None:
    ledger = written(*GOOD)
    ledger.too_early("ana", "sendMessage")
    report = ledger.check()
    assert (report.early, report.broken) == (["ana: sendMessage"], ("early",))


def test_a_trace_tells_everything_of_one_message_in_the_order_of_time() -> None:
    ledger = Ledger()
    ledger.said("ana", ONE, time=10, taken=10.5)
    ledger.said("ana", TWO, time=10.1)
    ledger.delivered("ana", "7", "re:…", time=11)
    ledger.delivered("ana", "8", f"re: {TWO}", time=11.5)
    ledger.delivered("ana", "7", f"re: {ONE}", time=12)
    ledger.history("ana", KEPT[:2])

    lines = ledger.trace(ONE).splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["0.000", "0.500", "1.000", "2.000"]
    words = ("said", "accepted", "re:…", f"re: {ONE}", "history 0 user", "history 1 assistant")
    assert all(word in line for word, line in zip(words, lines, strict=True))
    assert TWO not in ledger.trace(ONE)


SECRET = "s3cr3t/of the house"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (f"turn said={ONE}", "a person's words"),
        (json.dumps(f"Hello\n{ONE}"), "a person's words"),
        (f"GET /?q={ONE.replace(' ', '%20')}", "a person's words"),
        ("POST /bot7123456:AAFzB8t0kIu1hX2yY3zZ4wW5vV6uU7tT8sS/sendMessage", "a Telegram token"),
        (f"token {'EAA' + 'x1' * 20}", "a Meta token"),
        ("authorization: Bearer abcdefgh1234", "a bearer token"),
        ("redis://:opensesame@127.0.0.1:6379/0", "a password in an address"),
        (f"key {SECRET}", "a secret"),
        ("key s3cr3t%2Fof%20the%20house", "a secret"),
    ],
)
def test_words_and_secrets_in_a_log_are_caught_and_not_repeated(tmp_path: Path, line: str, what: str) -> None:
    log = tmp_path / "worker.log"
    log.write_text(f"ready\n{line}\n", encoding="utf-8")
    ledger = Ledger()
    ledger.logs([log], [SECRET])

    report = ledger.check()
    assert report.logged == [f"worker.log:2: {what}"]
    assert report.broken == ("logged",)


def test_a_clean_log_is_clean(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    turn = {"conversation": "3fa4b1c2", "turn": 3, "url": "redis://:***@127.0.0.1:6379", "in": "telegram:7123456:555"}
    log.write_text(json.dumps(turn), encoding="utf-8")
    assert scan_logs([log], [SECRET]) == []


def test_a_secret_too_short_to_be_looked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fewer than 8"):
        scan_logs([tmp_path / "none.log"], ["x"])


def test_redis_at_rest_tells_history_and_nothing_left(store: Store, mailbox: Mailbox) -> None:
    mailbox.accept([Message("1", ANA, ONE)])
    mailbox.take(ANA, "a")
    store.client.rpush(key(ANA, "history"), *records(("user", ONE, ""), ("assistant", f"re: {ONE}", "")))
    busy = Ledger()
    read_redis(store.client, busy)
    store.client.delete(
        "rq:queue:recado", "recado:due", "recado:waiting", *(key(ANA, part) for part in ("wip", "lease"))
    )
    calm = Ledger()
    read_redis(store.client, calm)
    for ledger in (busy, calm):
        ledger.said("telegram:555", ONE)
        ledger.delivered("telegram:555", "9", f"re: {ONE}")

    left = {name.rpartition(": ")[0] for name in busy.check().left}
    assert left == {"recado:due", "recado:waiting", "rq:queue:recado", key(ANA, "wip"), key(ANA, "lease")}
    assert calm.check().ok
    assert calm.trace(ONE).count("history") == 2


def test_a_redis_that_remembers_nothing_is_caught(store: Store) -> None:
    ledger = Ledger()
    ledger.said("telegram:555", ONE)
    ledger.delivered("telegram:555", "9", f"re: {ONE}")
    read_redis(store.client, ledger)
    assert ledger.check().broken == ("unequal",)


def test_redis_explains_the_heard_and_the_dead(store: Store) -> None:
    store.client.rpush(key(ANA, "history"), *records(("user", f"{ONE}\n{TWO}", "handed over")))
    dead = json.dumps({"id": "3", "text": THREE, "sent_at": 0})
    store.client.rpush(key(f"{ANA}:9", "dead"), f"1|3|1700000000000|m|{dead}\n{{}}")
    ledger = Ledger()
    for mark in (ONE, TWO, THREE):
        ledger.said("telegram:555", mark)
    read_redis(store.client, ledger)

    report = ledger.check()
    assert report.ok
    assert report.explained == {"handed over": [ONE, TWO], "dead": [THREE]}


def test_what_waits_in_redis_is_unfinished_not_lost(store: Store, mailbox: Mailbox) -> None:
    mailbox.accept([Message("1", ANA, ONE)])
    ledger = Ledger()
    ledger.said("telegram:555", ONE)
    read_redis(store.client, ledger)

    report = ledger.check()
    assert (report.unfinished, report.lost, report.ok) == ([ONE], [], True)


def test_a_place_or_a_wake_up_of_a_worker_that_is_gone_is_not_left(store: Store) -> None:
    seconds = int(store.client.time()[0])
    store.client.zadd("recado:places:model:0", {"gone": (seconds - 1) * 1000, ANA: (seconds + 60) * 1000})
    store.client.zadd("rq:wip:recado", {"ring-1:a": seconds + 60, "ring-2:b": seconds + 60, "ring-3:c": seconds + 60})
    for execution, worker, pid in (("ring-1:a", "dead", 2**22 + 1), ("ring-2:b", "init", 1)):
        store.client.hset(f"rq:execution:{execution}", "worker_name", worker)
        store.client.hset(f"rq:worker:{worker}", "pid", pid)
    ledger = Ledger()
    read_redis(store.client, ledger)
    assert ledger.check().left == ["rq:wip:recado: 1", "recado:places:model:0: 1"]


def records(*turns: tuple[str, str, str]) -> list[str]:
    """Turns as history keeps them: who, what, and why it was only heard."""
    return [
        json.dumps({"v": 1, "n": 1, "r": role, "t": text, "k": 3} | ({"h": heard} if heard else {}))
        for role, text, heard in turns
    ]
