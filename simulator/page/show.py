"""Everything that the demo's page shows, gathered anew at each look; and the server that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, time
from typing import Any, Final, Self

import redis
from werkzeug.wrappers import Request, Response

from simulator.graph import Statuses
from simulator.page.app import create_app
from simulator.page.burst import Burst
from simulator.page.inside import Inside, Standing
from simulator.page.phones import Phone
from simulator.page.staff import FIRST, SECOND, Staff
from simulator.page.way import Logs, Turn, Way, ways
from simulator.server import Server
from simulator.whatsapp import WhatsAppServer

LATENCY_SECONDS: Final = 0.25
"""How long the platforms take for each call: about what they take on the other side of the internet."""
NEWEST_WAYS, NEWEST_ANSWERS = 12, 40
THREADS: Final = 8


class Show:
    """The phones, and what happens behind them. Every method may be called from several threads."""

    def __init__(self, phones: Sequence[Phone], staff: Staff, inside: Inside, logs: Logs) -> None:
        self.phones = {phone.key: phone for phone in phones}
        self.staff, self.burst = staff, Burst(phones, staff, inside)
        self._inside, self._logs = inside, logs
        self._epoch = time() - monotonic()
        staff.holds = self._held_by

    def look(self) -> dict[str, Any]:
        """What is shown now, for JSON. Times are milliseconds."""
        standings, cards = self._standings(), self._cards()
        found = self._ways()
        answered = [one for one in found if one.turn.first_token is not None][-NEWEST_ANSWERS:]
        burst = self.burst.view()
        return {
            "phones": [phone.view() | self._stage(standings.get(phone.conversation)) for phone in self.phones.values()],
            "workers": [self._worker(name, standings, cards) for name in (FIRST, SECOND)],
            "ways": [_way(one) for one in found[: -NEWEST_WAYS - 1 : -1]],
            "answers": [_answer(one) for one in answered],
            "burst": burst,
            "busy": bool(burst and burst["running"]) or any(one.stage != "rest" for one in standings.values()),
        }

    def _standings(self) -> dict[str, Standing]:
        try:
            return self._inside.standings()
        except redis.RedisError:  # it ends with the demo, and an old machine may be slow: nothing is known then
            return {}

    def _cards(self) -> dict[int, Any]:
        try:
            return dict(self._inside.cards())
        except redis.RedisError:
            return {}

    def _ways(self) -> list[Way]:
        turns = self._logs.read()
        found = [way for phone in self.phones.values() for way in self._ways_of(phone, turns)]
        return sorted(found, key=lambda way: way.turn.committed)

    def _ways_of(self, phone: Phone, turns: Sequence[Turn]) -> list[Way]:
        mine = [turn for turn in turns if turn.channel == phone.key]
        kills = [one.at for one in self.staff.killed if phone.conversation in one.held]
        return ways(mine, phone.said(), phone.shown(), kills, self._epoch)

    def _held_by(self, pid: int) -> tuple[str, ...]:
        return tuple(name for name, standing in self._standings().items() if standing.holder == pid)

    def _stage(self, standing: Standing | None) -> dict[str, Any]:
        if standing is None:
            return {"stage": "unknown"}
        names = {pid: name for name, pid in self.staff.pids().items()}
        dead = standing.holder not in names and any(one.pid == standing.holder for one in self.staff.killed)
        return {
            "stage": standing.stage,
            "waiting": standing.waiting,
            "lease": _ms(standing.lease),
            "holder": names.get(standing.holder, ""),
            "orphaned": dead,
        }

    def _worker(self, name: str, standings: dict[str, Standing], cards: dict[int, Any]) -> dict[str, Any]:
        pid = self.staff.pids().get(name, 0)
        card = cards.get(pid, {})
        holds = [one.key for one in self.phones.values() if pid and _holds(standings, one, pid)]
        deaths = sum(one.name == name for one in self.staff.killed)
        return {
            "name": name,
            "pid": pid,
            "state": "dead" if not pid else "up" if card else "starting",
            "holds": holds,
            "slots": card.get("slots", 0),
            "memory": card.get("memory", 0) // 1_048_576,
            "deaths": deaths,
        }


class PageServer(Server):
    """The page, on this machine alone, and at an address that is free. As a context manager it opens and closes it."""

    def __init__(self, phones: Sequence[Phone], staff: Staff, socket: Path, logs: Sequence[Path]) -> None:
        super().__init__(THREADS)
        self._phones, self._staff = phones, staff
        self._inside = Inside(socket, [phone.conversation for phone in phones])
        self.show = Show(phones, staff, self._inside, Logs(logs))
        self.app = create_app(self.show, self.url)
        self._opened = ExitStack()

    def respond(self, request: Request) -> Response:
        return Response.from_app(self.app, request.environ)

    def start(self) -> Self:
        """Let the platforms take the time that they take elsewhere, and two workers work."""
        for phone in self._phones:
            phone.platform.latency = LATENCY_SECONDS
            if isinstance(phone.platform, WhatsAppServer):
                phone.platform.statuses = Statuses()
        self._opened.callback(self._inside.close)
        self._opened.callback(self._staff.close)
        self._opened.callback(self.show.burst.close)
        self._staff.open()
        return super().start()

    def close(self) -> None:
        super().close()
        self._opened.close()


def _holds(standings: dict[str, Standing], phone: Phone, pid: int) -> bool:
    return phone.conversation in standings and standings[phone.conversation].holder == pid


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _way(way: Way) -> dict[str, Any]:
    parts = ("accepting", "listening", "waiting", "speaking")
    return {
        "phone": way.turn.channel,
        "turn": way.turn.number,
        "text": way.text,
        "messages": way.turn.messages,
        "thinking": _ms(way.turn.think),
        "first_words": None if way.first_words is None else _ms(way.first_words),
        "outcome": way.turn.outcome,
        "crashed": way.crashed,
    } | {part: _ms(getattr(way, part)) for part in parts}


def _answer(way: Way) -> dict[str, Any]:
    return {"phone": way.turn.channel, "first": _ms(way.turn.first_token or 0.0), "whole": _ms(way.turn.think)}
