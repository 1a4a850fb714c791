"""The port to where people are. One file in this folder is one channel; its name is the file's name.

A channel has two halves. The receiving half runs in the receiver and must load nothing heavy; the
speaking half runs in the workers and loads the platform's client when it is first used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from bot.errors import Refused, Unreadable

if TYPE_CHECKING:
    from bot.message import Attachment, Limit, Piece
    from bot.received import Received
    from bot.settings import Settings
    from bot.texts import Language, Text


class Channel(ABC):
    """A platform on which people write to us.

    ``account`` is the bot or number that people write to; it is the second part of each conversation's id.
    ``edits`` says whether a bubble can be changed after it was sent. ``body_limit`` is the largest webhook body in
    bytes, ``typing_seconds`` how often "typing" must be repeated to stay visible, ``bubble_units`` the most UTF-16
    units that a bubble holds, ``unknown_seconds`` how long a bubble whose outcome is unknown waits before it is
    sent again, and ``seen_hours`` how long the platform may deliver a message again. ``fetches`` says whether what
    people attach can be fetched, ``sends_files`` whether a Piece may have a file. ``window_seconds`` is how long after
    the person's last message the platform takes ours; 0: always. ``raw_hours`` is how long its own words are kept.
    ``opens_at_once``: a growing bubble is shown with its first word, for no telephone announces it.
    ``follows``: people are spoken to under the name under which they wrote last; else under the first one.
    """

    name: ClassVar[str]
    edits: ClassVar[bool] = False
    fetches: ClassVar[bool] = False
    sends_files: ClassVar[bool] = False
    opens_at_once: ClassVar[bool] = False
    body_limit: ClassVar[int] = 1 << 20
    typing_seconds: ClassVar[float] = 4.0
    bubble_units: ClassVar[int] = 4096
    account: str
    seen_hours: ClassVar[float] = 24
    window_seconds: ClassVar[float] = 0.0
    raw_hours: ClassVar[float] = 0.0
    follows: ClassVar[bool] = True
    unknown_seconds: float = 1.0

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        """The channel as configured; None when it is off.

        Raises SettingsError when it is on and a secret is missing or weak.
        """

    def serves(self, account: str) -> bool:
        """Whether people who write to ``account`` are answered; those of one that was given up wait."""
        return True

    @abstractmethod
    def admit(self, headers: Mapping[str, str]) -> None:
        """Judge a request before its body is read. Raises Forged."""

    @abstractmethod
    def receive(self, headers: Mapping[str, str], body: bytes) -> Received:
        """All messages of a body, in the order in which they count, and all statuses; none is an answer too.

        Raises Forged when the body is not the platform's, Unreadable when it cannot be understood.
        """

    def origin(self, headers: Mapping[str, str], body: bytes) -> str:
        """Who sent a body, where several may: what is kept of it says so. Raises Forged."""
        return ""

    def read(self, body: bytes, origin: str = "") -> Received:
        """As ``receive``, of a body that has proved itself before to be of that ``origin``. Raises Unreadable."""
        raise Unreadable(f"{self.name} has no webhook")

    def verify(self, query: Mapping[str, str]) -> str | None:
        """The answer to the platform's own test of the address; None where it has no such test.

        Raises Forged when the test is not the platform's.
        """
        return None

    @abstractmethod
    def render(self, text: str) -> tuple[Piece, ...]:
        """A model's Markdown as bubbles that the platform can show, split at its limits. Never raises."""

    def limits(self, conversation: str) -> tuple[Limit, ...]:
        """The platform's limits that a bubble for ``conversation`` counts against."""
        return ()

    @abstractmethod
    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        """Send one bubble, in plain text where its format is not taken, and return the platform's id of it.

        ``reference`` is our own id of the bubble, for platforms that echo one in a Status. Raises DeliveryError.
        """

    def credential(self, conversation: str) -> str:
        """A hash of what the platform knows us by in ``conversation``: it takes nothing more for that after Halted, and
        perhaps for another. Empty: nothing here is ever Halted."""
        return ""

    def asks_to_write(self, conversation: str) -> bool:
        """Whether somebody whose window is closed can be asked to write first."""
        return False

    def ask_to_write(self, conversation: str, reference: str) -> str:
        """Ask a person to write first, as ``speak`` sends a bubble; where ``asks_to_write`` says so."""
        raise Refused(f"{self.name} asks nobody to write")

    def edit(self, conversation: str, bubble: str, piece: Piece) -> None:
        """Let the bubble with the platform's id ``bubble`` read ``piece``; may be repeated. Where ``edits`` is True.

        Raises DeliveryError; Gone when the bubble is no longer there.
        """
        raise Refused(f"{self.name} cannot edit")

    def edit_seconds(self, conversation: str) -> float:
        """How far apart the edits of a growing bubble must be at least."""
        return 1.2

    def fetch(self, conversation: str, attachment: Attachment, most: int) -> bytes:
        """The bytes of a file that a person sent in ``conversation``, ``most`` at most; from the platform alone.

        No address that a person wrote is ever asked. Raises DeliveryError: TooLarge beyond ``most`` bytes, Refused
        when the platform will never give the file.
        """
        raise Refused(f"files on {self.name} cannot be fetched")

    @abstractmethod
    def show_typing(self, conversation: str, message_id: str) -> None:
        """Show that an answer to ``message_id`` is on its way. Raises DeliveryError."""

    def is_group(self, conversation: str) -> bool:
        """Whether several people write there."""
        return False

    def username(self) -> str:
        """What people call us in a group, in lower case; empty where nobody calls. Raises DeliveryError."""
        return ""

    def announce(  # noqa: B027 - not every channel has such a place
        self, commands: Mapping[str, Text], owners: Mapping[str, Text], admins: Sequence[str], default: Language
    ) -> None:
        """Let the platform show which commands there are, where it has a place for that; may be repeated.

        ``owners`` are the commands of the ``admins`` (ids as ADMINS has them) alone; who speaks none of our languages
        reads ``default``. Raises DeliveryError.
        """

    def warm_up(self) -> None:  # noqa: B027 - not every channel has something heavy
        """Load what the speaking half needs, so that the first person does not wait for it."""

    def check(self) -> str:
        """One real call that proves the credentials; returns who we are there. Raises DeliveryError."""
        return self.account

    def close(self) -> None:  # noqa: B027 - most channels hold nothing open
        """Give back what the speaking half holds open."""
