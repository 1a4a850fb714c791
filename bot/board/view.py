"""The board: a status in rows, the most urgent first, whose meaning never is in a colour alone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text as Words

from bot.board import words
from bot.board.spans import size, span
from bot.cli import clean
from bot.money import Account
from bot.status import Server, Status
from bot.stores.meter import FREE_MONTHLY
from bot.stores.roster import Card
from bot.texts import Language, Text

LOUD, QUIET = "bold", "dim"
LONG_SECONDS: Final = 60
"""So long nobody should wait: the alarm SomebodyWaits (deploy/prometheus/alerts.yml) says the same."""


def view(now: Status, language: Language, *, at: float | None = None) -> RenderableType:
    """All of it; ``at`` is when it was so (seconds since 1970; None: now)."""
    at = time.time() if at is None else at
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True, max_width=18)
    rows.add_column(ratio=1, overflow="fold")
    for name, cells in _rows(now, language, at):
        for place, cell in enumerate(cells):
            rows.add_row(Words(name.to(language) if place == 0 else "", LOUD), cell)
    title = words.TITLE.to(language, time=time.strftime("%H:%M:%S", time.localtime(at)))
    parts = [Words(title, LOUD), Words(), rows, *_accounts(now.accounts, language), *_counts(now, language)]
    if now.cards:
        parts += [Words(), _workers(now.cards, language, at)]
    return Group(*parts)


def away(since: float, reason: str, language: Language) -> RenderableType:
    """What is said above the last view while Redis has been away for ``since`` seconds."""
    return Words(words.AWAY.to(language, since=span(since), reason=clean(reason)) + "\n", LOUD)


def _rows(now: Status, language: Language, at: float) -> Iterator[tuple[Text, list[RenderableType]]]:
    def say(text: Text, **values: object) -> Words:
        return Words(clean(text.to(language, **values)))

    yield words.TURNS, [say(words.TURNS_NOW, **now.turns)]
    waits = say(words.OLDEST_WAITS, since=span(now.oldest_waiting)) if now.unanswered else say(words.NOBODY_WAITS)
    yield words.OLDEST, [waits]
    late = words.LATE.to(language, late=now.overdue, by=span(now.oldest_due)) if now.overdue else "0"
    line = say(words.LINE, models=now.waiting_for_model, suspects=now.suspects)
    yield words.QUEUE, [say(words.QUEUE_NOW, due=now.conversations, late=late, rings=now.rings), line]
    turns, slots = sum(now.turns[one] for one in ("thinking", "speaking")), sum(card.slots for card in now.cards)
    at_work = say(words.AT_WORK, workers=now.workers, turns=turns, slots=slots)
    yield words.WORKERS, [at_work if now.cards else Words(words.NO_WORKERS.to(language), LOUD)]
    if now.servers:
        yield words.SERVERS, [_server(one, language) for one in now.servers]
    yield words.LOOK, [Words(clean(one), LOUD) for one in _look(now, language, at)] or [say(words.NOTHING)]
    today = {name: now.today.get(name, 0) for name in ("answers", "messages", "tokens")}
    yield words.TODAY, [say(words.TODAY_NOW, **today)]


def _workers(cards: Iterable[Card], language: Language, at: float) -> Table:
    rows = Table(box=None, padding=(0, 1), pad_edge=False)
    rows.add_column(words.WORKER.to(language), header_style=QUIET, overflow="fold")
    for name in (words.WORKER_TURNS, words.MEMORY, words.UP):
        rows.add_column(name.to(language), justify="right", header_style=QUIET, no_wrap=True)
    rows.add_column(words.ANSWERS_WITH.to(language), header_style=QUIET, overflow="fold")
    for card in cards:
        turns = f"{card.thinking + card.speaking}/{card.slots}" if card.slots else "-"
        up = span(max(0.0, at - card.since)) if card.since else "-"
        gpu = f" (GPU {size(card.gpu_used)} / {size(card.gpu_total)})" if card.gpu_total else ""
        cells = (card.label, turns, size(card.memory), up, f"{card.backend} {card.model}{gpu}".strip() or "-")
        rows.add_row(*(Words(clean(cell)) for cell in cells))
    return rows


def _server(server: Server, language: Language) -> Words:
    how, style = words.SERVER_WELL.to(language), ""
    if server.open:
        how, style = words.SERVER_OPEN.to(language, failures=server.failures, rest=span(server.rest)), LOUD
    elif server.rest:
        how = words.SERVER_RESTS.to(language, rest=span(server.rest))
    elif server.failures:
        how = words.SERVER_FAILS.to(language, failures=server.failures)
    return Words(f"{clean(server.name)}: {how}", style)


def _look(now: Status, language: Language, at: float) -> Iterator[str]:
    """What somebody should do something about."""
    if not now.cards:
        yield words.NOBODY_ANSWERS.to(language)
    if now.unanswered and now.oldest_waiting >= LONG_SECONDS:
        yield words.WAITED_LONG.to(language, waiting=now.unanswered, since=span(now.oldest_waiting))
    if any(one.open for one in now.servers):
        yield words.MODEL_AWAY.to(language)
    for one in now.accounts:
        if one.hold:
            told = {"since": span(max(0.0, at - one.hold.since)), "reason": one.hold.reason}
            yield words.HOLD.to(language, name=one.name, waiting=one.hold.waiting, **told)
    if now.dead:
        yield words.DEAD.to(language, dead=now.dead)
    if now.quarantined:
        yield words.QUARANTINED.to(language, bodies=now.quarantined)
    if now.paused:
        yield words.PAUSED.to(language, paused=now.paused)


def _accounts(accounts: Iterable[Account], language: Language) -> Iterator[RenderableType]:
    """What became of each number's bubbles, and what this month costs."""
    for one in accounts:
        billed = ", ".join(f"{number} {what}" for what, number in sorted(one.month.billed.items()))
        cost = f"{one.month.cost:.2f}"
        if one.budget:
            cost = words.OF_BUDGET.to(language, cost=cost, budget=f"{one.budget:.2f}")
        told = {"free": one.month.services, "most": FREE_MONTHLY, "billed": billed or words.NONE.to(language)}
        yield Words(f"\n{clean(words.NUMBER.to(language, name=one.name))}", LOUD)
        yield Words(f"  {words.BUBBLES.to(language, **one.stages)}")
        yield Words(f"  {clean(words.MONTH.to(language, cost=cost, **told))}")


def _counts(now: Status, language: Language) -> Iterator[RenderableType]:
    """What Redis has counted since the installation began, where it has."""
    counted = {name: now.counts[name] for name in words.COUNTED if now.counts.get(name)}
    rows = Table.grid(padding=(0, 1))
    rows.add_column(justify="right", min_width=6)
    rows.add_column(overflow="fold")
    for name, number in counted.items():
        rows.add_row(Words(str(number)), Words(words.COUNTED[name].to(language)))
    if counted:
        yield Words(f"\n{words.COUNTED_SO_FAR.to(language)}", LOUD)
        yield rows
