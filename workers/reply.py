"""A thought becomes a reply: what the person will read of it, in bubbles; and with that its turn ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.channels import Channel
from bot.message import Batch, Piece, Reply, Turn
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
    pieces = (Piece(text),) if thought.verbatim else channel.render(text) or (Piece(text),)
    if sent:
        pieces = (*pieces[:-1], replace(pieces[-1], file=sent, file_name=thought.file_name))
    if thought.notice:
        pieces = appended(pieces, thought.notice, channel.bubble_units)
    return Reply(turn, pieces, grows=thought.grows)


def end(mailbox: Mailbox, held: Held, task: Think, thought: Thought, reply: Reply | None) -> None:
    """Commit a turn. Raises LeaseLost, Revised, StoreUnavailable."""
    if reply:
        last = task.batch.messages[-1]
        reply = replace(
            reply, answers=last.id, number=last.number, asked_at=task.waited.asked_at, backend=held.figures.backend
        )
    committed = patiently(
        lambda: mailbox.commit(
            held.conversation, held.token, task.batch.turn, reply, _traced(task.batch, thought.turns),
            mode=thought.mode, window=thought.window, language=spoken(task), reason=thought.reason,
            paused=thought.paused, pause_seconds=thought.pause_seconds,
            spent=thought.spent, notes=thought.notes, admission=thought.admission, revision=held.revision,
            stopped=thought.stopped, forgets=thought.forgets, erases=thought.erases,
            aside=thought.aside,
        )
    )  # fmt: skip
    if not committed:
        raise LeaseLost
    if thought.after:
        thought.after()


def _traced(batch: Batch, turns: Sequence[Turn]) -> list[Turn]:
    """The turns; what says just what the batch does says by which messages it was said, should one be taken back."""
    said = batch.said
    return [replace(turn, said=said) if said and not turn.said and turn.text == batch.text else turn for turn in turns]
