"""The port to who listens. One file here is one transcriber; its name is its name in TRANSCRIBER."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from bot.settings import Settings
    from bot.texts import Language


class Transcriber(ABC):
    """Someone who writes down what is said in a voice note. All methods may be called from many threads at once."""

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The transcriber as configured; loads no model yet. Raises SettingsError."""

    @abstractmethod
    def transcribe(self, audio: bytes, mime: str, language: Language, over: Callable[[], bool]) -> str:
        """What is said in ``audio``, a file of any usual kind; empty: nothing that can be understood.

        People speak what they like: ``language`` is only a hint for where the sound does not tell. ``over`` is
        asked now and then whether nobody waits for the words any more.

        Raises Unavailable (not now: it will be tried again) or Rejected (never).
        """

    @abstractmethod
    def check(self) -> str:
        """Prove that it can listen; says who listens. Raises Unavailable or Rejected with what to do about it."""

    def close(self) -> None:  # noqa: B027 - not every transcriber holds something open
        """Give back connections."""
