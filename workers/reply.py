"""A thought becomes a reply: what the person will read of it, in bubbles; and with that its turn ends."""

from __future__ import annotations

from dataclasses import replace

from bot.channels import Channel
from bot.message import Piece, Reply
from bot.stores.mailbox import Mailbox
from bot.stores.taken import Think
from workers.held import Held, LeaseLost, patiently
from workers.notice import appended
from workers.thought import Thought, spoken


def reply_to(channel: Channel | None, turn: int, thought: Thought) -> Reply | None:
    """What is said of a thought; nothing where it was only heard, or where nobody listens."""
    if channel is None or not thought.text:
        return None
    sent = thought.file if channel.sends_files else ""
    text = thought.instead if thought.file and not sent else thought.text
    pieces = channel.render(text) or (Piece(text),)
    if sent:
        pieces = (*pieces[:-1], replace(pieces[-1], file=sent, file_name=thought.file_name))
    if thought.notice:
        pieces = appended(pieces, thought.notice, channel.bubble_units)
    return Reply(turn, pieces, grows=thought.grows)


def end(mailbox: Mailbox, held: Held, task: Think, thought: Thought, reply: Reply | None) -> None:
    """Commit a turn. Raises LeaseLost, Revised, StoreUnavailable."""
    committed = patiently(
        lambda: mailbox.commit(
            held.conversation, held.token, task.batch.turn, reply, thought.turns, mode=thought.mode,
            window=thought.window, language=spoken(task), reason=thought.reason, paused=thought.paused,
            spent=thought.spent, notes=thought.notes, admission=thought.admission, revision=held.revision,
            stopped=thought.stopped, forgets=thought.forgets, erases=thought.erases,
        )
    )  # fmt: skip
    if not committed:
        raise LeaseLost
