"""The gate as people meet it: who is not admitted is told so kindly, once, and no model is asked for them."""

from __future__ import annotations

from typing import Any

import pytest

from bot import texts, wiring
from bot.message import Message
from bot.settings import load_settings
from bot.stores.access import CODE_LENGTH, PAIRING, Access
from bot.stores.connection import Store, key
from bot.stores.history import History
from bot.stores.taken import Think
from tests.unit.calendars import Calendar
from tests.unit.fates import unrest
from tests.unit.mailboxes import ANA, BEA, counted, state
from tests.unit.worlds import World
from workers.gate import NOT_ADMITTED

SENT_AWAY = texts.NOT_ADMITTED.to("en")
OWNER = "fake:7:9"


def closed(store: Store, mode: str, **settings: Any) -> World:
    return World(store, access=mode, **settings)


def owner_says(world: World, text: str) -> str:
    """What the owner is answered in their own chat."""
    world.say(text, conversation=OWNER)
    world.answerer.answer(OWNER)
    return world.channel.spoken[-1]


def code_in(text: str) -> str:
    """The code that a stranger was told."""
    before, _, rest = texts.PAIRING.to("en", code="|").partition("|")
    assert text.startswith(before)
    return text[len(before) : len(text) - len(rest)]


# -- list --------------------------------------------------------------------------------------------


def test_a_stranger_is_told_once_a_day_and_heard(store: Store, calendar: Calendar) -> None:
    """Nothing is thought for them, nothing shows that anybody listens, and it costs nobody's quota."""
    world = closed(store, "list", quota_messages_per_day=1)
    assert [world.answer(text) for text in ("one", "two")] == [[SENT_AWAY], []]
    calendar.turn_over()
    assert [world.answer(text) for text in ("three", "four")] == [[SENT_AWAY], []]
    assert (world.backend.prompts, world.channel.typing) == ([], [])
    assert [turn.heard for turn in History(store).tail(ANA, 0, 10_000)] == [NOT_ADMITTED] * 4
    assert (counted(store, "heard"), state(store, "quota_messages")) == (4, None)
    assert unrest(store) == []


def test_nobody_sees_typing_who_was_sent_away(store: Store) -> None:
    """Not in the pause of a burst either, until they are let in."""
    world = closed(store, "list", quiet=0.05)
    for text in ("one", "two"):
        world.say(text)
        world.answerer.answer(ANA)
        world.come_back()
    shown = len(world.channel.typing)
    assert world.channel.spoken == [SENT_AWAY]
    Access(store, world.settings).add("1")
    world.say("three")
    world.come_back()
    assert (state(store, "refused"), len(world.channel.typing)) == (None, shown + 1)
    world.say("four")
    world.answerer.answer(ANA)
    assert len(world.channel.typing) == shown + 2


def test_a_command_is_no_way_in(store: Store) -> None:
    world = closed(store, "list")
    assert [world.answer(text) for text in ("/start", "/help", "/reset")] == [[SENT_AWAY], [], []]


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_stranger_is_told_in_their_language(store: Store, language: str) -> None:
    world = closed(store, "list")
    assert world.answer("hola", language=language) == [getattr(texts.NOT_ADMITTED, language)]


def test_who_is_named_is_answered(store: Store) -> None:
    world = closed(store, "list", allowed="fake:1", admins="9")
    assert world.answer("hello") == ["re: hello"]
    assert owner_says(world, "hello") == "re: hello"
    world.say("hello", conversation=BEA)
    world.answerer.answer(BEA)
    assert world.channel.spoken[-1] == SENT_AWAY


def test_what_a_stranger_said_is_known_when_they_are_let_in(store: Store) -> None:
    world = closed(store, "list")
    world.answer("I want bread")
    Access(store, world.settings).add("1")
    assert world.answer("are you there?") == ["re: I want bread\n\nare you there?"]


def test_people_who_talk_to_each_other_are_not_sent_away(store: Store) -> None:
    """In a group: only who speaks to us is told, and whoever is admitted there is answered."""
    world = closed(store, "list", allowed="777")

    def say(text: str, sender: str, *, addressed: bool) -> list[str]:
        world.number += 1
        before = len(world.channel.spoken)
        world.mailbox.accept([Message(str(world.number), ANA, text, sender=sender, addressed=addressed)])
        world.answerer.answer(ANA)
        return world.channel.spoken[before:]

    assert say("lunch?", "888", addressed=False) == []
    assert say("/start", "888", addressed=False) == []
    assert len(say("are you open?", "777", addressed=True)) == 1
    assert say("and on Sunday?", "888", addressed=True) == [SENT_AWAY]


# -- pairing -----------------------------------------------------------------------------------------


def test_from_a_strangers_first_word_to_their_first_answer(store: Store) -> None:
    """They get a code once; the owner confirms it in their own chat; they are told, and answered."""
    world = closed(store, "pairing", admins="9")
    (told,) = world.answer("one")
    code = code_in(told)
    assert len(code) == CODE_LENGTH
    assert world.answer("two") == []
    assert "fake:1 may write now" in owner_says(world, f"/pair {code.lower()}")
    world.answerer.answer(ANA)
    assert world.channel.spoken[-1] == texts.ADMITTED.to("en")
    assert world.answer("three") == ["re: one\n\ntwo\n\nthree"]
    assert unrest(store) == []


def test_a_code_that_has_ended_is_followed_by_another(store: Store) -> None:
    world = closed(store, "pairing")
    first = code_in(*world.answer("one"))
    store.client.delete(PAIRING)
    second = code_in(*world.answer("two"))
    assert first != second
    assert world.answer("three") == []


def test_a_stranger_for_whom_there_is_no_code_is_sent_away_kindly(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.stores.access.PENDING_MOST", 0)
    world = closed(store, "pairing")
    assert [world.answer(text) for text in ("one", "two")] == [[SENT_AWAY], []]


def test_a_crash_before_the_commit_tells_the_same_code(store: Store) -> None:
    world = closed(store, "pairing")
    world.say("one")
    task = world.mailbox.take(ANA, "dead")
    first = world.thinker.at_once(task)  # type: ignore[arg-type]
    world.crash()
    world.answerer.answer(ANA)
    assert first
    assert world.channel.spoken == [first.text]


def test_only_an_admin_can_let_anybody_in(store: Store) -> None:
    world = closed(store, "pairing", allowed="2", admins="9")
    code = code_in(*world.answer("one"))
    world.say(f"/pair {code}", conversation=BEA)
    world.answerer.answer(BEA)
    assert Access(store, world.settings).strangers()
    assert world.answer(f"/pair {code}") == []
    assert Access(store, world.settings).strangers()


def test_a_crash_in_the_owners_turn_lets_in_once(store: Store) -> None:
    """Thought twice, by two workers, it admits with the commit of the one that counts."""
    world = closed(store, "pairing", admins="9")
    code = code_in(*world.answer("one"))
    world.say(f"/pair {code}", conversation=OWNER)
    task = world.mailbox.take(OWNER, "dead")
    assert world.thinker.at_once(task).admission  # type: ignore[union-attr,arg-type]
    assert not Access(store, world.settings).admitted()
    store.client.delete(f"recado:{{{OWNER}}}:lease")
    world.answerer.answer(OWNER)
    world.answerer.answer(ANA)
    assert world.channel.spoken.count(texts.ADMITTED.to("en")) == 1


def test_wrong_codes_are_limited(store: Store) -> None:
    """After ten of them not even the right one is taken from that chat, for the hour."""
    world = closed(store, "pairing", admins="9")
    code = code_in(*world.answer("one"))
    assert "/pair" in owner_says(world, "/pair")
    for _ in range(10):
        assert owner_says(world, "/pair AAAAAAAA").startswith("Nobody")
    assert owner_says(world, f"/pair {code}").startswith("Too many")
    assert not Access(store, world.settings).admitted()


@pytest.mark.parametrize(
    ("mode", "allowed", "sender", "obeyed"),
    [
        ("open", "", "666", True),
        ("list", "telegram:555", "666", False),
        ("pairing", "telegram:555", "666", False),
        ("list", "telegram:555", "555", True),
        ("list", "telegram:-9", "666", True),
    ],
)
@pytest.mark.parametrize("pressed", [False, True])
def test_in_a_group_a_stranger_stops_nothing(
    store: Store, mode: str, allowed: str, sender: str, *, obeyed: bool, pressed: bool
) -> None:
    """Typed or by the button, at once, before any worker has judged who they are; a group that was admitted is known
    by its first name too."""
    mailbox = wiring.open_mailbox(load_settings(access=mode, allowed=allowed, debounce_seconds=0), store)
    first, now = "telegram:7:-9", "telegram:7:-1009"
    mailbox.accept([Message("1", first, "hola", sender="555")])
    task = mailbox.take(first, "a")
    assert isinstance(task, Think)
    store.client.hset(key(first, "state"), f"piece:{task.batch.turn}:0", "open:5")
    mailbox.alias(first, now)
    mailbox.accept([Message("2", now, "/stop", sender=sender, pressed=pressed, reply_to="5" if pressed else "")])

    assert bool(mailbox.renew([(first, "a", ())]).marks) is obeyed
