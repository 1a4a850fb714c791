"""The chat page's own store: what stands in each conversation on it, for whoever looks.

A platform keeps its people's chats; on the page that is this store's part. A bubble has one place for good, and putting
it there twice is putting it there once: on the page nothing can be sent twice.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from bot.stores.connection import Script, Store, key, translated

PAGE = "page"
"""The part of a conversation in which this stands."""

KEPT = 200
"""The newest so many bubbles of a conversation are kept."""

PERSON, ASSISTANT = "person", "assistant"

_BUBBLE = b"b:"
_put = Script("page", "shown")
_type = Script("typed", "shown")
_wipe = Script("wipe", "shown")


class Shown(NamedTuple):
    """A bubble as it stands on the page: its text in Markdown, whether more of it comes, and when it came (ms)."""

    id: str
    who: str
    text: str
    growing: bool
    at: int


class View(NamedTuple):
    """A conversation as it stands on the page, oldest first; ``typing`` says that an answer is on its way.

    ``version`` is another number whenever anything is different; only ``typing`` also ends by itself.
    """

    version: int = 0
    shown: tuple[Shown, ...] = ()
    typing: bool = False


class Page:
    """Puts and reads bubbles. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, days: int) -> None:
        """``days`` is how long a conversation is kept in which nothing happens."""
        self._store, self._ms = store, days * 86_400_000

    def put(self, conversation: str, bubble: str, who: str, text: str, *, growing: bool = False) -> None:
        """Let ``bubble`` stand there and read so: behind all others when it is new.

        One of the assistant's that stands there stays as it is, for whoever was delayed would take its end away. None
        comes where its person has cleared its turn away, or was erased.
        """
        self._write(conversation, bubble, who, text, growing=growing)

    def change(self, conversation: str, bubble: str, text: str, *, growing: bool = False) -> None:
        """Let the assistant's ``bubble`` read so, where its person has not cleared it away."""
        self._write(conversation, bubble, ASSISTANT, text, growing=growing, only=True)

    def type(self, conversation: str, seconds: float) -> None:
        """Show for so long, or until the assistant's next bubble, that an answer is on its way."""
        self._store.run(_type, _keys(conversation, "state"), [self._ms, int(seconds * 1000)])

    def clear(self, conversation: str) -> None:
        """Take all bubbles away, and what would still come of the turn that is being answered."""
        self._store.run(_wipe, _keys(conversation, "turn"), [self._ms])

    def remove(self, conversation: str, bubbles: list[str]) -> None:
        """Take these away."""
        if bubbles:
            self._store.run(_wipe, _keys(conversation, "turn"), [self._ms, *bubbles])

    def version(self, conversation: str) -> int:
        """The number that the next ``read`` would have; 0 where nothing was ever shown."""
        return int(self._store.call("HGET", key(conversation, PAGE), "v") or 0)

    def read(self, conversation: str) -> View:
        """What stands there now."""
        with translated():
            found = cast("dict[bytes, bytes]", self._store.client.hgetall(key(conversation, PAGE)))
            if not found:
                return View()
            now, micros = self._store.client.time()
        bubbles = sorted(_unpacked(name, record) for name, record in found.items() if name.startswith(_BUBBLE))
        typing = int(found.get(b"typing", 0)) > now * 1000 + micros // 1000
        return View(int(found[b"v"]), tuple(shown for _, shown in bubbles), typing)

    def _write(self, conversation: str, bubble: str, who: str, text: str, *, growing: bool, only: bool = False) -> None:
        self._store.run(
            _put,
            _keys(conversation, "state"),
            [bubble, who, int(growing), text.encode("utf-8", "replace"), self._ms, KEPT, int(only)],
        )


def _keys(conversation: str, other: str) -> list[str]:
    return [key(conversation, part) for part in (PAGE, other)]


def _unpacked(name: bytes, record: bytes) -> tuple[int, Shown]:
    _version, place, who, growing, at, text = record.split(b"|", 5)
    return int(place), Shown(
        name.removeprefix(_BUBBLE).decode(), who.decode(), text.decode(errors="replace"), growing == b"1", int(at)
    )
