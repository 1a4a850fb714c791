"""A worker as it is started gives frequent answers where the setting says so, and lets old names go."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.message import Message
from bot.settings import load_settings
from bot.stores.alias import ALIAS
from bot.stores.connection import Store
from bot.stores.frequent import FREQUENT
from bot.stores.mailbox import Mailbox
from tests.unit.mailboxes import ANA, BEA
from tests.unit.shops import EVA
from tests.unit.worlds import FakeChannel
from workers import jobs
from workers.answer import Answerer


def opened(store: Store, mailbox: Mailbox, folder: Path, hours: float) -> Answerer:
    file = folder / "business.toml"
    file.write_text(
        'name = "Sol"\n[[faq]]\nquestion = "¿Qué lleva la tarta?"\nanswer = "Almendra."\n', encoding="utf-8"
    )
    settings = load_settings("", llm_provider="faq", business_file=file, frequent_answers_hours=hours)
    return jobs.open_answerer(settings, store, mailbox, {"fake": FakeChannel()}, silent=True)


def counts(answerer: Answerer) -> list[float]:
    value = answerer.metrics.registry.get_sample_value
    return [value("recado_frequent_answers_total", {"outcome": one}) or 0 for one in ("hit", "miss", "stored")]


@pytest.mark.parametrize(("hours", "found"), [(24, [1, 2, 1]), (0, [0, 0, 0])])
def test_the_setting_turns_them_on_and_the_instruments_count_them(
    store: Store, mailbox: Mailbox, tmp_path: Path, hours: float, found: list[float]
) -> None:
    answerer = opened(store, mailbox, tmp_path, hours)
    for number, one in enumerate((ANA, BEA, EVA)):
        mailbox.accept([Message(f"{number}", one, "¿Qué lleva la tarta?")])
        answerer.answer(one)

    assert counts(answerer) == found
    assert bool(list(store.client.scan_iter(f"{FREQUENT}*"))) == bool(hours)


def test_a_workers_background_lets_names_go(store: Store, mailbox: Mailbox, tmp_path: Path) -> None:
    store.client.hset(ALIAS, "whatsapp:1:ES.1", "whatsapp:1:34600111222")
    opened(store, mailbox, tmp_path, 0).erase()

    assert not store.client.exists(ALIAS)
