"""What people do on the simulated Telegram reaches the product as the real one would tell it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from telegram import Update
from werkzeug.wrappers import Response

from simulator.platforms import Platform
from simulator.telegram import TelegramServer
from tests.unit.webhooks import TOKEN, Webhook, all_accepted

GROUP = -1_001_234_567_890
BUTTON = {"inline_keyboard": [[{"text": "Parar", "callback_data": "stop"}]]}


def ask(server: TelegramServer, method: str, **params: Any) -> httpx.Response:
    return httpx.post(f"{server.url}/bot{TOKEN}/{method}", json=params)


def updates(webhook: Webhook) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body, _ in webhook.got]


def at_rest(platform: Platform) -> bool:
    return platform.wait_until(lambda: not platform.delivery.pending, 10)


def test_commands_and_mentions_are_marked_in_utf_16_units(telegram: TelegramServer) -> None:
    message = telegram.update(GROUP, "🥐 /stop@recado_bot y @Recado_Bot, no a@b.es ni http://a/b")["message"]

    assert message["entities"] == [
        {"type": "bot_command", "offset": 3, "length": 16},
        {"type": "mention", "offset": 22, "length": 11},
    ]
    assert "entities" not in telegram.update(GROUP, "hola")["message"]
    given = [{"type": "text_mention", "offset": 0, "length": 4, "user": telegram.me}]
    assert telegram.update(GROUP, "@hola", entities=given)["message"]["entities"] == given


def test_in_a_group_the_sender_says_who_writes(telegram: TelegramServer) -> None:
    message = telegram.say(GROUP, "hola", name="Bea", sender=77)["message"]

    assert (message["from"]["id"], message["from"]["first_name"], message["chat"]["id"]) == (77, "Bea", GROUP)
    assert telegram.say(-5, "hola")["message"]["from"]["id"] == 5


def test_what_is_written_in_a_topic_replies_to_its_opening(telegram: TelegramServer) -> None:
    message = Update.de_json(telegram.say(GROUP, "hola", thread=40)).message

    assert message is not None
    assert message.chat.is_forum
    assert (message.is_topic_message, message.message_thread_id) == (True, 40)
    assert message.reply_to_message is not None
    assert message.reply_to_message.forum_topic_created is not None


def test_the_general_topic_leaves_no_mark_but_the_forums(telegram: TelegramServer) -> None:
    message = telegram.say(GROUP, "hola", thread=1)["message"]
    assert message["chat"]["is_forum"] is True
    assert message.keys().isdisjoint({"message_thread_id", "is_topic_message", "reply_to_message"})


def test_a_reply_carries_the_message_that_it_answers(telegram: TelegramServer) -> None:
    ours = ask(telegram, "sendMessage", chat_id=GROUP, text="¿Sí?").json()["result"]
    theirs = telegram.say(GROUP, "hola", sender=77)["message"]

    to_us = telegram.say(GROUP, "a ti", reply_to=ours["message_id"])["message"]["reply_to_message"]
    to_them = telegram.say(GROUP, "a ella", reply_to=theirs["message_id"])["message"]["reply_to_message"]
    assert (to_us["from"]["id"], to_us["text"]) == (telegram.me["id"], "¿Sí?")
    assert (to_them["from"]["id"], to_them["text"]) == (77, "hola")
    with pytest.raises(ValueError, match="no message 1 in"):
        telegram.say(GROUP, "a nadie", reply_to=1)


def test_an_edited_message_keeps_its_number_and_comes_after_it(telegram: TelegramServer, webhook: Webhook) -> None:
    number = telegram.say(555, "holla")["message"]["message_id"]
    telegram.edit_said(555, number, "/help hola")

    assert at_rest(telegram)
    first, second = updates(webhook)
    edited = second["edited_message"]
    assert (edited["message_id"], edited["text"], edited["date"]) == (number, "/help hola", first["message"]["date"])
    assert edited["edit_date"] >= edited["date"]
    assert edited["entities"] == [{"type": "bot_command", "offset": 0, "length": 5}]
    assert second["update_id"] > first["update_id"]
    assert [bubble.text for bubble in telegram.chat(555)] == ["/help hola"]


def test_only_what_a_person_wrote_can_be_put_right_by_them(telegram: TelegramServer) -> None:
    ours = ask(telegram, "sendMessage", chat_id=555, text="hola").json()["result"]["message_id"]
    for number in (ours, 999_999_999):
        with pytest.raises(ValueError, match="nobody wrote"):
            telegram.edit_said(555, number, "adiós")


def test_the_caption_of_a_file_can_be_put_right(telegram: TelegramServer) -> None:
    number = telegram.send_file(555, "photo", b"jpeg", caption="holla")["message"]["message_id"]
    edited = telegram.edit_said(555, number, "hola")["edited_message"]
    assert edited["caption"] == "hola"
    assert "text" not in edited


def test_a_press_overtakes_the_chat_in_a_queue_of_the_persons_own(telegram: TelegramServer, webhook: Webhook) -> None:
    """A message that is not accepted holds back what its chat says, and no button."""
    sent = ask(telegram, "sendMessage", chat_id=555, text="Un mom…", reply_markup=BUTTON).json()["result"]
    webhook.answers = [Response(status=503, headers={"Retry-After": "1"})]
    telegram.say(555, "hola")
    assert webhook.wait_until(lambda: len(webhook.got) == 1)
    telegram.say(555, "¿hola?")
    telegram.press(555, sent["message_id"], "stop")

    assert at_rest(telegram)
    kinds = ["callback_query" if "callback_query" in one else one["message"]["text"] for one in updates(webhook)]
    assert kinds == ["hola", "callback_query", "hola", "¿hola?"]
    query = updates(webhook)[1]["callback_query"]
    assert (query["data"], query["from"]["id"], query["from"]["is_bot"]) == ("stop", 555, False)
    assert query["message"] == sent
    assert sent["reply_markup"] == BUTTON


def test_one_presses_only_what_the_bot_has_shown(telegram: TelegramServer) -> None:
    number = telegram.say(555, "hola")["message"]["message_id"]
    with pytest.raises(ValueError, match="the bot has no bubble"):
        telegram.press(555, number, "stop")


def test_a_press_is_answered_once(telegram: TelegramServer) -> None:
    sent = ask(telegram, "sendMessage", chat_id=555, text="Un mom…", reply_markup=BUTTON).json()["result"]
    query = telegram.press(555, sent["message_id"], "stop")["callback_query"]["id"]

    assert ask(telegram, "answerCallbackQuery", callback_query_id=query).json()["result"] is True
    for wrong in (query, "17"):
        again = ask(telegram, "answerCallbackQuery", callback_query_id=wrong)
        assert again.status_code == 400
        assert "query is too old and response timeout expired or query ID is invalid" in again.text


def test_what_the_webhook_answers_is_carried_out_and_recorded(telegram: TelegramServer, webhook: Webhook) -> None:
    sent = ask(telegram, "sendMessage", chat_id=555, text="Un mom…", reply_markup=BUTTON).json()["result"]
    answer = {"method": "answerCallbackQuery", "text": "Paro"}
    webhook.answers = [Response(json.dumps(answer | {"callback_query_id": "0"}), content_type="application/json")]
    telegram.say(555, "hola")
    assert all_accepted(telegram)
    number = telegram.press(555, sent["message_id"], "stop")["callback_query"]["id"]
    webhook.answers = [Response(json.dumps(answer | {"callback_query_id": number}), content_type="application/json")]
    telegram.press(555, sent["message_id"], "stop")

    assert at_rest(telegram)
    calls = [call for call in telegram.calls if call.method == "answerCallbackQuery"]
    assert [call.taken for call in calls] == [False, True]
    assert calls[1].params == {"callback_query_id": number, "text": "Paro"}
    assert telegram.queries[number] is True


@pytest.mark.parametrize("method", ["getMe", "setWebhook", "deleteWebhook", "close", "logOut"])
def test_some_calls_cannot_be_made_by_a_webhooks_answer(
    telegram: TelegramServer, webhook: Webhook, method: str
) -> None:
    webhook.answers = [Response(json.dumps({"method": method}), content_type="application/json")]
    telegram.say(555, "hola")
    assert all_accepted(telegram)
    assert telegram.calls == []
    assert telegram.webhook_url


@pytest.mark.parametrize("body", [b"[1]", b'"x"', b"{", b"null", b"\xff", b'{"method": ""}', b'{"method": 5}'])
def test_an_answer_that_asks_for_nothing_is_just_an_answer(
    telegram: TelegramServer, webhook: Webhook, body: bytes
) -> None:
    webhook.answers = [Response(body, content_type="application/json")]
    telegram.say(555, "hola")
    assert all_accepted(telegram)
    assert len(webhook.got) == 1


@pytest.mark.parametrize("kind", ["document", "voice", "audio", "video"])
def test_a_file_is_fetched_by_its_id(telegram: TelegramServer, kind: str) -> None:
    message = telegram.send_file(555, kind, b"\x00 the content", caption="mira")["message"]
    assert message["caption"] == "mira"
    assert message[kind]["file_size"] == 13

    found = ask(telegram, "getFile", file_id=message[kind]["file_id"]).json()["result"]
    answer = httpx.get(f"{telegram.url}/file/bot{TOKEN}/{found['file_path']}")
    assert (answer.status_code, answer.content) == (200, b"\x00 the content")
    assert [call.method for call in telegram.calls] == ["getFile", "file"]


def test_a_photo_comes_in_several_sizes_the_largest_last(telegram: TelegramServer) -> None:
    sizes = telegram.send_file(555, "photo", b"\xff\xd8" + b"x" * 9000, album="a1")["message"]["photo"]
    assert [size["width"] for size in sizes] == sorted(size["width"] for size in sizes)
    assert len({size["file_id"] for size in sizes}) == len(sizes) > 1

    path = ask(telegram, "getFile", file_id=sizes[-1]["file_id"]).json()["result"]["file_path"]
    assert len(httpx.get(f"{telegram.url}/file/bot{TOKEN}/{path}").content) == 9002


def test_a_file_has_the_name_type_and_album_that_it_was_sent_with(telegram: TelegramServer) -> None:
    sent = telegram.send_file(555, "document", b"%PDF", mime="application/pdf", name="menu.pdf", album="a1")["message"]
    assert (sent["document"]["mime_type"], sent["document"]["file_name"]) == ("application/pdf", "menu.pdf")
    assert sent["media_group_id"] == "a1"
    assert telegram.said[-1].id == str(sent["message_id"])


def test_what_is_too_big_or_unknown_is_not_to_be_had(telegram: TelegramServer) -> None:
    big = telegram.send_file(555, "video", b"small", size=(20 << 20) + 1)["message"]["video"]["file_id"]
    assert "Bad Request: file is too big" in ask(telegram, "getFile", file_id=big).text
    assert "Bad Request: invalid file_id" in ask(telegram, "getFile", file_id="x").text
    assert httpx.get(f"{telegram.url}/file/bot{TOKEN}/videos/file_99.mp4").status_code == 404
    assert httpx.get(f"{telegram.url}/file/bot7123:wrong/videos/file_0.mp4").status_code == 401


def test_a_migration_is_told_to_both_chats(telegram: TelegramServer, webhook: Webhook) -> None:
    new = telegram.migrate(-555)
    assert at_rest(telegram)
    told = {one["message"]["chat"]["id"]: one["message"] for one in updates(webhook)}
    assert told[-555]["migrate_to_chat_id"] == new
    assert told[new]["migrate_from_chat_id"] == -555
