"""A model's answer on its way: closed from any thread, without its thoughts, and never empty."""

from __future__ import annotations

import base64
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import Any, Final, Self

from bot.errors import Unavailable
from bot.message import Image, Turn
from workers.backends._watch import Watch, closed

_THINK: Final = "<think>"
_THOUGHT: Final = "</think>"


class Answer(Iterator[str]):
    """The pieces of an answer; a ``Stream`` of the port."""

    def __init__(self, pieces: Generator[str, None, None], watch: Watch | None = None) -> None:
        self._pieces = pieces
        self._watch = watch or Watch(1)
        self._busy = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        with self._busy, self._watch.on_this_thread():
            if self._watch.closed:
                self._pieces.close()
                raise closed()
            self._watch.resume()
            return next(self._pieces)

    @property
    def limited(self) -> bool:
        """Whether it ended because it had as many tokens as it may, known once it has ended."""
        return self._watch.limited

    def close(self) -> None:
        """End the request. A generator cannot be closed while it runs elsewhere; its connection can be cut."""
        self._watch.cut()
        if self._busy.acquire(blocking=False):
            try:
                self._pieces.close()
            finally:
                self._busy.release()


def spoken(pieces: Iterable[str]) -> Generator[str, None, None]:
    """What is meant for the person: no thoughts, no blank beginning. Raises Unavailable when there is none."""
    anything = False
    for piece in _without_thoughts(pieces):
        anything = True
        yield piece
    if not anything:
        raise Unavailable("the model gave an empty answer; if it thinks aloud first, raise REPLY_TOKENS")


def _without_thoughts(pieces: Iterable[str]) -> Iterator[str]:
    """Leave out a leading ``<think>…</think>`` (some models send one although told not to)."""
    head, open_end = "", True
    for piece in pieces:
        if not open_end:
            yield piece
            continue
        head = (head + piece).lstrip()
        while head.startswith(_THINK) and _THOUGHT in head:
            head = head.partition(_THOUGHT)[2].lstrip()
        if head and not _THINK.startswith(head) and not head.startswith(_THINK):
            open_end = False
            yield head
    if open_end and head and not head.startswith(_THINK):
        yield head


def messages(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """The turns as every chat API takes them; one with images in parts, as OpenAI's does.

    Source: https://platform.openai.com/docs/guides/images-vision
    """
    return [{"role": turn.role, "content": _parts(turn) if turn.images else turn.prompt} for turn in turns]


def _parts(turn: Turn) -> list[dict[str, Any]]:
    urls = (f"data:{image.mime};base64,{base64_of(image)}" for image in turn.images)
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return [{"type": "text", "text": turn.prompt}, *pictures]


def base64_of(image: Image) -> str:
    """A picture as JSON can carry it."""
    return base64.b64encode(image.data).decode()
