"""Who waits for an answer, and since when, is known without looking at any mailbox, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.message import Message
from bot.stores import erase
from bot.stores.connection import LISTENING, PAUSED, WAITING, Store, key
from bot.stores.dead import DeadLetters
from bot.stores.glance import Glance, glance
from bot.stores.handovers import Aside, Relay
from bot.stores.mailbox import CLOCK, Mailbox, Think
from bot.stores.person import Person
from tests.unit.mailboxes import ANA, BEA, finish, now_ms, open_mailbox, reply, said
from tests.unit.waits import unanswered, waiting


def bubble(number: int, **more: object) -> Message:
    return replace(said(number), bubble=f"b{number}", **more)


def older(store: Store, ms: int, conversation: str = ANA) -> None:
    """As if what waits had been accepted so long ago."""
    for part in ("in", "wip"):
        for place, entry in enumerate(store.client.lrange(key(conversation, part), 0, -1)):
            version, number, at, rest = entry.split(b"|", 3)
            aged = b"|".join([version, number, str(int(at) - ms).encode(), rest])
            store.client.lset(key(conversation, part), place, aged)
    store.client.zincrby(WAITING, -ms, conversation)


def test_the_oldest_message_counts_until_it_is_answered(store: Store, mailbox: Mailbox) -> None:
    """A second message does not make the first one younger; an answer leaves what was said since."""
    mailbox.accept([said(1)])
    older(store, 60_000)
    task = mailbox.take(ANA, "a")
    assert isinstance(task, Think)
    mailbox.accept([said(2)])
    assert 60 <= glance(store).age(glance(store).first_waiting) < 70
    for _ in range(2):  # a lost answer is asked for again
        mailbox.commit(ANA, "a", 1, reply(1))
        assert waiting(store) == unanswered(store)
    assert glance(store).waiting == 1
    assert glance(store).age(glance(store).first_waiting) < 10


def test_what_is_only_to_be_said_waits_for_no_answer(store: Store, mailbox: Mailbox) -> None:
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    mailbox.commit(ANA, "a", 1, reply(1))
    assert glance(store)[4:6] == (0, -1)
    assert glance(store).due == 1


def dies(mailbox: Mailbox, store: Store) -> None:
    """A dead letter is answered by an apology; retried, it waits anew."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    mailbox.commit(ANA, "a", 1, reply(1), mode="bury", reason="broke")
    assert waiting(store) == {}
    for _ in range(2):
        DeadLetters(store).retry(ANA)


def is_told_by_the_owner(mailbox: Mailbox, store: Store) -> None:
    """The owner's words drop into a customer's mailbox: somebody must say them."""
    store.client.hset("recado:handovers", BEA, '{"ref":"ABCD","owner":"fake:7:9","at":1}')
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    relay = Relay(BEA, said(9, conversation=BEA), 60)
    for _ in range(2):
        mailbox.commit(ANA, "a", 1, reply(1), aside=Aside(relay=relay))
    assert list(waiting(store)) == [BEA]


def takes_all_back(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([bubble(1)])
    mailbox.accept([Message("r", ANA, "", revokes="b1")])
    assert waiting(store) == {}


def takes_the_first_back(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([bubble(1)])
    older(store, 60_000)
    mailbox.accept([bubble(2)])
    mailbox.accept([Message("r", ANA, "", revokes="b1")])
    assert now_ms(store) - waiting(store)[ANA] < 10_000


def takes_back_what_was_said_meanwhile(mailbox: Mailbox, store: Store) -> None:
    """What is thought about is as old as it was."""
    mailbox.accept([bubble(1)])
    older(store, 60_000)
    mailbox.take(ANA, "a")
    mailbox.accept([bubble(2)])
    mailbox.accept([Message("r", ANA, "", revokes="b2")])
    assert now_ms(store) - waiting(store)[ANA] >= 60_000


def takes_back_what_is_thought(mailbox: Mailbox, store: Store) -> None:
    """Its turn goes on, and ends as heard."""
    mailbox.accept([bubble(1)])
    mailbox.take(ANA, "a")
    mailbox.accept([Message("r", ANA, "", revokes="b1")])
    assert list(waiting(store)) == [ANA]


def edits(mailbox: Mailbox, store: Store) -> None:
    """Words that are put right are as old as they were."""
    mailbox.accept([bubble(1)])
    older(store, 60_000)
    mailbox.accept([replace(bubble(2), replaces="b1")])
    assert now_ms(store) - waiting(store)[ANA] >= 60_000


def crashes(mailbox: Mailbox, store: Store) -> None:
    """The batch of a worker that died is as old as it was, for whoever takes over."""
    mailbox.accept([said(1)])
    older(store, 60_000)
    mailbox.take(ANA, "a")
    store.client.delete(key(ANA, "lease"))
    mailbox.take(ANA, "b")
    assert now_ms(store) - waiting(store)[ANA] >= 60_000


@pytest.mark.parametrize(
    "fate",
    [
        dies,
        is_told_by_the_owner,
        takes_all_back,
        takes_the_first_back,
        takes_back_what_was_said_meanwhile,
        takes_back_what_is_thought,
        edits,
        crashes,
    ],
)
def test_the_index_is_what_the_mailboxes_say(
    store: Store, mailbox: Mailbox, fate: Callable[[Mailbox, Store], None]
) -> None:
    fate(mailbox, store)
    assert waiting(store) == unanswered(store)


def test_what_is_wrong_in_the_index_is_put_right_by_whoever_looks(store: Store, mailbox: Mailbox) -> None:
    """An older version left no note of who waits; a note of nobody is struck off."""
    mailbox.accept([said(1)])
    store.client.delete(WAITING)
    mailbox.take(ANA, "a")
    assert waiting(store) == unanswered(store) != {}

    store.client.zadd(WAITING, {BEA: 1})
    mailbox.take(BEA, "b")
    assert list(waiting(store)) == [ANA]
    finish(mailbox, store, "a", 1)
    assert waiting(store) == {}


def test_whoever_is_erased_waits_no_more(store: Store, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in any index, even one that came between the look and the deed."""
    monkeypatch.setattr(erase, "NOTICE_SECONDS", 0)
    monkeypatch.setattr(erase, "_rewrite", lambda _: [])
    mailbox.accept([said(1), said(1, conversation=BEA)])
    whom = Person.parse(ANA)
    found = erase.find(store, whom)
    found.shared = [name for name in found.shared if name != WAITING]
    store.client.zadd(LISTENING, {ANA: 1})
    store.client.zadd(PAUSED, {ANA: 1})
    erase._erase_conversations(store, found)
    assert [store.client.zrange(name, 0, -1) for name in (WAITING, LISTENING, PAUSED)] == [[BEA.encode()], [], []]


def test_a_burst_is_listened_to_until_it_is_taken(store: Store) -> None:
    """Whether it ends by itself, by a command, or is taken back."""
    mailbox = open_mailbox(store, quiet=60)
    mailbox.accept([said(1), said(2, conversation=BEA)])
    assert glance(store).listening == 0
    for who in (ANA, BEA):
        mailbox.take(who, "a")
    assert (glance(store).waiting, glance(store).listening) == (2, 2)

    mailbox.accept([said(3, "/help")])
    assert isinstance(mailbox.take(ANA, "a"), Think)
    assert glance(store).listening == 1
    store.client.zadd(LISTENING, {BEA: now_ms(store) - 1})  # its time is over, and nobody has looked yet
    assert glance(store).listening == 0
    mailbox.sweep()
    assert store.client.zcard(LISTENING) == 0


def test_a_clock_that_went_back_ends_all_listening(store: Store) -> None:
    mailbox = open_mailbox(store, quiet=60)
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    store.client.set(CLOCK, now_ms(store) + 10**7)
    mailbox.sweep()
    assert glance(store).listening == 0


def test_a_clock_that_went_back_makes_nobody_younger_than_now(store: Store, mailbox: Mailbox) -> None:
    mailbox.accept([said(1)])
    store.client.zadd(WAITING, {ANA: now_ms(store) + 10**7})
    assert glance(store).age(glance(store).first_waiting) == 0


def test_with_nobody_there_nothing_is_seen(store: Store) -> None:
    assert glance(store)._replace(now=0) == Glance(0, 0, 0, -1, 0, -1, 0, 0)


def test_who_was_answered_by_a_version_that_does_not_note_it_waits_no_more(store: Store, mailbox: Mailbox) -> None:
    """Else the oldest message would grow older for ever, and ring somebody up at night; who does wait is kept."""
    mailbox.accept([said(1, conversation=BEA)])
    older(store, 90_000, BEA)
    store.client.zadd(WAITING, {ANA: now_ms(store) - 80_000})
    for _ in range(2):
        mailbox.sweep()
        assert waiting(store) == unanswered(store)
    assert list(waiting(store)) == [BEA]
