"""Polling: what is confirmed is kept, what is kept comes once, and whatever is in the way is named."""

from __future__ import annotations

import json
import threading

import pytest

from bot.errors import StoreUnavailable
from bot.message import Message
from bot.poll import _after, _body
from bot.stores.connection import Store
from bot.stores.mailbox import COUNTS, QUARANTINE, UNSERVED
from bot.stores.poller import Seat, polled
from simulator.processes import wait_until
from simulator.telegram import TelegramServer
from tests.unit.polling import ACCOUNT, asked, kept, poller_of, polling, run, telegram

__all__ = ["telegram"]


def test_what_was_written_before_and_after_the_start_is_kept_in_order(telegram: TelegramServer, store: Store) -> None:
    telegram.say(555, "antes 👩‍👩‍👧")
    with polling(telegram, store):
        assert telegram.wait_until(lambda: telegram.said[0].accepted is not None)
        telegram.say(555, "después")
        assert wait_until(lambda: len(kept(store, 555)) == 2, 10)

    assert kept(store, 555) == ["antes 👩‍👩‍👧", "después"]


def test_a_webhook_is_taken_away_first_and_what_waits_there_is_not_dropped(
    telegram: TelegramServer, store: Store
) -> None:
    telegram.webhook_url = "http://127.0.0.1:9/webhook/telegram"
    telegram.say(555, "hola")
    with polling(telegram, store):
        assert wait_until(lambda: kept(store, 555) == ["hola"], 10)

    assert asked(telegram, "deleteWebhook") == [{"drop_pending_updates": False}]


def test_every_kind_of_update_that_is_wanted_is_asked_for(telegram: TelegramServer, store: Store) -> None:
    with polling(telegram, store):
        assert telegram.wait_until(lambda: telegram.allowed is not None)

    assert {"message", "edited_message", "callback_query", "my_chat_member"} <= set(telegram.allowed or ())


def test_nothing_is_confirmed_before_it_is_in_redis(telegram: TelegramServer, store: Store) -> None:
    """Redis refuses for a while: the update is not confirmed, and is kept when Redis is well again."""
    telegram.say(555, "hola")
    poller, refused = poller_of(telegram, store), threading.Event()
    accept = poller._mailbox.accept

    def away(*args: object, **more: object) -> int:
        if not refused.is_set():
            refused.set()
            confirmed.append([params.get("offset") for params in asked(telegram, "getUpdates")])
            raise StoreUnavailable("Redis does not answer")
        return accept(*args, **more)  # type: ignore[arg-type]

    confirmed: list[list[object]] = []
    poller._mailbox.accept = away  # type: ignore[method-assign]
    thread = threading.Thread(target=run, args=[poller])
    thread.start()
    assert wait_until(lambda: kept(store, 555) == ["hola"], 10)
    assert telegram.wait_until(lambda: telegram.said[0].accepted is not None)
    poller.stop()
    thread.join(20)

    assert confirmed == [[None]]


def test_a_poller_that_is_told_to_end_while_redis_is_away_confirms_nothing(
    telegram: TelegramServer, store: Store
) -> None:
    telegram.say(555, "hola")
    poller = poller_of(telegram, store)

    def away(*_: object, **__: object) -> int:
        poller.stop()
        raise StoreUnavailable("Redis does not answer")

    poller._mailbox.accept = away  # type: ignore[method-assign]
    run(poller)

    assert [params.get("offset") for params in asked(telegram, "getUpdates")] == [None]


def test_a_batch_that_comes_again_is_kept_once(telegram: TelegramServer, store: Store) -> None:
    """The poller dies after keeping a batch and before confirming it; the next one is given the same batch."""
    telegram.say(555, "hola")
    first = poller_of(telegram, store)
    accept = first._mailbox.accept

    def die(*args: object, **more: object) -> int:
        accept(*args, **more)  # type: ignore[arg-type]
        raise SystemExit

    first._mailbox.accept = die  # type: ignore[method-assign]
    with pytest.raises(SystemExit):
        run(first)
    assert telegram.said[0].accepted is None
    with polling(telegram, store):
        assert telegram.wait_until(lambda: telegram.said[0].accepted is not None)

    assert kept(store, 555) == ["hola"]


def test_what_was_fetched_is_counted_in_redis(
    telegram: TelegramServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New or again, for the poller has no /metrics; a count that fails is not worth a second fetch."""
    telegram.say(555, "hola")
    telegram.say(556, "hola")
    with polling(telegram, store) as poller:
        assert wait_until(lambda: polled(counts(store)) == {"telegram": {"new": 2, "again": 0}}, 10)
    message = Message("telegram:1/1", f"telegram:{ACCOUNT}:555", "hola")
    poller._accept([message])
    poller._accept([message])
    assert polled(counts(store)) == {"telegram": {"new": 3, "again": 1}}

    def away(*_: object) -> None:
        raise StoreUnavailable("Redis does not answer")

    monkeypatch.setattr(poller._seat, "count", away)
    poller._accept([message])


def counts(store: Store) -> dict[str, int]:
    return {name.decode(): int(count) for name, count in store.client.hgetall(COUNTS).items()}


def test_an_update_that_nobody_can_read_is_kept_and_holds_up_no_other(telegram: TelegramServer, store: Store) -> None:
    with telegram.changed:
        telegram.tell("555", {"update_id": 1, "message": {"chat": "a riddle"}})
        telegram.say(555, "hola")
    with polling(telegram, store):
        assert wait_until(lambda: kept(store, 555) == ["hola"], 10)

    (record,) = store.client.lrange(QUARANTINE, 0, -1)
    assert b"a riddle" in record


def test_what_is_not_served_is_kept_and_not_answered(telegram: TelegramServer, store: Store) -> None:
    with telegram.changed:
        telegram.tell("555", {"update_id": 1, "business_connection": {"id": "b"}})
        telegram.say(555, "hola")
    with polling(telegram, store):
        assert wait_until(lambda: kept(store, 555) == ["hola"], 10)
        assert wait_until(lambda: store.client.llen(UNSERVED) == 1, 10)

    assert store.client.llen(QUARANTINE) == 0


def test_a_group_that_moves_keeps_its_conversation(telegram: TelegramServer, store: Store) -> None:
    """Also when everything comes in one batch."""
    telegram.say(-77, "/start antes", sender=5)
    moved = telegram.migrate(-77)
    telegram.say(moved, "/start después", sender=5)
    with polling(telegram, store):
        assert wait_until(lambda: kept(store, -77) == ["/start antes", "/start después"], 10)

    assert kept(store, moved) == []


def test_half_a_character_is_put_in_quarantine(telegram: TelegramServer, store: Store) -> None:
    telegram.say(555, "antes")
    with telegram.changed:
        half = json.loads(json.dumps(telegram.update(555, "x")).replace('"x"', '"\\ud83d"'))
        (parcel, _) = next(iter(telegram._waiting.items()))
        telegram._waiting[parcel] = half
    with polling(telegram, store):
        assert wait_until(lambda: store.client.llen(QUARANTINE) == 1, 10)

    assert kept(store, 555) == []


def test_a_press_of_a_button_is_answered_by_a_call(telegram: TelegramServer, store: Store) -> None:
    """What a webhook's response would carry has no other way here."""
    with polling(telegram, store):
        telegram.say(555, "hola")
        bubble = telegram.wait_until(lambda: bool(kept(store, 555)))
        assert bubble
        _send(telegram, 555)
        number = int(telegram.answers(555)[0].id)
        telegram.press(555, number, "stop")
        assert telegram.wait_until(lambda: bool(telegram.queries) and all(telegram.queries.values()))
        assert wait_until(lambda: kept(store, 555)[-1:] == ["/stop"], 10)


def _send(telegram: TelegramServer, chat: int) -> None:
    telegram.carry_out("sendMessage", {"chat_id": chat, "text": "growing", "reply_markup": _BUTTON})


_BUTTON = {"inline_keyboard": [[{"text": "Parar", "callback_data": "stop"}]]}


def test_only_one_poller_of_an_installation_polls(telegram: TelegramServer, store: Store) -> None:
    """The second stands by without a call, and goes on when the first leaves."""
    with polling(telegram, store):
        assert telegram.wait_until(lambda: bool(asked(telegram, "getUpdates")))
        second = poller_of(telegram, store)
        thread = threading.Thread(target=run, args=[second])
        thread.start()
        telegram.say(555, "uno")
        assert wait_until(lambda: kept(store, 555) == ["uno"], 10)
        assert len(asked(telegram, "deleteWebhook")) == 1
    telegram.say(555, "dos")
    assert wait_until(lambda: kept(store, 555) == ["uno", "dos"], 10)
    second.stop()
    thread.join(20)

    assert telegram.conflicts <= 1


def test_the_seat_of_a_poller_that_died_is_free_after_its_lease(store: Store) -> None:
    dead, heir = Seat(store, ACCOUNT, 0.2), Seat(store, ACCOUNT, 0.2)
    assert dead.take()
    assert dead.take()
    assert not heir.take()
    assert wait_until(heir.take, 5)
    assert not dead.take()
    dead.leave()

    assert heir.is_taken()


def test_a_clock_that_went_back_keeps_no_seat_for_ever(store: Store) -> None:
    dead, heir = Seat(store, ACCOUNT, 5), Seat(store, ACCOUNT, 0.1)
    dead.take()
    store.client.pexpire(f"recado:poller:{ACCOUNT}", 3_600_000)

    assert wait_until(heir.take, 5)


def test_a_batch_without_numbers_confirms_nothing() -> None:
    assert _after([{}, "x", {"update_id": "7"}]) == 0
    assert _after([{"update_id": 7}, {"update_id": 9}, {"update_id": 8}, {"update_id": 1 << 70}]) == 10


def test_an_update_reads_as_a_webhook_would_bring_it() -> None:
    assert _body({"a": "é"}) == '{"a":"é"}'.encode()
    assert _body({"a": "\ud83d"}) == b'{"a":"\\ud83d"}'
