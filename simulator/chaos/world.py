"""The installation that a scenario does its worst to, and what the ledger says of it afterwards."""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any, Final, Self

from simulator.chaos.row import PROMISES, RESULTS, Row
from simulator.faults import RedisProxy
from simulator.graph import Statuses
from simulator.installation import DUE, FREE_OF_LIMITS, Installation
from simulator.ledger import Ledger, Report
from simulator.ledger.judge import DEAD
from simulator.ledger.store import read_redis
from simulator.models import ModelServer, echo
from simulator.people import People
from simulator.processes import NotReady, wait_until
from simulator.telegram import TelegramServer

LISTENING: Final = {"DEBOUNCE_SECONDS": "0.05", "DEBOUNCE_MAX_SECONDS": "0.2"}
THINKING: Final = (0.05, 0.2)
"""Seconds that the model takes, at random between these; a word each ``PACE`` seconds then."""
PACE: Final = 0.02
SLOW_PACE: Final = 0.15
GROWING: Final = "and so many more words that the bubble is opened and changed while the answer is still on its way"
READY: Final = b"answering with"
"""A worker's log says so when it is ready."""
REST_SECONDS: Final = 120.0
RQ: Final = "rq:"
STACKS_SECONDS: Final = 1.0
EMPTY_SECONDS: Final = 45.0
"""RQ keeps what could not be struck off its books, because Redis was away, for 30 s."""
TRACED: Final = 20
STUCK_MOST: Final = 5
SECRETS: Final = ("TELEGRAM_BOT_TOKEN", "TELEGRAM_WEBHOOK_SECRET", "WHATSAPP_TOKEN", "WHATSAPP_APP_SECRET")
LATE: Final = 0.5
REDELIVERED: Final = 0.05
AGAIN: Final = (0.0, 1.0)
"""The seconds after which a message comes once more, at random."""
LATENCY: Final = 0.05
"""Seconds until the platform answers a call that it has taken; who dies meanwhile does not know that it was."""
COUNTED: Final = ("deaths", "lost_leases", "stray", "unknown")
"""What the product counts: turns that lost their worker, leases lost, stray bubbles, sends of unknown outcome."""


class World(Installation):
    """One platform, a model, Redis as a process of its own, and a row that is filled in.

    ``random`` is the scenario's own, by its seed. ``settings`` go to every process.
    """

    def __init__(self, scenario: str, channel: str, seed: int, **settings: str) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="recado-chaos-")
        self.random = Random(seed)
        thinking = Random(seed)

        def reply(body: dict[str, Any]) -> str:
            sleep(thinking.uniform(*THINKING))
            return f"{echo(body)} {GROWING}"

        model = ModelServer(reply=reply, pace=PACE)
        ours: dict[str, Any] = FREE_OF_LIMITS | LISTENING | settings
        super().__init__(Path(self._temporary.name), model, own_redis=True, **ours)
        self.platform = self.telegram if channel == "telegram" else self.whatsapp
        self.platform.redeliver, self.platform.latency = REDELIVERED, LATENCY
        self.platform.redeliver_seconds = AGAIN
        self.platform.dice.seed(seed)
        self.tell_late(LATE)
        self._proxies: list[RedisProxy] = []
        self.row = Row(scenario, channel, [seed])
        self._started = monotonic()
        self._logged: dict[str, int] = {}

    def close(self) -> None:
        """kill -9 of everything: what there was to see has been seen."""
        _open.discard(self)
        self.abandon()
        super().close()
        self._temporary.cleanup()

    def __enter__(self) -> Self:
        """Open, with Redis and a receiver. Raises NotReady when they do not come up, and ends what did."""
        _open.add(self)
        try:
            if _over.is_set():
                raise NotReady("Everything is being ended.")
            super().__enter__()
            self.start("redis", "receiver")
        except BaseException:
            self.close()
            raise
        return self

    def tell_late(self, seconds: float) -> None:
        """From now on, delivery statuses come up to so many seconds later than their messages, in any order."""
        self.whatsapp.statuses = Statuses(
            seed=self.random.randrange(1 << 30), late=(0.0, seconds), doubled=0.1, shuffled=True
        )

    # people

    def people(self, count: int, first: int = 0) -> People:
        """So many people who write to this platform, in conversations that are numbered from ``first``."""
        return People(self.platform, count, rate=1, first=first)

    def write(self, people: People) -> str:
        """Somebody at random writes; the text."""
        return people.write_one(self.random.choice(people.persons))

    def exchange(self, people: People) -> None:
        """Somebody at random writes, and everything comes to rest."""
        self.write(people)
        self.await_rest()

    def greet(self, people: People, seconds: float = REST_SECONDS) -> None:
        """Everybody writes once and is answered, so that every script and every connection is known."""
        people.everybody()
        self.await_rest(seconds)

    def slow_down(self) -> None:
        """Let the model talk so slowly that previews are shown, where the channel has any."""
        self.model.pace = SLOW_PACE if self.platform is self.telegram else self.model.pace

    def probe(self, chat_id: int) -> int:
        """Somebody's message without a mark comes once, now; what the receiver answers."""
        if isinstance(self.platform, TelegramServer):
            return self.platform.deliver(self.platform.update(chat_id, "are you there?"))
        return self.platform.deliver(self.platform.body([(str(chat_id), "are you there?")]))

    # workers

    def proxy(self) -> RedisProxy:
        """A way to this installation's Redis that can be broken; its errors are this row's."""
        self._proxies.append(RedisProxy("127.0.0.1", self.redis_port))
        return self._proxies[-1]

    def start_worker(self, name: str, **settings: str) -> None:
        """Start it, or start it again; it is not awaited."""
        log = self.processes.log(name)
        self._logged[name] = log.stat().st_size if log.exists() else 0
        self.start(name, **settings)

    def is_ready(self, name: str) -> bool:
        """Whether this worker takes wake-ups now."""
        process, log = self.processes.running.get(name), self.processes.log(name)
        if process is None or process.poll() is not None:
            return False
        with log.open("rb") as lines:
            lines.seek(self._logged[name])
            return READY in lines.read(4096)

    def await_worker(self, name: str) -> None:
        """Raises NotReady when it does not come up."""
        if not wait_until(lambda: self.is_ready(name), 60):
            raise NotReady(f"The {name} does not come up.\n{self.processes.log_tails()}")

    # the end

    def rests(self) -> bool:
        """Whether everything said is accepted and nothing is due any more."""
        return not self.platform.delivery.pending and not self.due()

    def await_rest(self, seconds: float = REST_SECONDS) -> None:
        """Raises NotReady when it does not come to rest."""
        if not wait_until(self.rests, seconds):
            self.keep_evidence("\n\n".join([*self._stuck(), *self._stacks()]))
            raise NotReady(f"Still {self.due()} conversations due after {seconds:.0f} s: {self._stuck()}")

    def counted(self, name: str) -> int:
        """What the product itself has counted under this name."""
        return int(self.redis.hget("recado:counts", name) or 0)

    def judge(self, seconds: float = REST_SECONDS, *, books: bool = True, dead: int = 0) -> Row:
        """Wait until nothing is due, at most so long, and fill in the row; evidence is kept when a promise broke.

        ``books``: RQ's own books must come to rest too, up to 30 s after an outage. ``dead``: so many may be buried.
        """
        row, stacks = self.row, list[str]()
        if not wait_until(self.rests, seconds):
            row.broken.append(f"after {seconds:.0f} s still {self.due()} conversations due")
            stacks = self._stacks()
        else:
            wait_until(lambda: not self._left(books=books), EMPTY_SECONDS)
        ledger = self._ledger()
        report = ledger.check()
        report.left = [one for one in report.left if books or not one.startswith(RQ)]
        self._fill_in(report)
        if (buried := row.counts.get(DEAD, 0)) > dead:
            row.broken.append(f"{buried} messages are in the dead letters, at most {dead} may be")
        row.broken += [f"the proxy failed: {error!r}" for proxy in self._proxies for error in proxy.errors]
        row.seconds = monotonic() - self._started
        if not row.kept:
            marks = [mark for name in PROMISES for mark in getattr(report, name)]
            self.keep_evidence("\n\n".join([str(report), *row.broken, *map(ledger.trace, marks[:TRACED]), *stacks]))
        return row

    def _fill_in(self, report: Report) -> None:
        """What the ledger found, and what the product itself has counted."""
        row = self.row
        row.messages = report.accepted
        for name in (*PROMISES, "stray"):
            setattr(row, name, len(getattr(report, name)))
        for reason, marks in report.explained.items():
            row.explained += len(marks)
            row.count(reason, len(marks))
        others = (heading for heading in report.broken if heading not in PROMISES)
        row.broken += [f"{heading}: {words}" for heading in others for words in getattr(report, heading)[:3]]
        for name in COUNTED:
            row.count(f"counted_{name}", self.counted(name))
        if row.stray > self.counted("stray"):
            row.broken.append(f"{row.stray} stray bubbles, of which the product knows {self.counted('stray')}")

    def _stuck(self) -> list[str]:
        """Who is still due, with what there is of them in Redis."""
        client: Any = self.redis
        names = [name.decode() for name in client.zrange(DUE, 0, STUCK_MOST - 1)]
        known = {name: f"recado:{{{name}}}:" for name in names}
        return [f"{name}: {client.keys(known[name] + '*')} {client.hgetall(known[name] + 'state')}" for name in names]

    def _stacks(self) -> list[str]:
        """What the threads of each worker do now: nobody could tell when all is over."""
        said = {name: self.processes.log(name) for name in self.processes.running if name.split()[-1] != "redis"}
        before = {name: log.stat().st_size for name, log in said.items()}
        for name in said:
            with suppress(ProcessLookupError):
                self.processes.running[name].send_signal(signal.SIGUSR1)
        sleep(STACKS_SECONDS)
        return [f"{name}:\n{log.read_bytes()[before[name] :].decode(errors='replace')}" for name, log in said.items()]

    def _left(self, *, books: bool) -> list[str]:
        """What is left in Redis that must go when nothing is due."""
        ledger = Ledger()
        read_redis(self.redis, ledger)
        return [one for one in ledger.check().left if books or not one.startswith(RQ)]

    def _ledger(self) -> Ledger:
        ledger = Ledger()
        ledger.read(self.platform)
        read_redis(self.redis, ledger)
        for asked in self.model.requests:
            ledger.prompted("\n".join(str(turn["content"]) for turn in asked.json.get("messages", [])))
        secrets = [self.processes.environment[name] for name in SECRETS]
        ledger.logs(self.folder.glob("*.log"), secrets)
        return ledger

    def keep_evidence(self, found: str) -> None:
        """The logs, and what was found, stay under .chaos when a promise broke."""
        kept = RESULTS.parent / f"{self.row.scenario}-{self.row.channel}-{self.row.seeds[0]}"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        for log in self.folder.glob("*.log"):
            shutil.copy(log, kept)
        (kept / "report.txt").write_text(found, encoding="utf-8")


_open: set[World] = set()
_over = threading.Event()


def abandon_all(*, for_good: bool = False) -> None:
    """End the processes of every open world, and so whoever works in it; ``for_good``: none is opened again."""
    if for_good:
        _over.set()
    for world in list(_open):
        world.abandon()
