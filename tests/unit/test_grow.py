"""An answer grows before the person's eyes: an opening, edits, and in the end the whole text, once."""

from __future__ import annotations

import pytest

from bot import texts
from bot.errors import RateLimited, Unavailable
from bot.message import Limit
from bot.stores.connection import Store, key
from tests.unit.fates import EditingChannel, unrest
from tests.unit.growing import WHOLE, WORDS, ask, come_back, growing
from tests.unit.mailboxes import ANA, counted
from tests.unit.worlds import World
from workers import grow
from workers.grow import finished, opening


@pytest.fixture
def world(store: Store, channel: EditingChannel, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(grow, "OPEN_AT", 1)
    return growing(store, channel)


def test_an_answer_is_one_bubble_that_grows(world: World, channel: EditingChannel) -> None:
    """Each version has more of it than the one before; until the last, each says that there is more to come."""
    ask(world)
    ((*growing, last),) = channel.seen.values()
    assert last == WHOLE
    assert len(growing) > 3
    assert all(text.endswith("…") and WHOLE.startswith(text.rstrip(" …")) for text in growing)
    assert growing == sorted(growing, key=len)
    assert unrest(world.store) == []
    assert counted(world.store, "stray") == 0


def test_a_long_answer_comes_in_bubbles_that_each_open_before_they_are_whole(
    world: World, channel: EditingChannel
) -> None:
    world.backend.answers = ["one two three four|five six seven eight|nine"]
    ask(world)
    assert channel.shown == ["one two three four", "five six seven eight", "nine"]
    assert all(len(versions) > 1 and versions[0].endswith("…") for versions in channel.seen.values())
    assert unrest(world.store) == []


def test_what_needs_no_model_is_simply_said(world: World, channel: EditingChannel) -> None:
    world.say("/start", "/reset")
    for _ in range(2):
        world.answerer.answer(ANA)
    assert [len(versions) for versions in channel.seen.values()] == [1, 1]
    assert not any(text.endswith("…") for text in channel.shown)


def test_a_platform_that_cannot_edit_shows_nothing_before_the_end(store: Store) -> None:
    plain = World(store)
    plain.backend.answers = [list(WORDS)]
    assert plain.answer("when?") == [WHOLE]


def test_it_does_not_grow_faster_than_the_platform_likes(
    world: World, channel: EditingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "edit_seconds", lambda _: 600)
    ask(world)
    assert [len(versions) for versions in channel.seen.values()] == [2]


@pytest.mark.parametrize(
    "text", ["a", "one two", "…", "x" * 500, "word " * 99, "¿" * 7, "one two three", " ", "é \u0301b"]
)
def test_an_opening_is_never_the_whole(text: str) -> None:
    """At most a third of it, in whole words, and a sign that more is to come."""
    said = opening(text).text
    assert said.endswith("…")
    begun = said.removesuffix("…").strip()
    assert len(begun) <= min(len(text) // 3, 60)
    assert text.startswith(begun)


def test_what_shows_no_more_than_before_is_no_edit(world: World, channel: EditingChannel) -> None:
    """A model that says blanks, or nothing for a while, costs no call."""
    world.backend.answers = [["The bakery", " ", " ", "", "\n", " opens"]]
    ask(world)
    assert len(channel.seen["1"]) == len(set(channel.seen["1"]))


def test_a_worker_that_lost_its_turn_reads_no_further(world: World, channel: EditingChannel) -> None:
    """It hears of it at its next preview."""

    def lose(_: str) -> None:
        world.store.client.set(key(ANA, "lease"), "another")

    channel.before = lose
    ask(world)
    assert world.backend.streams[0].given == 2
    assert len(channel.seen["1"]) == 1


def test_an_answer_that_is_thought_anew_takes_the_same_bubble_and_mixes_nothing(
    world: World, channel: EditingChannel
) -> None:
    """The stream was cut: no version joins two generations."""
    world.backend.answers = [Unavailable("cut"), ["We are open ", "every day ", "until late"]]
    ask(world)
    come_back(world)
    assert channel.shown == ["We are open every day until late"]
    wholes = ("half a sentence,", "We are open every day until late")
    assert all(any(whole.startswith(text.rstrip(" …")) for whole in wholes) for text in channel.seen["1"])
    assert len(channel.seen) == 1


def test_an_apology_is_said_in_the_bubble_that_had_begun_to_grow(world: World, channel: EditingChannel) -> None:
    world.backend.answers = [RuntimeError("bug")] * 3
    ask(world)
    for _ in range(2):
        come_back(world)
    assert channel.shown == [texts.APOLOGY.to("en")]
    assert unrest(world.store) == []


def test_nothing_grows_above_a_reply_that_is_still_to_be_said(world: World, channel: EditingChannel) -> None:
    """A preview waits; the two answers stand in their order."""
    world.backend.answers = ["first|rest of it", list(WORDS)]
    channel.fail = [None, RateLimited("later", 30)]
    ask(world)
    world.say("and then?")
    world.answerer.answer(ANA)
    assert channel.shown == ["first"]
    for _ in range(2):
        come_back(world)
    assert channel.shown == ["first", "rest of it", WHOLE]
    assert unrest(world.store) == []


def test_previews_leave_half_of_the_limits_to_what_is_final(world: World, channel: EditingChannel) -> None:
    channel.rate = (Limit("four", 4, 60),)
    ask(world)
    assert channel.shown == [WHOLE]
    assert len(channel.seen["1"]) <= 4


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("**pan de mol", ""),
        ("un **pan** y **tar", "un **pan** y "),
        ("see [our menu](https://www.bak", "see "),
        ("see [our me", "see "),
        ("see [our menu](https://www.bakery.example/a) now", "see [our menu](https://www.bakery.example/a) now"),
        ("at https://www.bak", "at "),
        ("at https://www.bakery.example/ now", "at https://www.bakery.example/ now"),
        ("run `make te", "run "),
        ("first line\n~~5 euros", "first line\n"),
        ("```", "```"),
    ],
)
def test_nobody_sees_half_a_mark_or_half_an_address(text: str, shown: str) -> None:
    """A preview ends where the last line's Markdown is complete; code blocks are closed by the renderer."""
    assert finished(text) == shown


def test_a_bubble_opens_when_there_is_something_to_read_or_after_a_while(
    world: World, channel: EditingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A telephone shows the opening as the notice of a new message: "…" alone would say nothing."""
    monkeypatch.setattr(grow, "OPEN_AT", 20)
    ask(world)
    assert len(channel.seen["1"][0]) > 3
    monkeypatch.setattr(grow, "OPEN_AT", 10_000)
    ask(world)
    assert len(channel.seen["2"]) == 2, "the opening by the speaker, and the whole"
    monkeypatch.setattr(grow, "OPEN_AFTER_SECONDS", 0.0)
    ask(world)
    assert len(channel.seen["3"]) > 2
