"""The port to who thinks. One file (or folder) here is one backend; its name is its name in LLM_PROVIDER."""

from __future__ import annotations

import string
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, Self

from bot.errors import BackendError

if TYPE_CHECKING:
    from bot.business import Business
    from bot.message import Turn
    from bot.settings import Settings
    from bot.texts import Language


_PROSE: Final = (string.ascii_letters + " ").encode() + bytes(range(0x80, 0x100))


def estimate(text: str) -> int:
    """Tokens of ``text``: one for each digit and mark, one for three bytes of the rest, and four for the turn.

    Mistral's tokenizers make fewer of Spanish and English prose, prices and opening hours (measured, see
    tests/unit/test_context.py), but more of emoji in a row.
    """
    size = len(data := text.encode())
    marks = len(data.translate(None, _PROSE))
    return (size - marks) // 3 + marks + 4


IMAGE_TOKENS: Final = 1600
"""What a picture takes of the context: Qwen2.5-VL makes so many of 1280 x 960 pixels, and most models fewer
(28 x 28 pixels a token, https://huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct)."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a backend is asked: the turns, oldest first, the last one the person's.

    ``session`` is a stable pseudonym of the conversation, so that a router can keep it on a warm
    cache; ``language`` is the person's; ``server`` is the one of Backend.servers that is to answer
    (empty: the first); ``model`` is asked instead of the usual one, where the backend ``chooses``.
    """

    turns: tuple[Turn, ...]
    session: str = ""
    language: Language = "es"
    server: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an operator should know of the model. ``ok`` None: worth a look, nothing is broken."""

    words: str
    ok: bool | None = True


class Stream(Protocol):
    """An answer's text, piece by piece; joined, the pieces are the whole answer."""

    def __iter__(self) -> Iterator[str]: ...

    def __next__(self) -> str: ...

    @property
    def limited(self) -> bool:
        """Whether it ended because it had as many tokens as it may (REPLY_TOKENS), perhaps in mid-sentence."""

    def close(self) -> None:
        """End the request, from any thread and at any time; whoever waits for a piece gets Unavailable."""


class Backend(ABC):
    """Someone who answers a prompt. All methods may be called from many threads at once."""

    name: ClassVar[str]
    takes_notes: ClassVar[bool] = True
    """Whether today's date and the like help it; False where the person's words alone count."""
    default_model: ClassVar[str] = ""
    """What is asked for without LLM_MODEL."""
    chooses: ClassVar[bool] = False
    """Whether its servers have other models, and Prompt.model names the one that answers."""
    knows_business: ClassVar[bool] = False
    """Whether it answers from one business's file alone, so that each business needs its own."""

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings, business: Business) -> Self:
        """The backend as configured. Raises SettingsError."""

    @abstractmethod
    def stream(self, prompt: Prompt) -> Stream:
        """The answer as it comes; the request is made when the first piece is asked for.

        Its steps raise Unavailable (also in mid-stream: then what came is void) or Rejected. An answer
        without any text is Unavailable, not an empty success.
        """

    def servers(self, session: str) -> tuple[str, ...]:
        """The names of the model servers that can answer, the one with this session's cache first.

        Before them stands a line that all workers share, of ``parallel`` places each; none: no line.
        """
        return ()

    @property
    def parallel(self) -> int:
        """How many requests one server may have in flight, of all workers together."""
        return 1

    @property
    def sees(self) -> bool:
        """Whether it looks at a turn's images. Raises Unavailable where only a server knows, and none has said so."""
        return False

    def context_tokens(self) -> int | None:
        """How many tokens prompt and answer may have together, as the server says; None: not known."""
        return None

    def count_tokens(self, text: str) -> int:
        """The size of ``text`` in tokens; where there is no tokenizer, an estimate."""
        return estimate(text)

    def models(self) -> tuple[str, ...]:
        """The models to choose from, as far as the servers tell; none: they do not. Raises Unavailable or Rejected."""
        return ()

    @abstractmethod
    def check(self) -> str:
        """Prove by one real call that the model answers; says which. Raises Unavailable or Rejected
        with what to do about it."""

    def examine(self) -> Iterator[Finding]:
        """What ``check`` tells or raises, and what is worth a look beside it; a failure hides nothing else."""
        try:
            yield Finding(self.check())
        except BackendError as error:
            yield Finding(str(error), ok=False)

    def close(self) -> None:  # noqa: B027 - not every backend holds something open
        """Give back connections."""
