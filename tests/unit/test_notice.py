"""The notice: once, in the bubble of the first answer to somebody new, and in nothing that is remembered."""

from __future__ import annotations

from typing import Any

import pytest

from bot import texts
from bot.business import Business
from bot.channels._text import LIMIT
from bot.errors import Rejected
from bot.message import Message, Piece
from bot.settings import load_settings
from bot.stores.connection import Store, key
from bot.stores.history import History
from tests.unit.fates import EditingChannel, Workers, unrest
from tests.unit.mailboxes import ANA, BEA, state
from tests.unit.worlds import World
from workers import notice
from workers.notice import appended

WHO = "The automatic assistant of La Espiga is answering you."
HOW = "To reach a person, write /human."
BOTH = f"{WHO} {HOW}"


def open_world(store: Store, **settings: Any) -> World:
    return World(store, ai_notice=True, **settings)


# -- its words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("business", "language", "words"),
    [
        (Business(), "es",
         "Te responde el asistente automático de este negocio. Para hablar con una persona, escribe /humano."),
        (Business(), "en",
         "The automatic assistant of this business is answering you. To reach a person, write /human."),
        (Business(name="La Espiga", contact="976 123 456"), "es",
         "Te responde el asistente automático de La Espiga. Para hablar con una persona: /humano · 976 123 456"),
        (Business(name="{of}", contact="{0}"), "en",
         "The automatic assistant of {of} is answering you. To reach a person: /human · {0}"),
    ],
)  # fmt: skip
def test_it_says_who_answers_and_how_to_reach_a_person(business: Business, language: str, words: str) -> None:
    assert notice.due(load_settings(), business, {}, language).startswith(words)  # type: ignore[arg-type]


def test_it_is_on_unless_it_is_switched_off() -> None:
    assert notice.due(load_settings(), Business(), {}, "es")
    assert notice.due(load_settings(ai_notice="off"), Business(), {}, "es") == ""


# -- its bubble --------------------------------------------------------------------------------------


def test_it_stands_below_the_last_bubbles_text_and_moves_no_formatting() -> None:
    bold = ({"type": "bold", "offset": 0, "length": 4},)
    first, last = appended([Piece("one"), Piece("bold", bold)], "notice", LIMIT)
    assert (first, last) == (Piece("one"), Piece("bold\n\nnotice", bold))


@pytest.mark.parametrize(("letter", "units"), [("x", 1), ("\N{BREAD}", 2)])
def test_no_answer_is_cut_for_it(letter: str, units: int) -> None:
    """It has a bubble of its own only where the answer's would hold more than the platform takes."""
    room = LIMIT - len("\n\nnotice")
    fits, too_long = letter * (room // units), letter * (room // units + 1)
    assert appended([Piece(fits)], "notice", LIMIT) == (Piece(fits + "\n\nnotice"),)
    assert appended([Piece(too_long)], "notice", LIMIT) == (Piece(too_long), Piece("notice"))


# -- when --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "theirs"), [("en", "es"), ("es", "en")])
def test_it_is_in_the_language_that_its_own_command_has_chosen(store: Store, asked: str, theirs: str) -> None:
    """Whoever begins with /language reads nothing in the one that they do not want."""
    (said,) = open_world(store).answer(f"/language {asked}", language=theirs)
    assert said.endswith(notice.due(load_settings(), Business(name="La Espiga"), {}, asked))  # type: ignore[arg-type]


def test_only_the_first_answer_has_it_and_nothing_remembers_it(store: Store) -> None:
    world = open_world(store)
    assert [world.answer(text) for text in ("one", "two")] == [[f"re: one\n\n{BOTH}"], ["re: two"]]
    assert [turn.text for turn in History(store).tail(ANA, 0, 10_000)] == ["one", "re: one", "two", "re: two"]
    assert "automatic" not in "".join(turn.text for turn in world.backend.prompts[-1].turns)
    assert unrest(store) == []


def test_everybody_new_is_told_in_their_own_language(store: Store) -> None:
    world = open_world(store)
    world.answer("one", language="en")
    world.say("hola", conversation=BEA, language="es")
    world.answerer.answer(BEA)
    assert "Te responde el asistente automático de La Espiga." in world.channel.spoken[-1]


def test_forgetting_what_was_said_does_not_repeat_it(store: Store) -> None:
    """Only erasing makes somebody new again."""
    world = open_world(store)
    world.answer("one")
    world.answer("/reset")
    assert world.answer("two") == ["re: two"]
    store.client.delete(*(key(ANA, part) for part in ("state", "turn", "history")))
    assert world.answer("three") == [f"re: three\n\n{BOTH}"]


def test_a_command_or_a_kind_word_may_be_the_first_answer(store: Store) -> None:
    world = open_world(store)
    (helped,) = world.answer("/help")
    assert helped.endswith(BOTH)
    store.client.delete(key(ANA, "state"), key(ANA, "turn"))
    assert world.answer("") == [f"{texts.NO_TEXT.to('en')}\n\n{BOTH}"]


def test_start_says_itself_who_answers(store: Store) -> None:
    """Only how to reach a person is added, and neither comes again."""
    world = open_world(store)
    (hello,) = world.answer("/start")
    assert "automatic assistant of La Espiga" in hello
    assert (hello.count("automatic"), hello.endswith(HOW), WHO in hello) == (1, True, False)
    assert world.answer("/start") == [hello.removesuffix(f"\n\n{HOW}")]
    assert world.answer("one") == ["re: one"]


def test_what_is_no_answer_does_not_have_it(store: Store) -> None:
    """An apology, the end of a quota, a refusal: the first real answer does."""
    world = open_world(store, access="list")
    (refused,) = world.answer("hello")
    assert refused == texts.NOT_ADMITTED.to("en")
    store.client.flushall()
    world = open_world(store)
    world.backend.answers = [Rejected("too long")]
    assert world.answer("hello") == [texts.APOLOGY.to("en")]
    store.client.flushall()
    World(store).answer("hello")
    world = open_world(store, quota_messages_per_day=1)
    world.number = 1
    assert world.answer("more") == [texts.QUOTA.to("en")]
    assert state(store, "noticed") is None


def test_a_bubble_that_grows_has_it_at_its_end_alone(store: Store) -> None:
    channel = EditingChannel()
    world = open_world(store, channel=channel)
    world.backend.answers = [["The bread is ", "baked every ", "morning, before ", "the sun is up."]]
    world.answer("when?")
    ((bubble, seen),) = channel.seen.items()
    assert bubble
    assert len(seen) > 1
    assert [BOTH in text for text in seen] == [False] * (len(seen) - 1) + [True]


def test_who_dies_before_the_commit_leaves_it_to_the_next(store: Store) -> None:
    """And who commits twice says it once."""
    world = open_world(store)
    world.say("one")
    task = world.mailbox.take(ANA, "dead")
    assert task
    world.crash()
    world.answerer.answer(ANA)
    assert world.channel.spoken == [f"re: one\n\n{BOTH}"]
    assert state(store, "noticed") == "1"


def test_whoever_is_killed_at_any_step_it_is_said_once(store: Store) -> None:
    """Before and after each script and each call: below the one whole answer, and never below the next one."""
    for at in range(1, 200):
        store.client.flushall()
        channel = EditingChannel()
        workers = Workers(store, channel, ai_notice=True)
        workers.meet(at, workers.steps.die)
        workers.expire()
        workers.finish()
        workers.heir.answer("and on Sunday?")
        whole = [text for text in channel.shown if not text.endswith("…")]
        assert [text.count(BOTH) for text in whole] == [0, 1, 0, 0]
        assert whole[1] == f"and close at five\n\n{BOTH}"
        if workers.steps.count < at:
            break
    assert at > 30


def test_a_group_is_told_once(store: Store) -> None:
    world = open_world(store)
    for number, who in enumerate(("777", "888", "777")):
        world.mailbox.accept([Message(f"g{number}", ANA, f"hello {number}", sender=who)])
        world.answerer.answer(ANA)
    assert [BOTH in text for text in world.channel.spoken] == [True, False, False]


def test_a_business_without_name_or_contact_has_one_too() -> None:
    for language in texts.LANGUAGES:
        words = notice.due(load_settings(), Business(), {}, language)
        assert "{" not in words
