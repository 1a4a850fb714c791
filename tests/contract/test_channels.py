"""What every webhook channel promises, whichever platform it is. A new one adds a ``World`` here."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from bot import plugins, wiring
from bot.channels import Channel
from bot.errors import DeliveryError, Forged, Gone, Halted, RateLimited, Refused, Undelivered, Unknown, Unreadable
from bot.message import Conversation, Piece
from bot.settings import Settings, load_settings
from simulator.platforms import Platform
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

TOKEN = "7123:AbC-dEf_0123456789_AbC-dEf_0123456789"
NUMBER = "106540352242922"
APP_SECRET = "0123456789abcdef0123456789abcdef"
PERSON = 34600111222


@dataclass(frozen=True)
class World:
    """A channel with its platform."""

    channel: Channel
    platform: Platform
    method: str
    body: bytes

    @property
    def headers(self) -> Mapping[str, str]:
        return self.platform.webhook_headers(self.body)

    @property
    def conversation(self) -> str:
        return self.channel.receive(self.headers, self.body).messages[0].conversation

    def speak(self, text: str = "hola") -> str:
        return self.channel.speak(self.conversation, Piece(text), "r1")


def configured(**urls: str) -> Settings:
    return load_settings(
        telegram_bot_token=SecretStr(TOKEN),
        whatsapp_token=SecretStr("EAAG-token"),
        whatsapp_phone_number_id=NUMBER,
        whatsapp_app_secret=SecretStr(APP_SECRET),
        whatsapp_verify_token=SecretStr("verify-me"),
        **urls,
    )


@contextmanager
def telegram() -> Iterator[World]:
    with TelegramServer(TOKEN) as server:
        channel: Any = build("telegram", configured(telegram_api_url=server.url))
        server.webhook_secret = channel.webhook_secret
        body = json.dumps(server.update(PERSON, "¿Abrís hoy? 🙂")).encode()
        yield World(channel, server, "sendMessage", body)


@contextmanager
def whatsapp() -> Iterator[World]:
    with WhatsAppServer("EAAG-token", NUMBER, APP_SECRET, "verify-me") as server:
        channel = build("whatsapp", configured(whatsapp_api_url=f"{server.url}/v26.0"))
        body = json.dumps(server.body([(str(PERSON), "¿Abrís hoy? 🙂")])).encode()
        yield World(channel, server, "messages", body)


WORLDS = {"telegram": telegram, "whatsapp": whatsapp}


def build(name: str, settings: Settings) -> Channel:
    channel = plugins.load("bot.channels", name, Channel).from_settings(settings)
    assert channel is not None
    return channel


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with WORLDS[request.param]() as found:
        yield found
        found.channel.close()


def test_every_channel_with_a_webhook_is_held_to_this_contract() -> None:
    """The others to tests/contract/test_channels_of_ours.py."""
    assert set(plugins.names("bot.channels")) == {*WORLDS, *wiring.OURS}


def test_it_is_found_by_its_name_and_is_off_by_default() -> None:
    for name in WORLDS:
        found = plugins.load("bot.channels", name, Channel)

        assert found.name == name
        assert found.from_settings(load_settings()) is None


def test_a_message_says_where_it_belongs(world: World) -> None:
    world.channel.admit(world.headers)
    [message] = world.channel.receive(world.headers, world.body).messages
    place = Conversation.parse(message.conversation)

    assert (place.channel, place.account, place.chat) == (world.channel.name, world.channel.account, str(PERSON))
    assert (message.text, message.person) == ("¿Abrís hoy? 🙂", "Ana")
    assert message.id
    assert message.raw
    assert message.sent_at > 1_700_000_000


def test_the_same_body_gives_the_same_message(world: World) -> None:
    """Redelivery is recognised by the id."""
    assert world.channel.receive(world.headers, world.body) == world.channel.receive(world.headers, world.body)


def test_nobody_else_is_heard(world: World) -> None:
    for headers in ({}, dict.fromkeys(world.headers, ""), {name: f"{v}x" for name, v in world.headers.items()}):
        with pytest.raises(Forged):
            world.channel.admit(headers)
        with pytest.raises(Forged):
            world.channel.receive(headers, world.body)


def test_an_authentic_body_is_read_or_unreadable(world: World) -> None:
    for body in (b"", b"hola", b"[]", b"\xff", b"[" * 100_000):
        with pytest.raises(Unreadable):
            world.channel.receive(world.platform.webhook_headers(body), body)


def test_a_bubble_is_seen_once_under_the_id_that_we_get(world: World) -> None:
    spoken = world.speak("¡Hola! 🙂")

    assert [(bubble.id, bubble.text) for bubble in world.platform.answers(PERSON)] == [(spoken, "¡Hola! 🙂")]


def test_what_is_rendered_is_taken(world: World) -> None:
    pieces = world.channel.render("# Carta\n\n" + "- **plato** 👩‍👩‍👧 a *12 €*\n" * 400 + "\n```\ncódigo")
    for piece in pieces:
        world.channel.speak(world.conversation, piece, "r1")

    assert len(pieces) > 1
    assert [bubble.text for bubble in world.platform.answers(PERSON)] == [piece.text for piece in pieces]


def test_rendering_never_raises(world: World) -> None:
    for text in ("", "\ud800", "**", "\0", "[" * 5000, "```" * 5000, "🙂" * 9000, "\u0301" * 9000):
        assert all(len(piece.text.encode("utf-16-le")) <= 2 * 4096 for piece in world.channel.render(text))


def test_a_rate_limit_names_its_pause(world: World) -> None:
    world.platform.fail_next(world.method, 429)
    with pytest.raises(RateLimited) as raised:
        world.speak()

    assert raised.value.retry_after > 0
    assert world.platform.answers(PERSON) == []


def test_a_lost_answer_is_an_unknown_outcome(world: World) -> None:
    world.platform.fail_next(world.method, 0, after=True)
    with pytest.raises(Unknown):
        world.speak()

    assert len(world.platform.answers(PERSON)) == 1


def test_one_call_is_one_attempt(world: World) -> None:
    for status in (429, 500, 502):
        world.platform.fail_next(world.method, status)
        before = len(world.platform.calls)
        with pytest.raises(DeliveryError):
            world.speak()

        assert len(world.platform.calls) == before + 1


def test_a_wrong_token_keeps_the_bubble_and_names_the_setting(world: World) -> None:
    if isinstance(world.platform, WhatsAppServer):
        world.platform.renew_token("9:another")
    else:
        vars(world.platform)["token"] = "9:another"
    for call in (world.speak, world.channel.check):
        with pytest.raises((Halted, Undelivered), match=f"{world.channel.name.upper()}_(BOT_)?TOKEN"):
            call()


def test_check_says_who_we_are_there(world: World) -> None:
    assert "recado" in world.channel.check().lower()


def test_where_bubbles_can_be_edited_an_edit_may_be_repeated(world: World) -> None:
    if not world.channel.edits:
        with pytest.raises(Refused):
            world.channel.edit(world.conversation, "1", Piece("¡Hola! 🙂"))
        return
    bubble = world.speak("¡Ho…")
    for _ in range(2):
        world.channel.edit(world.conversation, bubble, Piece("¡Hola! 🙂"))

    assert [(seen.id, seen.text) for seen in world.platform.answers(PERSON)] == [(bubble, "¡Hola! 🙂")]
    assert world.channel.edit_seconds(world.conversation) >= 1
    with pytest.raises(Gone):
        world.channel.edit(world.conversation, f"{bubble}000", Piece("¡Hola!"))


def test_typing_is_shown_to_the_person(world: World) -> None:
    [message] = world.channel.receive(world.headers, world.body).messages
    world.channel.show_typing(message.conversation, message.id)

    assert world.platform.calls[-1].taken
    assert world.platform.answers(PERSON) == []


def test_a_platform_that_is_not_there_has_taken_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        for name, account in (("telegram", "7123"), ("whatsapp", NUMBER)):
            channel = build(name, configured(telegram_api_url=url, whatsapp_api_url=url))
            with pytest.raises(Undelivered, match="API_URL"):
                channel.speak(f"{name}:{account}:{PERSON}", Piece("hola"), "r1")
            channel.close()
