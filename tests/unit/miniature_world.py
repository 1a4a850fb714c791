"""The world around the product in miniature: people, a platform, and processes that are killed and stopped.

Everything is decided by a seed. What happens is told to a ledger, and at the end what the product keeps.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from simulator.ledger import Ledger
from tests.unit.miniature import Limited, Product, Steps

PEOPLE, MESSAGES, WORKERS = 5, 20, 3
PAUSE, RETRY_AFTER, STATUS_LATE = 90, 60, 30
TICKS = 60_000


@dataclass(frozen=True, slots=True)
class Faults:
    """Each as a share: of steps at which a process is killed or stopped, of webhooks that come twice at once,
    of calls that the platform refuses for a while."""

    kills: float = 0.05
    stops: float = 0.04
    twins: float = 0.2
    limited: float = 0.1


@dataclass(slots=True, eq=False)
class Webhook:
    """One delivery of a message on its way."""

    chat: str
    number: int
    text: str
    steps: Steps


@dataclass(slots=True)
class World:
    """Runs a product until everybody is answered, or until there is no more hope."""

    product_class: type[Product]
    log: Path
    edits: bool = True
    seed: int = 0
    faults: Faults = field(default_factory=Faults)
    flood: int = 0
    now: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    product: Product = field(init=False)
    dice: random.Random = field(init=False)
    bubbles: int = 0
    told: dict[str, int] = field(default_factory=dict)
    pauses: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, deque[str]] = field(default_factory=dict)
    flying: list[Webhook] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    processes: list[Steps] = field(default_factory=list)
    stopped: dict[int, int] = field(default_factory=dict)

    def run(self) -> Ledger:
        """Everything that is known at the end."""
        self.dice = random.Random(self.seed)
        log = self.log.open("w", encoding="utf-8")
        self.product = self.product_class(self, lambda line: log.write(f"{line}\n"), edits=self.edits)
        self.waiting = {f"chat{who}": deque(self._texts(who)) for who in range(PEOPLE)}
        said = {chat: list(texts) for chat, texts in self.waiting.items()}
        self.processes = [self.product.work(f"worker {number}") for number in range(WORKERS)]
        with log:
            while self.now < TICKS and not self._rests():
                self._tick()
        for chat, texts in said.items():
            for text in texts:
                self.ledger.said(chat, text, time=0, accepted=text in self.taken, taken=self.taken.get(text))
        self._tell_what_is_kept()
        return self.ledger

    def _texts(self, who: int) -> list[str]:
        number = self.flood if self.flood and not who else MESSAGES
        return [f"c{who} n{one} {self.dice.getrandbits(32):08x}" for one in range(number)]

    def _rests(self) -> bool:
        return not (self.flying or any(self.waiting.values()) or self._left())

    def _left(self) -> dict[str, int]:
        boxes = self.product.boxes.items()
        return {
            f"{chat}:{part}": len(getattr(box, part))
            for chat, box in boxes
            for part in ("inbox", "wip", "out")
            if getattr(box, part)
        }

    def _tell_what_is_kept(self) -> None:
        for chat in self.waiting:
            self.ledger.history(chat, self.product.history(chat))
        self.ledger.rest(self._left())
        self.ledger.logs([self.log])
        self.ledger.complete()

    # what happens at each tick

    def _tick(self) -> None:
        self.now += 1
        self.product.sweep()
        self._write()
        number = self.dice.randrange(len(self.processes) + len(self.flying))
        if number >= len(self.processes):
            self._deliver(self.flying[number - len(self.processes)])
        elif self.stopped.get(number, 0) <= self.now:
            self._step(number)

    def _write(self) -> None:
        """Everybody's next message goes on its way when the one before it was taken; the flood goes first."""
        for chat, texts in self.waiting.items():
            on_its_way = any(webhook.chat == chat and webhook.text not in self.taken for webhook in self.flying)
            if texts and not on_its_way and self._hurries(chat):
                text = texts.popleft()
                twins = 2 if self.dice.random() < self.faults.twins else 1
                self.flying += [self._webhook(chat, len(texts), text) for _ in range(twins)]

    def _hurries(self, chat: str) -> bool:
        if self.flood:
            return chat == "chat0" or (not self.waiting["chat0"] and self.dice.random() < 0.01)
        return self.dice.random() < 0.05

    def _webhook(self, chat: str, number: int, text: str) -> Webhook:
        return Webhook(chat, number, text, self.product.accept(chat, f"{chat}/{number}", text))

    def _deliver(self, webhook: Webhook) -> None:
        if self.dice.random() < self.faults.kills:
            webhook.steps = self.product.accept(webhook.chat, f"{webhook.chat}/{webhook.number}", webhook.text)
        elif next(webhook.steps, self) is self:
            self.flying.remove(webhook)
            self.taken.setdefault(webhook.text, self.now)

    def _step(self, number: int) -> None:
        fate = self.dice.random()
        if fate < self.faults.kills:
            self.processes[number] = self.product.work(f"worker {number} from {self.now}")
        elif fate < self.faults.kills + self.faults.stops:
            self.stopped[number] = self.now + PAUSE
        else:
            next(self.processes[number])

    # the platform

    def send(self, chat: str, text: str, reference: str = "") -> str:
        self._admit(chat)
        self.bubbles += 1
        self.told.setdefault(reference, self.now + STATUS_LATE)
        self.ledger.delivered(chat, str(self.bubbles), text, time=self.now)
        return str(self.bubbles)

    def edit(self, chat: str, bubble: str, text: str) -> None:
        self._admit(chat)
        self.ledger.delivered(chat, bubble, text, time=self.now)

    def took(self, reference: str) -> bool:
        return self.told.get(reference, TICKS) <= self.now

    def prompted(self, text: str) -> None:
        self.ledger.prompted(text)

    def _admit(self, chat: str) -> None:
        """Raises Limited."""
        left = self.pauses.get(chat, 0) - self.now
        if left > 0:
            self.ledger.too_early(chat, f"{left} ticks too early")
        elif self.dice.random() < self.faults.limited:
            left = RETRY_AFTER
            self.pauses[chat] = self.now + left
        if left > 0:
            raise Limited(left)
