"""Stop, edits and orders, the whole way: through the receiver, Redis and a worker, as a person sees them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest

from bot.stores import erase
from bot.stores.connection import key
from bot.stores.history import History
from bot.stores.person import Person, find
from simulator.asked import Asked
from simulator.platforms import Bubble
from simulator.processes import wait_until
from tests.e2e.conftest import Installation

SECONDS = 30
LONG = [f"word{number} " for number in range(3000)]
SLOWLY = 0.05


def asked(one: Installation) -> Asked:
    """The request that the model is answering now."""
    assert wait_until(lambda: bool(one.model.requests and not one.model.requests[-1].outcome), SECONDS)
    return one.model.requests[-1]


def grown(one: Installation, chat: int) -> Bubble:
    """The bubble in which an answer grows, as soon as its words are in it."""
    assert one.telegram.wait_until(
        lambda: any("word3" in bubble.text for bubble in one.telegram.answers(chat)), SECONDS
    ), one.processes.log_tails(40)
    return next(bubble for bubble in one.telegram.answers(chat) if "word3" in bubble.text)


def talking(one: Installation) -> None:
    """The model says three thousand words, which takes minutes."""
    one.model.reply, one.model.pace = (lambda _: LONG), SLOWLY


def remembered(one: Installation, chat: int) -> list[tuple[str, str]]:
    conversation = f"telegram:{one.telegram.me['id']}:{chat}"
    return [(turn.text, turn.heard) for turn in History(one.store).tail(conversation, 0, 100_000)]


@pytest.fixture(autouse=True)
def _as_it_was(running: Installation) -> object:
    before = running.model.reply, running.model.pace, running.model.delay
    yield
    running.model.reply, running.model.pace, running.model.delay = before


def test_the_button_stops_the_model_and_keeps_what_was_said(running: Installation, chat: int) -> None:
    """Within moments of minutes: its request is closed, the bubble's words are whole and stay, the button is gone."""
    talking(running)
    running.telegram.say(chat, "tell me all")
    bubble, question = grown(running, chat), asked(running)
    assert bubble.raw["reply_markup"]["inline_keyboard"][0][0]["text"] == "Parar"
    pressed = time.monotonic()
    running.telegram.press(chat, int(bubble.id), "stop")
    assert wait_until(lambda: question.ended is not None, SECONDS)
    assert question.outcome == "left"
    assert question.ended is not None
    assert question.ended - pressed < len(LONG) * SLOWLY / 10
    assert wait_until(lambda: not running.due(), SECONDS)
    (final,) = running.telegram.answers(chat)
    assert final.id == bubble.id
    assert "reply_markup" not in final.raw
    assert re.fullmatch(r"(word\d+ )+word\d+", final.text)
    assert remembered(running, chat) == [("tell me all", ""), (final.text, "")]
    assert any(call.method.lower() == "answercallbackquery" for call in running.telegram.calls)


def test_a_typed_stop_ends_a_model_that_has_not_said_a_word(running: Installation, chat: int) -> None:
    running.model.delay = 120
    running.telegram.say(chat, "tell me all")
    question = asked(running)
    running.telegram.say(chat, "/stop")
    assert wait_until(lambda: question.ended is not None, SECONDS)
    assert question.outcome == "left"
    assert running.telegram.wait_until(lambda: bool(running.telegram.answers(chat)), SECONDS)
    assert [bubble.text for bubble in running.telegram.answers(chat)] == ["De acuerdo, lo dejo aquí."]
    assert remembered(running, chat) == [("tell me all", "stopped")]


def test_an_answer_to_words_that_were_put_right_is_thought_anew_in_its_bubble(running: Installation, chat: int) -> None:
    talking(running)
    said = running.telegram.say(chat, "at five?")
    bubble, question = grown(running, chat), asked(running)
    running.model.reply = lambda _: "at six it is"
    running.telegram.edit_said(chat, said["message"]["message_id"], "at six?")
    assert wait_until(lambda: bool(remembered(running, chat)), SECONDS), running.processes.log_tails(40)
    assert wait_until(lambda: not running.due(), SECONDS)
    assert question.outcome == "left"
    assert [(one.id, one.text) for one in running.telegram.answers(chat)] == [(bubble.id, "at six it is")]
    assert remembered(running, chat) == [("at six?", ""), ("at six it is", "")]


def test_what_is_kept_comes_as_a_file_and_then_goes(running: Installation, chat: int) -> None:
    running.telegram.say(chat, "my name is Canario")
    assert running.telegram.wait_until(lambda: len(running.telegram.answers(chat)) == 1, SECONDS)
    running.telegram.say(chat, "/privacy export")
    assert running.telegram.wait_until(lambda: len(running.telegram.answers(chat)) == 2, SECONDS)
    (sent,) = [call for call in running.telegram.calls if call.method.lower() == "senddocument"]
    assert "my name is Canario" in json.loads(sent.params["document"].content)["conversations"][0]["history"][0]["text"]
    running.telegram.say(chat, "/privacy erase sí")
    assert running.telegram.wait_until(lambda: len(running.telegram.answers(chat)) == 3, SECONDS)
    assert "he borrado todo" in running.telegram.answers(chat)[-1].text
    assert wait_until(lambda: not running.redis.exists(erase.ERASING, erase.BUSY), SECONDS)
    assert wait_until(lambda: not find(running.store, Person.parse(f"telegram:{chat}")), SECONDS)


def test_a_language_that_was_chosen_holds(running: Installation, chat: int) -> None:
    for number, text in enumerate(["/language en", "/nothing", "/language es", "/nothing"], 1):
        running.telegram.say(chat, text)
        assert running.telegram.wait_until(lambda n=number: len(running.telegram.answers(chat)) == n, SECONDS)  # type: ignore[misc]
    texts = [bubble.text for bubble in running.telegram.answers(chat)]
    assert [text.split()[0] for text in texts] == ["All", "I", "De", "No"]


def test_the_menu_of_commands_is_there(install: Callable[..., Installation]) -> None:
    """In both languages, and the owner's for the owner, as soon as a worker has started."""
    one = install(ADMINS="telegram:555")
    one.telegram.say(555, "/start")
    one.start("receiver", "worker")
    assert one.telegram.wait_until(lambda: len(menus(one)) == 6, SECONDS), one.processes.log_tails(40)
    for language in ("", "es", "en"):
        everybody, owner = menus(one)["", language], menus(one)["555", language]
        assert {"help", "stop", "retry", "reset", "language", "privacy", "start"} <= everybody
        assert owner - everybody >= {"model", "stats"}
    assert not one.redis.exists(key("nobody", "state"))


def menus(one: Installation) -> dict[tuple[str, str], set[str]]:
    calls = [call.params for call in one.telegram.calls if call.method.lower() == "setmycommands"]
    return {
        (str((call.get("scope") or {}).get("chat_id", "")), call.get("language_code") or ""): {
            line["command"] for line in call["commands"]
        }
        for call in calls
    }
