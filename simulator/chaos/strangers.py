"""What a receiver must bear: bodies that make no sense, and requests that are not the platform's."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Final

from simulator import bot_api, garbage, graph
from simulator.chaos.load import start_workers
from simulator.chaos.measure import resident_mib
from simulator.chaos.row import Row
from simulator.chaos.scenario import Scenario, Trials
from simulator.chaos.world import World
from simulator.forgeries import Forgery, forged
from simulator.models import echo

WARM_UP: Final = 200
GROWTH_MIB: Final = 30.0
"""So much a receiver may grow, whatever it is fed: an allocator keeps pages for the largest bodies."""
HEALTHY: Final = frozenset({200, 400, 411, 413})
PEOPLE: Final = 20
CHAT: Final = 34_520_000_000
LONG_HEADER: Final = 100_000
"""A server may hang up on whoever sends a header of so many characters."""
FED_SECONDS: Final = 600.0


def fuzz(trials: int, seed: int, channel: str) -> Row:
    """Garbage, signed as the platform would sign it, to a running receiver; workers answer what can be read.

    Each answer ends with a full stop, for a garbled text may end like an answer that is not whole.
    """
    with World("fuzz", channel, seed) as world:
        world.model.pace, world.model.reply = 0.0, lambda body: f"{echo(body)[3:].strip()} ."
        start_workers(world)
        world.greet(world.people(PEOPLE))
        number = world.whatsapp.phone_number_id
        bodies = garbage.telegram(seed) if channel == "telegram" else garbage.whatsapp(seed, number)
        _feed(world, islice(bodies, WARM_UP))
        before = resident_mib(world.pid("receiver"))
        _feed(world, islice(bodies, trials))
        world.row.trials = trials
        _judge_growth(world, resident_mib(world.pid("receiver")) - before)
        world.greet(world.people(PEOPLE, first=PEOPLE), FED_SECONDS)
        world.row.count("quarantined", int(world.redis.llen("recado:quarantine")))
        return world.judge(FED_SECONDS)


def _feed(world: World, bodies: Iterable[bytes]) -> None:
    for body in bodies:
        status, _ = world.platform.post(body)
        world.row.count(f"answered_{status}")
        if status not in HEALTHY:
            world.row.broken.append(f"a body was answered {status or 'by nothing'}")


def _judge_growth(world: World, mib: float) -> None:
    world.row.count("receiver_grown_kib_most", round(mib * 1024))
    if mib > GROWTH_MIB:
        world.row.broken.append(f"the receiver has grown by {mib:.0f} MiB")


def forgeries(trials: int, seed: int, channel: str) -> Row:
    """Every request that only looks like the platform's, as many as there are; nothing of them may stay."""
    with World("forged", channel, seed) as world:
        people = world.people(1)
        world.write(people)
        world.platform.wait_until(lambda: not world.platform.delivery.pending, 60)
        before = _kept(world)
        for one in _forged(world)[: trials or None]:
            _try(world, one)
            world.row.trials += 1
        if came := _kept(world) - before:
            world.row.broken.append(f"forged requests have left {len(came)} keys")
        start_workers(world)
        world.greet(people)
        return world.judge()


def _forged(world: World) -> list[Forgery]:
    one = world.whatsapp
    if world.platform is world.telegram:
        body, secret, token = (
            bot_api.encode(world.telegram.update(CHAT, "hola")),
            world.telegram.webhook_secret,
            world.telegram.token,
        )
        return forged("telegram", body, secret=secret, token=token)
    body = graph.encode(one.body([(str(CHAT), "hola")]))
    return forged(
        "whatsapp",
        body,
        secret=one.app_secret,
        token=one.token,
        verify_token=one.verify_token,
        number=one.phone_number_id,
    )


def _kept(world: World) -> set[bytes]:
    """The names of all keys and how much is in the lists: what any message would change."""
    found: set[bytes] = set()
    for name in world.redis.scan_iter(count=1000):
        size = world.redis.llen(name) if world.redis.type(name) == b"list" else 0
        found.add(b"%s %d" % (name, size))
    return found


def _try(world: World, one: Forgery) -> None:
    status = _send(world.processes.port, one)
    world.row.count(f"answered_{status}")
    hung_up = not status and any(len(value) > LONG_HEADER for _, value in one.headers)
    if status not in one.statuses and not hung_up:
        world.row.broken.append(f"{one.name}: answered {status or 'by nothing'}")


def _send(port: int, one: Forgery) -> int:
    """The request byte by byte as it is written down, which no HTTP client would do; 0 without an answer."""
    headers = [*one.headers, ("Connection", "close")]
    names = {name.lower() for name, _ in headers}
    headers += [("Host", "127.0.0.1")] if "host" not in names else []
    headers += [("Content-Length", str(len(one.body)))] if "content-length" not in names else []
    lines = [f"{one.method} {one.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        with suppress(OSError):  # a receiver that has heard enough need not hear it all
            link.sendall("\r\n".join(lines).encode("latin-1", "replace") + one.body)
        answer = http.client.HTTPResponse(link, method=one.method)
        try:
            answer.begin()
        except (OSError, http.client.HTTPException):
            return 0
        return answer.status


FUZZ = Scenario("fuzz", "bodies that make no sense, with the right signature", Trials(300, 1500, 10_000), fuzz)
FORGED = Scenario("forged", "requests that only look like the platform's", Trials(0, 0, 0), forgeries)
