"""What every channel promises that no platform delivers to: nobody can write on it from outside, and it says what it is
told. A new one adds a ``Place`` here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import plugins, wiring
from bot.channels import Channel
from bot.channels.console import Console
from bot.errors import Forged, Refused, Undelivered, Unreadable
from bot.message import Attachment, Conversation, Piece
from bot.settings import load_settings
from bot.stores.connection import Store, connect
from bot.web import create_app


@dataclass(frozen=True)
class Place:
    """A channel, a conversation on it, and what its person reads there."""

    channel: Channel
    conversation: str
    read: Callable[[], list[str]]


def console(store: Store) -> Place:
    channel, bubbles = Console(), dict[str, str]()

    def read() -> list[str]:
        while not channel.said.empty():
            saying = channel.said.get()
            bubbles[saying.bubble] = saying.text
        return list(bubbles.values())

    return Place(channel, channel.conversation, read)


def web(store: Store) -> Place:
    channel, page = wiring.open_page(load_settings(), store)
    conversation = str(Conversation("web", "page", "0" * 32))
    store.client.hset(f"recado:{{{conversation}}}:state", "number", 1)  # somebody has written there
    return Place(channel, conversation, lambda: [one.text for one in page.read(conversation).shown])


PLACES = {"console": console, "web": web}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, store: Store) -> Place:
    return PLACES[request.param](store)


def test_every_channel_of_ours_is_held_to_this_contract() -> None:
    assert set(PLACES) == set(wiring.OURS)


def test_it_is_found_by_its_name_and_needs_no_setting(place: Place) -> None:
    found = plugins.load("bot.channels", place.channel.name, Channel)  # type: ignore[type-abstract]

    assert found is type(place.channel)
    assert found.from_settings(load_settings()) is not None
    where = Conversation.parse(place.conversation)
    assert (where.channel, where.account) == (place.channel.name, place.channel.account)
    assert place.channel.check() == place.channel.account


def test_nobody_is_heard_from_outside(place: Place) -> None:
    """Whatever comes over HTTP is not this channel's; and nothing was ever kept of it to be read again."""
    for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "x" * 32}):
        with pytest.raises(Forged):
            place.channel.admit(headers)
        with pytest.raises(Forged):
            place.channel.receive(headers, b"{}")
    with pytest.raises(Unreadable):
        place.channel.read(b"{}")
    assert place.channel.verify({"hub.mode": "subscribe"}) is None


def test_the_receiver_has_no_address_for_it(place: Place, store: Store) -> None:
    settings = load_settings(redis_url=f"unix://{store.client.connection_pool.connection_kwargs['path']}")
    answer = create_app(settings).test_client().post(f"/webhook/{place.channel.name}", json={})

    assert answer.status_code == 404
    assert place.channel.name not in wiring.open_channels(settings)


def test_what_is_rendered_is_read_as_it_was_said(place: Place) -> None:
    text = "# Carta\n\n" + "- **plato** 👩‍👩‍👧 a *12 €*\n" * 400 + "\n```\ncódigo"
    for number, piece in enumerate(place.channel.render(text)):
        place.channel.speak(place.conversation, piece, f"0123456789ab.1.{number}")

    assert "".join(place.read()) == text


def test_rendering_never_raises(place: Place) -> None:
    for text in ("", "\ud800", "**", "\0", "[" * 5000, "```" * 5000, "🙂" * 9000, "\u0301" * 9000):
        assert all(isinstance(piece, Piece) for piece in place.channel.render(text))


def test_each_bubble_has_an_id(place: Place) -> None:
    ids = {place.channel.speak(place.conversation, Piece("hola"), f"0123456789ab.{n}.0") for n in (1, 2, -2)}

    assert len(ids) == 3
    assert place.read() == ["hola"] * 3


def test_where_bubbles_can_be_edited_an_edit_may_be_repeated(place: Place) -> None:
    if not place.channel.edits:
        with pytest.raises(Refused):
            place.channel.edit(place.conversation, "1", Piece("¡Hola! 🙂"))
        return
    bubble = place.channel.speak(place.conversation, Piece("¡Ho…", stop="Stop"), "0123456789ab.1.0")
    for _ in range(2):
        place.channel.edit(place.conversation, bubble, Piece("¡Hola! 🙂"))

    assert place.read() == ["¡Hola! 🙂"]
    assert place.channel.edit_seconds(place.conversation) > 0


def test_typing_says_nothing(place: Place) -> None:
    place.channel.show_typing(place.conversation, "m1")

    assert place.read() == []


def test_it_is_not_limited_and_never_on_hold(place: Place) -> None:
    """Nobody counts what is said here, and there is no platform that could refuse an account."""
    assert place.channel.limits(place.conversation) == ()
    assert place.channel.credential(place.conversation) == ""
    assert place.channel.window_seconds == 0
    assert not place.channel.is_group(place.conversation)


def test_no_file_is_fetched(place: Place) -> None:
    with pytest.raises(Refused):
        place.channel.fetch(place.conversation, Attachment("photo", "f1"), 100)


# -- the chat page alone --------------------------------------------------------------------------


def test_a_bubble_is_named_by_its_place_whoever_says_it(store: Store) -> None:
    """A worker that took over has another id for it, and means the same bubble."""
    place = web(store)
    ids = {place.channel.speak(place.conversation, Piece("hola"), f"{one * 12}.7.0") for one in "ab"}

    assert len(ids) == 1
    assert place.read() == ["hola"]


def test_without_redis_nothing_was_said_and_it_can_be_said_again(tmp_path: Path) -> None:
    away = connect(f"unix://{tmp_path}/nobody.sock", tmp_path, 1)
    channel, _ = wiring.open_page(load_settings(), away)
    calls: list[Callable[[], object]] = [
        lambda: channel.speak("web:page:1", Piece("hola"), "0123456789ab.1.0"),
        lambda: channel.edit("web:page:1", "1.0", Piece("hola")),
        lambda: channel.show_typing("web:page:1", "m1"),
    ]
    for call in calls:
        with pytest.raises(Undelivered, match="REDIS_URL"):
            call()


def test_a_process_that_has_no_page_says_so() -> None:
    channel = plugins.load("bot.channels", "web", Channel).from_settings(load_settings())  # type: ignore[type-abstract]
    assert channel
    with pytest.raises(Undelivered, match="not open"):
        channel.speak("web:page:1", Piece("hola"), "0123456789ab.1.0")
