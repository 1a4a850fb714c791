"""Several numbers: who thinks for each, what a person may see and erase there, and what becomes of one given up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from bot import wiring
from bot.channels import Channel
from bot.errors import SettingsError
from bot.message import Message
from bot.settings import Settings
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from bot.stores.taken import Think
from tests.unit.mailboxes import ANA
from tests.unit.test_numbers import FIRST, SECOND, configured
from tests.unit.worlds import FakeChannel, World
from workers import jobs
from workers.answer import Answerer
from workers.backends.faq import Faq

FILES = {FIRST: ("Panadería", "El pan cuesta 3 euros."), SECOND: ("Floristería", "Las rosas cuestan 9 euros.")}


def shops(folder: Path, more: str = "", **settings: object) -> Settings:
    """Two shops, each with a file that answers what something costs."""
    paths = []
    for name, answer in FILES.values():
        paths.append(folder / f"{name}.toml")
        paths[-1].write_text(
            f'name = "{name}"\n[[faq]]\nquestion = "¿Cuánto cuesta?"\nanswer = "{answer}"\n', encoding="utf-8"
        )
    text = f'[numbers.{SECOND}]\nbusiness_file = "{paths[1]}"\n{more}\n'
    usual = {"business_file": paths[0], "llm_provider": "faq", "llm_model": "", "system_prompt": "", "owner_chat": ""}
    return configured(folder, text, **(usual | settings))


def opened(store: Store, mailbox: Mailbox, settings: Settings) -> Answerer:
    return jobs.open_answerer(settings, store, mailbox, wiring.open_channels(settings), silent=True)


def test_each_number_is_answered_from_its_own_file(store: Store, mailbox: Mailbox, tmp_path: Path) -> None:
    answerer = opened(store, mailbox, shops(tmp_path))

    for account, (_, answer) in FILES.items():
        backend = cast("Faq", answerer.thinker(f"whatsapp:{account}:34600111222").backend)
        assert backend.answer("¿Cuánto cuesta?", "es") == answer


def test_each_number_may_have_a_model_of_its_own(store: Store, mailbox: Mailbox, tmp_path: Path) -> None:
    """They share one backend and its line; what the owner chose in a conversation counts before."""
    settings = shops(tmp_path, 'model = "large"', llm_provider="ollama", llm_model="small")
    answerer = opened(store, mailbox, settings)
    first, second = (answerer.thinker(f"whatsapp:{account}:1") for account in (FIRST, SECOND))

    assert first.backend is second.backend
    assert (first._orders.model({}), second._orders.model({})) == ("", "large")
    assert second._orders.model({"model": "ollama/tiny"}) == "tiny"


def test_a_model_that_cannot_be_chosen_is_refused_with_the_way_out(
    store: Store, mailbox: Mailbox, tmp_path: Path
) -> None:
    settings = shops(tmp_path, 'model = "large"')

    with pytest.raises(SettingsError, match=rf"numbers\.{SECOND}\.model: LLM_PROVIDER=faq .*: leave it out, or let"):
        opened(store, mailbox, settings)
    assert [finding.ok for finding in jobs.examine(settings)] == [True, False]


def test_every_numbers_file_is_examined(tmp_path: Path) -> None:
    found = list(jobs.examine(shops(tmp_path)))

    assert [finding.ok for finding in found] == [True, True]
    assert found[1].words.startswith(f"number {SECOND}: the business file answers")


class Several(FakeChannel):
    """A channel whose numbers change."""

    given_up = False

    def serves(self, account: str) -> bool:
        return not self.given_up


def test_people_of_a_number_that_was_given_up_wait_for_it(store: Store) -> None:
    """Nothing is lost, nothing is thought, and they are answered once it is back."""
    world = World(store, channel=Several())
    channel = cast("Several", world.channel)
    channel.given_up = True
    assert world.answer("hello") == []
    assert world.backend.prompts == []
    assert store.client.llen(key(ANA, "wip")) == 1
    channel.given_up = False
    world.think_again()

    assert channel.spoken == ["re: hello"]


@pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
def test_nobody_sees_or_erases_at_one_number_what_they_said_to_another(
    store: Store, mailbox: Mailbox, tmp_path: Path, channel: str
) -> None:
    """On WhatsApp another number is another business; on Telegram a person's topics are all theirs."""
    settings = shops(tmp_path)
    answerer = opened(store, mailbox, settings)
    here, there = (f"{channel}:{account}:34600111222" for account in (FIRST, SECOND))
    mailbox.accept([Message("1", there, "algo privado"), Message("2", here, "/privacy export")])
    taken = mailbox.take(here, "a")
    assert isinstance(taken, Think)
    exported = answerer.thinker(here).at_once(taken)
    mailbox.commit(here, "a", 1, None)
    mailbox.accept([Message("3", here, "/privacy erase yes")])
    taken = mailbox.take(here, "a")
    assert isinstance(taken, Think)
    erased = answerer.thinker(here).at_once(taken)

    assert exported is not None
    assert erased is not None
    assert erased.erases == (here if channel == "whatsapp" else f"{channel}:34600111222")
    named = [one["conversation"] for one in json.loads(exported.file)["conversations"]]
    assert named == ([here] if channel == "whatsapp" else [here, there])


def test_the_channel_serves_exactly_the_numbers_that_are_configured(tmp_path: Path) -> None:
    channel: Channel = wiring.open_channels(shops(tmp_path))["whatsapp"]

    assert [channel.serves(account) for account in (FIRST, SECOND, "1")] == [True, True, False]
