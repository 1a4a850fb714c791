"""Telegram's bubbles that grow: an edit may be repeated, and says what became of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bot.channels import _telegram_client
from bot.channels.telegram import Telegram
from bot.errors import Blocked, DeliveryError, Gone, RateLimited, Refused, Undelivered, Unknown
from bot.message import Limit, Piece
from simulator.server import Cut
from tests.channel_server import ScriptedPlatform, answer
from tests.unit.test_telegram_speaking import BOLD, SENT, TOKEN, connect, moved, refusal

ANA = "telegram:7123:555"
NOT_MODIFIED = refusal(
    400,
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message",
)


@pytest.fixture
def platform() -> Iterator[ScriptedPlatform]:
    with ScriptedPlatform(answer(SENT)) as server:
        yield server


@pytest.fixture
def channel(platform: ScriptedPlatform) -> Iterator[Telegram]:
    channel = connect(platform.url)
    yield channel
    channel.close()


def test_an_edit_is_one_call_that_names_the_bubble(channel: Telegram, platform: ScriptedPlatform) -> None:
    channel.edit("telegram:7123:555:12", "77", BOLD)

    assert channel.edits
    assert platform.paths == [f"/bot{TOKEN}/editMessageText"]
    asked = platform.asked[0]
    assert (asked["chat_id"], asked["message_id"], asked["text"]) == ("555", "77", "hola")
    assert json.loads(asked["entities"]) == list(BOLD.entities)
    assert json.loads(asked["link_preview_options"]) == {"is_disabled": True}


def test_an_edit_that_changes_nothing_has_succeeded(channel: Telegram, platform: ScriptedPlatform) -> None:
    """And is not said again without its entities, which would change something."""
    platform.script = [NOT_MODIFIED]
    channel.edit(ANA, "77", BOLD)

    assert len(platform.asked) == 1


def test_refused_entities_leave_the_words(channel: Telegram, platform: ScriptedPlatform) -> None:
    platform.script = [refusal(400, "Bad Request: can't parse entities"), NOT_MODIFIED]
    channel.edit(ANA, "77", BOLD)

    assert ["entities" in asked for asked in platform.asked] == [True, False]
    assert [asked["text"] for asked in platform.asked] == ["hola", "hola"]


@pytest.mark.parametrize(
    ("told", "meaning"),
    [
        (refusal(400, "Bad Request: message to edit not found"), Gone),
        (refusal(400, "Bad Request: message can't be edited"), Gone),
        (refusal(400, "Bad Request: MESSAGE_ID_INVALID"), Gone),
        (moved(), Gone),
        (refusal(403, "Forbidden: bot was blocked by the user"), Blocked),
        (refusal(400, "Bad Request: chat not found"), Blocked),
        (refusal(401, "Unauthorized"), Undelivered),
        (refusal(429, "Too Many Requests: retry after 7", retry_after=7), RateLimited),
        (refusal(500, "Internal Server Error"), Unknown),
        (answer("nonsense"), Unknown),
        (Cut, Unknown),
    ],
    ids=str,
)
def test_every_answer_to_an_edit_has_one_meaning(
    channel: Telegram, platform: ScriptedPlatform, told: Any, meaning: type[DeliveryError]
) -> None:
    """A group that became a supergroup numbers anew: there the old number could be another bubble's."""
    platform.script = [told]
    with pytest.raises(DeliveryError) as raised:
        channel.edit(ANA, "77", BOLD)

    assert type(raised.value) is meaning
    assert len(platform.asked) == 1


def test_a_text_that_telegram_never_takes_is_refused(channel: Telegram, platform: ScriptedPlatform) -> None:
    platform.script = [refusal(400, "Bad Request: MESSAGE_TOO_LONG")]
    with pytest.raises(Refused, match=r"(?i)too_long"):
        channel.edit(ANA, "77", Piece("hola"))


@pytest.mark.parametrize("bubble", ["", "wamid.9", "7 7", "-7", "555/", "/77", "\u0667", "9" * 40])
def test_what_is_no_bubble_of_telegrams_is_gone(channel: Telegram, platform: ScriptedPlatform, bubble: str) -> None:
    with pytest.raises(Gone):
        channel.edit(ANA, bubble, BOLD)

    assert platform.asked == []


def test_an_edit_waits_less_long_for_an_answer_than_a_send(
    channel: Telegram, platform: ScriptedPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who grows a bubble must not stall on one preview."""
    assert _telegram_client.EDIT_SECONDS < _telegram_client.READ_SECONDS
    monkeypatch.setattr(_telegram_client, "EDIT_SECONDS", 0.2)
    platform.silent = True
    start = time.monotonic()
    with pytest.raises(Unknown):
        channel.edit(ANA, "77", BOLD)

    assert time.monotonic() - start < _telegram_client.READ_SECONDS / 2


def test_a_group_is_edited_more_slowly_than_a_person() -> None:
    """Twenty a minute are all that a group takes, whatever they are."""
    channel = connect("http://127.0.0.1:9")

    assert channel.edit_seconds(ANA) == 1.2
    assert channel.edit_seconds("telegram:7123:-100:12") == 3.5


def test_bubbles_count_against_the_bots_the_chats_and_the_groups_limit() -> None:
    """In a chat a few may follow each other at once, as long as one a second is the average."""
    channel = connect("http://127.0.0.1:9")
    overall, chat = channel.limits(ANA)

    assert overall == Limit("telegram:7123", 30, 1)
    assert (chat.most, chat.seconds) == (5, 5)
    assert [limit[1:] for limit in channel.limits("telegram:7123:-100:12")] == [(30, 1), (5, 5), (20, 60)]
    assert len({limit.name for limit in (*channel.limits(ANA), *channel.limits("telegram:7123:-100"))}) == 4
    assert channel.limits("telegram:7123:-100:12") == channel.limits("telegram:7123:-100")
