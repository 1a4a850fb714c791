"""What is rightly not answered is heard: it becomes history with its reason, is counted, and nobody is told twice."""

from __future__ import annotations

import pytest

from bot.commands.baja import OPTED_OUT
from bot.message import Message
from bot.stores.connection import Store, key
from bot.stores.history import History
from tests.unit.fates import unrest
from tests.unit.mailboxes import ANA, BEA, counted, state
from tests.unit.worlds import World
from workers.silence import NOT_ADDRESSED


def heard(store: Store) -> list[tuple[str, str]]:
    """What history holds, each with its reason ("": it was answered)."""
    return [(turn.text, turn.heard) for turn in History(store).tail(ANA, 0, 10_000) if turn.role == "user"]


# -- group talk ------------------------------------------------------------------------------------


def talk(world: World, *sentences: tuple[str, bool]) -> None:
    """People talk in a group; what is True is said to the bot."""
    for text, addressed in sentences:
        world.number += 1
        world.mailbox.accept([Message(str(world.number), ANA, text, addressed=addressed)])
    world.answerer.answer(ANA)


def test_what_people_say_to_each_other_is_heard_and_not_answered(world: World, store: Store) -> None:
    """And nothing shows that anybody listens."""
    talk(world, ("lunch?", False))
    assert (world.channel.spoken, world.channel.typing) == ([], [])
    assert heard(store) == [("lunch?", NOT_ADDRESSED)]
    assert counted(store, "heard") == 1
    assert unrest(store) == []


def test_it_is_known_when_the_bot_is_asked(world: World) -> None:
    talk(world, ("lunch at two?", False))
    talk(world, ("are you open then?", True))
    assert world.backend.prompts[-1].turns[-1].text == "lunch at two?\n\nare you open then?"


def test_a_burst_with_one_question_to_the_bot_is_answered_as_a_whole(world: World, store: Store) -> None:
    talk(world, ("lunch?", False), ("are you open?", True))
    assert world.channel.spoken == ["re: lunch?\nare you open?"]
    assert heard(store) == [("lunch?\nare you open?", "")]


def test_a_command_for_another_bot_is_only_heard(world: World, store: Store) -> None:
    talk(world, ("my name is Ana", True))
    talk(world, ("/reset", False))
    assert heard(store) == [("my name is Ana", ""), ("/reset", NOT_ADDRESSED)]


def test_nobody_sees_typing_while_people_talk_to_each_other(store: Store) -> None:
    """Not in the pause of a burst either; only where the bot was asked."""
    world = World(store, quiet=5)
    talk(world, ("lunch?", False))
    assert world.channel.typing == []
    store.client.delete(key(ANA, "in"))
    talk(world, ("are you open?", True))
    assert len(world.channel.typing) == 1


# -- opted out -------------------------------------------------------------------------------------


def test_who_opted_out_is_heard_until_they_come_back(world: World, store: Store) -> None:
    (goodbye,) = world.answer("/baja")
    assert "/alta" in goodbye
    (hint,) = world.answer("hello?", "anybody?")
    assert "/alta" in hint
    assert world.answer("really?") == []
    assert heard(store) == [("hello?\nanybody?", OPTED_OUT), ("really?", OPTED_OUT)]
    assert world.channel.typing == []
    assert world.backend.prompts == []
    assert len(world.answer("/alta")) == 1
    assert world.answer("hello") == ["re: hello?\nanybody?\n\nreally?\n\nhello"]
    assert state(store, "paused") is None
    assert unrest(store) == []


def test_start_brings_back_who_had_opted_out(world: World) -> None:
    world.answer("/baja")
    world.answer("/start")
    assert world.answer("hello") == ["re: hello"]


def test_other_commands_do_not_bring_anybody_back(world: World) -> None:
    world.answer("/baja")
    assert len(world.answer("/help")) == 1
    assert "/alta" in world.answer("hello")[0]
    assert world.answer("hello") == []


def test_who_leaves_again_is_told_again_how_to_return(world: World) -> None:
    for _ in range(2):
        world.answer("/baja")
        assert [len(world.answer("hello")) for _ in range(2)] == [1, 0]
        world.answer("/alta")


def test_opting_out_is_one_persons_own(world: World) -> None:
    world.answer("/baja")
    world.say("hello", conversation=BEA)
    world.answerer.answer(BEA)
    assert world.channel.spoken[-1] == "re: hello"


@pytest.mark.parametrize("language", ["es", "en"])
def test_both_languages_say_how_to_come_back(world: World, language: str) -> None:
    said = world.answer("/baja", language=language)[0]
    assert said.startswith({"es": "De acuerdo", "en": "All right"}[language])
    assert world.answer("/alta", language=language)[0].startswith({"es": "Aquí", "en": "Here"}[language])


def test_nobody_sees_typing_who_has_opted_out(store: Store) -> None:
    """Not in the pause of a burst either."""
    world = World(store, quiet=5)
    world.say("/baja")
    world.answerer.answer(ANA)
    world.say("hello")
    world.answerer.answer(ANA)
    assert world.channel.typing == []


def test_who_has_opted_out_stays_so_however_long_nothing_is_said(world: World) -> None:
    """The others are forgotten in time; that this person wants no answer is not, until they want one again."""
    world.answer("/baja")
    assert [world.store.client.pttl(key(ANA, part)) for part in ("state", "turn")] == [-1, -1]
    world.answer("hello?")
    assert world.store.client.pttl(key(ANA, "state")) == -1
    world.answer("/alta")
    assert all(world.store.client.pttl(key(ANA, part)) > 0 for part in ("state", "turn"))
