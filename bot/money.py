"""Each number on WhatsApp in figures: how far its bubbles came, what this month costs, and whether it is on hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from bot.numbers import numbers, settings_of
from bot.settings import Settings
from bot.stores.connection import Store
from bot.stores.hold import Hold, holds
from bot.stores.meter import FREE_MONTHLY, Meter, Month


@dataclass(frozen=True, slots=True)
class Account:
    """A number at one moment. ``stages`` counts bubbles since the beginning, ``month`` what this month's cost, ``hold``
    is why nothing goes out."""

    name: str
    stages: dict[str, int]
    month: Month
    budget: float
    hold: Hold | None = None


def read(store: Store, settings: Settings) -> list[Account]:
    """All numbers, the one of `.env` first. Raises StoreUnavailable, SettingsError."""
    meter, known = Meter(store, settings), list(numbers(settings))
    held = {one.account: one for one in holds(store, (f"whatsapp:{name}" for name in known))}
    return [
        Account(
            name,
            dict(meter.stages(name)),
            meter.month(name),
            settings_of(settings, name).whatsapp_budget,
            held.get(f"whatsapp:{name}"),
        )
        for name in known
    ]


def rows(accounts: Iterable[Account]) -> Iterator[tuple[str, str]]:
    """The figures for a terminal."""
    for one in accounts:
        stages = ", ".join(f"{number} {stage}" for stage, number in one.stages.items())
        yield f"WhatsApp number {one.name}: bubbles", stages
        billed = ", ".join(f"{number} {what}" for what, number in sorted(one.month.billed.items())) or "none"
        free = f"{one.month.services} of {FREE_MONTHLY} free replies used"
        budget = f" of {one.budget:.2f}" if one.budget else ""
        yield "… this month", f"{free}; billed: {billed}; cost {one.month.cost:.2f}{budget}"
        if one.hold:
            yield "… on hold", f"{one.hold.waiting} conversations wait: {one.hold.reason}"


def families(accounts: Iterable[Account]) -> Iterator[Metric]:
    """The figures for Prometheus. What belongs to a month begins anew with it."""
    bubbles = CounterMetricFamily("recado_bubbles", "How far bubbles came", labels=["account", "stage"])
    month = GaugeMetricFamily(
        "recado_month_bubbles", "This month's bubbles with a price", labels=["account", "category", "billed"]
    )
    cost = GaugeMetricFamily("recado_month_cost", "What this month's bubbles cost", labels=["account"])
    budget = GaugeMetricFamily("recado_month_budget", "What they may cost; 0: no budget", labels=["account"])
    held = GaugeMetricFamily("recado_account_held", "1 while nothing goes out from it", labels=["account"])
    waiting = GaugeMetricFamily("recado_account_waiting", "Conversations that wait for that", labels=["account"])
    for one in accounts:
        held.add_metric([one.name], float(one.hold is not None))
        waiting.add_metric([one.name], one.hold.waiting if one.hold else 0)
        for stage, number in one.stages.items():
            bubbles.add_metric([one.name, stage], number)
        for found, billed in ((one.month.billed, "yes"), (one.month.free, "no")):
            for category, number in found.items():
                month.add_metric([one.name, category, billed], number)
        cost.add_metric([one.name], one.month.cost)
        budget.add_metric([one.name], one.budget)
    yield from (bubbles, month, cost, budget, held, waiting)
