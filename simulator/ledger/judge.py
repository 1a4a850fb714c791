"""The comparison: which promises one chat's records break."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from simulator.ledger.records import Chat, is_partial, marks_of
from simulator.ledger.report import Report

DEAD: Final = "dead"
"""The reason of what is kept apart to be answered by hand: it is no part of the history."""
REVOKED: Final = "revoked"


def compare(report: Report, chat: Chat, *, waits: bool, sure: bool) -> None:
    """Add what became of one chat's messages.

    ``waits``: something is still to come here, by the product's own word. Unless that word is ``sure``, an answer
    that was begun says the same.
    """
    answers = chat.answers()
    visible = chat.visible()
    begun = is_partial(visible[-1]) if visible else False
    unfinished = _unfinished(chat, answers) if waits or (begun and not sure) else []
    for said in chat.accepted():
        report.accepted += 1
        if said.mark in answers:
            report.answered += 1
        elif reason := chat.explained.get(said.mark, REVOKED if said.mark in chat.revoked else ""):
            report.explained.setdefault(reason, []).append(said.mark)
        elif said.mark not in unfinished:
            report.lost.append(said.mark)
    report.unfinished += unfinished
    report.stray += [text for text in (visible[:-1] if unfinished else visible) if is_partial(text)]
    report.duplicated += [mark for mark, times in answers.items() if times > 1 or mark in chat.explained]
    told = [mark for mark in chat.kept("assistant") if mark not in chat.ours]
    foreign = [mark for mark in (*chat.first, *chat.kept("user"), *told) if mark not in chat.said]
    report.leaked += dict.fromkeys(foreign)
    report.forbidden += [f"{mark} is answered after opting out" for mark in chat.opted_out() if mark in answers]
    report.reordered += chat.reordered(list(answers))


def _unfinished(chat: Chat, answers: Collection[str]) -> dict[str, None]:
    """The messages whose turn has not come: a later one that was answered has passed over the others."""
    passed = [chat.said[mark] for mark in answers if mark in chat.said]
    highest = max((said.place for said in passed), default=-1)
    found: dict[str, None] = {}
    for said in chat.accepted():
        skipped = said.place < highest and any(said.precedes(other) for other in passed)
        if not skipped and said.mark not in answers and said.mark not in chat.explained:
            found[said.mark] = None
    return found


def history_fault(chat: Chat, *, waits: bool) -> str:
    """How a chat's history differs from what was said in it and answered; empty when it does not.

    Where something still ``waits``, history may hold an answer that nobody has seen yet, or lack what is a preview.
    """
    answers = chat.answers()
    asked, told = chat.kept("user"), chat.kept("assistant")
    heard = [said.mark for said in chat.accepted() if chat.explained.get(said.mark, DEAD) != DEAD]
    seen = [mark for mark in answers if mark in chat.said]
    ours = [mark for mark, said in chat.ours.items() if said.accepted is not None]
    must_ask, must_tell = ([], []) if waits else ([*seen, *heard], [*seen, *ours])
    to_come = {said.mark for said in chat.accepted()} if waits else set()
    may_ask = {mark for mark in chat.said if waits or mark not in chat.revoked}
    must_ask = [mark for mark in must_ask if mark not in chat.revoked]
    may_tell = {*seen, *chat.explained, *chat.revoked, *chat.ours, *to_come}
    return (
        _fault(chat, asked, wanted=must_ask, allowed=may_ask, where="what was said")
        or _fault(chat, told, wanted=must_tell, allowed=may_tell, where="the answers")
        or _answered_first(chat)
    )


def _fault(chat: Chat, kept: Sequence[str], *, wanted: Sequence[str], allowed: Collection[str], where: str) -> str:
    times = Counter(kept)
    faults = {
        "twice": [mark for mark, number in times.items() if number > 1],
        "missing": [mark for mark in wanted if mark not in times],
        "too much": [mark for mark in times if mark not in allowed],
        "out of order": chat.reordered(list(times)),
    }
    return "; ".join(f"{', '.join(marks[:3])} {fault} in {where}" for fault, marks in faults.items() if marks)


def _answered_first(chat: Chat) -> str:
    said = {*chat.ours, *chat.revoked}
    for sender, text in chat.turns or ():
        marks = marks_of(text)
        if sender == "user":
            said.update(marks)
        elif early := [mark for mark in marks if mark not in said]:
            return f"{early[0]} is answered before it is said"
    return ""


def delayed(chats: Sequence[Chat], turns: int) -> list[str]:
    """The messages that waited while one other person was answered more than ``turns`` times.

    A message waits from its acceptance, or from the answer before it in its own chat: who writes much waits for
    themselves.
    """
    answered = {chat.name: _answer_times(chat) for chat in chats}
    late = []
    for chat in chats:
        own = answered[chat.name]
        for said in chat.accepted():
            until = chat.first.get(said.mark)
            if until is None or said.accepted is None:
                continue
            before = bisect_left(own, until)
            since = max(said.accepted, own[before - 1] if before else said.accepted)
            others = (bisect_left(times, until) - bisect_right(times, since) for times in answered.values())
            if max(others) > turns:
                late.append(said.mark)
    return late


def _answer_times(chat: Chat) -> list[float]:
    """When each turn's answer was first to be seen; a turn is one bubble."""
    times: dict[str, float] = {}
    for call in chat.calls:
        if call.taken and call.bubble and call.marks:
            times.setdefault(call.bubble, call.time)
    return sorted(times.values())
