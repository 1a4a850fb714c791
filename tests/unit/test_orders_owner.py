"""What the owner may order, /model and /stats; and what everybody is told of who thinks."""

from __future__ import annotations

import pytest

from bot.errors import Unavailable
from bot.message import Message
from bot.settings import load_settings
from bot.stores.connection import Store
from tests.unit.mailboxes import BEA, state
from tests.unit.talks import LANGUAGES
from tests.unit.worlds import FakeBackend, World
from workers import jobs, orders


class ChoosingBackend(FakeBackend):
    """A provider whose server has two models; ``away``: it does not say which."""

    chooses, default_model = True, "small:1b"
    away = False

    def models(self) -> tuple[str, ...]:
        if self.away:
            raise Unavailable("away")
        return ("small:1b", "large:70b")


def choosing(store: Store, *admins: str) -> tuple[World, ChoosingBackend]:
    """A world where this backend answers, and these are the owner's."""
    world, backend = World(store, admins=",".join(admins)), ChoosingBackend()
    world.backend = world.thinker.backend = backend
    world.thinker._orders._backend = backend
    return world, backend


@LANGUAGES
def test_a_provider_with_one_model_says_so(store: Store, language: str) -> None:
    (said,) = World(store, admins="fake:1").answer("/model", language=language)
    assert "fake" in said
    assert {"es": "No hay otro", "en": "There is no other"}[language] in said


def test_the_owner_chooses_a_model_for_a_conversation(store: Store) -> None:
    world, backend = choosing(store, "1")
    (said,) = world.answer("/model")
    assert "small:1b" in said
    assert "large:70b" in said
    world.answer("/model LARGE:70b")
    world.answer("hello")
    assert backend.prompts[-1].model == "large:70b"
    world.say("hello", conversation=BEA)
    world.answerer.answer(BEA)
    assert backend.prompts[-1].model == ""
    world.answer("/model default")
    world.answer("hello")
    assert backend.prompts[-1].model == ""
    assert state(store, "model") is None


@LANGUAGES
def test_a_model_that_the_server_does_not_have_is_not_taken(store: Store, language: str) -> None:
    world, _ = choosing(store, "1")
    (said,) = world.answer("/model huge:400b", language=language)
    assert "huge:400b" in said
    assert "large:70b" in said
    assert state(store, "model") is None


def test_who_knows_the_name_need_not_wait_for_the_list(store: Store) -> None:
    world, backend = choosing(store, "1")
    backend.away = True
    world.answer("/model huge:400b")
    world.answer("hello")
    assert backend.prompts[-1].model == "huge:400b"


def test_another_providers_model_means_nothing(store: Store) -> None:
    """The owner has changed LLM_PROVIDER since."""
    world, backend = choosing(store, "1")
    world.answer("/model large:70b")
    backend.name = "another"
    world.answer("hello")
    assert backend.prompts[-1].model == ""


# -- /stats ------------------------------------------------------------------------------------------


@LANGUAGES
def test_the_owner_sees_how_things_are(store: Store, language: str) -> None:
    world = World(store, admins="1")
    world.thinker._orders._figures = lambda: jobs._figures(store)
    world.answer("hello", "and more")
    (said,) = world.answer("/stats", language=language)
    title, gap, *lines = said.splitlines()
    assert {"es": "Respuestas de hoy: 1", "en": "Answers today: 1"}[language] in lines
    assert {"es": "Mensajes respondidos hoy: 2", "en": "Messages answered today: 2"}[language] in lines
    assert (title[-1], gap, len(lines)) == (":", "", 9)


def test_what_costs_no_model_is_no_answer_of_the_day(store: Store) -> None:
    world = World(store)
    world.answer("/help")
    assert jobs._figures(store)["answers"] == 0


# -- who thinks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "urls", "who"),
    [
        ("ollama", "", ""),
        ("faq", "https://api.openai.com", ""),
        ("ollama", "http://localhost:11434,http://192.168.1.5:11434,http://ollama:11434,http://gpu.local", ""),
        ("openai", "https://api.openai.com/v1,http://localhost:8000", "api.openai.com"),
        ("huggingface", "", "Hugging Face"),
        ("huggingface", "http://10.0.0.7:8080", ""),
    ],
)
def test_a_person_is_told_whose_machine_thinks(provider: str, urls: str, who: str) -> None:
    assert orders.thinker(load_settings(llm_provider=provider, llm_base_url=urls)) == who


@pytest.mark.parametrize(
    ("chat", "sender", "private"), [("1", "", True), ("1", "1", True), ("-5", "1", False), ("9", "1", False)]
)
def test_a_group_is_not_private(chat: str, sender: str, private: bool) -> None:
    assert orders.is_private(Message("1", f"fake:7:{chat}", "hi", sender=sender)) is private
