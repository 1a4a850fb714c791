"""Telegram without a public address: updates are fetched, and confirmed only when they are in Redis.

A batch is confirmed by asking for what comes after it (https://core.telegram.org/bots/api#getupdates). Whoever dies
before that is given the same batch again, and what was kept of it already is recognised by its ids.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Event, Thread
from typing import Any

from bot import wiring
from bot.bot_api import ALLOWED_UPDATES, READ_SECONDS, BotApi
from bot.channels.telegram import Telegram
from bot.errors import ApiError, RecadoError, SettingsError, StoreUnavailable, Unreadable
from bot.message import Message
from bot.received import Received
from bot.safety import Guard
from bot.settings import Settings
from bot.stores.mailbox import Mailbox
from bot.stores.poller import Seat
from bot.telemetry import report_errors
from bot.webhook import open_api

BATCH = 100
ANSWER_SECONDS = 3.0
"""An answer to a batch's button presses is worth no more waiting than this: who presses much delays nobody."""

Step = Callable[[], object]

log = logging.getLogger("recado.poller")


@dataclass(frozen=True, slots=True)
class Pauses:
    """In seconds: how long one poll may wait for news, and what is waited after a failure, at first, at most, after a
    conflict with somebody else, and before Redis or the seat is tried again."""

    poll: int = 30
    first: float = 1.0
    most: float = 30.0
    conflict: float = 30.0
    store: float = 1.0


class Poller:
    """Fetches one bot's updates into the mailbox until it is told to stop."""

    def __init__(
        self, bot: Telegram, api: BotApi, mailbox: Mailbox, guard: Guard, seat: Seat, *, pauses: Pauses | None = None
    ) -> None:
        self._bot, self._api, self._mailbox, self._guard, self._seat = bot, api, mailbox, guard, seat
        self._pauses = pauses or Pauses()
        self._stop, self._seated = Event(), Event()
        self._offset: int | None = None
        self._failures = 0
        self._ready = self._known = False

    def stop(self) -> None:
        """End after what is being done now."""
        self._stop.set()

    def run(self) -> None:
        """Poll until ``stop``. Raises ApiError when Telegram does not take the token."""
        Thread(target=self._stay_seated, name="seat", daemon=True).start()
        try:
            while not self._stop.is_set():
                self._step()
        finally:
            self._stop.set()
            with suppress(StoreUnavailable):
                self._seat.leave()

    def _step(self) -> None:
        if not self._seated.is_set():
            self._ready = False
            self._sit_down()
        elif not self._ready:
            self._ready = self._ask("deleteWebhook", drop_pending_updates=False) is not None
        else:
            self._fetch()

    # one poller at a time

    def _sit_down(self) -> None:
        try:
            if self._seat.take():
                self._seated.set()
                log.info("polling Telegram for messages")
                return
            log.info("another process of this installation polls; standing by")
        except StoreUnavailable as error:
            log.error("%s; trying again", error)
        while not self._stop.wait(self._pauses.store):
            with suppress(StoreUnavailable):
                if self._seat.take():
                    self._seated.set()
                    return

    def _stay_seated(self) -> None:
        """A poll lasts longer than a lease, so that another thread renews it."""
        while not self._stop.wait(self._seat.lease_seconds / 3):
            if self._seated.is_set():
                with suppress(StoreUnavailable):
                    if not self._seat.take():
                        self._seated.clear()

    # fetching

    def _fetch(self) -> None:
        wait = self._pauses.poll
        asked: dict[str, Any] = {"limit": BATCH, "timeout": wait, "allowed_updates": ALLOWED_UPDATES}
        updates = self._ask("getUpdates", wait=wait, **asked, **({"offset": self._offset} if self._offset else {}))
        if updates and self._keep([_body(update) for update in updates]):
            self._offset = _after(updates) or self._offset

    def _ask(self, method: str, *, wait: float = 0, **params: Any) -> Any:
        """Telegram's answer; None after a failure, when it has been waited. Raises ApiError for a token that is wrong
        from the start; one that was taken before is tried on, for whatever else runs beside us must not end with us."""
        try:
            answer = self._api.call(method, wait=wait, **params)
        except ApiError as error:
            if error.code in (401, 404) and not self._known:
                raise
            self._suffer(error)
            return None
        self._known = True
        if self._failures:
            log.info("polling again")
            self._report("")
        self._failures = 0
        return answer

    def _suffer(self, error: ApiError) -> None:
        pause = min(self._pauses.first * 2**self._failures, self._pauses.most)
        pause = error.retry_after or (self._pauses.conflict if error.code == 409 else pause)
        self._failures = min(self._failures + 1, 30)
        log.error("nothing can be fetched: %s Trying again in %.0f s.", error, pause)
        self._report(str(error))
        self._stop.wait(pause)

    def _report(self, trouble: str) -> None:
        with suppress(StoreUnavailable):
            self._seat.report(trouble)

    # keeping

    def _keep(self, bodies: list[bytes]) -> bool:
        """Make a batch durable, however long Redis is away; False when we are told to stop first."""
        received: list[Received] = []
        aside: list[Step] = []
        for body in bodies:
            received += self._read(body, aside)
        steps = self._steps(received, aside)
        while steps:
            try:
                self._guard.check()
                steps[0]()
                steps.pop(0)
            except (StoreUnavailable, SettingsError) as error:
                log.error("%s; nothing is confirmed, trying again", error)
                if self._stop.wait(self._pauses.store):
                    return False
        self._answer([one.answer for one in received if one.answer])
        return True

    def _read(self, body: bytes, aside: list[Step]) -> list[Received]:
        """What an update holds; how it is put ``aside``, where it is not served or cannot be read."""
        quarantine = partial(self._mailbox.quarantine, self._bot.name, body)
        try:
            found = self._bot.read(body)
        except Unreadable as error:
            log.warning("an update cannot be read and is kept in quarantine: %s", error)
            aside.append(quarantine)
            return []
        if found.unreadable:
            aside.append(quarantine)
        if found.unserved:
            aside.append(partial(self._mailbox.keep, self._bot.name, body))
        return [found]

    def _steps(self, received: list[Received], aside: list[Step]) -> list[Step]:
        """What makes a batch durable; each may be repeated."""
        messages = [message for one in received for message in one.messages]
        aliases = [partial(self._mailbox.alias, *alias) for one in received for alias in one.aliases]
        return [*aliases, partial(self._accept, messages), *aside]

    def _accept(self, messages: list[Message]) -> None:
        new = self._mailbox.accept(messages, seen_hours=self._bot.seen_hours, follows=self._bot.follows)
        with suppress(StoreUnavailable):  # what was not counted is accepted all the same
            self._seat.count(new, len(messages) - new)

    def _answer(self, answers: list[str]) -> None:
        """Say what a webhook's response would have said; an answer that gets lost is not missed."""
        until = time.monotonic() + ANSWER_SECONDS
        for answer in answers:
            params = json.loads(answer)
            try:
                self._api.call(params.pop("method"), wait=ANSWER_SECONDS - READ_SECONDS, **params)
            except ApiError as error:
                log.debug("a press is not answered: %s", error)
            if time.monotonic() > until:
                return


def _body(update: Any) -> bytes:
    """An update as a webhook would bring it; half a character stays an escape, by which it is recognised."""
    try:
        return json.dumps(update, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(update, separators=(",", ":")).encode()


def _after(updates: list[Any]) -> int:
    """The offset that confirms a batch; 0 where no update has a number."""
    numbers = (update.get("update_id") for update in updates if isinstance(update, dict))
    return max((number + 1 for number in numbers if isinstance(number, int) and number < 1 << 62), default=0)


def poll(settings: Settings) -> None:
    """Poll until this process is told to end. Raises ApiError, SettingsError."""
    report_errors(settings, "poller")
    bot, api = open_api(settings)
    store = wiring.open_store(settings, wiring.RECEIVER_TIMEOUT, "poller")
    guard = Guard(settings, store)
    with suppress(StoreUnavailable):  # it may come later than we do
        guard.check()
    if settings.public_url:
        log.warning("PUBLIC_URL is set, but polling takes the webhook away: use one of the two")
    seat = Seat(store, bot.account, settings.lease_seconds)
    poller = Poller(bot, api, wiring.open_mailbox(settings, store), guard, seat)
    with api:
        try:
            poller.run()
        except ApiError as error:
            raise RecadoError(f"Polling ends: {error}") from None
