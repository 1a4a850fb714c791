"""What Telegram tells beside messages, with something odd in every place of it: one answer, and nothing twice."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.garbage import write
from tests.fuzz.corpus import ODD
from tests.fuzz.receiving import Receiver, update

PERSON = {"id": 555, "is_bot": False, "first_name": "Ana", "language_code": "es"}
BOT = {"id": 7123456, "is_bot": True, "first_name": "Recado", "username": "recado_bot"}
GROUP = {"id": -100555, "type": "supergroup", "title": "Barrio", "is_forum": True}
MENTION = {"type": "mention", "offset": 0, "length": 11}
UNDER = {"message_id": 5, "date": 1, "chat": GROUP, "from": BOT, "is_topic_message": True, "message_thread_id": 9}

EVENTS: dict[str, dict[str, Any]] = {
    "a press": {"callback_query": {"id": "q1", "from": PERSON, "message": UNDER, "data": "stop"}},
    "an arrival": {
        "my_chat_member": {
            "chat": GROUP, "from": PERSON, "date": 1, "old_chat_member": {"status": "left", "user": BOT},
            "new_chat_member": {"status": "member", "user": BOT},
        }
    },
    "an edit": {"edited_message": update("hola", chat=GROUP, edit_date=2)["message"]},
    "a call": update("@recado_bot ven", chat=GROUP, entities=[MENTION], media_group_id="a1"),
    "a caption": update("", chat=GROUP, caption="@recado_bot", caption_entities=[MENTION], photo=[{"file_id": "f"}]),
    "an unnamed administrator": update("hola", chat=GROUP, sender_chat=GROUP, author_signature="Jefa"),
    "a channel's post": update("hola", chat=GROUP, sender_chat=GROUP, is_automatic_forward=True),
    "a move": update(chat={"id": -55, "type": "group"}, migrate_to_chat_id=-10055),
    "the other half of a move": update(chat=GROUP, migrate_from_chat_id=-55),
    "a business message": {"business_message": update()["message"]},
    "a connection": {"business_connection": {"id": "b1", "user": PERSON, "rights": {"can_reply": True}}},
    "a stopped generation": {"stopped_message_generation": {"chat": GROUP, "draft_id": 1}},
    "of next year": {"hologram": {"text": "hola"}},
}  # fmt: skip


def odd(tree: Any) -> Iterator[Any]:
    """Copies in which one thing is of another kind."""
    for path in places(tree):
        for value in ODD.values():
            changed = copy.deepcopy(tree)
            holder = changed
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = value
            yield changed


def places(tree: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a tree, from its root to its leaves."""
    steps = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, below in steps:
        yield (*way, step)
        yield from places(below, (*way, step))


@pytest.mark.parametrize("event", EVENTS)
def test_nothing_odd_in_an_event_is_an_error_or_counts_twice(receiver: Receiver, event: str) -> None:
    """Anything but 200 would bring it back for a day; kept is what cannot be read, and only that."""
    for number, changed in enumerate(odd({"update_id": 1} | EVENTS[event])):
        body = write(changed)
        assert [receiver.telegram(body), receiver.telegram(body)] == [200, 200], body
        assert receiver.waiting() + receiver.quarantined() <= 1, body
        if number % 50 == 0:
            assert receiver.client.get("/readyz").status_code == 200
        receiver.forget()


@pytest.mark.parametrize(
    ("event", "waiting"),
    [("a press", ["/stop"]), ("an arrival", ["/start"]), ("a call", ["@recado_bot ven"]), ("a move", []),
     ("a business message", []), ("an edit", []), ("an unnamed administrator", ["hola"])],
)  # fmt: skip
def test_with_nothing_odd_it_means_what_it_means(receiver: Receiver, event: str, waiting: list[str]) -> None:
    assert receiver.telegram(write({"update_id": 1} | EVENTS[event])) == 200
    assert (receiver.texts(), receiver.quarantined()) == (waiting, 0)
