"""What Redis knows is shown: in the terminal, to programs and to Prometheus, under names that stay."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from rich.cells import cell_len
from rich.console import Console

from bot import figures, status
from bot.board import words
from bot.board.view import view
from bot.errors import StoreUnavailable
from bot.figures import COUNTED
from bot.money import Account
from bot.status import Server, Status
from bot.stores.bell import WORKERS_KEY
from bot.stores.connection import Store, connect
from bot.stores.hold import Hold
from bot.stores.line import MODELS, SUSPECTS, Line
from bot.stores.mailbox import COUNTS, Mailbox
from bot.stores.meter import Month
from bot.stores.roster import Card, Roster
from bot.texts import LANGUAGES, Language
from tests.unit.mailboxes import ANA, BEA, finish, open_mailbox, said
from tests.unit.tongues import ROOT, foreign, sentences

SERVER = "http://me:hidden-word@gpu1:11434"
CARD = Card(
    "w1", "box-of-the-bakery-in-the-high-street", 12345, 1.0, "1.0", "ollama", "mistral:7b", 16, 1, 2, 150 << 20
)


def shown(now: Store | Status, language: Language = "en", width: int = 200) -> str:
    terminal = Console(width=width, record=True)
    terminal.print(view(now if isinstance(now, Status) else status.read(now), language))
    return terminal.export_text()


def metrics(store: Store) -> str:
    registry = CollectorRegistry()
    registry.register(figures.QueueCollector(store))
    return generate_latest(registry).decode()


def sign(store: Store, card: Card = CARD) -> None:
    """As a worker does that lives."""
    store.client.sadd(WORKERS_KEY, f"rq:worker:{card.name}")
    store.client.hset(f"rq:worker:{card.name}", "birth", "now")
    Roster(store).sign(card)


@pytest.mark.parametrize("name", COUNTED)
def test_each_count_is_a_row_and_a_metric(store: Store, name: str) -> None:
    metric, _ = COUNTED[name]
    line = words.COUNTED[name].en
    assert line not in shown(store)
    assert f"{metric}_total 0.0" in metrics(store)
    store.client.hset(COUNTS, name, 4711)
    assert f"{metric}_total 4711.0" in metrics(store)
    (row,) = (row for row in shown(store).splitlines() if line in row)
    assert "4711" in row


def test_turns_are_counted_by_what_becomes_of_them(store: Store) -> None:
    """What waits, is listened to and is thought is all that is not answered, whoever tells which of it is which."""
    mailbox = open_mailbox(store, quiet=60)
    everybody = [f"fake:7:{person}" for person in range(6)]
    mailbox.accept([said(1, conversation=one) for one in everybody])
    mailbox.take(everybody[0], "a")
    sign(store)

    turns = status.read(store).turns
    assert turns == {"waiting": 4, "listening": 1, "thinking": 1, "speaking": 2}
    page = metrics(store)
    for state, number in turns.items():
        assert f'recado_turns{{state="{state}"}} {number}.0' in page
    assert "waiting 4 · listening 1 · thinking 1 · speaking 2" in shown(store)


def test_more_thinking_than_anybody_waits_is_no_negative_number(store: Store) -> None:
    """Cards are a moment old."""
    sign(store)
    assert status.read(store).turns["waiting"] == 0


def test_the_oldest_message_is_shown(store: Store, mailbox: Mailbox) -> None:
    assert "recado_oldest_waiting_seconds 0.0" in metrics(store)
    assert "nobody waits" in shown(store)
    mailbox.accept([said(1)])
    store.client.zincrby("recado:waiting", -180_000, ANA)
    assert 180 <= status.read(store).oldest_waiting < 200
    assert "has waited for an answer for 3 min" in shown(store)
    mailbox.take(ANA, "a")
    finish(mailbox, store, "a", 1)
    assert "recado_oldest_waiting_seconds 0.0" in metrics(store)


def test_a_broken_model_server_is_shown_with_its_line(store: Store, mailbox: Mailbox) -> None:
    """The fifth failure in a row opens its breaker, and who wants it stands in the line. No password is shown."""
    line = Line(store, MODELS, places=[SERVER], parallel=1, lease=15)
    mailbox.accept([said(1), said(2, conversation=BEA)])
    for failures, token in enumerate("abcde", 1):
        mailbox.take(ANA, token)
        assert line.enter(ANA, token, [SERVER])[0] == SERVER
        line.leave(ANA, token, SERVER, "failed")
        mailbox.defer(ANA, token, 0)
        (server,) = status.read(store).servers
        assert server.open == (server.rest > 0) == (failures == status.OPEN_AT)
        assert f'recado_breaker_open{{server="http://***@gpu1:11434"}} {int(server.open)}.0' in metrics(store)
    mailbox.take(BEA, "z")
    assert line.enter(BEA, "z", [SERVER])[0] == ""

    (server,) = status.read(store).servers
    assert (server.failures, status.read(store).waiting_for_model) == (5, 1)
    assert 0 < server.rest <= 10
    text, page = shown(store), metrics(store)
    assert "LEFT ALONE after 5 failures in a row" in text
    assert "recado_model_line 1.0" in page
    assert 'recado_model_failures{server="http://***@gpu1:11434"} 5.0' in page
    assert "hidden-word" not in text + page + json.dumps(status.as_json(status.read(store)))


def test_a_server_that_is_well_again_is_said_to_be(store: Store) -> None:
    """A rest that is over is none, and a server that never failed has no breaker."""
    assert status.read(store).servers == ()
    store.client.hset(f"recado:line:{MODELS}:state", mapping={"number": 7, f"rest:{SERVER}": 1})
    (server,) = status.read(store).servers
    assert (server.rest, server.open) == (0, False)
    assert "gpu1:11434: well" in shown(store)


@pytest.mark.parametrize(
    ("server", "said"),
    [(Server("s", 2, 0), "failures in a row: 2"), (Server("s", 0, 90), "rests for 2 min, as it wished")],
)
def test_what_troubles_a_server_is_said(store: Store, server: Server, said: str) -> None:
    assert f"s: {said}" in shown(replace(status.read(store), servers=(server,)))


def test_what_a_platform_says_is_shown_as_it_is(store: Store) -> None:
    """Its words of a hold may look like this board's own marks, and command no terminal."""
    hold = Hold("whatsapp:111", "190: [/x] [OAuth] dead \x1b[2J", since=0, until=0, code=190)
    now = replace(status.read(store), accounts=(Account("111", dict.fromkeys(STAGES, 0), Month({}, {}, 0), 0, hold),))
    assert "190: [/x] [OAuth] dead \N{REPLACEMENT CHARACTER}[2J" in shown(now)


STAGES = ("sent", "delivered", "read", "failed")


def test_suspects_in_their_line_are_counted(store: Store, mailbox: Mailbox) -> None:
    line = Line(store, SUSPECTS, places=["one"], parallel=1, lease=15)
    mailbox.accept([said(1), said(2, conversation=BEA)])
    for who, place in ((ANA, "one"), (BEA, "")):
        mailbox.take(who, "a")
        assert line.enter(who, "a", ["one"])[0] == place
    assert status.read(store).suspects == 1
    assert "recado_suspects 1.0" in metrics(store)


def test_dead_letters_are_shown_with_the_way_to_them(store: Store) -> None:
    sign(store)
    assert "bot dead list" not in shown(store)
    assert "nothing: all is calm" in shown(store)
    store.client.zadd("recado:dead", {ANA: 1})
    assert "python -m bot dead list" in shown(store)
    assert "recado_conversations_dead 1.0" in metrics(store)
    assert "nothing: all is calm" not in shown(store)


@pytest.mark.parametrize(
    ("trouble", "way_out"),
    [({"cards": ()}, "nobody answers"), ({"unanswered": 2, "oldest_waiting": 61.0}, "python -m bot show"),
     ({"servers": (Server("http://gpu", 7, 9.5),)}, "python -m workers check")],
)  # fmt: skip
def test_nothing_is_calm_while_people_are_not_answered(store: Store, trouble: dict[str, Any], way_out: str) -> None:
    calm = replace(status.read(store), cards=(CARD,), unanswered=1, oldest_waiting=1.0)
    assert "nothing: all is calm" in shown(calm)
    looked_at = shown(replace(calm, **trouble)).partition("To look at")[2].partition("Today")[0]
    assert "all is calm" not in looked_at
    assert way_out in looked_at


def test_workers_are_shown_by_their_cards(store: Store) -> None:
    assert "NONE: start one with `python -m workers run`" in shown(store)
    sign(store)
    sign(store, Card("nameless"))
    text, page = shown(store, width=80), metrics(store)
    for part in ("3/16", "150 MB", "ollama mistral:7b", "nameless", "2 · turns under way 3 of 16"):
        assert part in text
    assert "recado_workers 2.0" in page
    assert f'recado_worker_memory_bytes{{worker="{CARD.label}"}} {150 << 20}' in page.replace(
        "1.572864e+08", "157286400"
    )
    assert "nameless" not in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_of_it_fits_into_eighty_columns_and_one_language(store: Store, language: Language) -> None:
    """Whatever there is to be said, in the operator's language; nothing is told by a colour alone."""
    hold = Hold("whatsapp:106540352242922", "131031", since=0, until=0, waiting=7)
    account = Account("106540352242922", dict.fromkeys(STAGES, 123456), Month({"service": 3}, {}, 4.5), 50, hold)
    servers = tuple(Server(f"http://gpu-{n}.models.example.internal:11434", *how) for n, how in enumerate(HOWS))
    now = replace(
        status.read(store), conversations=123_456, overdue=99_999, oldest_due=5000, rings=123_456, dead=3,
        quarantined=4, waiting_for_model=12_345, suspects=3, servers=servers, counts=dict.fromkeys(COUNTED, 123_456),
        today={"answers": 123_456, "messages": 123_456, "tokens": 123_456_789}, accounts=(account,), paused=7,
        unanswered=123_456, listening=321, oldest_waiting=99_999,
        cards=(CARD, replace(CARD, gpu_used=1, gpu_total=80 << 30)),
    )  # fmt: skip
    text = shown(now, language, width=80)
    assert max(map(cell_len, text.splitlines())) <= 80
    plain = " ".join(text.split())
    ours = [one for one in sentences() if one.where.startswith("bot/board/")]
    assert [found for found in foreign(plain, language, list(ours)) if "gpu" not in found] == []
    said = [one for one in ours if all(part in plain for part in one.fragments(language)) and one.fragments(language)]
    assert len(said) > len(ours) / 3


HOWS = ((0, 0), (7, 9.5), (2, 0), (0, 30))


@pytest.mark.parametrize(("page", "language"), [("README.md", "en"), ("README.es.md", "es")])
def test_what_the_readme_explains_is_what_the_board_says(page: str, language: Language) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = (
        re.split(r"\n\| (?:it shows \| it means|muestra \| significa) \|\n", text)[1].split("\n\n")[0].splitlines()[1:]
    )
    said = "\n".join(getattr(one, language) for one in sentences() if one.where.startswith("bot/board/"))
    assert len(rows) > 8
    assert [row for row in rows if row.split("|")[1].strip() not in said] == []


def test_what_was_polled_is_counted_by_channel(store: Store) -> None:
    store.client.hset(COUNTS, mapping={"polled:telegram": 7, "polled_again:telegram": 2})
    page = metrics(store)
    assert 'recado_messages_polled_total{channel="telegram"} 7.0' in page
    assert 'recado_messages_polled_duplicate_total{channel="telegram"} 2.0' in page


def test_programs_read_one_line(store: Store, mailbox: Mailbox) -> None:
    """All that there is, with the names that stay."""
    mailbox.accept([said(1)])
    sign(store)
    told = json.loads(json.dumps(status.as_json(status.read(store))))
    assert told["turns"] == {"waiting": 0, "listening": 0, "thinking": 1, "speaking": 2}
    assert told["workers"][0]["host"] == CARD.host
    assert {"oldest_waiting", "dead", "servers", "counts", "today", "accounts", "polled", "paused"} <= set(told)


def test_a_redis_that_is_away_is_a_metric_of_its_own(store: Store) -> None:
    away = connect("redis://127.0.0.1:1", store.client.connection_pool.connection_kwargs.get("data_dir"), 1)
    assert metrics(away).count("recado_") == metrics(away).count("recado_redis_up")
    assert "recado_redis_up 0.0" in metrics(away)
    with pytest.raises(StoreUnavailable):
        status.read(away)
