"""A quota is one person's for a day: when it is spent they are told so, once, and heard."""

from __future__ import annotations

from bot import texts
from bot.message import Message
from bot.stores.connection import Store
from bot.stores.history import History
from tests.unit.calendars import Calendar
from tests.unit.fates import unrest
from tests.unit.mailboxes import ANA, BEA, counted, state
from tests.unit.worlds import World
from workers.silence import QUOTA


def heard(store: Store) -> list[tuple[str, str]]:
    """What history holds, each with its reason ("": it was answered)."""
    return [(turn.text, turn.heard) for turn in History(store).tail(ANA, 0, 10_000) if turn.role == "user"]


def test_over_the_quota_a_person_is_told_once_a_day_and_heard(store: Store, calendar: Calendar) -> None:
    world = World(store, quota_messages_per_day=2)
    assert world.answer("one") + world.answer("two") == ["re: one", "re: two"]
    assert [world.answer(text) for text in ("three", "four")] == [[texts.QUOTA.to("en")], []]
    assert heard(store) == [("one", ""), ("two", ""), ("three", QUOTA), ("four", QUOTA)]
    assert counted(store, "heard") == 2
    assert len(world.backend.prompts) == 2
    assert unrest(store) == []


def test_the_next_day_begins_anew(store: Store, calendar: Calendar) -> None:
    """Answered again, with what was only heard in mind, and told again when it is over again."""
    world = World(store, quota_messages_per_day=1)
    assert [world.answer(text) for text in ("one", "two")] == [["re: one"], [texts.QUOTA.to("en")]]
    calendar.turn_over()
    assert world.answer("three") == ["re: two\n\nthree"]
    assert [turn.role for turn in world.backend.prompts[-1].turns] == ["system", "user", "assistant", "user"]
    assert [world.answer(text) for text in ("four", "five")] == [[texts.QUOTA.to("en")], []]
    assert state(store, "quota_messages") == "1"


def test_tokens_count_of_question_and_answer(store: Store, calendar: Calendar) -> None:
    world = World(store, quota_tokens_per_day=40)
    world.backend.answers = ["word " * 20]
    count = world.backend.count_tokens
    world.answer("one")
    assert state(store, "quota_tokens") == str(count("one") + count("word " * 20))
    assert world.answer("two") == [texts.QUOTA.to("en")]


def test_below_the_limit_of_tokens_everything_is_answered(store: Store, calendar: Calendar) -> None:
    world = World(store, quota_tokens_per_day=1000)
    assert [world.answer(text) for text in ("one", "two")] == [["re: one"], ["re: two"]]


def test_each_message_of_a_burst_counts(store: Store, calendar: Calendar) -> None:
    world = World(store, quota_messages_per_day=3)
    world.answer("one", "two", "three")
    assert state(store, "quota_messages") == "3"
    assert world.answer("four") == [texts.QUOTA.to("en")]


def test_a_quota_is_a_persons_own(store: Store, calendar: Calendar) -> None:
    world = World(store, quota_messages_per_day=1)
    world.answer("one")
    world.say("hello", conversation=BEA)
    world.answerer.answer(BEA)
    assert world.channel.spoken[-1] == "re: hello"


def test_no_quota_is_no_limit(store: Store, calendar: Calendar) -> None:
    world = World(store)
    assert [len(world.answer(f"message {number}")) for number in range(5)] == [1] * 5


def test_what_needs_no_model_is_answered_and_costs_nothing(store: Store, calendar: Calendar) -> None:
    world = World(store, quota_messages_per_day=1)
    world.answer("/help")
    assert state(store, "quota_messages") is None
    world.answer("one")
    assert len(world.answer("/help")) == 1


def test_the_quota_is_told_in_the_persons_language(store: Store, calendar: Calendar) -> None:
    world = World(store, quota_messages_per_day=1)
    world.answer("uno", language="es")
    assert world.answer("dos", language="es") == [texts.QUOTA.to("es")]


def test_a_commit_that_is_repeated_counts_once(store: Store, calendar: Calendar) -> None:
    """Also what was heard."""
    world = World(store, quota_messages_per_day=1)
    world.answer("one")
    world.say("two")
    task = world.mailbox.take(ANA, "a")
    for _ in range(2):
        world.mailbox.commit(ANA, "a", task.batch.turn, None, reason=QUOTA)  # type: ignore[union-attr]
    assert (counted(store, "heard"), state(store, "quota_messages")) == (1, "1")


def test_who_could_not_be_told_is_told_the_next_time(store: Store, calendar: Calendar) -> None:
    """The notice counts as told when there is one, not before."""
    world = World(store, quota_messages_per_day=1)
    world.answer("one")
    world.say("two")
    task = world.mailbox.take(ANA, "a")
    world.mailbox.commit(ANA, "a", task.batch.turn, None, reason=QUOTA)  # type: ignore[union-attr]
    world.mailbox.release(ANA, "a")
    assert world.answer("three") == [texts.QUOTA.to("en")]


def say_as(world: World, sender: str, text: str) -> list[str]:
    """Somebody writes in a group; what is said there then."""
    world.number += 1
    before = len(world.channel.spoken)
    world.mailbox.accept([Message(str(world.number), ANA, text, sender=sender)])
    world.answerer.answer(ANA)
    return world.channel.spoken[before:]


def test_in_a_group_each_has_a_quota_of_their_own(store: Store, calendar: Calendar) -> None:
    """Whose own is spent is told so, once a day; the others go on."""
    world = World(store, quota_messages_per_day=1)
    assert len(say_as(world, "777", "one")) == 1
    assert [say_as(world, "777", text) for text in ("two", "three")] == [[texts.QUOTA.to("en")], []]
    assert len(say_as(world, "888", "four")) == 1
    assert say_as(world, "888", "five") == [texts.QUOTA.to("en")]
    assert (state(store, "quota_messages:777"), state(store, "quota_messages:888")) == ("1", "1")
    assert unrest(store) == []
    calendar.turn_over()
    assert len(say_as(world, "888", "six")) == 1
    assert state(store, "quota_messages:777") is None


def test_what_people_say_to_each_other_costs_nobody_anything(store: Store, calendar: Calendar) -> None:
    world = World(store, quota_messages_per_day=10, quota_tokens_per_day=1000)
    for text, addressed in (("lunch?", False), ("are you open?", True), ("and on Sunday?", True)):
        world.number += 1
        world.mailbox.accept([Message(str(world.number), ANA, text, addressed=addressed)])
    world.answerer.answer(ANA)
    assert state(store, "quota_messages") == "2"


def test_who_asks_together_shares_the_tokens(store: Store, calendar: Calendar) -> None:
    world = World(store, quota_tokens_per_day=1000)
    world.backend.answers = ["word " * 20]
    for sender in ("777", "888", "888"):
        world.number += 1
        world.mailbox.accept([Message(str(world.number), ANA, f"hello {world.number}", sender=sender)])
    world.answerer.answer(ANA)
    one, two = (int(state(store, f"quota_tokens:{who}") or 0) for who in ("777", "888"))
    assert (one > 0, one * 2 - 2 <= two <= one * 2 + 2) == (True, True)
