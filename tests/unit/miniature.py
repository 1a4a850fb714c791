"""The product in miniature and in memory, with every step of a turn in the open, so that it can be made wrong.

Each ``yield`` is a place at which a process can be stopped or killed; what stands between two of them is one
command. Times are the ticks of the world's clock.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from simulator.ledger.records import Sender

Steps = Iterator[None]

BATCH, THINKING = 5, 3
LEASE, STATUS_WAIT = 40, 300


class Limited(Exception):
    """Raised when the platform takes nothing in this chat for so many ticks."""

    def __init__(self, wait: int) -> None:
        super().__init__(wait)
        self.wait = wait


class Outside(Protocol):
    """What the product sees of the world."""

    now: int

    def send(self, chat: str, text: str, reference: str = "") -> str: ...

    def edit(self, chat: str, bubble: str, text: str) -> None: ...

    def took(self, reference: str) -> bool:
        """Whether a status has come for what was sent with this reference."""

    def prompted(self, text: str) -> None: ...


@dataclass(slots=True, eq=False)
class Reply:
    turn: int
    text: str
    bubble: str = ""
    sending: int | None = None


@dataclass(slots=True)
class Box:
    """A conversation: what waits, what is being answered and by whom, what was said, what is to be spoken."""

    inbox: list[str] = field(default_factory=list)
    wip: list[str] = field(default_factory=list)
    out: list[Reply] = field(default_factory=list)
    history: list[tuple[Sender, str]] = field(default_factory=list)
    holder: str = ""
    until: int = 0
    turn: int = 0
    committed: int = 0
    speak_at: int = 0


class Product:
    """Correct. ``edits``: answers appear as an opening that is edited; otherwise a status tells what was sent."""

    def __init__(self, world: Outside, log: Callable[[str], object], *, edits: bool) -> None:
        self.world, self.write_log, self.edits = world, log, edits
        self.boxes: defaultdict[str, Box] = defaultdict(Box)
        self.line: deque[str] = deque()
        self.seen: set[str] = set()

    # the receiver

    def accept(self, chat: str, message_id: str, text: str) -> Steps:
        """One webhook; when the steps are over, its platform hears 200."""
        yield
        if message_id not in self.seen:
            self.seen.add(message_id)
            self.boxes[chat].inbox.append(text)
            self.ring(chat)
        yield

    def ring(self, chat: str) -> None:
        if chat not in self.line:
            self.line.append(chat)

    def sweep(self) -> None:
        """Ring for everybody who has work that nobody does."""
        for chat, box in self.boxes.items():
            held = box.holder and box.until > self.world.now
            waits = box.out and box.speak_at > self.world.now
            if (box.inbox or box.wip or box.out) and not held and not waits and chat not in self.line:
                self.line.append(chat)

    # the worker

    def work(self, token: str) -> Steps:
        """A worker's life."""
        while True:
            yield
            if not self.line:
                continue
            chat = self.line.popleft()
            yield
            if (batch := self.take(chat, token)) is not None:
                yield from self.answer(chat, token, batch)

    def take(self, chat: str, token: str) -> tuple[int, str] | None:
        """The turn to be thought and its text, empty when there is only something to speak; None: nothing to do."""
        box = self.boxes[chat]
        if box.holder not in {"", token} and box.until > self.world.now:
            return None
        if not box.out and not box.wip:
            if not box.inbox:
                return None
            box.wip, box.inbox = box.inbox[:BATCH], box.inbox[BATCH:]
            box.turn += 1
        box.holder, box.until = token, self.world.now + LEASE
        return box.turn, "" if box.out else "\n".join(box.wip)

    def answer(self, chat: str, token: str, batch: tuple[int, str]) -> Steps:
        box = self.boxes[chat]
        turn, text = batch
        if text:
            self.world.prompted("\n".join([*(said for _, said in self.history(chat)), text]))
            for _ in range(THINKING):
                yield
                self.renew(chat, token)
            yield from self.commit(chat, token, turn, text)
            self.log(turn, text)
        yield
        if box.out and self.holds(chat, token) and self.may_speak(box):
            yield from (self.speak if self.edits else self.speak_once)(chat, token, box.out[0])
        if self.holds(chat, token):
            box.holder = ""
            if (box.out and self.may_speak(box)) or (box.inbox and not box.out):
                self.ring(chat)

    def renew(self, chat: str, token: str) -> None:
        if self.holds(chat, token):
            self.boxes[chat].until = self.world.now + LEASE

    def holds(self, chat: str, token: str) -> bool:
        return self.boxes[chat].holder == token

    def commit(self, chat: str, token: str, turn: int, text: str) -> Steps:
        box = self.boxes[chat]
        if turn > box.committed and self.holds(chat, token):
            box.committed, box.wip = turn, []
            self.history(chat).extend((("user", text), ("assistant", f"re: {text}")))
            box.out.append(Reply(turn, f"re: {text}"))
        yield

    def history(self, chat: str) -> list[tuple[Sender, str]]:
        return self.boxes[chat].history

    def log(self, turn: int, text: str) -> None:
        self.write_log(f"turn {turn}: {len(text)} characters")

    def may_speak(self, box: Box) -> bool:
        return box.speak_at <= self.world.now

    def speak(self, chat: str, token: str, reply: Reply) -> Steps:
        """An opening, whose bubble is then edited: that may be done twice."""
        try:
            if not reply.bubble:
                bubble = self.world.send(chat, "re: …")
                yield
                if not self.holds(chat, token):
                    return
                reply.bubble = bubble
                yield
            yield from self.finish(chat, token, reply)
        except Limited as limited:
            self.boxes[chat].speak_at = self.world.now + limited.wait

    def finish(self, chat: str, token: str, reply: Reply) -> Steps:
        """The whole text, into the bubble that was opened. Raises Limited."""
        if self.holds(chat, token):
            self.world.edit(chat, reply.bubble, reply.text)
            yield
            self.settle(chat, reply)

    def speak_once(self, chat: str, token: str, reply: Reply) -> Steps:
        """A send that may not be done twice: what is in doubt waits for its status."""
        reference = f"{chat}/{reply.turn}"
        if reply.sending is not None and self.in_doubt(chat, reply, reference):
            return
        reply.sending = begun = self.world.now
        yield
        try:
            self.world.send(chat, reply.text, reference)
        except Limited as limited:
            self.boxes[chat].speak_at = self.world.now + limited.wait
            reply.sending = None if reply.sending == begun else reply.sending
            return
        yield
        self.settle(chat, reply)

    def in_doubt(self, chat: str, reply: Reply, reference: str) -> bool:
        """Whether a bubble of which nobody knows must not be sent now."""
        if self.world.took(reference):
            self.settle(chat, reply)
            return True
        return self.world.now < (reply.sending or 0) + STATUS_WAIT

    def settle(self, chat: str, reply: Reply) -> None:
        """Written down by whoever heard it, lease or no lease."""
        box = self.boxes[chat]
        if reply in box.out:
            box.out.remove(reply)
