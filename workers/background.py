"""The worker's background: leases are renewed, typing is shown again, overdue conversations are rung."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from bot.channels import Channel
from bot.errors import DeliveryError, Halted, RateLimited, StoreUnavailable
from workers.answer import Answerer
from workers.held import Held

RENEW_SECONDS = 0.5
SWEEP_SECONDS = 1.0
ERASE_SECONDS = 1.0
WATCH_SECONDS = 2.0
SIGN_SECONDS = 2.0
SILENCE = 4
"""A model that has been asked may think of its first word for so many times SLOW_NOTICE_SECONDS before the person is
told: longer than who waits in the line, for it is at work."""

ANOTHER_SECONDS = 1.0
"""Typing shown for one message of a burst need not be shown at once for the next; what found no room is tried again."""
TYPING_THREADS = 4
TYPING_REMEMBERED = 10_000

log = logging.getLogger("recado.worker")


class Background:
    """Loops beside the turns, each in a daemon thread, and the one place where typing is shown."""

    def __init__(self, answerer: Answerer, sign: Callable[[], None] | None = None) -> None:
        """``sign`` tells every other second how this worker is; None: nobody is told."""
        self._answerer, self._tell_all = answerer, sign
        self._typing = threading.Semaphore(TYPING_THREADS)
        self._shown: dict[str, tuple[str, float]] = {}
        self._sooner = threading.Event()
        self._sweep_at = 0.0
        self._over = False
        answerer.look_again = self.look_again
        answerer.show_typing = self.show_typing

    def start(self) -> None:
        signing = [self._sign] if self._tell_all else []
        for loop in (self._renew, self._sweep, self._erase, self._watch, *signing):
            threading.Thread(target=self._forever, args=(loop,), name=loop.__name__, daemon=True).start()

    def close(self) -> None:
        """The process ends, and Redis with it, perhaps: of that nothing is told."""
        self._over = True

    def _forever(self, loop: Callable[[], None]) -> None:
        while not self._over:
            try:
                loop()
            except StoreUnavailable as error:
                if not self._over:
                    log.error("%s", error)
                time.sleep(1)
            except Exception:  # the border of a background loop: without it, leases would end and nobody would ring
                log.exception("%s failed and goes on", loop.__name__)
                time.sleep(1)

    def _renew(self) -> None:
        time.sleep(RENEW_SECONDS)
        held = self._answerer.held
        renewed = self._answerer.mailbox.renew((one.conversation, one.token, list(one.seats)) for one in held)
        for one in held:
            if one.token in renewed.lost:
                one.lose()
                continue
            if mark := renewed.marks.get(one.token):
                one.heed(mark)
            silence = SILENCE * self._answerer.notice_seconds
            if one.notice and time.monotonic() - one.asked > silence:
                threading.Thread(target=self._tell, args=(one,), name="notice", daemon=True).start()
            if one.typing_for and (channel := self._answerer.channel(one.conversation)):
                self.show_typing(channel, one.conversation, one.typing_for, one.address)

    def _tell(self, held: Held) -> None:
        try:
            self._answerer.tell(held)
        except StoreUnavailable as error:
            log.warning("a notice was not told: %s", error)

    def _sweep(self) -> None:
        self._sweep_at = math.inf  # whoever looks again while we look here is heard
        self._answerer.give_back_stranded()
        self._answerer.places.tend()
        rung, seconds = self._answerer.mailbox.sweep()
        if rung:
            log.debug("rang for %d conversations", rung)
        wait = SWEEP_SECONDS if seconds is None else min(SWEEP_SECONDS, max(seconds, 0.005))
        self._sweep_at = time.monotonic() + wait
        self._sooner.wait(wait)
        self._sooner.clear()

    def _erase(self) -> None:
        time.sleep(ERASE_SECONDS)
        self._answerer.erase()

    def _watch(self) -> None:
        time.sleep(WATCH_SECONDS)
        self._answerer.watch()

    def _sign(self) -> None:
        if self._tell_all:
            self._tell_all()
        time.sleep(SIGN_SECONDS)

    def look_again(self, seconds: float) -> None:
        """Something is due in ``seconds``: the sweeper must not sleep longer."""
        if time.monotonic() + seconds < self._sweep_at:
            self._sooner.set()

    def show_typing(self, channel: Channel, conversation: str, message_id: str, address: str = "") -> None:
        """Show typing at ``address`` unless it is still to be seen; nobody waits for a platform, least of all for a
        slow one."""
        now, (message, at) = time.monotonic(), self._shown.get(conversation, ("", -math.inf))
        if now - at < (channel.typing_seconds if message == message_id else ANOTHER_SECONDS):
            return
        if not self._typing.acquire(blocking=False):
            return
        if len(self._shown) > TYPING_REMEMBERED:
            self._shown.clear()
        self._shown[conversation] = message_id, now
        what = (channel, conversation, message_id, address or conversation)
        try:
            threading.Thread(target=self._show, args=what, name="typing", daemon=True).start()
        except RuntimeError as error:  # this machine gives no more threads: no turn fails for that
            log.debug("typing was not shown: %s", error)
            self._typing.release()

    def _show(self, channel: Channel, conversation: str, message_id: str, address: str) -> None:
        try:
            if self._answerer.may_show(channel, conversation, address):
                channel.show_typing(address, message_id)
            else:
                self._shown[conversation] = message_id, time.monotonic() + ANOTHER_SECONDS - channel.typing_seconds
        except RateLimited as error:
            self._answerer.pause(channel, conversation, error)
        except Halted as error:
            self._answerer.failures.halt(channel, conversation, address, error)
        except (DeliveryError, StoreUnavailable) as error:
            log.debug("typing was not shown: %s", error)
        finally:
            self._typing.release()
