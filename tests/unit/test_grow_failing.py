"""Whatever becomes of a preview, the person reads the whole answer in the end, once."""

from __future__ import annotations

import pytest

from bot.errors import Blocked, DeliveryError, Gone, RateLimited, Refused, Undelivered, Unknown
from bot.message import Limit, Piece
from bot.stores import outbox
from bot.stores.connection import Store, key
from bot.stores.outbox import Outbox
from tests.unit.fates import EditingChannel, Shaky, unrest
from tests.unit.growing import WHOLE, ask, come_back, growing
from tests.unit.mailboxes import ANA, BEA, counted, due_in_ms, state
from tests.unit.worlds import World
from workers import grow


@pytest.fixture
def world(store: Store, channel: EditingChannel, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(grow, "OPEN_AT", 1)
    return growing(store, channel)


# -- what may go wrong with a preview --------------------------------------------------------------


@pytest.mark.parametrize("error", [RateLimited("slow", 30), Undelivered("down"), Refused("odd"), ValueError("a bug")])
@pytest.mark.parametrize("which", ["fail", "fail_edits"])
def test_a_preview_that_fails_costs_nothing_but_itself(
    world: World, channel: EditingChannel, which: str, error: Exception
) -> None:
    """The model is asked once, and the whole answer is said in the end, in one bubble."""
    setattr(channel, which, [error])
    ask(world)
    for _ in range(3):
        come_back(world)
    assert channel.shown[-1] == WHOLE
    assert [text for text in channel.shown if not text.endswith("…")] == [WHOLE]
    assert len(world.backend.prompts) == 1
    assert counted(world.store, "stray") == int(which == "fail" and isinstance(error, ValueError))
    assert unrest(world.store) == []


@pytest.mark.parametrize(
    "error", [RateLimited("slow", 30), Undelivered("down"), Unknown("lost"), Refused("odd"), ValueError("a bug")]
)
def test_after_a_failure_nothing_is_shown_until_it_is_time_or_whole(
    world: World, channel: EditingChannel, error: Exception
) -> None:
    channel.fail_edits = [error]
    ask(world)
    come_back(world)
    assert set(channel.seen["1"][1:]) == {WHOLE}


@pytest.mark.parametrize("which", ["fail", "fail_edits"])
def test_a_pause_that_a_preview_was_told_of_holds_for_the_final_text_too(
    world: World, channel: EditingChannel, which: str
) -> None:
    """No call comes before the platform wants one, whatever for."""
    setattr(channel, which, [RateLimited("slow", 30)])
    ask(world)
    assert sum(map(len, channel.seen.values())) == int(which == "fail_edits")
    assert 29_000 < due_in_ms(world.store) <= 30_000
    come_back(world)
    assert channel.shown == [WHOLE]


def test_a_preview_that_comes_after_the_final_text_does_not_stay(world: World, channel: EditingChannel) -> None:
    """Nobody knew what became of it; it arrives when all has been said, and the end is said once more after it."""
    channel.fail_edits = [None, Unknown("lost")]
    ask(world)
    assert channel.shown == [WHOLE]
    channel.arrive()
    assert channel.shown != [WHOLE]
    come_back(world)
    assert channel.shown == [WHOLE]
    assert unrest(world.store) == []


def test_a_bubble_that_the_person_deleted_while_it_grew_is_said_anew(world: World, channel: EditingChannel) -> None:
    def delete(what: str) -> None:
        if what == "edit" and len(channel.seen["1"]) == 2:
            channel.bubbles.pop("1", None)

    channel.before = delete
    ask(world)
    come_back(world)
    assert channel.shown == [WHOLE]
    assert counted(world.store, "stray") == 0
    assert unrest(world.store) == []


def test_an_opening_in_doubt_is_opened_anew_and_counted(world: World, channel: EditingChannel) -> None:
    """It stands there, and nobody knows its id: one stray bubble, one answer."""
    channel.fail = [Unknown("lost")]
    ask(world)
    come_back(world)
    assert channel.shown[0].endswith("…")
    assert channel.shown[1:] == [WHOLE]
    assert counted(world.store, "stray") == 1


def test_a_chat_that_is_closed_meanwhile_gets_nothing_more(world: World, channel: EditingChannel) -> None:
    channel.fail_edits = [Blocked("closed")] * 9
    ask(world)
    assert len(channel.seen["1"]) == 1
    assert unrest(world.store) == []


# -- what may go wrong with the end ----------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [RateLimited("slow", 0.01), Undelivered("down"), Unknown("lost"), Gone("deleted")], ids=type
)
def test_a_final_edit_that_fails_is_made_again(
    world: World, channel: EditingChannel, monkeypatch: pytest.MonkeyPatch, error: DeliveryError
) -> None:
    monkeypatch.setattr(channel, "edit_seconds", lambda _: 600)
    channel.fail_edits = [error]
    ask(world)
    come_back(world)
    channel.arrive()
    assert channel.shown[-1] == WHOLE
    assert [text for text in channel.shown if not text.endswith("…")] == [WHOLE]
    assert unrest(world.store) == []


@pytest.mark.parametrize("later", [1, 2, 3])
def test_the_later_bubbles_openings_may_fail_too(world: World, channel: EditingChannel, later: int) -> None:
    world.backend.answers = ["one two three four|five six seven eight|nine ten"]
    channel.fail = [None, *[None] * (later - 1), Undelivered("down"), RateLimited("slow", 5)]
    ask(world)
    for _ in range(2):
        come_back(world)
    assert channel.shown == ["one two three four", "five six seven eight", "nine ten"]
    assert unrest(world.store) == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("script", [outbox._opened, outbox._repair], ids=["opened", "repair"])
def test_what_a_preview_did_is_written_down_however_redis_fails(
    store: Store, channel: EditingChannel, script: outbox.Script, when: str
) -> None:
    """Redis was away for a moment: no stray bubble, and nothing is thought twice."""
    shaky = Shaky(store)
    world = growing(shaky, channel)
    shaky.away[script] = [when]
    ask(world)
    assert channel.shown == [WHOLE]
    assert (counted(store, "stray"), len(world.backend.prompts)) == (0, 1)
    assert unrest(store) == []
    shaky.close()


def test_a_redis_that_is_away_before_a_preview_costs_no_answer(store: Store, channel: EditingChannel) -> None:
    shaky = Shaky(store)
    world = growing(shaky, channel)
    shaky.away[outbox._begin] = ["before"]
    ask(world)
    assert channel.shown == [WHOLE]
    shaky.close()


def test_a_bubble_in_doubt_keeps_its_id_while_it_waits_for_a_limit(store: Store) -> None:
    """A status may still tell that it was there; only then is it not sent again."""
    plain = World(store)
    plain.channel.fail = [Unknown("lost"), RateLimited("later", 30)]
    plain.answer("hello")
    plain.channel.rate = (Limit("slow", 1, 60),)
    assert Outbox(store).spare(BEA, plain.channel.rate)
    come_back(plain)
    assert plain.channel.calls == 1
    assert (state(store, "piece:1:0") or "").startswith("unknown:")
    store.client.hdel(key(ANA, "state"), "permit", "speak_at", "pause_at")
    plain.channel.rate = ()
    plain.answerer.answer(ANA)
    assert plain.channel.calls == 2
    assert (state(store, "piece:1:0") or "") == "unknown:" + plain.channel.references[0].partition(".")[0]


def test_a_bubble_says_whats_in_it_as_it_is_rendered(world: World, channel: EditingChannel) -> None:
    """A preview is rendered as the end will be, or its bubble would change its looks."""
    bold = ({"type": "bold", "offset": 0, "length": 3},)
    looks: list[tuple[dict[str, object], ...]] = []
    edit = channel.edit

    def look(conversation: str, bubble: str, piece: Piece) -> None:
        looks.append(piece.entities)
        edit(conversation, bubble, piece)

    channel.edit = look  # type: ignore[method-assign]
    channel.render = lambda text: (Piece(text, bold),)  # type: ignore[method-assign]
    ask(world)
    assert set(map(len, looks)) == {1}
