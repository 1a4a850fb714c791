"""Whether answers were seen growing as they should: soon, whole in the end, and no faster than a platform likes."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from simulator.asked import Asked
from simulator.chaos.load import newest, p95
from simulator.chaos.tales import told
from simulator.chaos.world import World
from simulator.ledger.records import is_partial, marks_of
from simulator.platforms import Call

FIRST_SECONDS: Final = 1.0
"""So soon after the model's first words a person sees some."""
EDIT_SECONDS: Final = 1.2
JITTER_SECONDS: Final = 0.3
"""A call may take so much longer to the platform than the next one."""
LONG_SECONDS: Final = 2.7
"""Whoever is told something for so long must see it grow: after the opening an edit is due."""
GROWN: Final = 0.5
SHOWN: Final = 3
CALM_SECONDS: Final = 2.0
"""So long a pause or a limit may be felt after the call that met it."""


@dataclass(frozen=True, slots=True)
class Life:
    """The calls that showed and changed one bubble, or tried to, oldest first."""

    calls: list[Call]

    @property
    def taken(self) -> list[Call]:
        return [call for call in self.calls if call.taken]

    @property
    def previews(self) -> list[Call]:
        """The edits to what was not its final text."""
        taken = self.taken
        return [call for call in taken[1:] if _text(call) != _text(taken[-1])]

    def repeats(self) -> Iterator[Call]:
        """The edits that ask for the text that stands there."""
        shown = ""
        for call in self.calls:
            if _text(call) == shown and call.status == 400:
                yield call
            shown = _text(call) if call.taken else shown


class Seen:
    """What the people of one world were shown, and when. ``kills`` are times."""

    def __init__(self, world: World, kills: list[float]) -> None:
        self.world, self.kills = world, kills
        self.calls = [call for call in list(world.platform.calls) if call.method.lower() in world.platform.messages]

    @cached_property
    def lives(self) -> dict[tuple[str, str], Life]:
        """Every bubble's calls, by chat and id."""
        found: dict[tuple[str, str], Life] = {}
        for call in self.calls:
            if bubble := call.bubble or str(call.params.get("message_id", "")):
                found.setdefault((call.chat_id, bubble), Life([])).calls.append(call)
        return found

    @cached_property
    def answers(self) -> dict[str, Life]:
        """The bubble in which each message's answer begins."""
        return {
            mark: life
            for life in self.lives.values()
            if life.taken and not is_partial(_text(life.taken[-1]))
            for mark in marks_of(_text(life.taken[-1]))
        }

    def undisturbed(self) -> Iterator[tuple[Asked, Life]]:
        """What the model was asked once and said whole, with the bubble that shows it, where nothing went wrong."""
        requests = [(tuple(newest(asked)), asked) for asked in list(self.world.model.requests)]
        times = Counter(marks for marks, _ in requests)
        troubled = defaultdict(list)
        for call in self.calls:
            if call.status in {0, 429}:
                troubled[call.chat_id].append(call.time)
        for marks, asked in requests:
            life = self.answers.get(marks[0]) if marks else None
            if life is None or times[marks] > 1 or asked.outcome != "done" or asked.ended is None:
                continue
            since, chat = asked.time - CALM_SECONDS, life.calls[0].chat_id
            if not any(since < time < asked.ended + CALM_SECONDS for time in troubled[chat]):
                yield asked, life


def judge_growth(world: World, kills: list[float]) -> None:
    """Fill the row with what was seen, and with what should not have been."""
    seen = Seen(world, kills)
    _judge_texts(seen)
    _judge_pace(seen)
    _judge_repeats(seen)
    _judge_first_words(seen)
    _judge_share(seen)


def _judge_texts(seen: Seen) -> None:
    """Every answer has all its words, once and in order, in however many bubbles."""
    world = seen.world
    row = world.row
    for chat in dict.fromkeys(said.chat_id for said in list(world.platform.said)):
        for answer in told(world.platform.chat(chat)):
            row.count("answers")
            row.count("words_most", len(answer.words))
            if answer.fault:
                row.broken.append(f"the answer to {answer.marks[0]}: {answer.fault}")
    row.count("bubbles", sum(not is_partial(_text(life.taken[-1])) for life in seen.lives.values() if life.taken))


def _judge_pace(seen: Seen) -> None:
    """Within any span there are no more previews of a bubble than one each ``EDIT_SECONDS``."""
    for (chat, bubble), life in seen.lives.items():
        times = [call.time for call in life.previews]
        seen.world.row.count("previews", len(times))
        if len(times) > 1 and (len(times) - 1) * EDIT_SECONDS > times[-1] - times[0] + JITTER_SECONDS:
            words = f"{len(times)} previews in {times[-1] - times[0]:.1f} s of bubble {bubble} in chat {chat}"
            seen.world.row.broken.append(words)


def _judge_repeats(seen: Seen) -> None:
    """Nobody asks for the text that stands there, unless a worker has died or an answer got lost: then nobody knows."""
    for (chat, bubble), life in seen.lives.items():
        first, last = life.calls[0].time, life.calls[-1].time
        lost = any(call.status == 0 for call in life.calls)
        if lost or any(first - CALM_SECONDS < kill < last for kill in seen.kills):
            continue
        seen.world.row.broken += [f"the same text again for bubble {bubble} in chat {chat}" for _ in life.repeats()]


def _judge_first_words(seen: Seen) -> None:
    waits = []
    for asked, life in seen.undisturbed():
        times = [call.time for call in life.taken if re.search(r"\w", _text(call))]
        if times and asked.first is not None:
            waits.append(times[0] - asked.first)
    row, slowest = seen.world.row, p95(waits)
    row.count("undisturbed", len(waits))
    row.count("first_words_ms_p95_most", round(1000 * slowest))
    if not waits:
        row.broken.append("no answer was undisturbed")
    if slowest > FIRST_SECONDS:
        row.slow.append(f"first words were seen {slowest:.2f} s after the model's (p95), not {FIRST_SECONDS:g}")


def _judge_share(seen: Seen) -> None:
    """Of the answers that took long, many were seen while they grew."""
    long = [life for asked, life in seen.undisturbed() if (asked.ended or 0) - (asked.first or 0) >= LONG_SECONDS]
    grown = sum(len({_text(call) for call in life.taken}) >= SHOWN for life in long)
    seen.world.row.count("long_answers", len(long))
    seen.world.row.count("seen_growing", grown)
    if not long or grown < GROWN * len(long):
        seen.world.row.broken.append(f"only {grown} of {len(long)} long answers were seen growing")


def _text(call: Call) -> str:
    return str(call.params.get("text", ""))
