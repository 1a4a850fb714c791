"""What a message answers: how our own bubble begins, by which the owner's answer to a notice is known."""

from __future__ import annotations

from typing import Any

import pytest

from bot.stores import entries
from tests.unit.test_telegram_updates import ANA, BOT, read

NOTICE = "Ref. K7QM · Ana · WhatsApp +34600111222"


@pytest.mark.parametrize(
    ("replied", "quoted"),
    [
        ({"from": BOT, "text": NOTICE}, NOTICE),
        ({"from": BOT, "caption": NOTICE}, NOTICE),
        ({"from": BOT, "text": "a" * 5000}, "a" * 1000),
        ({"from": ANA, "text": NOTICE}, ""),
        ({"from": BOT}, ""),
        ({"from": BOT, "text": NOTICE, "forum_topic_created": {}}, ""),
    ],
)
def test_only_our_own_bubbles_count(replied: dict[str, Any], quoted: str) -> None:
    """What somebody else wrote may look like a notice."""
    [found] = read(text="hola", reply_to_message={"message_id": 3, **replied})

    assert found.quoted == quoted


def test_an_answer_to_a_notice_is_a_batch_of_its_own() -> None:
    """Two answers to two customers in a row must not become one; any other answer is a message as all are."""
    kinds = []
    for text in (NOTICE, "re: hola"):
        [found] = read(text="hola", reply_to_message={"message_id": 3, "from": BOT, "text": text})
        kinds.append(entries.kind(found))
    assert kinds == ["c", "m"]
