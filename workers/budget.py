"""The month's money: the owner hears in time what WhatsApp costs, and may stop it there."""

from __future__ import annotations

from collections.abc import Iterator

from bot.message import Conversation
from bot.numbers import numbers, settings_of
from bot.settings import Settings
from bot.stores.meter import FREE_MONTHLY, Meter, Month
from bot.stores.owner import Owner
from bot.texts import Text

FREE_WARNED = 900
"""So many of the free replies are used when the owner is told that they end."""
WARNED = 0.8
"""The share of the budget at which they are told the first time."""
ROUNDING = 1e-9
"""What a computer makes of three times 0.1."""

FREE_ENDS = Text(
    es="El número de WhatsApp {number} ha usado este mes {used} de sus {most} respuestas gratuitas. Las siguientes se "
    "pagan.",
    en="The WhatsApp number {number} has used {used} of its {most} free answers of this month. Those beyond are paid.",
)
ALMOST = Text(
    es="WhatsApp ha costado este mes {cost} de {budget} en el número {number}: ya es el 80 % del presupuesto.",
    en="WhatsApp has cost {cost} of {budget} this month on the number {number}: 80 % of the budget is reached.",
)
SPENT = Text(
    es="El presupuesto de WhatsApp de este mes se ha gastado: {cost} de {budget} en el número {number}. El asistente "
    "sigue respondiendo.",
    en="This month's budget for WhatsApp is spent: {cost} of {budget} on the number {number}. The assistant goes on "
    "answering.",
)
SPENT_AND_SILENT = Text(
    es="El presupuesto de WhatsApp de este mes se ha gastado: {cost} de {budget} en el número {number}. Desde ahora el "
    "asistente no responde allí, y te avisa de quien escriba.",
    en="This month's budget for WhatsApp is spent: {cost} of {budget} on the number {number}. From now on the "
    "assistant does not answer there, and tells you who writes.",
)


class Budget:
    """Watches what each number costs. Methods raise StoreUnavailable."""

    def __init__(self, settings: Settings, meter: Meter, owner: Owner) -> None:
        self._settings, self._meter, self._owner = settings, meter, owner
        self._told: set[str] = set()

    def is_spent(self, conversation: str) -> bool:
        """Whether nothing is to be answered here, because that would cost more than the month may."""
        channel, account, *_ = Conversation.parse(conversation)
        own = settings_of(self._settings, account)
        if channel != "whatsapp" or own.budget_action != "handover" or not own.whatsapp_budget:
            return False
        return self._meter.month(account).cost >= own.whatsapp_budget * (1 - ROUNDING)

    def watch(self) -> None:
        """Tell the owner of each number what they have to know, each thing once a month. May be repeated."""
        for account in numbers(self._settings):
            for once, text, values in self._due(account, self._meter.month(account)):
                if once not in self._told:
                    words = text.to(self._owner.language(account), number=account, **values)
                    self._owner.tell(once, words, account)
                    self._told.add(once)

    def _due(self, account: str, month: Month) -> Iterator[tuple[str, Text, dict[str, object]]]:
        """What is to be known by now: under which name it is told once, and in which words."""
        own, name = settings_of(self._settings, account), f"money:{account}:{self._meter.name(account)}"
        if month.services >= FREE_WARNED:
            yield f"{name}:free", FREE_ENDS, {"used": month.services, "most": FREE_MONTHLY}
        budget = own.whatsapp_budget
        values: dict[str, object] = {"cost": f"{month.cost:.2f}", "budget": f"{budget:.2f}"}
        if budget and month.cost >= budget * (WARNED - ROUNDING):
            yield f"{name}:{budget}:almost", ALMOST, values
        if budget and month.cost >= budget * (1 - ROUNDING):
            spent = SPENT_AND_SILENT if own.budget_action == "handover" else SPENT
            yield f"{name}:{budget}:spent", spent, values
