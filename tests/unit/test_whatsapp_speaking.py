"""WhatsApp's speaking half: what each answer of the Cloud API means for a bubble."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from bot.channels import _whatsapp_client
from bot.channels._whatsapp_client import WhatsAppClient
from bot.channels.whatsapp import WhatsApp
from bot.errors import Blocked, DeliveryError, Halted, Parked, RateLimited, Refused, Undelivered, Unknown
from bot.message import Limit, Piece
from simulator.server import Cut
from simulator.whatsapp import WhatsAppServer
from tests.channel_server import ScriptedPlatform, answer

NUMBER = "106540352242922"
TOKEN = "EAAG-token"
SENT = {"messaging_product": "whatsapp", "messages": [{"id": "wamid.9"}]}
ANA = f"whatsapp:{NUMBER}:34600111222"


def connect(url: str) -> WhatsApp:
    return WhatsApp(
        TOKEN, NUMBER, app_secret="0123456789abcdef" * 2, verify_token="verify-me", api_url=url, unknown_seconds=30
    )


@pytest.fixture
def platform() -> Iterator[ScriptedPlatform]:
    with ScriptedPlatform(answer(SENT)) as server:
        yield server


@pytest.fixture
def channel(platform: ScriptedPlatform) -> Iterator[WhatsApp]:
    channel = connect(platform.url)
    yield channel
    channel.close()


def refusal(status: int, code: int, details: str = "", **headers: str) -> Any:
    return answer({"error": {"code": code, "message": "title", "error_data": {"details": details}}}, status, **headers)


def test_a_bubble_is_one_call_with_our_reference(channel: WhatsApp, platform: ScriptedPlatform) -> None:
    assert channel.speak(ANA, Piece("hola"), "r1") == "wamid.9"
    assert platform.paths == [f"/{NUMBER}/messages"]
    assert platform.asked == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "34600111222",
            "type": "text",
            "text": {"body": "hola", "preview_url": False},
            "biz_opaque_callback_data": "r1",
        }
    ]


def test_who_hides_the_phone_number_is_reached_by_user_id(channel: WhatsApp, platform: ScriptedPlatform) -> None:
    """A user id in ``to`` would be dropped without a word."""
    channel.speak(f"whatsapp:{NUMBER}:ES.abc123", Piece("hola"), "r1")

    assert platform.asked[0]["recipient"] == "ES.abc123"
    assert "to" not in platform.asked[0]


def test_typing_marks_as_read_in_the_same_call(channel: WhatsApp, platform: ScriptedPlatform) -> None:
    platform.script = [answer({"success": True})]
    channel.show_typing(ANA, "wamid.1")

    assert platform.asked == [
        {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": "wamid.1",
            "typing_indicator": {"type": "text"},
        }
    ]


@pytest.mark.parametrize(
    ("told", "meaning", "words"),
    [
        (refusal(401, 190), Halted, "WHATSAPP_TOKEN"),
        (refusal(400, 0), Halted, "WHATSAPP_TOKEN"),
        (refusal(403, 131031), Halted, "Account Quality"),
        (refusal(403, 368), Halted, "Account Quality"),
        (refusal(400, 133010), Halted, "API Setup"),
        (refusal(400, 131042), Halted, "Payment settings"),
        (refusal(400, 131016, "busy"), Undelivered, "busy"),
        (refusal(500, 131000, "went wrong"), Undelivered, "went wrong"),
        (refusal(400, 131047), Parked, "24 hours"),
        (refusal(400, 131026), Refused, "cannot get"),
        (refusal(400, 131030), Refused, "list"),
        (refusal(400, 100, "no such object"), Refused, "WHATSAPP_PHONE_NUMBER_ID"),
        (refusal(400, 131051, "of next year"), Refused, "of next year"),
        (refusal(403, 130497, "country"), Blocked, "country"),
        (refusal(500, 999), Unknown, "999"),
        (answer("<html>", 502), Unknown, "502"),
        (answer({}, 500), Unknown, "500"),
        (answer("nonsense"), Unknown, "names no message"),
        (answer({"messages": []}), Unknown, "names no message"),
        (answer({"messages": [{}]}), Unknown, "names no message"),
        (answer("x", 404), Undelivered, "WHATSAPP_API_URL"),
        (answer("x", 301, Location="http://127.0.0.1:9/"), Undelivered, "WHATSAPP_API_URL"),
        (answer("x", 401), Halted, "WHATSAPP_TOKEN"),
        (answer({"error": {"code": "190"}}, 400), Undelivered, "400"),
        (answer({"error": "text"}, 400), Undelivered, "400"),
        (Cut, Unknown, "broke"),
    ],
    ids=str,
)
def test_every_answer_has_one_meaning(
    channel: WhatsApp, platform: ScriptedPlatform, told: Any, meaning: type[DeliveryError], words: str
) -> None:
    """And none is tried again behind the caller's back."""
    platform.script = [told]
    with pytest.raises(meaning, match=words) as raised:
        channel.speak(ANA, Piece("hola"), "r1")

    assert type(raised.value) is meaning
    assert len(platform.asked) == 1
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (refusal(400, 131056), 0.0),
        (refusal(400, 131056, Retry_After="12"), 12.0),
        (refusal(429, 130429, Retry_After="17"), 17.0),
        (refusal(429, 130429), 6.0),
        (refusal(400, 4), 6.0),
        (refusal(400, 80007, Retry_After="soon"), 6.0),
        (answer("x", 429, Retry_After="3"), 3.0),
    ],
    ids=["pair", "pair, named", "named", "unnamed", "app", "no number", "a proxy's"],
)
def test_a_pause_is_as_long_as_meta_says(
    channel: WhatsApp, platform: ScriptedPlatform, told: Any, seconds: float
) -> None:
    platform.script = [told]
    with pytest.raises(RateLimited) as raised:
        channel.speak(ANA, Piece("hola"), "r1")

    assert raised.value.retry_after == seconds


def test_bubbles_count_against_the_numbers_and_the_persons_limit() -> None:
    """To one person a burst may pass, and then one in six seconds."""
    overall, person = connect("http://127.0.0.1:9").limits(ANA)
    other = connect("http://127.0.0.1:9").limits(f"whatsapp:{NUMBER}:34600333444")

    assert overall == other[0] == Limit(f"whatsapp:{NUMBER}", 80, 1)
    assert (person.most, person.seconds) == (45, 270)
    assert len({overall.name, person.name, other[1].name}) == 3


def test_a_bubble_is_not_edited(channel: WhatsApp, platform: ScriptedPlatform) -> None:
    """WhatsApp cannot: https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages names none."""
    assert not channel.edits
    with pytest.raises(Refused, match="cannot edit"):
        channel.edit(ANA, "wamid.9", Piece("hola"))
    assert platform.asked == []


def test_silence_is_an_unknown_outcome(platform: ScriptedPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_whatsapp_client, "TIMES", httpx.Timeout(0.2))
    platform.silent = True
    client = WhatsAppClient(TOKEN, NUMBER, platform.url)
    with pytest.raises(Unknown):
        client.send("34600111222", Piece("hola"), "r1")
    client.close()


def test_nobody_there_means_certainly_not_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        channel = connect(f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(Undelivered, match="WHATSAPP_API_URL"):
            channel.speak(ANA, Piece("hola"), "r1")
        channel.close()


def test_sixty_threads_speak_at_the_same_time(channel: WhatsApp, platform: ScriptedPlatform) -> None:
    """All requests are on the wire together: none waits for another's answer."""
    platform.together = threading.Barrier(60)
    with ThreadPoolExecutor(60) as pool:
        sent = list(pool.map(lambda i: channel.speak(ANA, Piece("hola"), f"r{i}"), range(60)))

    assert sent == ["wamid.9"] * 60
    assert {asked["biz_opaque_callback_data"] for asked in platform.asked} == {f"r{i}" for i in range(60)}


def test_a_conversation_of_another_kind_is_refused(channel: WhatsApp) -> None:
    with pytest.raises(Refused):
        channel.speak("nobody", Piece("hola"), "r1")


def test_the_simulated_cloud_api_takes_what_is_rendered() -> None:
    with WhatsAppServer(TOKEN, NUMBER, "0123456789abcdef" * 2, "verify-me") as server:
        channel = connect(server.url)
        for piece in channel.render("# Horario\n\n- **Lunes** a *viernes*\n\n" + "x **y** " * 900):
            channel.speak(ANA, piece, "r1")
        channel.show_typing(ANA, "wamid.1")
        assert channel.check() == "Recado +34 600 000 000"
        channel.close()

        assert len(server.answers("34600111222")) == 2
        assert {call.taken for call in server.calls} == {True}
