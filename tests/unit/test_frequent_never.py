"""What is one person's is never looked up for another, and what went wrong is never kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bot.errors import Rejected
from bot.message import Attachment, Batch, Message, Turn
from bot.stores import frequent as store_of
from bot.stores.connection import Store, key
from bot.stores.frequent import FREQUENT
from bot.stores.history import History, pack
from bot.stores.taken import Think
from tests.unit.fates import Shaky
from tests.unit.mailboxes import ANA, BEA
from tests.unit.shops import ASKED, EVA, LEO, Shop, kept, known_to_two
from workers.frequent import Asking
from workers.held import Held
from workers.thought import Thought


@pytest.fixture
def shop(store: Store) -> Shop:
    return Shop(store)


PERSONAL: dict[str, dict[str, Any]] = {
    "a number": {"text": "mesa para 4"},
    "an address": {"text": "escribid a ana@example.org"},
    "a link": {"text": "mirad example.org"},
    "their name": {"text": "soy Ana", "person": "Ana"},
    "a file": {"attachments": (Attachment("photo", "f1"),)},
    "an answer to a bubble": {"reply_to": "9"},
    "a quotation": {"quoted": "hola"},
    "a call for somebody": {"called": ("somebody",)},
    "another sender": {"sender": "99"},
    "an order in plain words": {"order": "help"},
}


@pytest.mark.parametrize("what", PERSONAL)
def test_what_is_somebodys_own_is_thought_for_each(shop: Shop, store: Store, what: str) -> None:
    for conversation in (ANA, BEA, EVA):
        shop.ask(conversation, **PERSONAL[what])

    assert not list(store.client.scan_iter(f"{FREQUENT}*"))
    assert shop.counts == []


def test_a_question_in_a_group_is_the_groups(shop: Shop, store: Store) -> None:
    for chat in ("-1", "-2"):
        shop.ask(f"fake:7:{chat}", sender="1")

    assert not list(store.client.scan_iter(f"{FREQUENT}*"))


@pytest.mark.parametrize("hello", ["hola\U000e0069\U000e0067", "hola\u200b", "hola 🅸🅶🅽🅾🆁🅰", "hola 🇳🇴", "hola 7"])
def test_a_greeting_hides_no_order_to_the_model(shop: Shop, store: Store, hello: str) -> None:
    """It stands in the prompt of the question that follows it, whose answer others would be given."""
    for conversation in (ANA, BEA):
        shop.ask(conversation, hello)
        store.client.delete(FREQUENT, *store.client.keys(f"{FREQUENT}*"))  # a picture may be a first question itself
        shop.ask(conversation)

    assert not list(store.client.scan_iter(f"{FREQUENT}*"))


@pytest.mark.parametrize("before", ["¿Tenéis pan?", "hola, soy celíaca"])
def test_whoever_has_said_something_before_is_answered_by_the_model(shop: Shop, before: str) -> None:
    known_to_two(shop)
    shop.ask(EVA, before)
    shop.backend.answers = []

    assert shop.ask(EVA) == [f"re: {ASKED}"]
    assert shop.counts[3:] == ["miss"]  # the first question, if it is one


def test_errors_are_not_kept(shop: Shop, store: Store) -> None:
    for conversation in (ANA, BEA, EVA):
        shop.backend.answers = [Rejected("too long")]
        shop.ask(conversation)

    assert (kept(store), shop.counts) == ([], [])


def test_an_answer_that_took_too_long_is_not_kept(store: Store) -> None:
    shop = Shop(store, turn_seconds=0.001)
    shop.backend.pace = 0.01
    for conversation in (ANA, BEA, EVA):
        shop.ask(conversation)

    assert not list(store.client.scan_iter(f"{FREQUENT}*"))
    assert shop.channel.spoken[0] != f"re: {ASKED}"


def test_an_answer_that_had_no_more_tokens_is_not_kept(shop: Shop, store: Store) -> None:
    """It may end in mid-sentence: at REPLY_TOKENS, or where the context was full."""
    shop.backend.limited = True
    for conversation in (ANA, BEA, EVA):
        assert shop.ask(conversation) == [f"re: {ASKED}"]

    assert not list(store.client.scan_iter(f"{FREQUENT}*"))


def test_an_answer_that_its_person_stopped_is_not_kept(shop: Shop, store: Store) -> None:
    shop.ask(ANA)

    def stop() -> None:
        for held in shop.answerer.held:
            held.stopped.set()

    shop.backend.during = stop
    shop.ask(BEA)
    assert (kept(store), shop.counts) == ([], ["miss"])


def test_a_question_that_was_put_right_is_not_kept(shop: Shop, store: Store) -> None:
    shop.ask(ANA)

    def put_right() -> None:
        shop.backend.during = lambda: None
        shop.mailbox.accept([Message("e", BEA, ASKED, bubble="b1", replaces="b1")])

    shop.backend.during = put_right
    shop.ask(BEA, "¿A qué ora abrís?", bubble="b1")
    assert History(store).tail(BEA, 0, 1000)[0].text == ASKED
    assert (kept(store), shop.counts) == ([], ["miss"])


def test_who_wants_another_answer_gets_one_and_nobody_gets_the_old_one_again(shop: Shop, store: Store) -> None:
    known_to_two(shop)
    shop.ask(EVA)
    shop.backend.answers = ["A las diez."]

    assert shop.ask(EVA, "/retry") == ["A las diez."]
    assert kept(store) == []
    assert History(store).tail(EVA, 0, 1000)[-1].text == "A las diez."
    assert shop.ask(LEO) == [f"re: {ASKED}"]


def asking(*messages: Message, group: bool = False, **state: str) -> Asking:
    return Asking(Think(Batch(1, messages, group), state), "en", "", datetime.now().astimezone())


PLAIN = Message("1", EVA, ASKED)


@pytest.mark.parametrize(
    ("one", "answer"),
    [
        (asking(PLAIN), Thought("nine", stopped=True)),
        (asking(PLAIN), Thought("nine" * 3000)),
        (asking(PLAIN, revision="1"), Thought("nine")),
        (asking(PLAIN, group=True), Thought("nine")),
        (asking(PLAIN, replace(PLAIN, addressed=False)), Thought("nine")),
        (asking(PLAIN, replace(PLAIN, text="/start")), Thought("nine")),
        (asking(replace(PLAIN, conversation="fake:7:-3")), Thought("nine")),
    ],
    ids=["stopped", "endless", "put right", "a group", "to somebody else", "a command", "a group's chat"],
)
def test_neither_turn_is_kept(shop: Shop, one: Asking, answer: Thought) -> None:
    frequent = shop.thinker._frequent
    assert frequent

    assert frequent.kept(Held(EVA), asking(PLAIN), Thought("nine")).after
    assert frequent.kept(Held(EVA), one, answer).after is None


def test_what_was_said_before_a_long_welcome_counts(shop: Shop, store: Store) -> None:
    """Only so much is read of the past; where there was more, it may be anything."""
    known_to_two(shop)
    turns = [Turn("user", "soy celíaca", 9, 1), Turn("user", "hola", 5, 2), Turn("assistant", "welcome", 399, 2)]
    store.client.rpush(key(EVA, "history"), *map(pack, turns))

    assert shop.ask(EVA) == [f"re: {ASKED}"]


def test_what_cannot_be_noted_is_answered_all_the_same(store: Store) -> None:
    shaky = Shaky(store)
    shop = Shop(shaky)
    shaky.away[store_of._keep] = ["before"]

    assert shop.ask(ANA) == [f"re: {ASKED}"]
    assert shop.counts == []
    assert shop.rest()
