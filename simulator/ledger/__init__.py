"""What people wrote, what they were shown and what is kept of it, compared: the promises, counted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from simulator.ledger.judge import compare, delayed, history_fault
from simulator.ledger.logs import scan_logs
from simulator.ledger.records import MARK, Chat, Said, Sender, Shown, marks_of
from simulator.ledger.report import Report
from simulator.platforms import Call, Platform

__all__ = ["MARK", "Ledger", "Report", "scan_logs"]


class Ledger:
    """Records what was accepted, delivered and kept, and compares them.

    A message is known by its mark, ``c12 n3 5f0c9a2e``, which its answer must repeat (as the echo
    of ModelServer does); what carries no mark, such as a notice or a command, is not judged.
    Times are monotonic, in seconds; where none is given, it is now. ``further`` are the accounts of a platform beside
    its first, whose chats bear their names; ``names`` other names of a chat.
    """

    def __init__(self) -> None:
        self.further: frozenset[str] = frozenset()
        self.names: dict[str, str] = {}
        self._chats: dict[str, Chat] = {}
        self._due: set[str] = set()
        self._left: dict[str, int] = {}
        self._early: list[str] = []
        self._over: list[str] = []
        self._forbidden: list[str] = []
        self._logged: list[str] = []
        self._mixed: list[str] = []
        self._complete = False

    # what people and platforms did

    def said(
        self, chat: str, text: str, *, accepted: bool = True,
        time: float | None = None, tried: float | None = None, taken: float | None = None,
    ) -> None:  # fmt: skip
        """Somebody wrote this after what they wrote before; ``accepted``: the webhook answered 2xx.

        It was first on its way at ``tried`` and accepted at ``taken``, or else at the time when it was written.
        """
        entry = self._chat(chat)
        wrote = monotonic() if time is None else time
        first = wrote if tried is None else tried
        took = (first if taken is None else taken) if accepted else None
        place = len(entry.said) + len(entry.orders)
        for mark in marks_of(text):
            entry.said.setdefault(mark, Said(mark, place, wrote, first, took))
        if order := entry.order_in(text):
            entry.orders.append(Said(order, place, wrote, first, took))

    def ours(self, chat: str, text: str, *, accepted: bool = True, time: float | None = None) -> None:
        """The business said this itself, from its own telephone; ``accepted``: the webhook answered 2xx."""
        wrote = monotonic() if time is None else time
        for mark in marks_of(text):
            self._chat(chat).ours.setdefault(mark, Said(mark, 0, wrote, wrote, wrote if accepted else None))

    def revoked(self, chat: str, text: str) -> None:
        """What was said in ``text`` was taken back, and the product has been told so."""
        self._chat(chat).revoked.update(marks_of(text))

    def delivered(self, chat: str, bubble: str, text: str, *, time: float | None = None) -> None:
        """A bubble was shown in a chat, or an earlier one changed to this text."""
        self._chat(chat).show(Shown(monotonic() if time is None else time, "delivered", bubble, text))

    def too_early(self, chat: str, what: str) -> None:
        """The product called before the platform's ``retry_after`` was over."""
        self._early.append(f"{chat}: {what}")

    def read(self, platform: Platform) -> None:
        """Record everything from a platform's logs; once per platform. Chats are named ``telegram:555``."""
        with platform.changed:
            first = {new: old for old, new in platform.moved.items()}
            self.names |= {f"{platform.name}:{new}": f"{platform.name}:{old}" for new, old in first.items()}

            def chat(chat_id: str) -> str:
                """A chat that has moved keeps the name that it had first, as it does in the product."""
                return f"{platform.name}:{first.get(chat_id, chat_id)}"

            for one in platform.said:
                name = chat(one.chat_id)
                was = one.accepted is not None
                self.said(name, one.text, accepted=was, time=one.time, tried=one.tried, taken=one.accepted)
            for call in platform.calls:
                self._chat(chat(call.chat_id)).show(_shown(call))
                if call.bubble and platform.bubble(call.chat_id, call.bubble) is None:
                    self._chat(chat(call.chat_id)).removed.add(call.bubble)
            for call in platform.early:
                self.too_early(chat(call.chat_id), f"{call.method} {_text(call.params)}")
            self._over += [f"{platform.name}: {words}" for words in platform.over]
            self._forbidden += platform.forbidden
            self.further |= platform.further
            for chat_id, text in platform.returned:
                self.explain(chat(chat_id), text, "undeliverable")
            texts = {one.id: (chat(one.chat_id), one.text) for one in platform.said}
            for one in platform.echoed:
                self.ours(chat(one.chat_id), one.text, accepted=one.accepted is not None, time=one.time)
            for identity in (identity for identity, one in platform.revoked.items() if one.accepted):
                self.revoked(*texts[identity])

    # what the product keeps

    def explain(self, chat: str, text: str, reason: str) -> None:
        """What was said in ``text`` was rightly not answered: ``quota``, ``dead``, …"""
        for mark in marks_of(text):
            self._chat(chat).explained.setdefault(mark, reason)

    def history(self, chat: str, turns: Sequence[tuple[Sender, str]]) -> None:
        """What the product will remember of a conversation, oldest first; once per conversation."""
        entry = self._chat(chat)
        entry.turns = [*(entry.turns or ()), *turns]

    def due(self, chat: str) -> None:
        """By the product's own word something is still to be done here."""
        self._due.add(chat)

    def rest(self, *sizes: Mapping[str, int]) -> None:
        """How much is in what must be empty when nothing is due: mailboxes, leases, lines, RQ's registries."""
        for each in sizes:
            self._left.update(each)

    def complete(self) -> None:
        """Everything that the product keeps has been told: who has no history has none, and where nothing is due
        nothing is still to come, though a bubble may look like it."""
        self._complete = True

    def prompted(self, text: str) -> None:
        """What a model was given to read, as text or as JSON: it must hold the words of one conversation only."""
        marks = {mark.partition(" ")[0]: mark for mark in marks_of(text.replace(r"\n", "\n"))}
        if len(marks) > 1:
            self._mixed.append(" beside ".join(marks.values()))

    def logs(self, paths: Iterable[Path], secrets: Collection[str] = ()) -> None:
        """Look through the product's logs for what must not be in them."""
        self._logged += scan_logs(paths, secrets)

    # what became of it

    def check(self, waiting: Collection[str] = (), *, turns: int | None = None) -> Report:
        """Compare. In the chats that are still ``waiting`` by the product's own word, nothing counts as lost.

        With ``turns``, nobody may wait while one other person is answered more often than that.
        """
        report = Report(early=self._early[:], over=self._over[:], logged=self._logged[:], leaked=self._mixed[:])
        report.forbidden = self._forbidden[:]
        report.left = [f"{name}: {size}" for name, size in self._left.items() if size]
        for chat in self._chats.values():
            waits = chat.name in self._due or chat.name in waiting
            compare(report, chat, waits=waits, sure=self._complete)
            if (self._complete or chat.turns is not None) and (fault := history_fault(chat, waits=waits)):
                report.unequal.append(f"{chat.name}: {fault}")
        if turns is not None:
            report.delayed = delayed(list(self._chats.values()), turns)
        return report

    def waits(self) -> dict[str, list[float]]:
        """For each chat, the seconds from each message's acceptance until its answer was first to be seen."""
        return {
            name: [
                chat.first[said.mark] - said.accepted
                for said in chat.said.values()
                if said.accepted is not None and said.mark in chat.first
            ]
            for name, chat in self._chats.items()
        }

    def trace(self, mark: str) -> str:
        """Everything that is known of a message, by time; for the printout of a failure."""
        lines = [line for chat in self._chats.values() for line in chat.trace(mark)]
        start = min((time for time, _ in lines if time is not None), default=0.0)
        lines.sort(key=lambda line: float("inf") if line[0] is None else line[0])
        return "\n".join(f"{'' if time is None else f'{time - start:.3f}':>9} {what}" for time, what in lines)

    def _chat(self, name: str) -> Chat:
        return self._chats.setdefault(name, Chat(name))


def _shown(call: Call) -> Shown:
    return Shown(call.time, call.method, call.bubble, _text(call.params), call.taken)


def _text(params: Mapping[str, Any]) -> str:
    text = params.get("text")
    return str(text.get("body", "")) if isinstance(text, dict) else str(text or "")
