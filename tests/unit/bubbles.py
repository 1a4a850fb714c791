"""Bubbles in short, for the tests of their states."""

from __future__ import annotations

from bot.message import Reply
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox, Speak
from bot.stores.outbox import Outbox, piece_state
from tests.unit.mailboxes import ANA, reply, staged, state

NOBODY = "0123456789ab.1.0"


def grown(turn: int, *texts: str) -> Reply:
    return Reply(turn, reply(turn, *texts).pieces, grows=True)


def said_whole(mailbox: Mailbox, token: str, *texts: str, turn: int = 1) -> None:
    """The turn is committed; its reply waits in the outbox."""
    assert mailbox.commit(ANA, token, turn, grown(turn, *texts))


def open_it(outbox: Outbox, token: str = "a", bubble: str = "50", index: int = 0) -> str:
    """Begin the opening of turn 1 and store its id; returns our reference of it."""
    permission, reference, _ = outbox.begin(ANA, token, 1, index, (), mode="open")
    assert permission == "go"
    assert outbox.opened(ANA, reference, bubble) == bubble
    return reference


def take_over(mailbox: Mailbox, store: Store, token: str = "b") -> None:
    store.client.delete(key(ANA, "lease"))
    mailbox.take(ANA, token)


def finish(mailbox: Mailbox, outbox: Outbox, token: str, bubble: str = "50") -> None:
    """Edit the one bubble of turn 1 into its final text."""
    assert outbox.begin(ANA, token, 1, 0, (), mode="edit").permission == "go"
    outbox.record(ANA, 1, 0, "sent", identity=bubble)
    mailbox.release(ANA, token)


def bubble(store: Store, index: int = 0) -> tuple[str, str]:
    """The state of a bubble of turn 1, and its id."""
    return piece_state({"piece:1:0": "", f"piece:1:{index}": state(store, f"piece:1:{index}") or "staged"}, 1, index)


def speak_now(mailbox: Mailbox, store: Store, token: str) -> Speak:
    """What is to be said when the waiting time is over."""
    store.client.hdel(key(ANA, "state"), "speak_at")
    task = mailbox.take(ANA, token)
    assert isinstance(task, Speak)
    return task


def in_doubt(mailbox: Mailbox, outbox: Outbox, *texts: str) -> str:
    """A reply whose first bubble nobody knows the outcome of; its worker has let go."""
    staged(mailbox, *texts)
    _, reference, _ = outbox.begin(ANA, "a", 1, 0, ())
    outbox.record(ANA, 1, 0, "unknown", identity=reference.partition(".")[0], wait=30)
    mailbox.release(ANA, "a")
    return reference
