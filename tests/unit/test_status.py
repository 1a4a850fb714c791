"""What Redis counts is shown: in the terminal and to Prometheus, under names that stay."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from rich.console import Console

from bot import status
from bot.money import Account
from bot.status import COUNTED
from bot.stores.connection import Store
from bot.stores.hold import Hold
from bot.stores.line import MODELS, SUSPECTS, Line
from bot.stores.mailbox import COUNTS, Mailbox
from bot.stores.meter import Month
from tests.unit.mailboxes import ANA, BEA, said

SERVER = "http://me:hidden-word@gpu1:11434"


def shown(store: Store) -> str:
    terminal = Console(width=200, record=True)
    terminal.print(status.table(status.read(store)))
    return terminal.export_text()


def metrics(store: Store) -> str:
    registry = CollectorRegistry()
    registry.register(status.QueueCollector(store))
    return generate_latest(registry).decode()


@pytest.mark.parametrize("name", COUNTED)
def test_each_count_is_a_row_and_a_metric(store: Store, name: str) -> None:
    metric, words = COUNTED[name]
    store.client.hset(COUNTS, name, 4711)
    assert f"{metric}_total 4711.0" in metrics(store)
    (row,) = (line for line in shown(store).splitlines() if words in line)
    assert "4711" in row


def test_a_broken_model_server_is_shown_with_its_line(store: Store, mailbox: Mailbox) -> None:
    """Five failures in a row: its breaker is open, and who wants it stands in the line. No password is shown."""
    line = Line(store, MODELS, places=[SERVER], parallel=1, lease=15)
    mailbox.accept([said(1), said(2, conversation=BEA)])
    for token in "abcde":
        mailbox.take(ANA, token)
        assert line.enter(ANA, token, [SERVER])[0] == SERVER
        line.leave(ANA, token, SERVER, "failed")
        mailbox.defer(ANA, token, 0)
    mailbox.take(BEA, "z")
    assert line.enter(BEA, "z", [SERVER])[0] == ""

    (server,) = status.read(store).servers
    assert (server.failures, status.read(store).waiting_for_model) == (5, 1)
    assert 0 < server.rest <= 10
    text, page = shown(store), metrics(store)
    assert "after 5 failures in a row" in text
    assert "recado_model_line 1.0" in page
    assert 'recado_model_failures{server="http://***@gpu1:11434"} 5.0' in page
    assert "hidden-word" not in text + page


def test_a_server_that_is_well_again_is_said_to_be(store: Store) -> None:
    """A rest that is over is none, and a server that never failed has no breaker."""
    assert status.read(store).servers == ()
    store.client.hset(f"recado:line:{MODELS}:state", mapping={"number": 7, f"rest:{SERVER}": 1})
    (server,) = status.read(store).servers
    assert (server.rest, str(server)) == (0, "well")


def test_what_a_platform_says_is_shown_as_it_is(store: Store) -> None:
    """Its words of a hold may look like this table's own marks."""
    hold = Hold("whatsapp:111", "190: [/x] [OAuth] dead", since=0, until=0, code=190)
    now = replace(status.read(store), accounts=(Account("111", {}, Month({}, {}, 0), 0, hold),))
    terminal = Console(width=200, record=True)
    terminal.print(status.table(now))

    assert "190: [/x] [OAuth] dead" in terminal.export_text()


def test_suspects_in_their_line_are_counted(store: Store, mailbox: Mailbox) -> None:
    line = Line(store, SUSPECTS, places=["one"], parallel=1, lease=15)
    mailbox.accept([said(1), said(2, conversation=BEA)])
    for who, place in ((ANA, "one"), (BEA, "")):
        mailbox.take(who, "a")
        assert line.enter(who, "a", ["one"])[0] == place
    assert status.read(store).suspects == 1
    assert "recado_suspects 1.0" in metrics(store)


def test_dead_letters_are_shown_with_the_way_to_them(store: Store) -> None:
    assert "bot dead list" not in shown(store)
    store.client.zadd("recado:dead", {ANA: 1})
    assert "python -m bot dead list" in shown(store)
    assert "recado_conversations_dead 1.0" in metrics(store)
