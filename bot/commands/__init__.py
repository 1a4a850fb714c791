"""The port to what a person may order with a slash. One file in this folder is one command; its name is the file's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from bot.business import Business
    from bot.texts import Language, Text


@dataclass(frozen=True, slots=True)
class Order:
    """A command as it was given: in which language, to which business, beside which other commands."""

    language: Language
    business: Business
    commands: Mapping[str, Command]


@dataclass(frozen=True, slots=True)
class Done:
    """What a command says; ``clears`` forgets the conversation's history.

    ``pauses`` is why nothing is answered from now on ("": it is again; None: as it was).
    """

    text: str
    clears: bool = False
    pauses: str | None = None


class Command(ABC):
    """Something a person may order. ``description`` is its line in /help."""

    description: ClassVar[Text]

    @abstractmethod
    def run(self, order: Order) -> Done:
        """Carry the order out. It has no side effects of its own, so that it may be run again."""
