"""A burst on both phones during which a worker is killed, and the ledger's verdict on it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Final, cast

import redis

from simulator.ledger import Ledger, Report
from simulator.ledger.records import Sender
from simulator.page.bags import BAGS, QUESTIONS, Language, Marks
from simulator.page.inside import Inside
from simulator.page.phones import Phone, text_of
from simulator.page.staff import Killed, Staff

PAUSES: Final = (0.0, 0.3, 1.3, 0.3, 1.3, 0.3)
"""Seconds before each message; those of one phone. Some come in one turn, some while another is answered."""
KILL_AFTER: Final = 2
"""So many messages have been written on each phone before a worker is killed."""
LATENCY_SECONDS: Final = 1.0
"""How long the platforms take meanwhile for each call, so that a worker that is killed dies in the middle of one."""
CHOOSY_SECONDS: Final = 4.0
"""So long it is waited for one in the middle of an edit, or of a message on WhatsApp; then any that is busy will do."""
LOOK_SECONDS: Final = 0.02
GIVE_UP_SECONDS: Final = 90.0


class Burst:
    """One at a time. Nothing may be on its way when it begins, and nobody may write beside it."""

    def __init__(self, phones: Sequence[Phone], staff: Staff, inside: Inside) -> None:
        self._phones, self._staff, self._inside = phones, staff, inside
        self._firsts = itertools.cycle(range(1, BAGS + 1, len(PAUSES) * len(phones)))
        self._first = 0
        self._beginning = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._marks = Marks()
        self._began, self._ended = 0.0, 0.0
        self._written = 0
        self._killed: Killed | None = None
        self._rested, self._verdict = False, Report()

    @property
    def running(self) -> bool:
        return self._began > 0 and not self._ended

    def start(self, language: Language) -> bool:
        """Begin; False while another one runs, or something is still to be answered. Raises redis.RedisError."""
        with self._beginning:
            if self.running or self._inside.due():
                return False
            self._marks, self._written, self._killed, self._rested = Marks(), 0, None, False
            self._began, self._ended, self._first = monotonic(), 0.0, next(self._firsts)
            self._thread = threading.Thread(target=self._run, args=(language,), name="burst", daemon=True)
            self._thread.start()
            return True

    def close(self) -> None:
        """Write no more, and wait no longer for answers."""
        self._closing.set()
        if self._thread:
            self._thread.join()

    def view(self) -> dict[str, Any] | None:
        """What became of the burst so far, for JSON; None: there was none."""
        if not self._began:
            return None
        running = not self._ended
        report = self.report() if running else self._verdict
        return {
            "running": running,
            "written": self._written,
            "accepted": report.accepted,
            "answered": report.answered,
            "waiting": len(report.unfinished),
            "lost": len(report.lost),
            "twice": len(report.duplicated),
            "disordered": len(report.reordered),
            "strays": len(report.stray),
            "broken": list(report.broken),
            "ok": report.ok and self._rested,
            "killed": {"name": self._killed.name, "pid": self._killed.pid} if self._killed else None,
            "seconds": round((self._ended or monotonic()) - self._began, 1),
        }

    def report(self) -> Report:
        """What the ledger says of it. Until all is answered, nothing counts as lost."""
        ledger, chats = Ledger(), [phone.chat for phone in self._phones]
        for phone in self._phones:
            for said in phone.said(self._began):
                text, accepted = self._marks.put_into(said.text), said.accepted is not None
                ledger.said(phone.chat, text, accepted=accepted, time=said.time, tried=said.tried, taken=said.accepted)
            for call in phone.shown(self._began):
                ledger.delivered(phone.chat, call.bubble, self._marks.put_into(text_of(call)), time=call.time)
        if not self._rested:
            return ledger.check(waiting=chats)
        for phone in self._phones:
            turns = self._inside.history(phone.conversation, 2 * len(PAUSES))
            ledger.history(phone.chat, [(cast("Sender", who), self._marks.put_into(text)) for who, text in turns])
        ledger.complete()
        return ledger.check()

    def _run(self, language: Language) -> None:
        try:
            with self._slower(), suppress(redis.RedisError):  # it goes only when all goes
                self._write(language)
                until = monotonic() + GIVE_UP_SECONDS
                while monotonic() < until and not self._closing.is_set() and not self._is_over():
                    self._wait(LOOK_SECONDS, kill=True)
                self._verdict = self.report()
        finally:
            self._ended = monotonic()

    def _write(self, language: Language) -> None:
        """Everybody writes their messages, in turns; from the third one on somebody is killed."""
        for number, pause in enumerate(PAUSES):
            self._wait(pause, kill=number > KILL_AFTER)
            for place, phone in enumerate(self._phones):
                if not self._closing.is_set():
                    bag = self._first + place * len(PAUSES) + number
                    self._marks.note(bag, place)
                    phone.say(QUESTIONS[language].format(bag), language)
                    self._written += 1

    def _wait(self, seconds: float, *, kill: bool) -> None:
        """Let so much time pass; whoever is busy now, with ``kill``, is killed, once."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0 and not self._closing.wait(min(left, LOOK_SECONDS)):
            if kill and self._killed is None and (name := self._busy()):
                self._killed = self._staff.kill(name)

    def _busy(self) -> str:
        """A worker that is in the middle of saying something; empty: none is."""
        standings, pids = self._inside.standings(), {pid: name for name, pid in self._staff.pids().items()}
        patient = monotonic() < self._began + sum(PAUSES[:KILL_AFTER]) + CHOOSY_SECONDS
        for phone in self._phones:
            holder = pids.get(standings[phone.conversation].holder, "")
            if holder and (not patient or _in_midst(phone)):
                return holder
        return ""

    def _is_over(self) -> bool:
        """Whether everything is accepted, and nothing is due any more."""
        said = [one for phone in self._phones for one in phone.said(self._began)]
        self._rested = all(one.accepted is not None for one in said) and not self._inside.due()
        return self._rested

    @contextmanager
    def _slower(self) -> Iterator[None]:
        """Both platforms take their time."""
        before = [phone.platform.latency for phone in self._phones]
        for phone in self._phones:
            phone.platform.latency = LATENCY_SECONDS
        try:
            yield
        finally:
            for phone, latency in zip(self._phones, before, strict=True):
                phone.platform.latency = latency


def _in_midst(phone: Phone) -> bool:
    """Whether the platform has a call that can be repeated, or cleared up, and has not answered it yet."""
    last = phone.shown(monotonic() - 0.8 * LATENCY_SECONDS)[-1:]
    return any(call.method.lower() in ("editmessagetext", "messages") for call in last)
