"""Who does not speak English never reads an English sentence, and the other way round."""

from __future__ import annotations

import re

import pytest

from bot.stores.connection import Store
from bot.texts import DEFAULT_SYSTEM_PROMPT, LANGUAGES, Language
from tests.unit import flows
from tests.unit.flows import COMMANDS, FLOWS, Visit
from tests.unit.ordering import ordered
from tests.unit.tongues import foreign, language_in, sentences
from workers import grow

KNOWN = list(sentences())
BY_FLOWS = ("bot/texts.py", "bot/commands/")
"""Where the sentences stand that a flow or a command must have brought to somebody."""
FOR_THE_MODEL = DEFAULT_SYSTEM_PROMPT.es


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grow, "OPEN_AT", 1)


def places(text: str) -> list[str]:
    return sorted(set(re.findall(r"\{(\w*)\}", text)))


@pytest.mark.parametrize("sentence", KNOWN, ids=lambda sentence: sentence.where)
def test_every_sentence_is_there_in_both_languages_and_in_no_other(sentence: tuple[str, str, str]) -> None:
    """Both have the same placeholders, too: what is filled in for one is there for the other."""
    where, es, en = sentence

    assert es.strip()
    assert en.strip()
    assert places(es) == places(en)
    assert es != en or language_in(es) is None, where
    assert foreign(es, "es", []) == foreign(en, "en", []) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", FLOWS)
def test_whatever_happens_is_said_in_the_persons_language(name: str, language: Language, store: Store) -> None:
    read = FLOWS[name](store, language)

    assert read
    assert [found for text in read for found in foreign(text, language, KNOWN)] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", COMMANDS)
def test_whatever_a_command_says_is_in_the_persons_language(name: str, language: Language) -> None:
    said = list(dict.fromkeys(ordered(name, language)))

    assert len(said) > 1
    assert [found for tongue, text in said for found in foreign(text, tongue, KNOWN)] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_answered_in_the_persons_language(name: str, language: Language, store: Store) -> None:
    """By the worker, for the owner and for anybody, after a conversation and before."""
    for admins in ((), ("1",)):
        visit = Visit(store, language, admins=admins)
        for _ in range(2):
            visit.say(f"/{name}")
            visit.ask()

        assert visit.read
        assert [found for text in visit.read for found in foreign(text, language, KNOWN)] == []


def test_no_sentence_of_ours_is_left_out(store: Store) -> None:
    """What no flow and no command brings to anybody would not have been looked at: then a flow is missing here."""
    read = [text for name in FLOWS for text in FLOWS[name](store, "es")]
    read += [text for name in COMMANDS for _, text in ordered(name, "es")]
    asked = [one for one in KNOWN if one.where.startswith(BY_FLOWS) and one.es != FOR_THE_MODEL]

    whole = "\n".join(read)
    missing = [one for one in asked if one.fragments("es") and not any(words in whole for words in one.fragments("es"))]
    assert "\n".join(f"{one.where} {one.es}" for one in missing) == ""


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("Done, we start afresh.", "es"),
        ("An error happened while your message was read", "es"),
        ("Perdón, no he podido responder", "en"),
        ("Hola: the model is not available", "es"),
        ("Escribe /help y te digo qué puedo hacer.", "en"),
    ],
)
def test_a_foreign_sentence_would_be_noticed(said: str, language: Language) -> None:
    assert foreign(f"1234\n{said}\n/start", language, KNOWN)


def test_a_copied_sentence_is_noticed_whatever_its_words() -> None:
    copied = [one for one in KNOWN if one.fragments("en") and "/language" not in one.en]

    assert len(copied) > len(KNOWN) / 2
    assert [one.where for one in copied if not foreign(one.en, "es", KNOWN)] == []
    assert language_in("/help `the of and` https://the.and.of") is None
    assert flows.ASKED.keys() == set(LANGUAGES)
