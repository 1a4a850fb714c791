"""One worker's world in miniature: a model and a platform that do as they are told, on a real mailbox."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Self

from bot import wiring
from bot.business import Business, Question
from bot.channels import Channel
from bot.errors import Unavailable, Unknown
from bot.message import Limit, Message, Piece
from bot.received import Received
from bot.settings import Settings, load_settings
from bot.stores.access import Access
from bot.stores.connection import DUE, Store, key
from bot.stores.handovers import Handovers
from bot.stores.history import History
from bot.stores.line import MODELS, SUSPECTS, Line
from bot.stores.outbox import Outbox
from tests.unit.mailboxes import ANA, open_mailbox
from workers.answer import Answerer
from workers.backends import Backend, Prompt
from workers.held import Held
from workers.places import ALONE, Places
from workers.think import Thinker


@contextmanager
def holding(answerer: Answerer, conversation: str) -> Iterator[Held]:
    """A conversation in this worker's hands, as while it is answered."""
    held = Held(conversation)
    answerer._held[held.token] = held
    try:
        yield held
    finally:
        del answerer._held[held.token]


class FakeChannel(Channel):
    """A platform with memory; ``fail`` holds what the next calls raise, None for success.

    ``before`` and ``after`` run around each call's effect, with its name: what other workers do meanwhile.
    """

    name, account = "fake", "7"
    unknown_seconds = 0.05

    def __init__(self) -> None:
        self.calls = 0
        self.spoken: list[str] = []
        self.references: list[str] = []
        self.typing: list[str] = []
        self.fail: list[BaseException | None] = []
        self.rate: tuple[Limit, ...] = ()
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls()

    def admit(self, headers: Mapping[str, str]) -> None:
        """Everybody may come in."""

    def receive(self, headers: Mapping[str, str], body: bytes) -> Received:
        return Received()

    def limits(self, conversation: str) -> tuple[Limit, ...]:
        return self.rate

    def render(self, text: str) -> tuple[Piece, ...]:
        return tuple(Piece(part) for part in text.split("|"))

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        self.before("speak")
        self.calls += 1
        self.references.append(reference)
        error = self.fail.pop(0) if self.fail else None
        bubble = self.deliver(piece.text) if error is None or isinstance(error, Unknown) else ""
        if error:
            raise error
        self.after("speak")
        return bubble

    def deliver(self, text: str) -> str:
        """The person sees a new bubble; returns its id."""
        self.spoken.append(text)
        return str(len(self.spoken))

    def show_typing(self, conversation: str, message_id: str) -> None:
        self.typing.append(message_id)


class FakeStream:
    """What the model says; ``given`` of its pieces were heard. Closed, it gives whoever waits Unavailable."""

    def __init__(self, pieces: Iterator[str], pace: float, *, limited: bool) -> None:
        self._pieces, self._pace = pieces, pace
        self._ended = threading.Event()
        self.given, self.limited = 0, limited

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._ended.wait(self._pace):
            raise Unavailable("the request was ended")
        piece = next(self._pieces)
        self.given += 1
        return piece

    def close(self) -> None:
        self._ended.set()

    @property
    def closed(self) -> bool:
        return self._ended.is_set()


class FakeBackend(Backend):
    """A model with memory that says ``answers`` in turn: a text letter by letter, a list piece by piece; an
    error among them is raised. ``pace`` seconds pass before each piece, ``during`` runs before the first."""

    name, takes_notes = "fake", False

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []
        self.streams: list[FakeStream] = []
        self.answers: list[str | Sequence[str] | Exception] = []
        self.during: Callable[[], None] = lambda: None
        self.pace, self.limited = 0.0, False
        self.context: int | None = None
        self.names: tuple[str, ...] = ()
        self.places = 1

    def servers(self, session: str) -> tuple[str, ...]:
        return self.names

    @property
    def parallel(self) -> int:
        return self.places

    @classmethod
    def from_settings(cls, settings: Settings, business: Business) -> Self:
        return cls()

    def stream(self, prompt: Prompt) -> FakeStream:
        self.prompts.append(prompt)
        answer = self.answers.pop(0) if self.answers else f"re: {prompt.turns[-1].text}"
        self.streams.append(FakeStream(self._say(answer), self.pace, limited=self.limited))
        return self.streams[-1]

    def _say(self, answer: str | Sequence[str] | Exception) -> Iterator[str]:
        self.during()
        if isinstance(answer, Exception):
            yield "half a sentence, "
            raise answer
        yield from answer

    def context_tokens(self) -> int | None:
        return self.context

    def check(self) -> str:
        return "fake"


class World:
    """One worker's answerer beside its mailbox, platform and model."""

    def __init__(
        self,
        store: Store,
        *,
        lease: float = 15,
        quiet: float = 0,
        channel: FakeChannel | None = None,
        **settings: object,
    ) -> None:
        self.store = store
        self.settings = load_settings(**({"default_language": "en", "ai_notice": False} | settings))
        self.mailbox = open_mailbox(store, lease=lease, quiet=quiet)
        self.channel, self.backend = channel or FakeChannel(), FakeBackend()
        self.number = 0
        self.channels: dict[str, Channel] = {"fake": self.channel}
        self.thinker = Thinker(
            self.settings, history=History(store), backend=self.backend, commands=wiring.open_commands(),
            business=Business(name="La Espiga", faq=(Question(question="Hours?", answer="9 to 17"),)),
            access=Access(store, self.settings), handovers=Handovers(store, self.settings),
        )  # fmt: skip
        self.answerer = self.worker()

    def worker(self) -> Answerer:
        lease = self.mailbox.lease_ms / 1000
        models = Line(self.store, MODELS, places=self.backend.servers(""), parallel=self.backend.parallel, lease=lease)
        suspects = Line(self.store, SUSPECTS, places=[ALONE], parallel=1, lease=lease)
        answerer = Answerer(
            self.settings, mailbox=self.mailbox, thinker=self.thinker, outbox=Outbox(self.store),
            places=Places(models, suspects, self.settings.slow_notice_seconds), channels=self.channels,
            show_typing=lambda channel, _, message, address: channel.show_typing(address, message),
        )  # fmt: skip
        answerer.beside = lambda growing: nullcontext(growing.show)  # each piece is shown before the next one comes
        return answerer

    def say(self, *sentences: str, language: str = "", conversation: str = ANA) -> None:
        for text in sentences:
            self.number += 1
            self.mailbox.accept([Message(str(self.number), conversation, text, language=language)])

    def answer(self, *sentences: str, language: str = "") -> list[str]:
        """Say something, let the worker answer, and return what the person was told."""
        before = len(self.channel.spoken)
        self.say(*sentences, language=language)
        self.answerer.answer(ANA)
        return self.channel.spoken[before:]

    def rest(self) -> bool:
        """Whether nothing is left to do or held in this conversation."""
        kept = [key(ANA, part) for part in ("in", "wip", "out", "lease")]
        return not self.store.client.exists(*kept) and self.store.client.zscore(DUE, ANA) is None

    def come_back(self, seconds: float = 0.06) -> None:
        """Let the waiting time pass and answer again."""
        time.sleep(seconds)
        self.answerer.answer(ANA)

    def think_again(self) -> None:
        """Answer again as if the turn's waiting time were over."""
        self.store.client.hdel(key(ANA, "state"), "think_at")
        self.answerer.answer(ANA)

    def crash(self) -> None:
        """The worker is gone: its lease ends, and another one stands ready."""
        self.store.client.delete(key(ANA, "lease"))
        self.answerer = self.worker()

    def served_by(self, *names: str, places: int = 1) -> None:
        """From now on these model servers answer, of ``places`` each, and all workers stand in one line for them."""
        self.backend.names, self.backend.places = names, places
        self.answerer = self.worker()
