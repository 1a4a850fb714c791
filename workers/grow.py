"""Growing: while an answer is thought, its first bubble shows what there is of it so far."""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from bot.channels import Channel
from bot.errors import DeliveryError, RateLimited, StoreUnavailable, Unknown
from bot.message import Piece
from bot.stores.outbox import Outbox, Standing
from workers.held import Held, LeaseLost, patiently

OPENING_SHARE, OPENING_MOST = 3, 60
OPEN_AT, OPEN_AFTER_SECONDS = 60, 0.6
"""A bubble is opened when there are so many characters, or so long after the first one: a telephone shows its
opening as the notice of a new message, and "…" says nothing. On its way it must be seen within a second."""

LOOK_AGAIN_SECONDS = 1.0
OPEN_AGAIN_SECONDS = 0.2
"""Where the limits had no room for an opening, it is tried again sooner: first words are waited for."""
MORE = " …"
PREVIEW_SHARE = 0.73
"""Of a long answer so much of a bubble is shown while it grows: with what says that more comes it fits one."""

_HALF = re.compile(r"\[[^\]\n]*(\]\([^)\s]*)?$|(?<!\()https?://\S*$")

Pause = Callable[[Channel, str, RateLimited], None]
Show = Callable[[Callable[[], str]], None]
"""Is told how to ask what there is of an answer so far."""

log = logging.getLogger("recado.speak")


def opening(text: str) -> Piece:
    """The first words of a text, never more than a third of it: what a growing bubble shows first."""
    words = text[: min(len(text) // OPENING_SHARE, OPENING_MOST)].rpartition(" ")[0].strip()
    return Piece(f"{words} …" if words else "…")


def beginning(text: str) -> Piece:
    """What a bubble shows first while its answer is thought: its words so far, for more will come."""
    words = text[:OPENING_MOST].rpartition(" ")[0].strip() or text[:OPENING_MOST]
    return Piece(f"{words}{MORE}".strip())


def finished(text: str) -> str:
    """``text`` as far as its last line's Markdown is complete: nobody sees marks, or half an address."""
    head, newline, line = text.rpartition("\n")
    if line.lstrip().startswith("```"):
        return text
    for mark in ("**", "~~", "`"):
        if line.count(mark) % 2:
            line = line[: line.rindex(mark)]
    return head + newline + _HALF.sub("", line)


class Growing:
    """The first bubble of one turn while it is thought. Nothing of it is final: whatever fails here, the answer is
    said after the commit. It never waits for a limit; final answers go first."""

    def __init__(
        self, outbox: Outbox, held: Held, channel: Channel, turn: int, pause: Pause, *, stop: str = ""
    ) -> None:
        """``pause`` is told when the platform wants one; ``stop`` is what the button says that ends the answer."""
        self._outbox, self.held, self._channel, self._turn = outbox, held, channel, turn
        self._pause, self._stop = pause, stop
        self._limits, self._most = channel.limits(held.address), int(channel.bubble_units * PREVIEW_SHARE)
        self._bubble = ""
        self._text = self._shown = ""
        self._next_at = self._looked_at = 0.0
        self._first_at = math.inf

    @property
    def begun(self) -> bool:
        """Whether the person sees the bubble."""
        return bool(self._bubble)

    @property
    def due(self) -> bool:
        """Whether it may be time to show more."""
        return self._channel.edits and time.monotonic() >= self._next_at

    @property
    def patience(self) -> float | None:
        """In how many seconds it is to look again, although nothing more has come; None: not before something has.

        What has become due since it looked last counts: a call may have taken long, and the model may fall silent.
        """
        open_at = math.inf if self._bubble else self._first_at + OPEN_AFTER_SECONDS
        at = self._next_at if self._next_at > self._looked_at else open_at
        return max(0.0, at - time.monotonic()) if self._looked_at < at < math.inf else None

    def show(self, so_far: Callable[[], str]) -> None:
        """Show what there is so far, if it is time to. Raises LeaseLost."""
        self._looked_at = time.monotonic()
        if not self.due or not (text := finished(so_far()[: self._most])) or self._is_short(text):
            return
        if text == self._text:
            return
        self._rest()
        try:
            if self._bubble:
                self._edit(text)
            else:
                self._open(text)
        except RateLimited as error:
            self._pause(self._channel, self.held.conversation, error)
            self._next_at = time.monotonic() + error.retry_after
        except (DeliveryError, StoreUnavailable) as error:
            log.warning("a growing answer is not shown until it is whole: %s: %s", type(error).__name__, error)
            self._next_at = math.inf
        except LeaseLost:
            raise
        except Exception:  # the border of a preview: a platform's client that breaks on it costs no answer
            log.exception("a growing answer is not shown until it is whole")
            self._next_at = math.inf

    def _rest(self) -> None:
        self._next_at = time.monotonic() + self._channel.edit_seconds(self.held.conversation)

    def _is_short(self, text: str) -> bool:
        """Whether there is too little of the answer to open its bubble; one that stays so short is opened later."""
        self._first_at = min(self._first_at, time.monotonic())
        waited = time.monotonic() - self._first_at
        return not (self._bubble or self._channel.opens_at_once) and len(text) < OPEN_AT and waited < OPEN_AFTER_SECONDS

    def _open(self, text: str) -> None:
        permission, found = self._begin("open")
        if permission == "go":
            first, *_ = self._channel.render(text) or (Piece(text),)
            found = self._send(replace(beginning(first.text), stop=self._stop), found)
        elif permission != "open":
            return
        self._bubble = found
        if not found:
            raise LeaseLost

    def _send(self, piece: Piece, reference: str) -> str:
        conversation, sent = self.held.conversation, ""
        try:
            sent = self._channel.speak(conversation, piece, reference)
        except Unknown:
            raise  # it may stand there; whoever opens the bubble anew counts it as stray
        except DeliveryError:
            self._outbox.opened(conversation, reference, "")
            raise
        return patiently(lambda: self._outbox.opened(conversation, reference, sent))

    def _edit(self, text: str) -> None:
        shown, *others = self._channel.render(text) or (Piece(text),)
        if not others:
            shown = Piece(shown.text + MORE, shown.entities)
        shown = replace(shown, stop=self._stop)
        if shown.text == self._shown:
            self._text = text
            return
        permission, _ = self._begin("preview")
        if permission != "go":
            return
        again = False
        try:
            self._channel.edit(self.held.conversation, self._bubble, shown)
            self._text, self._shown = text, shown.text
            self._rest()  # a call that took long may have come late; the next one must not come soon after it
        except Unknown:  # it may still come, after the final text
            again = True
            raise
        finally:
            standing = patiently(lambda: self._repair(again=again))
        if standing != "ours":
            raise LeaseLost

    def _repair(self, *, again: bool) -> Standing:
        return self._outbox.repair(self.held.conversation, self.held.token, self._turn, 0, again=again)

    def _begin(self, mode: str) -> tuple[str, str]:
        permission, found, wait = self._outbox.begin(
            self.held.conversation, self.held.token, self._turn, 0, self._limits,
            mode="open" if mode == "open" else "preview",
        )  # fmt: skip
        if permission == "lost":
            raise LeaseLost
        if permission == "wait":
            again = OPEN_AGAIN_SECONDS if mode == "open" else LOOK_AGAIN_SECONDS
            self._next_at = time.monotonic() + max(wait, again)
        return permission, found


class Beside:
    """Shows a growing answer in a thread of its own: a platform that is slow keeps nobody's place before the model.

    The newest text wins, also when the model falls silent. Leaving the context waits for the call that is on its way,
    and for nothing else.
    """

    def __init__(self, growing: Growing) -> None:
        self._growing = growing
        self._so_far: Callable[[], str] = str
        self._more, self._over = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="growing", daemon=True)

    def __enter__(self) -> Show:
        return self._show

    def __exit__(self, *exc: object) -> None:
        self._over = True
        self._more.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _show(self, so_far: Callable[[], str]) -> None:
        self._so_far = so_far
        if not self._growing.due:
            return
        self._more.set()
        if self._thread.ident is None:
            with suppress(RuntimeError):  # no thread to be had now: with the next words, or whole in the end
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._more.clear()
            if self._over:  # looked at after clearing, or what __exit__ sets might be cleared unseen
                return None
            try:
                self._growing.show(self._so_far)
            except LeaseLost:
                return self._growing.held.lose()
            self._more.wait(self._growing.patience)
