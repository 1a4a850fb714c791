"""The owner is told what they must know: once, in their chat, or in the log where they have none."""

from __future__ import annotations

import logging

import pytest

from bot.errors import SettingsError
from bot.settings import load_settings
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from bot.stores.owner import Owner, owner_of
from bot.stores.taken import Speak
from bot.texts import Text
from tests.unit.mailboxes import ANA, counted, in_line, said

BOSS = "fake:7:99"
FULL = Text(es="El presupuesto se ha gastado.", en="The budget is spent.")


def owner(store: Store, **settings: object) -> Owner:
    return Owner(store, load_settings(**({"owner_chat": BOSS, "default_language": "es"} | settings)))


def test_they_read_it_in_their_own_chat(store: Store, mailbox: Mailbox) -> None:
    """A worker is rung, and finds the words in the outbox of the owner's conversation, in the owner's language."""
    store.client.hset(key(BOSS, "state"), "language", "en-GB")

    assert owner(store).tell("budget 11", FULL)
    assert in_line(store) == [BOSS]
    taken = mailbox.take(BOSS, "a")
    assert isinstance(taken, Speak)
    assert [piece.text for piece in taken.reply.pieces] == ["The budget is spent."]


def test_they_are_told_once(store: Store) -> None:
    """Whoever notices it again, another worker or the same, says nothing more."""
    assert [owner(store).tell("budget 11", FULL), owner(store).tell("budget 11", FULL)] == [True, False]
    assert owner(store).tell("budget 12", FULL)
    assert store.client.llen(key(BOSS, "out")) == 2


def test_their_own_conversation_is_not_disturbed(store: Store, mailbox: Mailbox) -> None:
    """While a worker answers them, the notice waits for it."""
    mailbox.accept([said(1, conversation=BOSS)])
    mailbox.take(BOSS, "a")
    owner(store).tell("hold", FULL)

    assert isinstance(mailbox.take(BOSS, "b"), type(mailbox.take(ANA, "b")))
    assert isinstance(mailbox.take(BOSS, "a"), Speak)


def test_without_a_chat_the_log_has_it(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert [owner(store, owner_chat="").tell("hold", FULL) for _ in range(2)] == [True, False]
    assert caplog.text.count("The budget is spent.") == 1
    assert counted(store, "untold") == 1


@pytest.mark.parametrize(
    ("chat", "conversation"),
    [
        ("telegram:555", "telegram:7123:555"),
        ("555", "telegram:7123:555"),
        ("telegram:-100555", "telegram:7123:-100555"),
        ("whatsapp:34600111222", "whatsapp:106540:34600111222"),
        ("telegram:1:555:9", "telegram:1:555:9"),
        ("", ""),
    ],
)
def test_a_chat_is_named_as_people_do(chat: str, conversation: str) -> None:
    settings = load_settings(owner_chat=chat, telegram_bot_token="7123:" + "a" * 35, whatsapp_phone_number_id="106540")
    assert owner_of(settings) == conversation


@pytest.mark.parametrize("chat", ["fax:555", "telegram:", ":555", "telegram:555"])
def test_a_chat_that_cannot_be_is_refused_in_words(chat: str) -> None:
    """The last one is on Telegram, which has no token here."""
    with pytest.raises(SettingsError, match="OWNER_CHAT"):
        owner_of(load_settings(owner_chat=chat, telegram_bot_token=""))
