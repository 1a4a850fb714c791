"""What can become of a worker: it dies or is stopped at any step, beside a platform whose bubbles can be edited."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from bot.errors import Gone, StoreUnavailable, Unknown
from bot.message import Piece
from bot.stores.connection import DUE, WAITING, Argument, Script, Store, key
from bot.stores.line import MODELS, SUSPECTS
from tests.unit.mailboxes import ANA
from tests.unit.worlds import FakeChannel, World


class EditingChannel(FakeChannel):
    """A platform whose bubbles can be edited: ``bubbles`` is what the person sees, oldest first, by their ids;
    ``seen`` what each has ever shown.

    An edit that is Unknown is on its way until it ``arrives``; ``fail_edits`` is ``fail`` for edits.
    """

    edits = True

    def __init__(self) -> None:
        super().__init__()
        self.bubbles: dict[str, str] = {}
        self.seen: dict[str, list[str]] = {}
        self.late: list[tuple[str, str]] = []
        self.fail_edits: list[BaseException | None] = []

    def edit_seconds(self, conversation: str) -> float:
        return 0

    def deliver(self, text: str) -> str:
        bubble = super().deliver(text)
        self._show(bubble, text)
        return bubble

    def edit(self, conversation: str, bubble: str, piece: Piece) -> None:
        self.before("edit")
        if bubble not in self.bubbles:
            raise Gone("the person has deleted it")
        error = self.fail_edits.pop(0) if self.fail_edits else None
        if isinstance(error, Unknown):
            self.late.append((bubble, piece.text))
        if error:
            raise error
        self._show(bubble, piece.text)
        self.after("edit")

    def arrive(self) -> None:
        """What was on its way is there now."""
        while self.late:
            self._show(*self.late.pop(0))

    def _show(self, bubble: str, text: str) -> None:
        self.bubbles[bubble] = text
        self.seen.setdefault(bubble, []).append(text)

    @property
    def shown(self) -> list[str]:
        """What the person reads, top to bottom."""
        return list(self.bubbles.values())


class Killed(BaseException):
    """The worker is gone in the middle of a step; nothing of what it would do then happens."""


class Steps(Store):
    """One worker's way to Redis. ``fate`` happens at step number ``at``: each script and each call of the platform
    has one before its effect and one after it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.client)
        self.count, self.at, self.dead = 0, -1, False
        self.fate: Callable[[], None] = lambda: None

    def step(self, _: str = "") -> None:
        if self.dead:
            raise Killed
        self.count += 1
        if self.count == self.at:
            self.fate()

    def die(self) -> None:
        self.dead = True
        raise Killed

    def run(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        self.step()
        answer = super().run(script, keys, args)
        self.step()
        return answer


class Shaky(Store):
    """A Redis that is away before and after it ran a script: ``away`` holds how often, first before, then after."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.client)
        self.away: dict[Script, list[str]] = {}

    def run(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        left = self.away.get(script)
        when = left.pop(0) if left else ""
        if when == "before":
            raise StoreUnavailable("Redis is away")
        answer = super().run(script, keys, args)
        if when == "after":
            raise StoreUnavailable("the answer was lost")
        return answer


class Workers:
    """Three workers on one mailbox and one platform: the first and its rival meet their fates, ``heir`` finds what
    they left. Each would give another answer, in two bubbles."""

    def __init__(self, store: Store, channel: FakeChannel, **settings: Any) -> None:
        self.store, self.channel = store, channel
        self.steps, self.rival_steps = Steps(store), Steps(store)
        self.first, self.rival, self.heir = (
            World(way, channel=channel, **settings) for way in (self.steps, self.rival_steps, store)
        )
        for one, words in ((self.first, "first"), (self.rival, "second"), (self.heir, "third")):
            one.backend.answers = [[f"the {words} one ", "says that we ", "open at nine|and close at five"]] * 9
            one.served_by("here")

    @contextmanager
    def stepping(self, steps: Steps) -> Iterator[None]:
        """The platform's calls are this worker's steps."""
        before, after = self.channel.before, self.channel.after
        self.channel.before = self.channel.after = steps.step
        try:
            yield
        finally:
            self.channel.before, self.channel.after = before, after

    def meet(self, at: int, fate: Callable[[], None]) -> None:
        """A person asks, and the first worker meets its fate at this step of its answer."""
        self.heir.say("when?")
        self.steps.at, self.steps.fate = at, fate
        self._answer(self.first, self.steps)

    def compete(self, at: int) -> None:
        """The rival takes over, and dies at this step."""
        self.expire()
        self.rival_steps.at, self.rival_steps.fate = at, self.rival_steps.die
        self._answer(self.rival, self.rival_steps)

    def _answer(self, world: World, steps: Steps) -> None:
        with self.stepping(steps), suppress(Killed):
            world.answerer.answer(ANA)

    def expire(self) -> None:
        """As much time passes as a lease has."""
        self.store.client.delete(key(ANA, "lease"))
        for raw in self.store.client.scan_iter("recado:places:*"):
            self.store.client.delete(raw)

    def hurry(self) -> None:
        """As if all that waits had waited long enough."""
        self.store.client.hdel(key(ANA, "state"), "speak_at", "think_at", "pause_at")

    def finish(self, answer: Callable[[], None] | None = None) -> None:
        """The heir does what there is, again and again, as long as anything is due."""
        for _ in range(20):
            if self.store.client.zscore(DUE, ANA) is None:
                return
            self.hurry()
            (answer or (lambda: self.heir.answerer.answer(ANA)))()
        raise AssertionError("it never comes to rest")


def unrest(store: Store) -> list[str]:
    """Every key, and everything known of a conversation, that must be gone when nothing is left to do."""
    found: list[str] = []
    for name in (raw.decode() for raw in store.client.scan_iter("recado:*")):
        part = name.rpartition(":")[2] if name.startswith("recado:{") else ""
        if part in {"state", "turn", "spoken", "names", "page"} and store.client.pttl(name) < 0:
            found.append(f"{name} stays for ever")
        if part == "state":
            known = (raw.decode() for raw in store.client.hkeys(name))
            found += {one.partition(":")[0] if one.startswith("quota_") else one for one in known} - AT_REST
        elif part not in KEPT or name in LINES or name.startswith("recado:places:"):
            found.append(name)
    return found


KEPT = {"", "history", "turn", "spoken", "dead", "names", "raw", "page"}
LINES = (DUE, WAITING, f"recado:line:{MODELS}", f"recado:line:{SUSPECTS}")
AT_REST = {
    "number", "committed", "window", "language", "paused", "dead_reason",
    "pause_at", "pause_wait", "quota_day", "quota_messages", "quota_tokens", "quota_told",
    "noticed", "refused", "wrong_codes", "stop", "halted", "chosen", "model",
    "heard_at", "address", "paused_until", "paused_wait", "failed",
}  # fmt: skip
"""What a conversation's state may know when nothing is left to do."""
