"""The corpus of WhatsApp's webhook bodies: every shape that Meta sends, each with what must come of it."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from bot.message import Message
from bot.received import Received

NUMBER = "555000000000001"
FOLDER = Path(__file__).parent / "whatsapp_corpus"

Tree = dict[str, Any]


class Case(NamedTuple):
    """A body, and what is expected: ``messages`` in their order with the fields that matter, ``statuses``, ``aliases``,
    whether it is ``unserved`` or holds something ``unreadable``."""

    name: str
    what: str
    body: Tree
    expect: Tree

    @property
    def messages(self) -> list[Tree]:
        found: list[Tree] = self.expect["messages"]
        return found

    @property
    def only_messages(self) -> bool:
        """Whether it holds what people said and nothing else, all of it good."""
        return bool(self.messages) and set(self.expect) == {"messages"}


@cache
def cases() -> list[Case]:
    return [_case(path) for path in sorted(FOLDER.glob("*.json"))]


def values(body: Tree) -> list[Tree]:
    """The value of every change of every entry, copied."""
    return [copy.deepcopy(change["value"]) for entry in body["entry"] for change in entry["changes"]]


def shown(message: Message, expected: Tree) -> Tree:
    """The fields of a message that are expected, as JSON has them."""
    found = {**asdict(message), "command": message.command, "also": list(message.also)}
    if "attachments" in expected:
        keys = [sorted(one) for one in expected["attachments"]]
        pairs = zip(found["attachments"], keys, strict=False)
        rest = [asdict(one) for one in message.attachments[len(keys) :]]
        found["attachments"] = [{key: one[key] for key in names} for one, names in pairs] + rest
    return {key: found[key] for key in expected}


def told(received: Received, expect: Tree) -> Tree:
    """What was read of a body, in the form of what is expected."""
    statuses = [
        {key: _plain(getattr(one, key)) for key in expected}
        for one, expected in zip(received.statuses, expect.get("statuses", []), strict=True)
    ]
    pairs = zip(received.messages, expect["messages"], strict=True)
    found: Tree = {"messages": [shown(message, expected) for message, expected in pairs]}
    found |= {"statuses": statuses, "aliases": [one._asdict() for one in received.aliases]}
    return found | {"unserved": received.unserved, "unreadable": bool(received.unreadable)}


def expected(case: Case) -> Tree:
    usual: Tree = {"statuses": [], "aliases": [], "unserved": False, "unreadable": False}
    return usual | case.expect


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _case(path: Path) -> Case:
    found = json.loads(path.read_text(encoding="utf-8"))
    return Case(path.stem, found["what"], found["body"], found["expect"])
