"""The story of a month whose money is spent: the owner hears of it in time, and then people answer people."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.conftest import Installation
from tests.e2e.stories import SETTINGS, Someone, owner_of

MONEY = {"WHATSAPP_BUDGET": "0.10", "WHATSAPP_PRICE": "0.02", "BUDGET_ACTION": "handover"}


def test_the_months_money_is_spent(install: Callable[..., Installation]) -> None:
    """Five answers for ten cents: told at four, told at five; the sixth question is the owner's to answer.

    The first bubble, and no other, says that an automatic assistant answers; it is told to serve the business alone.
    """
    one = install(**SETTINGS, **MONEY, AI_NOTICE="on")
    one.whatsapp.first.free, one.whatsapp.statuses = 0, True
    one.start("receiver", "worker")
    ana, owner = Someone(one, 34600800001), owner_of(one)

    ana.writes("pregunta 0")
    assert ana.reads().startswith("re: pregunta 0\n\nTe responde el asistente automático de este negocio.")
    assert "solo a lo que tenga que ver con el negocio" in str(one.model.requests[-1])
    for number in range(1, 4):
        ana.writes(f"pregunta {number}")
        assert ana.reads() == f"re: pregunta {number}"
    assert "80 %" in owner.reads()
    ana.writes("pregunta 4")
    assert ana.reads() == "re: pregunta 4"
    assert "se ha gastado: 0.10 de 0.10" in owner.reads()

    ana.writes("¿Me hacéis una tarta?")
    assert "una persona del negocio" in ana.reads()
    notice = owner.sees()
    assert "¿Me hacéis una tarta?" in notice.text
    owner.writes("Claro, ¿para cuándo?", answering=notice)
    assert ana.reads() == "Claro, ¿para cuándo?"
    assert len(one.model.requests) == 5
