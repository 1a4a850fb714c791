"""Each number on WhatsApp in figures: how far its bubbles came, what this month costs, and whether it is on hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from bot.numbers import numbers, settings_of
from bot.settings import Settings
from bot.stores import hold
from bot.stores.connection import Store, translated
from bot.stores.hold import Hold
from bot.stores.meter import Meter, Month


@dataclass(frozen=True, slots=True)
class Account:
    """A number at one moment. ``stages`` counts bubbles since the beginning, ``month`` what this month's cost, ``hold``
    is why nothing goes out."""

    name: str
    stages: dict[str, int]
    month: Month
    budget: float
    hold: Hold | None = None


class Accounts:
    """All numbers, the one of `.env` first. Raises SettingsError."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._meter = store, Meter(store, settings)
        self._budgets = {name: settings_of(settings, name).whatsapp_budget for name in numbers(settings)}

    def read(self) -> list[Account]:
        """How they are now, by one round trip. Raises StoreUnavailable."""
        if not self._budgets:
            return []
        with translated():
            pipe = self._store.client.pipeline(transaction=False)
            for name in self._budgets:
                self._meter.ask(pipe, name)
                hold.ask(pipe, f"whatsapp:{name}")
            told = pipe.execute()
        return [self._account(name, *told[4 * place : 4 * place + 4]) for place, name in enumerate(self._budgets)]

    def _account(self, name: str, bill: Any, stages: Any, held: Any, waiting: int) -> Account:
        month, far = self._meter.told(name, bill, stages)
        return Account(name, dict(far), month, self._budgets[name], hold.told(f"whatsapp:{name}", held, waiting))


def read(store: Store, settings: Settings) -> list[Account]:
    """All numbers as they are now. Raises StoreUnavailable, SettingsError."""
    return Accounts(store, settings).read()


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
