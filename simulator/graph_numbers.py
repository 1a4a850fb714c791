"""A business's numbers on WhatsApp: each with its token, its state and its bill."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from simulator.graph_trouble import Trouble

FREE_MESSAGES: Final = 1000
"""Service messages that cost nothing, for each number and month, since October 2026
(https://developers.facebook.com/docs/whatsapp/pricing)."""


@dataclass(eq=False)
class Number:
    """One number. ``templates`` are its approved ones as ``name:language``; ``trouble`` is why Meta takes nothing.

    ``free`` is how many messages cost nothing, ``taken`` how many were taken. ``verified_name`` and
    ``display_phone_number`` are as people see them.
    """

    phone_number_id: str
    token: str
    app_secret: str
    display_phone_number: str = "+34 600 000 000"
    verified_name: str = "Recado"
    templates: set[str] = field(default_factory=set)
    free: int = FREE_MESSAGES
    taken: int = 0
    expired: bool = False
    trouble: Trouble | None = None

    @property
    def metadata(self) -> dict[str, str]:
        """As a webhook names it."""
        return {"display_phone_number": self.display_phone_number, "phone_number_id": self.phone_number_id}

    def price(self, category: str = "service") -> dict[str, Any]:
        """Count one more message that was taken; what is told of its cost."""
        self.taken += 1
        billable = self.taken > self.free or category != "service"
        kind = "regular" if billable else "free_customer_service"
        return {"billable": billable, "pricing_model": "PMP", "type": kind, "category": category}
