"""What a person may order, and what comes of it; every order in both languages."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from bot import texts
from bot.errors import Unavailable
from bot.message import Message
from bot.stores.connection import Store
from bot.stores.history import STOPPED, History
from tests.unit.fates import EditingChannel, Workers, unrest
from tests.unit.mailboxes import ANA, BEA, state
from tests.unit.talks import LANGUAGES
from tests.unit.worlds import World


def remembered(store: Store) -> list[str]:
    return [turn.text for turn in History(store).tail(ANA, 0, 10_000)]


def test_unknown_orders_are_answered_kindly_and_once(world: World) -> None:
    for language in texts.LANGUAGES:
        assert world.answer("/dance", language=language) == [texts.UNKNOWN_COMMAND.to(language, command="dance")]


# -- /help and the owner's ---------------------------------------------------------------------------


@LANGUAGES
def test_the_owners_orders_are_refused_to_others_and_not_shown_to_them(world: World, language: str) -> None:
    (shown,) = world.answer("/help", language=language)
    for name in ("model", "stats"):
        assert f"/{name}" not in shown
        assert world.answer(f"/{name}", language=language) == [
            texts.ADMIN_ONLY.to(language, command=name)  # type: ignore[arg-type]
        ]


def test_the_owner_is_shown_them(store: Store) -> None:
    (shown,) = World(store, admins="1").answer("/help")
    assert "/model" in shown
    assert "/stats" in shown


# -- /language ---------------------------------------------------------------------------------------


def test_a_language_that_was_chosen_outranks_the_platforms(world: World, store: Store) -> None:
    assert world.answer("/language es", language="en") == ["De acuerdo, a partir de ahora te hablo en español."]
    assert world.answer("/dance", language="en") == [texts.UNKNOWN_COMMAND.to("es", command="dance")]
    world.answer("hello", language="en")
    assert world.backend.prompts[-1].language == "es"
    world.answer("/reset", language="en")
    assert world.answer("/language", language="en")[0].startswith("Te hablo en español.")
    assert unrest(store) == []


@pytest.mark.parametrize(
    ("word", "language"), [("EN", "en"), ("english", "en"), ("Español", "es"), ("castellano.", "es")]
)
def test_languages_have_many_names(world: World, store: Store, word: str, language: str) -> None:
    world.answer(f"/language {word}")
    assert state(store, "chosen") == language


@LANGUAGES
def test_a_language_that_we_do_not_speak_changes_nothing(world: World, store: Store, language: str) -> None:
    (said,) = world.answer("/language français", language=language)
    assert "/language es" in said
    assert state(store, "chosen") is None


def test_a_language_is_one_persons_own(world: World) -> None:
    world.answer("/language es")
    world.say("/dance", conversation=BEA)
    world.answerer.answer(BEA)
    assert world.channel.spoken[-1] == texts.UNKNOWN_COMMAND.to("en", command="dance")


# -- /retry ------------------------------------------------------------------------------------------


@LANGUAGES
def test_there_is_nothing_to_think_anew(world: World, language: str) -> None:
    (said,) = world.answer("/retry", language=language)
    assert said.startswith({"es": "Todavía no", "en": "You have not"}[language])
    assert world.backend.prompts == []


def test_a_new_answer_takes_the_place_of_the_old_one(world: World, store: Store) -> None:
    """In the history, and in what the model is shown: it does not read its first attempt."""
    world.answer("hello")
    world.backend.answers = ["at nine", "at ten"]
    world.answer("when?")
    assert world.answer("/retry") == ["at ten"]
    assert [turn.text for turn in world.backend.prompts[-1].turns[1:]] == ["hello", "re: hello", "when?"]
    assert remembered(store) == ["hello", "re: hello", "when?", "at ten"]
    assert world.answer("thanks") == ["re: thanks"]
    assert unrest(store) == []


def test_the_last_question_may_be_thought_anew_again_and_again(world: World, store: Store) -> None:
    world.backend.answers = ["one", "two", "three"]
    assert [world.answer(text) for text in ("when?", "/retry", "/retry")] == [["one"], ["two"], ["three"]]
    assert remembered(store) == ["when?", "three"]


def test_until_the_new_answer_is_there_the_old_one_stays(world: World, store: Store) -> None:
    """The model is away: nothing is lost by having asked."""
    world.answer("when?")
    world.backend.answers = [Unavailable("away", 0.01), "at ten"]
    assert world.answer("/retry") == []
    assert remembered(store) == ["when?", "re: when?"]
    world.think_again()
    assert world.channel.spoken[-1] == "at ten"
    assert remembered(store) == ["when?", "at ten"]


def test_what_was_stopped_may_be_thought_after_all(world: World, store: Store) -> None:
    world.say("when?", "/stop")
    world.answerer.answer(ANA)
    assert world.answer("/retry") == ["re: when?"]
    assert [(turn.text, turn.heard) for turn in History(store).tail(ANA, 0, 1000)] == [("when?", ""), ("re: when?", "")]


def test_thinking_anew_may_be_stopped_too(world: World, store: Store) -> None:
    """Then the first answer stays."""
    world.answer("when?")
    world.say("/retry", "/stop")
    while world.mailbox.has_work(ANA):
        world.answerer.answer(ANA)
    assert remembered(store) == ["when?", "re: when?"]
    assert len(world.backend.prompts) == 1
    assert STOPPED not in [turn.heard for turn in History(store).tail(ANA, 0, 1000)]


def test_thinking_anew_counts_against_the_quota(store: Store) -> None:
    world = World(store, quota_messages_per_day=1)
    world.answer("when?")
    assert world.answer("/retry") == [texts.QUOTA.to("en")]
    assert remembered(store) == ["when?", "re: when?"]


def test_a_commit_that_is_repeated_forgets_once(world: World, store: Store) -> None:
    """The same words were said before: those stay."""
    world.backend.answers = ["ok", "ok", "ok"]
    world.answer("when?")
    world.answer("when?")
    world.answer("/retry")
    assert remembered(store) == ["when?", "ok", "when?", "ok"]


@pytest.mark.parametrize("at", range(1, 41))
def test_a_worker_may_die_at_any_step_of_thinking_anew(store: Store, at: int) -> None:
    """The new answer is said once, below the old one, and it alone is remembered."""
    channel = EditingChannel()
    workers = Workers(store, channel)
    workers.heir.answer("when?")
    old = list(channel.shown)
    workers.heir.say = lambda *_: World.say(workers.heir, "/retry")  # type: ignore[method-assign]
    workers.meet(at, workers.steps.die)
    workers.expire()
    workers.finish()
    question, answer = remembered(store)
    assert question == "when?"
    assert [text for text in channel.shown if not text.endswith("…")] == [*old, *answer.split("|")]
    assert unrest(store) == []


def test_an_order_has_words(world: World) -> None:
    ordered: Sequence[str] = world.thinker._orders._order(Message("1", ANA, "/x@bot  a\nb "), {}, "en").words
    assert ordered == ("a", "b")
    assert json.dumps(ordered)
