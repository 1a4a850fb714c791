"""The messages of a conversation, oldest first: when, what, how it stands, and what became of each reply's bubbles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.message import Message, Reply
from bot.show import labels, words
from bot.show.verdict import clock, iso
from bot.stores.case import Accepted, Case, Said
from bot.stores.outbox import piece_state
from bot.texts import Language

Who = Literal["person", "assistant", "business"]


@dataclass(frozen=True, slots=True)
class Row:
    """One message or reply. ``at`` is in ms (0: it was not written down); ``what`` are kinds of what it is, ``letters``
    its length; ``bubbles`` are the states of a reply's."""

    at: int
    who: Who
    letters: int
    text: str
    state: str
    what: tuple[str, ...] = ()
    why: str = ""
    bubbles: tuple[str, ...] = ()

    def told(self, *, text: bool) -> dict[str, Any]:
        """For machines; the ``text`` only for who asks for it."""
        found = {"at": iso(self.at), "who": self.who, "what": list(self.what), "letters": self.letters}
        found |= {"state": self.state, "why": self.why, "bubbles": list(self.bubbles)}
        return found | ({"text": self.text} if text else {})

    def cells(self, language: Language, *, text: bool) -> tuple[str, str, str, str]:
        """For the terminal."""
        who = {"person": labels.PERSON, "assistant": labels.ASSISTANT, "business": labels.BUSINESS}[self.who]
        kinds = [labels.KINDS[kind].to(language) if kind in labels.KINDS else kind for kind in self.what]
        length = labels.LETTERS.to(language, count=self.letters)
        what = [*(labels.COMMAND.to(language) if kind == "command" else kind for kind in kinds)]
        what += [self.text or "-"] if text else [length] if self.letters else []
        bubbles = ", ".join(labels.BUBBLES[one].to(language) for one in self.bubbles)
        known = labels.HEARD.get(self.why)
        why = known.to(language) if known else self.why or words.UNKNOWN["why"].to(language)
        at = clock(self.at) or "-"
        return at, who.to(language), " · ".join(what), labels.STATES[self.state].to(language, why=why, bubbles=bubbles)


def rows(case: Case) -> list[Row]:
    """Everything that is known of a conversation, in the order in which it was said."""
    remembered = [*_remembered(case)]
    unheard = [*_unheard(case, {turn.number for turn in case.history})]
    found = _dated([*remembered, *_messages(case.dead, "dead", case.state.get("dead_reason", "")), *unheard])
    return [*found, *_messages(case.thinking, "being answered"), *_messages(case.waiting, "waiting")]


def _dated(found: Sequence[Row]) -> list[Row]:
    """By time; what was written down without one stays behind what stood before it."""
    last, keyed = 0, []
    for row in found:
        last = row.at or last
        keyed.append((last, row))
    return [row for _, row in sorted(keyed, key=lambda pair: pair[0])]


def _remembered(case: Case) -> Iterator[Row]:
    waiting = {reply.turn: reply for reply in case.out}
    for turn in case.history:
        size = len(turn.text)
        if turn.role == "user":
            yield Row(turn.at, "person", size, turn.text, "heard" if turn.heard else "answered", why=turn.heard)
            continue
        state, bubbles = "said", tuple[str, ...]()
        if turn.number in waiting:
            state, bubbles = "undelivered", _staged(case.state, waiting[turn.number])
        elif turn.number in case.spoken:
            state, bubbles = "delivered", _settled(case, case.spoken[turn.number])
        yield Row(turn.at, "assistant", size, turn.text, state, bubbles=bubbles)


def _unheard(case: Case, remembered: set[int]) -> Iterator[Row]:
    """Replies to commands, notices and the owner's words, which no history holds."""
    for number, said in sorted(case.spoken.items(), key=lambda pair: pair[1].at):
        if number not in remembered and number not in {reply.turn for reply in case.out}:
            yield _reply(said.reply, said.at, "delivered", _settled(case, said))
    for reply in case.out:
        if reply.turn not in remembered:
            yield _reply(reply, 0, "undelivered", _staged(case.state, reply))


def _reply(reply: Reply, at: int, state: str, bubbles: tuple[str, ...]) -> Row:
    text = "\n".join(piece.text for piece in reply.pieces)
    return Row(at, "assistant", len(text), text, state, bubbles=bubbles)


def _staged(state: Mapping[str, str], reply: Reply) -> tuple[str, ...]:
    return tuple(piece_state(state, reply.turn, index)[0] for index in range(len(reply.pieces)))


def _settled(case: Case, said: Said) -> tuple[str, ...]:
    """What the platform says of each bubble, where it does."""
    return tuple(_fate(case, bubble) for bubble in said.bubbles)


def _fate(case: Case, bubble: str) -> str:
    told = case.told.get(bubble)
    if not bubble:
        return "failed"
    if told and told.failed:
        return "undelivered"
    return told.stage if told and told.stage in {"delivered", "read"} else "sent"


def _messages(found: Sequence[Accepted], state: str, why: str = "") -> Iterator[Row]:
    for at, message in found:
        who: Who = "business" if message.ours or message.order == "relay" else "person"
        yield Row(at, who, len(message.text), message.text, state, _kinds(message), why)


def _kinds(message: Message) -> tuple[str, ...]:
    kinds = tuple(attachment.kind for attachment in message.attachments)
    return (*kinds, "command") if message.command and message.addressed else kinds
