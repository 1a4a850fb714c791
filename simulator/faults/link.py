"""One client's connection through the proxy: commands one way, answers the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from simulator.faults.plan import SWALLOW, Break, Delay, Planned
from simulator.faults.resp import Answers, Frames, Unreadable, words

CHUNK = 1 << 18
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Command:
    """What is to happen to one command."""

    name: str
    before: tuple[Planned, ...] = ()
    after: tuple[Planned, ...] = ()
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once all that was to happen after it has happened."""


class Rules(Protocol):
    """What a link asks of its proxy."""

    delay: float

    async def passable(self) -> None:
        """Wait while nothing gets through."""

    def seen(self, connection: int, frame: bytes) -> Command:
        """Note a command and say what is to happen to it."""

    def attempt(self, fault: Planned, action: Callable[[], object]) -> None:
        """Do what the caller wants at a point, and note that it has happened."""

    def happened(self, fault: Planned) -> None:
        """Note that a fault has happened."""

    def failed(self, error: Exception) -> None:
        """Note that the proxy itself could not go on."""


class Link:
    """A client's stream and its own stream to Redis.

    A command with a fault after it is the last one sent until the fault has happened. When a client
    leaves, what it has sent still reaches Redis, as on a real network.
    """

    def __init__(self, rules: Rules, number: int, client: Stream, redis: Stream) -> None:
        self._rules = rules
        self._number = number
        self._client, self._to_client = client
        self._redis, self._to_redis = redis
        self._answers: Answers[Command] = Answers()
        self._ready = bytearray()
        self._deaf = False
        """Commands no longer reach Redis."""
        self._mute = False
        """Answers no longer reach the client."""

    async def run(self) -> None:
        """Carry both ways until Redis closes its end and the client has read what there was."""
        sending = asyncio.create_task(self._guarded())
        try:
            await self._carry_answers()
            self._to_client.close()
            await self._to_client.wait_closed()
        except ConnectionError:
            pass
        except Unreadable as error:
            self._rules.failed(error)
        finally:
            self._to_client.transport.abort()
            self._to_redis.transport.abort()
            sending.cancel()
            (ended,) = await asyncio.gather(sending, return_exceptions=True)
            if isinstance(ended, Exception):
                self._rules.failed(ended)

    def cut(self) -> None:
        """Close the client's connection; Redis sees it end after what it was sent."""
        self._deaf = self._mute = True
        self._to_client.transport.abort()
        self._end_commands()

    def _end_commands(self) -> None:
        with suppress(OSError):  # Redis may have gone first
            self._to_redis.write_eof()

    async def _guarded(self) -> None:
        try:
            with suppress(ConnectionError):
                await self._carry_commands()
            self._end_commands()
        except Unreadable as error:
            self._rules.failed(error)
            self.cut()

    async def _carry_commands(self) -> None:
        frames = Frames(inline=True)
        while chunk := await self._client.read(CHUNK):
            if self._rules.delay:
                await asyncio.sleep(self._rules.delay)
            await self._rules.passable()
            for frame in frames.feed(chunk):
                if not self._deaf:
                    await self._carry_command(frame)
            await self._send_on()

    async def _carry_command(self, frame: bytes) -> None:
        if not words(frame, 1):  # an empty line, which Redis overlooks
            self._ready += frame
            return
        command = self._rules.seen(self._number, frame)
        for fault in command.before:
            await self._send_on()
            await self._suffer(fault)
        if self._deaf:
            return
        self._answers.expect(command, command.name, frame)
        self._ready += frame
        if command.after:
            await self._send_on()
            await command.over.wait()

    async def _send_on(self) -> None:
        if self._ready:
            self._to_redis.write(bytes(self._ready))
            self._ready.clear()
            await self._to_redis.drain()

    async def _carry_answers(self) -> None:
        frames = Frames()
        while chunk := await self._redis.read(CHUNK):
            await self._rules.passable()
            passed = bytearray()
            for frame in frames.feed(chunk):
                command = self._answers.first(frame)
                if command and command.after:
                    await self._answer(passed)
                    await self._suffer_after(command)
                passed += frame
            await self._answer(passed)

    async def _suffer_after(self, command: Command) -> None:
        for fault in command.after:
            await self._suffer(fault)
        command.over.set()

    async def _answer(self, passed: bytearray) -> None:
        if passed and not self._mute:
            self._to_client.write(bytes(passed))
            with suppress(ConnectionError):  # the client has left; Redis is told when all it sent was passed on
                await self._to_client.drain()
        passed.clear()

    async def _suffer(self, fault: Planned) -> None:
        action = fault.action
        if isinstance(action, Delay):
            self._rules.happened(fault)
            await asyncio.sleep(action.seconds)
        elif action is SWALLOW:
            self._deaf = True
            self._mute = self._mute or fault.point.when == "after"
            self._rules.happened(fault)
        elif isinstance(action, Break):
            self.cut()
            self._rules.happened(fault)
        else:  # it may end this very link
            await asyncio.to_thread(self._rules.attempt, fault, action)
            self.cut()
