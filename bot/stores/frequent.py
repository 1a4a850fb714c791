"""Frequent questions and their answers: each is known by a keyed hash, and so is whoever asked it first.

No question is in here, and no answer that only one person was given. What was written under another key than this
process has (see bot.logs.setup_logs) is found by nobody any more, and goes with the next who is erased.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import cast

from bot.logs import pseudonym
from bot.message import Conversation
from bot.stores.connection import PREFIX, Script, Store, key, translated

FREQUENT = PREFIX + "frequent:"
COUNTS = PREFIX + "counts"

_PAGE = 500
_keep = Script("frequent")


def answer(store: Store, question: str) -> str:
    """What is answered to the question with this hash; empty: nothing yet. Raises StoreUnavailable."""
    with translated():
        found = cast("bytes | None", store.client.hget(_entry(question), "answer"))
    return found.decode() if found else ""


def keep(store: Store, question: str, conversation: str, text: str, seconds: float) -> str:
    """Note for so many ``seconds`` that it was asked here; its answer is kept once a second person has asked it.

    Returns what came of it: asked, stored, had, known or gone (see frequent.lua). May be repeated. Raises
    StoreUnavailable.
    """
    keys = [_entry(question), key(conversation, "state"), COUNTS]
    return str(store.run(_keep, keys, [_mark(conversation), text, int(seconds * 1000)]).decode())


def drop(store: Store, question: str) -> None:
    """The question is to be thought anew whoever asks it next. Raises StoreUnavailable."""
    with translated():
        store.client.delete(_entry(question))


def given(store: Store) -> None:
    """Count that a kept answer was given. Raises StoreUnavailable."""
    with translated():
        store.client.hincrby(COUNTS, "frequent_hit", 1)


def forget(store: Store, conversations: Collection[str]) -> None:
    """Everything that was asked in one of these goes, with the answers. Raises StoreUnavailable."""
    marks, ours = {_mark(one) for one in conversations}, _entry("")
    with translated():
        for names in _pages(store):
            pipe = store.client.pipeline(transaction=False)
            for name in names:
                pipe.hget(name, "by")
            asked = [set((by or b"").decode().split()) for by in pipe.execute()]
            gone = [
                name
                for name, by in zip(names, asked, strict=True)
                if not marks.isdisjoint(by) or not name.startswith(ours)
            ]
            if gone:
                store.client.delete(*gone)


def _pages(store: Store) -> Iterator[list[str]]:
    names = (raw.decode() for raw in store.client.scan_iter(match=f"{FREQUENT}*", count=_PAGE))
    while page := list(islice(names, _PAGE)):
        yield page


def _entry(question: str) -> str:
    return f"{FREQUENT}{pseudonym(FREQUENT)}:{question}"


def _mark(conversation: str) -> str:
    """Who is talking there: one person, in whatever thread."""
    return pseudonym(str(Conversation.parse(conversation)._replace(thread="")))
