"""WhatsApp's bubbles beside plain text: what they quote, the template, several numbers, and what Meta's headers say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from bot.channels._whatsapp_errors import advice, fate_of, meaning_of
from bot.channels._whatsapp_pauses import LONGEST, USAGE, named_pause
from bot.channels.whatsapp import WhatsApp
from bot.errors import DeliveryError, RateLimited, Refused, SettingsError, Undelivered
from bot.message import Piece
from bot.numbers import Number
from bot.settings import load_settings
from tests.channel_server import ScriptedPlatform, answer
from tests.unit.test_whatsapp_speaking import ANA, NUMBER, SENT, TOKEN, connect, refusal

OTHER = "206540352242922"
SECRET = "0123456789abcdef" * 2


@pytest.fixture
def platform() -> Iterator[ScriptedPlatform]:
    with ScriptedPlatform(answer(SENT)) as server:
        yield server


@pytest.fixture
def channel(platform: ScriptedPlatform) -> Iterator[WhatsApp]:
    other = Number(token=SecretStr("other-token"), app_secret=SecretStr(SECRET), verify_token=SecretStr("verify-me"))
    channel = WhatsApp(
        TOKEN, NUMBER, app_secret=SECRET, verify_token="verify-me", api_url=platform.url, unknown_seconds=30,
        others={OTHER: other}, template="write_to_us:es",
    )  # fmt: skip
    yield channel
    channel.close()


def test_a_bubble_quotes_what_it_answers(channel: WhatsApp, platform: ScriptedPlatform) -> None:
    channel.speak(ANA, Piece("hola", quotes="wamid.1"), "r1")
    assert platform.asked[0]["context"] == {"message_id": "wamid.1"}
    channel.speak(ANA, Piece("hola"), "r2")
    assert "context" not in platform.asked[1]


def test_what_can_no_longer_be_quoted_is_answered_without(channel: WhatsApp, platform: ScriptedPlatform) -> None:
    """The first call was refused for what it quotes, so the bubble is sent once."""
    platform.script = [refusal(400, 131009, "Parameter value is not valid")]
    assert channel.speak(ANA, Piece("hola", quotes="wamid.old"), "r1") == "wamid.9"
    assert ["context" in asked for asked in platform.asked] == [True, False]
    platform.script = [refusal(400, 131026)]
    with pytest.raises(Refused):
        channel.speak(ANA, Piece("hola", quotes="wamid.1"), "r1")
    assert len(platform.asked) == 3


def test_a_template_asks_a_person_to_write(channel: WhatsApp, platform: ScriptedPlatform) -> None:
    assert channel.asks_to_write(ANA)
    assert channel.ask_to_write(ANA, "r1") == "wamid.9"
    assert platform.asked == [
        {
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "34600111222", "type": "template",
            "template": {"name": "write_to_us", "language": {"code": "es"}}, "biz_opaque_callback_data": "r1",
        }
    ]  # fmt: skip


def test_a_number_asks_by_no_template_of_another(channel: WhatsApp) -> None:
    assert not channel.asks_to_write(f"whatsapp:{OTHER}:34600111222")
    assert not connect("http://127.0.0.1:9").asks_to_write(ANA)


@pytest.mark.parametrize("template", ["name", "name:", ":es", "name:español", "Name:es", "name:es:x", "name:es_es"])
def test_a_template_that_is_none_is_explained(template: str) -> None:
    settings = load_settings(
        whatsapp_token=SecretStr(TOKEN), whatsapp_phone_number_id=NUMBER, whatsapp_app_secret=SecretStr(SECRET),
        whatsapp_verify_token=SecretStr("verify-me"), whatsapp_template=template,
    )  # fmt: skip
    with pytest.raises(SettingsError, match="WHATSAPP_TEMPLATE"):
        WhatsApp.from_settings(settings)


def test_each_number_is_known_by_its_own_token_and_no_credential_shows_one(channel: WhatsApp) -> None:
    ours, others = channel.credential(ANA), channel.credential(f"whatsapp:{OTHER}:1")
    assert ours
    assert ours != others
    assert TOKEN not in ours
    assert channel.credential("whatsapp:999:1") == ""
    assert connect("http://127.0.0.1:9").credential(ANA) == ours


def test_who_has_somebodys_former_number_is_reached_by_it(channel: WhatsApp, platform: ScriptedPlatform) -> None:
    channel.speak(f"{ANA}~1760000000000", Piece("hola"), "r1")
    assert platform.asked[0]["to"] == "34600111222"


def usage(*minutes: Any) -> str:
    return json.dumps({"1": [{"type": "messaging", "estimated_time_to_regain_access": one} for one in minutes]})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0), ({"Retry-After": "7"}, 7), ({"Retry-After": "1.5"}, 1.5), ({USAGE: usage(3)}, 180),
        ({USAGE: usage(0, 2)}, 120), ({"Retry-After": "200", USAGE: usage(1)}, 200), ({USAGE: usage(10**9)}, LONGEST),
        ({USAGE: usage("3", None, -1, True)}, 0), ({USAGE: "nonsense"}, 0), ({USAGE: "[1]"}, 0),
        ({USAGE: '{"1": 2}'}, 0), ({USAGE: '{"1": [2]}'}, 0), ({USAGE: "[" * 9000}, 0), ({"Retry-After": "Wed"}, 0),
        ({USAGE: usage(1e999)}, 0),
    ],
)  # fmt: skip
def test_the_longest_pause_that_meta_names_is_kept(headers: dict[str, str], seconds: float) -> None:
    assert named_pause(headers) == seconds


def test_a_limit_in_minutes_holds_everybody(channel: WhatsApp, platform: ScriptedPlatform) -> None:
    platform.script = [refusal(400, 80007, **{USAGE.replace("-", "_"): usage(5)})]
    with pytest.raises(RateLimited) as raised:
        channel.speak(ANA, Piece("hola"), "r1")
    assert (raised.value.retry_after, raised.value.everybody, raised.value.code) == (300, True, 80007)


@pytest.mark.parametrize(
    ("code", "bounded"), [(131016, True), (131000, True), (135000, True), (131057, True), (2, True)]
)
def test_trouble_at_metas_is_tried_a_bounded_number_of_times(
    channel: WhatsApp, platform: ScriptedPlatform, code: int, *, bounded: bool
) -> None:
    platform.script = [refusal(500, code)]
    with pytest.raises(Undelivered) as raised:
        channel.speak(ANA, Piece("hola"), "r1")
    assert (raised.value.tries > 1, raised.value.code) == (bounded, code)


def test_a_number_that_was_given_up_says_what_to_do(channel: WhatsApp) -> None:
    with pytest.raises(DeliveryError, match="WHATSAPP_NUMBERS_FILE"):
        channel.speak("whatsapp:999:1", Piece("hola"), "r1")


FATES = {
    0: "halted", 190: "halted", 368: "halted", 131031: "halted", 133010: "halted", 131042: "halted",
    4: "again", 80007: "again", 130429: "again", 131056: "again", 131000: "again", 131016: "again", 135000: "again",
    131047: "parked",
    33: "failed", 100: "failed", 131026: "failed", 131048: "failed", 131049: "failed", 131050: "failed",
    130497: "failed", 132001: "failed", 999_999: "failed",
}  # fmt: skip


@pytest.mark.parametrize(("code", "fate"), FATES.items())
def test_a_code_that_a_status_names_later_has_its_fate(code: int, fate: str) -> None:
    assert fate_of(code) == fate


def test_each_code_that_stops_a_number_says_what_to_do() -> None:
    assert "WHATSAPP_TOKEN" in advice(190)
    assert "Account Quality" in advice(131031)
    assert advice(133010) == ""
    assert meaning_of(999_999) == "unknown"
