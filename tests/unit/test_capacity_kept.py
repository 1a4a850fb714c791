"""What is weighed in Redis: copies are conversations like those that the product itself made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.message import Turn
from bot.stores import embedded
from bot.stores.connection import Store, connect, key
from bot.stores.history import History
from simulator.capacity import kept, measure
from simulator.capacity.measure import Form
from tests.servers import serving
from tests.unit.mailboxes import DAY, open_mailbox, said

ORIGINALS = ("telegram:7123456:34600000000", "whatsapp:106540352242922:34600000000")
TURNS = 3


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Store]:
    """A server of the test's own, with two conversations that have come to rest: its file is switched off here."""
    with serving(tmp_path, "--appendfsync", "no"):
        store = connect(f"unix://{embedded.socket_path(tmp_path)}", tmp_path, 5)
        for conversation in ORIGINALS:
            talk(store, conversation)
        yield store
        store.close()


def talk(store: Store, conversation: str) -> None:
    mailbox = open_mailbox(store)
    for turn in range(1, TURNS + 1):
        mailbox.accept([said(turn, "a" * 300, conversation)])
        mailbox.take(conversation, "a")
        turns = [Turn("user", "a" * 300, 90, turn), Turn("assistant", "b" * 300, 90, turn)]
        assert mailbox.commit(conversation, "a", turn, None, turns)
        mailbox.release(conversation, "a")


def test_a_copy_is_a_conversation_that_the_product_reads_and_goes_on_with(own: Store) -> None:
    kept.multiply(own.client, ORIGINALS, 5)
    copies = sorted(set(kept.conversations(own.client)) - set(ORIGINALS))

    assert len(copies) == 5
    for copy in copies:
        assert len(copy) in map(len, ORIGINALS)
        assert [turn.text[0] for turn in History(own).tail(copy, 0, 10_000)] == ["a", "b"] * TURNS
    own.client.config_set("appendonly", "yes")
    talk_on = open_mailbox(own)
    talk_on.accept([said(9, conversation=copies[0])])
    assert talk_on.take(copies[0], "b").batch.turn == TURNS + 1  # type: ignore[union-attr]


def test_a_copy_goes_when_its_original_would_have_gone(own: Store) -> None:
    kept.multiply(own.client, ORIGINALS, 2)
    copy = next(iter(set(kept.conversations(own.client)) - set(ORIGINALS)))

    for part in kept.LASTING:
        assert 29 * DAY < own.client.pttl(key(copy, part)) <= 30 * DAY


def test_a_copy_is_stored_as_its_original_is(own: Store) -> None:
    kept.multiply(own.client, ORIGINALS, 2)
    copies = [one for one in kept.conversations(own.client) if one not in ORIGINALS]
    alike, original = kept.parts(own.client, copies), kept.parts(own.client, ORIGINALS)

    assert [alike[part] for part in kept.LASTING] == pytest.approx([original[part] for part in kept.LASTING], rel=0.05)


def test_what_is_weighed_is_what_redis_itself_counts(own: Store) -> None:
    """A message of 300 letters takes a little more than that, and a conversation little more than its messages."""
    found = kept.weigh(own.client, TURNS, 200)

    assert 300 < found.message < 500
    assert 200 < found.rest < 1000
    assert 50 < found.seen < 200
    assert (found.raw, found.spoken) == (0, 0)  # nothing of that was said here


def test_real_processes_are_measured_and_what_they_took_foretells_what_they_took() -> None:
    """With a load so small the figures are worth little, but none is missing, and they add up."""
    load = measure.run(1, 8, 0.5, pace=0)
    of = measure.coefficients(load, measure.memory(Form(turns=1, copies=20, crowd=12)))

    assert min(of.receiver_ms, of.worker_ms, of.redis_ms, of.trips, of.appended, of.fsync_ms) > 0
    assert min(of.worker_mib, of.receiver_mib) > 10
    assert 300 < of.message_bytes < 1000
    assert of.waiting_bytes > 300
    found = measure.checks(of, load, load)
    assert [check.predicted for check in found] == pytest.approx([check.measured for check in found])
