"""Accept: what came is kept, in order, once, and rings whoever must look."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import web
from bot.message import Message
from bot.stores import bell
from bot.stores import mailbox as mailbox_module
from bot.stores.connection import DUE, PREFIX, Store, key
from bot.stores.mailbox import QUARANTINE, Mailbox, Think
from tests.unit.mailboxes import ANA, BEA, HOURS, due_in_ms, finish, rings, said
from tests.unit.test_web import payload, settings, telegram, update, whatsapp


def test_accept_keeps_order_and_everything_that_came(mailbox: Mailbox) -> None:
    """What is accepted is taken out in the same order, whole, and numbered."""
    assert mailbox.accept([said(1), said(2), said(3)]) == 3
    task = mailbox.take(ANA, "a")
    assert isinstance(task, Think)
    assert [message.number for message in task.batch.messages] == [1, 2, 3]
    assert task.batch.messages[0] == Message(f"{ANA}/1", ANA, "message 1", raw='{"n":1}', number=1)


def test_accept_twice_is_accept_once(mailbox: Mailbox, store: Store) -> None:
    """A message delivered again is dropped, and rings nobody."""
    assert [mailbox.accept([said(1)]) for _ in range(5)] == [1, 0, 0, 0, 0]
    assert store.client.llen(key(ANA, "in")) == 1
    assert rings(store) == 1


def test_accept_late_after_the_answer_does_nothing(mailbox: Mailbox, store: Store) -> None:
    """A message that comes again when it has long been answered stays dropped."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    finish(mailbox, store, "a", 1)
    assert mailbox.accept([said(1)]) == 0
    assert store.client.zscore(DUE, ANA) is None


@pytest.mark.parametrize("hours", [0.5, 27])
def test_an_id_is_remembered_as_long_as_asked_and_no_longer(mailbox: Mailbox, store: Store, hours: float) -> None:
    mailbox.accept([said(1)], seen_hours=hours)
    (seen,) = store.client.keys(f"{PREFIX}seen:*")
    assert (hours - 0.1) * HOURS < store.client.pttl(seen) <= hours * HOURS


def test_an_id_is_remembered_as_long_as_its_platform_may_deliver_again(store: Store, redis_dir: Path) -> None:
    """Telegram tries for a day, WhatsApp for a week; the receiver remembers a little longer."""
    client = web.create_app(settings(redis_dir)).test_client()
    assert {telegram(client, update()).status_code, whatsapp(client, payload("hola")).status_code} == {200}
    remembered = [store.client.pttl(seen) / HOURS for seen in store.client.keys(f"{PREFIX}seen:*")]
    assert sorted(round(hours, 1) for hours in remembered) == [27, 8 * 24]


def test_a_burst_rings_once_a_conversation(mailbox: Mailbox, store: Store) -> None:
    """However many messages come, a conversation that waits is rung once, and each conversation is."""
    mailbox.accept([said(n) for n in range(4)] + [said(n, conversation=BEA) for n in range(4)])
    mailbox.accept([said(9)])
    assert rings(store) == 2


def test_whoever_rings_makes_rqs_queue_known(mailbox: Mailbox, store: Store) -> None:
    """`rq info` and dashboards list the queues that are registered."""
    mailbox.accept([said(1)])
    assert store.client.smembers("rq:queues") == {bell.QUEUE_KEY.encode()}


@pytest.mark.parametrize("text", ["hello", "/help"])
def test_what_comes_during_a_running_turn_rings_nobody(mailbox: Mailbox, store: Store, text: str) -> None:
    """Whoever answers looks again at the end; nobody else could take it before, be it a command."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    store.client.delete(bell.QUEUE_KEY)
    mailbox.accept([said(2, text)])
    assert rings(store) == 0
    assert due_in_ms(store) > 10_000


@pytest.mark.parametrize("text", ["hello", "/help"])
def test_what_comes_while_a_turn_waits_for_the_model_rings_nobody(mailbox: Mailbox, store: Store, text: str) -> None:
    """The waiting turn is answered before it, so nobody comes in vain."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    mailbox.defer(ANA, "a", 20)
    store.client.delete(bell.QUEUE_KEY)
    mailbox.accept([said(2, text)])
    assert rings(store) == 0
    assert due_in_ms(store) > 10_000


def test_the_same_id_in_another_account_is_another_message(mailbox: Mailbox) -> None:
    first, second = Message("1", "telegram:7:1", "a"), Message("1", "telegram:8:1", "b")
    assert mailbox.accept([first, second]) == 2


def test_quarantine_keeps_any_bytes(mailbox: Mailbox, store: Store) -> None:
    body = bytes(range(256))
    mailbox.quarantine("whatsapp", body)
    mailbox.quarantine("whatsapp", body)
    assert store.client.lrange(QUARANTINE, 0, -1) == [b"1|whatsapp|" + body]


def test_quarantine_fills_no_memory(mailbox: Mailbox, store: Store) -> None:
    """The oldest bodies go when there are more than 64 MiB of them; Redis stays free for messages."""
    for number in range(20):
        mailbox.quarantine("whatsapp", b"%02d" % number + b"x" * (4 << 20))
    kept = [record[:13] for record in store.client.lrange(QUARANTINE, 0, -1)]
    assert kept == [b"1|whatsapp|%02d" % number for number in range(19, 4, -1)]


def test_quarantine_keeps_the_newest_of_too_many(
    mailbox: Mailbox, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox_module, "QUARANTINE_KEPT", 3)
    for number in range(5):
        mailbox.quarantine("whatsapp", b"%d" % number)
    assert store.client.lrange(QUARANTINE, 0, -1) == [b"1|whatsapp|4", b"1|whatsapp|3", b"1|whatsapp|2"]
