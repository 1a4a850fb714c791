"""How long somebody has waited is told by Redis' clock, and travels with their answer."""

from __future__ import annotations

import time

import pytest

from bot.message import Piece, Reply
from bot.stores import outbox
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from bot.stores.taken import UNKNOWN, Speak, Think, waited
from tests.unit.mailboxes import ANA, now_ms, said, staged
from tests.unit.worlds import World


def backdated(store: Store, part: str, index: int, ms: int) -> None:
    """The message at ``index`` was accepted so long before it was."""
    version, number, at, rest = store.client.lindex(key(ANA, part), index).split(b"|", 3)
    store.client.lset(key(ANA, part), index, b"|".join([version, number, b"%d" % (int(at) - ms), rest]))


def test_a_batch_says_how_long_its_oldest_and_newest_have_waited(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1), said(2), said(3)])
    for index, ms in enumerate((90_000, 50_000, 20_000)):
        backdated(store, "in", index, ms)
    task = mailbox.take(ANA, "a")

    assert isinstance(task, Think)
    assert 90 <= task.waited.oldest < 95
    assert 20 <= task.waited.newest < 25
    assert 20_000 <= now_ms(store) - task.waited.asked_at < 25_000


def test_the_same_batch_taken_again_has_waited_longer(mailbox: Mailbox, store: Store) -> None:
    """A replay after a crash counts from the acceptance, too."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    backdated(store, "wip", 0, 60_000)
    again = mailbox.take(ANA, "a")

    assert isinstance(again, Think)
    assert 60 <= again.waited.oldest < 65


def test_a_reply_takes_along_when_it_was_asked_for(mailbox: Mailbox, store: Store) -> None:
    """Another worker, which speaks it, knows how long it took, and who was asked."""
    mailbox.accept([said(1)])
    asked_at = now_ms(store) - 70_000
    mailbox.take(ANA, "a")
    mailbox.commit(ANA, "a", 1, Reply(1, (Piece("hi"),), answers="1", number=1, asked_at=asked_at, backend="ollama"))
    task = mailbox.take(ANA, "a")

    assert isinstance(task, Speak)
    assert (task.reply.asked_at, task.reply.backend) == (asked_at, "ollama")
    assert 70 <= task.waited.so_far < 75


def test_a_reply_of_an_older_version_is_read(mailbox: Mailbox, store: Store) -> None:
    """Its record does not say when it was asked for: then nobody knows."""
    staged(mailbox)
    store.client.lset(key(ANA, "out"), 0, '2|1|[["hi",[],{"answers":"9","number":3}],["bye"]]')
    task = mailbox.take(ANA, "a")

    assert isinstance(task, Speak)
    assert task.reply == Reply(1, (Piece("hi"), Piece("bye")), grows=True, answers="9", number=3)
    assert task.waited == UNKNOWN
    assert task.waited.so_far == 0


@pytest.mark.parametrize("file", ["", "a,b\n"])
def test_what_is_stored_of_a_reply_is_read_as_it_was(file: str) -> None:
    name = "table.csv" if file else ""
    whole = Reply(
        4, (Piece("hi", file=file, file_name=name), Piece("b")), answers="7", number=2, asked_at=5, backend="faq"
    )

    assert outbox.unpack(outbox.pack(whole).encode()) == whole


def test_a_clock_that_went_back_lets_nobody_wait_for_less_than_no_time() -> None:
    assert waited(1000, 5000)[:2] == (0, 0)
    assert waited(1000, 0) == UNKNOWN


def test_the_time_goes_on_by_our_own_clock() -> None:
    found = waited(10_000, 4000, 7000)

    assert found[:2] == (6, 3)
    assert found.so_far - 3 <= time.monotonic() - found.at + 0.001
    assert found.so_far >= 3


def test_what_is_done_with_a_conversation_is_known(world: World) -> None:
    """Thinking while the model is asked, speaking while the platform is called."""
    seen: list[tuple[str, str]] = []

    def note(what: str) -> None:
        seen.extend((what, held.doing) for held in world.answerer.held)

    world.backend.during = lambda: note("model")
    world.channel.before = note
    world.answer("hi")

    assert seen == [("model", "thinking"), ("speak", "speaking")]
