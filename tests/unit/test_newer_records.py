"""Two versions side by side: what a newer one has written beside what we know stops nobody."""

from __future__ import annotations

import json
from dataclasses import replace

from bot.message import Attachment, Piece, Reply, Turn
from bot.stores import entries, history, outbox
from tests.unit.mailboxes import ANA, said

NEWER = {"tomorrow": {"of": [1, None]}}


def test_a_message_of_a_newer_version_is_read() -> None:
    files = (Attachment("photo", "f1"),)
    message = replace(said(1), attachments=files, person="Ana", called=("bot",), addressed=False, raw="their words")
    line, _, raw = entries.pack(message, message.raw).partition("\n")
    record = json.loads(line) | NEWER
    record["attachments"][0] |= NEWER
    newer = f"{json.dumps(record)}\n{raw}".encode()
    assert entries.unpack(newer, ANA) == entries.unpack(entries.pack(message, message.raw).encode(), ANA) == message


def test_a_reply_of_a_newer_version_is_said() -> None:
    """Beside its bubbles, beside the first of them, and behind all that we know of one."""
    pieces = (Piece("one", ({"type": "bold", "offset": 0, "length": 3},)), Piece("two", file="f", file_name="f.txt"))
    reply = Reply(3, pieces, grows=True, answers="9", number=2, asked_at=5, backend="faq")
    version, turn, rest = outbox.pack(reply).split("|", 2)
    newer = [[text, entities, more | NEWER, "more"] for text, entities, more in json.loads(rest)]
    assert outbox.unpack(f"{version}|{turn}|{json.dumps(newer)}".encode()) == reply


def test_a_turn_of_a_newer_version_is_remembered() -> None:
    turn = Turn("user", "hello", 2, 3, heard="closed", said=(("b1", 5),))
    assert history.unpack(json.dumps(json.loads(history.pack(turn)) | NEWER)) == turn
