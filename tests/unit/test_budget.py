"""The month's money: the owner hears of it in time, once; beyond the budget a person answers, where they so wish."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import cast

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from rich.console import Console

from bot import figures, status
from bot.board.view import view
from bot.received import Price, Status
from bot.settings import Settings, load_settings
from bot.stores.connection import Store, key
from bot.stores.handovers import Handovers
from bot.stores.hold import HELD, HOLD
from bot.stores.meter import Calendar, Meter
from bot.stores.outbox import Outbox, unpack
from bot.stores.owner import Owner
from tests.unit.bosses import Shop
from tests.unit.mailboxes import ANA, state
from tests.unit.worlds import World
from workers.budget import Budget

NUMBER, SECOND = "106540352242922", "206540352242922"
BOSS, FLORIST = "telegram:7123:99", "telegram:7123:88"


def configured(folder: Path, **more: object) -> Settings:
    file = folder / "numbers.toml"
    file.write_text(f'[numbers.{SECOND}]\nowner_chat = "{FLORIST}"\nbudget = 1000\n', encoding="utf-8")
    usual = {
        "whatsapp_token": "EAAG",
        "whatsapp_phone_number_id": NUMBER,
        "whatsapp_numbers_file": file,
        "whatsapp_price": 0.1,
        "whatsapp_budget": 1,
        "owner_chat": BOSS,
        "default_language": "en",
    }
    return load_settings("", **(usual | more))


def budget(store: Store, settings: Settings) -> Budget:
    return Budget(settings, Meter(store, settings), Owner(store, settings))


def sent(store: Store, settings: Settings, bubbles: range, *, billed: bool = True, number: str = NUMBER) -> None:
    """So many bubbles were sent this month."""
    outbox = Outbox(store)
    outbox.calendar = Calendar(settings)
    for bubble in bubbles:
        name = f"wamid.{number}.{bubble}"
        price = Price(billed, "service")
        reference = f"{bubble:012x}.1.0"
        outbox.settle(Status(f"whatsapp:{number}:1", reference, "sent", "", name, "sent", time.time(), price))


def read(store: Store, boss: str = BOSS) -> list[str]:
    """What waits to be read by the owner."""
    waiting = cast("list[bytes]", store.client.lrange(key(boss, "out"), 0, -1))
    return [piece.text for reply in waiting for piece in unpack(reply).pieces]


def test_the_owner_hears_at_eighty_and_at_a_hundred_percent(store: Store, tmp_path: Path) -> None:
    """Each once, whoever looks how often; the other number's owner hears nothing."""
    settings, told = configured(tmp_path), []
    for bubble in range(12):
        sent(store, settings, range(bubble, bubble + 1))
        for one in (budget(store, settings), budget(store, settings)):
            one.watch()
            one.watch()
        told.append(len(read(store)))

    assert told == [0] * 7 + [1] * 2 + [2] * 3
    almost, spent = read(store)
    assert f"0.80 of 1.00 this month on the number {NUMBER}: 80 %" in almost
    assert f"is spent: 1.00 of 1.00 on the number {NUMBER}. The assistant goes on answering." in spent
    assert read(store, FLORIST) == []


def test_the_owner_of_each_number_hears_of_their_own(store: Store, tmp_path: Path) -> None:
    settings = configured(tmp_path, whatsapp_price=100)
    sent(store, settings, range(8), number=SECOND)
    budget(store, settings).watch()

    assert read(store) == []
    assert len(read(store, FLORIST)) == 1


def test_the_owner_hears_before_the_free_thousand_ends(store: Store, tmp_path: Path) -> None:
    settings = configured(tmp_path)
    sent(store, settings, range(899), billed=False)
    budget(store, settings).watch()
    assert read(store) == []
    sent(store, settings, range(899, 900), billed=False)
    budget(store, settings).watch()

    (words,) = read(store)
    assert f"{NUMBER} has used 900 of its 1000 free answers of this month" in words


def test_a_larger_budget_is_watched_anew(store: Store, tmp_path: Path) -> None:
    settings = configured(tmp_path)
    sent(store, settings, range(10))
    budget(store, settings).watch()
    budget(store, configured(tmp_path, whatsapp_budget=1.25)).watch()

    assert [words.rpartition(":")[2] for words in read(store)][2:] == [" 80 % of the budget is reached."]


def test_without_a_chat_the_log_has_it(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = configured(tmp_path, owner_chat="")
    sent(store, settings, range(10))
    with caplog.at_level(logging.WARNING):
        budget(store, settings).watch()

    assert "This month's budget for WhatsApp is spent" in caplog.text


def test_no_budget_is_never_spent_and_nothing_is_told(store: Store, tmp_path: Path) -> None:
    settings = configured(tmp_path, whatsapp_budget=0, budget_action="handover")
    sent(store, settings, range(500))
    budget(store, settings).watch()

    assert not budget(store, settings).is_spent(f"whatsapp:{NUMBER}:1")
    assert read(store) == []


def test_three_times_a_tenth_is_three_tenths(store: Store, tmp_path: Path) -> None:
    """Whatever a computer makes of that; and only where the owner wants it nothing is answered beyond."""
    settings = configured(tmp_path, whatsapp_budget=0.3, budget_action="handover")
    spent = []
    for bubble in range(3):
        sent(store, settings, range(bubble, bubble + 1))
        spent.append(budget(store, settings).is_spent(f"whatsapp:{NUMBER}:1"))

    assert spent == [False, False, True]
    assert not budget(store, settings).is_spent(f"whatsapp:{SECOND}:1")
    assert not budget(store, settings).is_spent(f"telegram:{NUMBER}:1")
    assert not budget(store, configured(tmp_path, whatsapp_budget=0.3)).is_spent(f"whatsapp:{NUMBER}:1")


def test_beyond_the_budget_a_person_answers_and_commands_go_on(store: Store) -> None:
    """The customer is told so and the owner shown who; no model is asked, and leaving works as ever."""
    world = World(store, owner_chat="fake:7:99")
    world.thinker.is_broke = lambda conversation: conversation == ANA

    (told,) = world.answer("Do you have bread?")
    assert "I have told somebody of the business, who will answer you" in told
    assert "/resume" not in told
    assert "The month's budget is spent" in read(store, "fake:7:99")[0]
    assert "Do you have bread?" in read(store, "fake:7:99")[0]
    assert state(store, "paused") == "handed over"
    assert world.answer("Hello?") == []
    assert world.backend.prompts == []
    assert world.answer("/baja")
    assert state(store, "paused") == "opted out"


def test_nobody_is_promised_the_assistant_beyond_the_budget(store: Store) -> None:
    """Neither who asks for a person, nor who wants the assistant back, nor the owner who lets it go on."""
    shop = Shop(store)
    shop.world.thinker.is_broke = lambda conversation: conversation == ANA

    shop.say("¿Hola?")
    for words in ("/humano", "/seguir"):
        (told,) = shop.say(words)
        assert "persona del negocio" in told
        assert "/seguir" not in told
        assert shop.state("paused") == "handed over"
    (told,) = shop.answer("/seguir")
    assert "WHATSAPP_BUDGET" in told
    assert "Hecho" not in told


def test_the_owner_themselves_is_answered_beyond_the_budget(store: Store) -> None:
    world = World(store, owner_chat=ANA)
    world.thinker.is_broke = lambda _: True

    assert world.answer("hello") == ["re: hello"]


def shown(store: Store, settings: Settings) -> str:
    terminal = Console(width=250, record=True)
    terminal.print(view(status.read(store, settings), "en"))
    return terminal.export_text()


def metrics(store: Store, settings: Settings) -> str:
    registry = CollectorRegistry()
    registry.register(figures.QueueCollector(store, settings))
    return generate_latest(registry).decode()


def test_status_and_metrics_know_each_numbers_bubbles_and_money(store: Store, tmp_path: Path) -> None:
    settings = configured(tmp_path)
    sent(store, settings, range(3))
    sent(store, settings, range(3, 5), billed=False)
    text, page = shown(store, settings), metrics(store, settings)

    assert f"WhatsApp {NUMBER}" in text
    assert "sent 5 · delivered 0 · read 0 · failed 0" in text
    assert "this month: 0.30 of 1.00 · free 2 of 1000 · billed 3 service" in text
    assert f'recado_bubbles_total{{account="{NUMBER}",stage="sent"}} 5.0' in page
    assert f'recado_bubbles_total{{account="{SECOND}",stage="sent"}} 0.0' in page
    assert f'recado_month_bubbles{{account="{NUMBER}",billed="yes",category="service"}} 3.0' in page
    assert f'recado_month_bubbles{{account="{NUMBER}",billed="no",category="service"}} 2.0' in page
    (cost,) = (line for line in page.splitlines() if line.startswith(f'recado_month_cost{{account="{NUMBER}"}}'))
    assert float(cost.split()[-1]) == pytest.approx(0.3)
    assert f'recado_month_budget{{account="{SECOND}"}} 1000.0' in page


def test_status_and_metrics_know_which_number_is_on_hold(store: Store, tmp_path: Path) -> None:
    settings, now = configured(tmp_path), int(time.time() * 1000)
    store.client.hset(f"{HOLD}whatsapp:{SECOND}", mapping={"reason": "a dead token", "since": now, "until": now})
    store.client.zadd(f"{HELD}whatsapp:{SECOND}", {f"whatsapp:{SECOND}:1": now})
    text, page = shown(store, settings), metrics(store, settings)

    assert f"the number {SECOND} ON HOLD for 0." in text
    assert "a dead token (conversations that wait: 1)" in text
    assert f'recado_account_held{{account="{NUMBER}"}} 0.0' in page
    assert f'recado_account_held{{account="{SECOND}"}} 1.0' in page
    assert f'recado_account_waiting{{account="{SECOND}"}} 1.0' in page


def test_status_counts_where_a_person_answers(store: Store, tmp_path: Path) -> None:
    world = World(store)
    world.answer("/humano")

    assert "recado_conversations_paused 1.0" in metrics(store, configured(tmp_path))
    assert "conversations that a person answers: 1" in shown(store, configured(tmp_path))
    world.answerer.mailbox.sweep()
    assert "recado_conversations_paused 1.0" in metrics(store, configured(tmp_path))

    Handovers(store, world.settings).resume(ANA)
    assert "recado_conversations_paused 0.0" in metrics(store, configured(tmp_path))
