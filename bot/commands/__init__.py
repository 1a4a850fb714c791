"""The port to what a person may order with a slash. One file in this folder is one command; its name is the file's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from bot.business import Business
    from bot.stores.access import Admission, Stranger
    from bot.texts import Language, Text


@dataclass(frozen=True, slots=True)
class Order:
    """A command as it was given: in which language, to which business, beside which other commands.

    ``words`` are those behind it, ``number`` its place in its conversation, of which ``state`` is what else is known.
    ``admin``: it is the owner's; ``private``: nobody else reads along; ``pressed``: not written, but a button of ours.
    ``told``: the owner has a chat in which they are told who wants a person; ``boss``: this is that chat.
    ``broke``: the month's money is spent, and no model is asked here.

    ``model`` is asked here, and ``chooses``: there are others, ``models`` as far as they are known. ``thinker`` names
    whose machine that is (empty: the business' own), ``days`` how long what was said is kept. ``figures`` are the
    installation's now, and ``export`` is all that is stored of the person, as JSON; ``stranger`` is who has a
    pairing code. Callables raise StoreUnavailable.
    """

    language: Language
    business: Business
    commands: Mapping[str, Command]
    words: tuple[str, ...] = ()
    number: int = 0
    state: Mapping[str, str] = field(default_factory=dict)
    admin: bool = False
    private: bool = True
    pressed: bool = False
    told: bool = False
    boss: bool = False
    broke: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    model: str = ""
    chooses: bool = False
    models: Callable[[], Sequence[str]] = tuple
    thinker: str = ""
    days: int = 30
    figures: Callable[[], Mapping[str, int]] = dict
    export: Callable[[], str] = str
    stranger: Callable[[str], Stranger | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Done:
    """What a command says; ``clears`` forgets the conversation's history.

    ``pauses`` is why nothing is answered from now on ("": it is again; None: as it was). ``hands_over``: a person of
    the business goes on here, and the owner is told. ``introduces``: the text says who is speaking. ``admission`` lets
    a stranger in. ``language`` and ``model`` hold in this conversation from now on (None: as before; "": the usual
    ones). ``again``: the last question is thought anew; the text is said when there is none. ``erases``: all that is
    known of the person goes. ``file`` is the text of a file called ``file_name`` that goes with the text; ``instead``
    is said where no file can be sent. ``notes`` go into the conversation's ``state``.
    """

    text: str
    clears: bool = False
    pauses: str | None = None
    hands_over: bool = False
    introduces: bool = False
    admission: Admission | None = None
    language: Language | None = None
    model: str | None = None
    again: bool = False
    erases: bool = False
    file: str = ""
    file_name: str = ""
    instead: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


class Command(ABC):
    """Something a person may order. ``description`` is its line in /help; ``admin``: only the owner may."""

    description: ClassVar[Text]
    admin: ClassVar[bool] = False

    @abstractmethod
    def run(self, order: Order) -> Done:
        """Carry the order out. It has no side effects of its own, so that it may be run again."""
