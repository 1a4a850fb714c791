"""The whole way, with real processes: a signed webhook goes in, a reply comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from bot import status
from bot.stores.connection import DUE
from simulator.people import People
from simulator.processes import wait_until
from tests.e2e.conftest import Installation


def test_both_channels_answer_everybody_once_and_in_order(running: Installation, chat: int) -> None:
    """Ten people on each platform, three messages each: everybody is answered, once, in order."""
    telegram = People(running.telegram, 10, rate=50, first=chat)
    whatsapp = People(running.whatsapp, 10, rate=50, first=chat + 100)
    for people in (telegram, whatsapp):
        people.everybody(each=3)
    report = running.settle(60)
    assert report.ok, str(report)
    assert report.answered == report.accepted == 60


def test_the_worker_killed_in_mid_reply_loses_and_repeats_nothing(install: Callable[..., Installation]) -> None:
    """kill -9 while the model thinks: another worker takes the turns over when the lease has ended."""
    one = install(delay=0.7)
    one.start("receiver", "worker")
    People(one.telegram, 4, rate=50).everybody(each=2)
    People(one.whatsapp, 4, rate=50, first=100).everybody(each=2)
    assert one.model.wait_until(lambda: one.model.running >= 4)
    one.kill("worker")
    one.start("second worker")
    report = one.settle(16)
    assert report.ok, str(report)
    assert report.answered == 16


def test_the_receiver_killed_while_messages_come_loses_and_repeats_nothing(fresh: Installation) -> None:
    """kill -9 of the receiver: the platforms deliver again to its successor, and everything is answered once."""
    people = People(fresh.telegram, 5, rate=100)
    people.everybody(each=2)
    fresh.kill("receiver")
    people.everybody(each=2)
    fresh.start("receiver")
    report = fresh.settle(20)
    assert report.ok, str(report)
    assert report.answered == 20


def test_redis_killed_in_mid_turn_loses_and_repeats_nothing(install: Callable[..., Installation]) -> None:
    """kill -9 of Redis: whoever needs it next starts it again on the same data."""
    one = install(delay=0.4)
    one.start("receiver", "worker")
    people = People(one.telegram, 5, rate=100)
    people.everybody(each=2)
    assert one.model.wait_until(lambda: one.model.running >= 3)
    one.kill_redis()
    people.everybody(each=2)
    report = one.settle(20)
    assert report.ok, str(report)
    assert report.answered == 20
    assert one.processes.ended() == []


def test_a_message_delivered_again_and_again_is_answered_once(install: Callable[..., Installation]) -> None:
    """Five deliveries, then ten at once to two receivers: one answer."""
    one = install()
    one.start("receiver")
    first = one.telegram.webhook_url
    one.processes.environment["PORT"] = str(port := one.processes.port + 1)
    one.start("other receiver")
    other = first.replace(f":{one.processes.port}", f":{port}")
    update = one.telegram.update(555, "c1 n1 0123abcd")
    assert wait_until(lambda: _post(one, other, update) == 200, 10)
    assert [_post(one, first, update) for _ in range(5)] == [200] * 5
    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda n: _post(one, (first, other)[n % 2], update), range(10)))
    assert statuses == [200] * 10
    one.start("worker")
    assert one.telegram.wait_until(lambda: len(one.telegram.answers(555)) > 0)
    assert wait_until(lambda: not one.store.client.zcard(DUE), 10)
    assert len(one.telegram.answers(555)) == 1


def _post(one: Installation, url: str, update: dict[str, object]) -> int:
    body = json.dumps(update).encode()
    try:
        return httpx.post(url, content=body, headers=one.telegram.webhook_headers(body)).status_code
    except httpx.ConnectError:
        return 0


def test_five_messages_in_one_post_are_five_accepted_in_order(running: Installation, chat: int) -> None:
    """One WhatsApp body with five messages is one turn of five, in their order."""
    texts = [f"c7 n{n} {n:08x}" for n in range(1, 6)]
    running.whatsapp.say_many([(f"34{chat}", text) for text in texts])
    report = running.settle(5)
    assert report.ok, str(report)
    assert report.answered == 5
    assert running.model.requests[-1].json["messages"][-1]["content"].splitlines()[-5:] == texts


def test_commands_and_reset_work_on_both_channels(running: Installation, chat: int) -> None:
    """/help speaks the person's language, /reset forgets: the next prompt holds nothing of before."""
    running.telegram.say(chat, "my name is Ana", language="en")
    assert running.telegram.wait_until(lambda: len(running.telegram.answers(chat)) == 1)
    running.telegram.say(chat, "/reset", language="en")
    assert running.telegram.wait_until(lambda: len(running.telegram.answers(chat)) == 2)
    running.telegram.say(chat, "what is my name?", language="en")
    assert running.telegram.wait_until(lambda: len(running.telegram.answers(chat)) == 3)
    assert "start afresh" in running.telegram.answers(chat)[1].text
    assert "Ana" not in json.dumps(running.model.requests[-1].json)
    running.whatsapp.say(f"34{chat}", "/help")
    assert running.whatsapp.wait_until(lambda: len(running.whatsapp.answers(f"34{chat}")) == 1)
    assert "Escríbeme" in running.whatsapp.answers(f"34{chat}")[0].text


def test_the_context_reaches_the_model_on_the_second_turn(running: Installation, chat: int) -> None:
    """A worker holds no memory: what was said comes back from Redis, in order and with roles."""
    for number, text in enumerate(("first", "second"), start=1):
        running.telegram.say(chat, text)
        assert running.telegram.wait_until(lambda n=number: len(running.telegram.answers(chat)) == n)
    messages = running.model.requests[-1].json["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[1]["content"] == "first"
    assert messages[3]["content"].endswith("\n\nsecond")


def test_a_model_that_is_away_delays_and_loses_nothing(running: Installation, chat: int) -> None:
    """503s from the model: the person is answered when it is back, and once."""
    running.model.fail_next(503, times=2)
    People(running.telegram, 1, rate=10, first=chat).everybody()
    report = running.settle(1)
    assert report.ok, str(report)
    assert report.answered == 1


def test_sigterm_drains_and_leaves_the_rest_to_others(install: Callable[..., Installation]) -> None:
    """A worker told to stop finishes what runs, and leaves RQ's books in order."""
    one = install(delay=0.5)
    one.start("receiver", "worker")
    People(one.telegram, 3, rate=100).everybody()
    assert one.model.wait_until(lambda: one.model.running >= 3)
    process = one.processes.running["worker"]
    process.terminate()
    assert process.wait(10) == 0
    report = one.settle(3)
    assert report.ok, str(report)
    assert report.answered == 3
    assert one.store.client.scard("rq:workers") == 0


def test_an_operator_sees_who_answers_and_that_nobody_waits(running: Installation, chat: int) -> None:
    """On the receiver's /metrics and in `status`: the worker by its host and process, its memory, and the turns."""
    running.telegram.say(chat, "hola")
    assert running.telegram.wait_until(lambda: len(running.telegram.answers(chat)) == 1)
    assert wait_until(lambda: not running.due(), 10)
    (card,) = status.read(running.store).cards
    page = httpx.get(f"{running.processes.url}/metrics").text

    assert (card.pid, card.backend) == (running.pid("worker"), "ollama")
    assert card.slots
    assert f'recado_worker_memory_bytes{{worker="{card.label}"}}' in page
    assert 'recado_turns{state="waiting"} 0.0' in page
    assert "recado_oldest_waiting_seconds 0.0" in page
    assert "\nprocess_resident_memory_bytes " in page
