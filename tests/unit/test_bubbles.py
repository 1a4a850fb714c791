"""The states of a bubble on real scripts: opened, edited; whoever comes twice, late or between."""

from __future__ import annotations

import pytest

from bot.message import Limit
from bot.stores.connection import Store
from bot.stores.mailbox import Mailbox
from bot.stores.outbox import Begun, Outbox
from tests.unit.bubbles import bubble, open_it, said_whole, take_over
from tests.unit.everything import everything
from tests.unit.mailboxes import ANA, HOURS, counted, said, staged, state

# -- the opening -----------------------------------------------------------------------------------


def test_an_opening_is_stored_once_and_found_by_whoever_follows(
    thinking: Mailbox, store: Store, outbox: Outbox
) -> None:
    reference = open_it(outbox)
    assert outbox.opened(ANA, reference, "50") == "50"
    assert counted(store, "stray") == 0
    take_over(thinking, store)
    assert outbox.begin(ANA, "b", 1, 0, (), mode="open") == Begun("open", "50")
    said_whole(thinking, "b")
    assert outbox.begin(ANA, "b", 1, 0, (), mode="open") == Begun("open", "50")


def test_an_opening_whose_worker_died_is_counted_as_stray_when_the_next_one_opens(
    thinking: Mailbox, store: Store, outbox: Outbox
) -> None:
    outbox.begin(ANA, "a", 1, 0, (), mode="open")
    take_over(thinking, store)
    assert counted(store, "stray") == 0
    open_it(outbox, "b", "51")
    assert counted(store, "stray") == 1
    assert bubble(store) == ("open", "51")


@pytest.mark.parametrize("when", ["before the other's is there", "after it", "after the reply", "at rest"])
def test_an_opening_that_comes_late_is_one_stray_and_takes_nothing_over(
    thinking: Mailbox, store: Store, outbox: Outbox, when: str
) -> None:
    """Its worker was stopped between the two: the other's bubble stays, and one stray one is counted, not two."""
    _, late, _ = outbox.begin(ANA, "a", 1, 0, (), mode="open")
    take_over(thinking, store)
    _, reference, _ = outbox.begin(ANA, "b", 1, 0, (), mode="open")
    if when.startswith("before"):
        assert outbox.opened(ANA, late, "50") == ""
    assert outbox.opened(ANA, reference, "51") == "51"
    if when.startswith("after it"):
        assert outbox.opened(ANA, late, "50") == "51"
    if when in {"after the reply", "at rest"}:
        said_whole(thinking, "b")
        outbox.begin(ANA, "b", 1, 0, (), mode="edit")
        outbox.record(ANA, 1, 0, "sent", identity="51")
    if when == "at rest":
        thinking.release(ANA, "b")
    before = everything(store)
    outbox.opened(ANA, late, "50")
    assert everything(store) == before
    assert counted(store, "stray") == 1


def test_an_opening_that_was_certainly_not_sent_leaves_nothing(thinking: Mailbox, store: Store, outbox: Outbox) -> None:
    _, reference, _ = outbox.begin(ANA, "a", 1, 0, (), mode="open")
    for _ in range(2):
        assert outbox.opened(ANA, reference, "") == ""
    open_it(outbox)
    assert counted(store, "stray") == 0


def test_a_late_no_does_not_undo_the_others_opening(thinking: Mailbox, store: Store, outbox: Outbox) -> None:
    """The stopped worker's send failed; the one that took over is just sending its own."""
    _, late, _ = outbox.begin(ANA, "a", 1, 0, (), mode="open")
    take_over(thinking, store)
    _, reference, _ = outbox.begin(ANA, "b", 1, 0, (), mode="open")
    outbox.opened(ANA, late, "")
    assert outbox.opened(ANA, reference, "51") == "51"


def test_an_opening_after_an_erasure_is_a_stray_one_and_writes_nothing_else(
    thinking: Mailbox, store: Store, outbox: Outbox
) -> None:
    _, reference, _ = outbox.begin(ANA, "a", 1, 0, (), mode="open")
    store.client.flushall()
    assert outbox.opened(ANA, reference, "50") == ""
    assert everything(store) == {}
    assert counted(store, "stray") == 1


def test_a_begin_whose_answer_was_lost_is_the_same_begin(
    thinking: Mailbox, store: Store, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked again with the same words: no stray one is counted, and no second place before a limit is taken."""
    monkeypatch.setattr("secrets.token_hex", lambda size: "ab" * size)
    limit = Limit("slow", 1, 60)
    first = outbox.begin(ANA, "a", 1, 0, [limit], mode="open")
    assert outbox.begin(ANA, "a", 1, 0, [limit], mode="open") == first == Begun("go", f"{'ab' * 6}.1.0")
    assert counted(store, "stray") == 0


# -- who may ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["send", "open", "edit", "preview"])
def test_only_the_holder_begins_and_whoever_is_late_writes_nothing(
    thinking: Mailbox, store: Store, outbox: Outbox, mode: str
) -> None:
    open_it(outbox)
    take_over(thinking, store)
    before = everything(store)
    assert outbox.begin(ANA, "a", 1, 0, [Limit("one", 1, 1)], mode=mode).permission == "lost"  # type: ignore[arg-type]
    assert everything(store) == before


@pytest.mark.parametrize("mode", ["send", "open", "edit", "preview"])
def test_nothing_is_begun_that_is_settled(thinking: Mailbox, store: Store, outbox: Outbox, mode: str) -> None:
    """The lease is still ours, but the reply is said; neither its bubble nor a preview comes again."""
    open_it(outbox)
    said_whole(thinking, "a")
    outbox.record(ANA, 1, 0, "sent", identity="50")
    before = everything(store)
    assert outbox.begin(ANA, "a", 1, 0, (), mode=mode).permission == "settled"  # type: ignore[arg-type]
    assert everything(store) == before


@pytest.mark.parametrize("mode", ["send", "edit"])
def test_nothing_final_is_said_of_a_turn_that_is_still_thought(thinking: Mailbox, outbox: Outbox, mode: str) -> None:
    assert outbox.begin(ANA, "a", 1, 0, (), mode=mode).permission == "settled"  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["open", "preview"])
def test_nothing_grows_above_a_reply_that_is_still_to_be_said(mailbox: Mailbox, outbox: Outbox, mode: str) -> None:
    """The person would read the second answer above the first."""
    staged(mailbox)
    outbox.record(ANA, 1, 0, "staged", wait=30)
    mailbox.accept([said(2)])
    mailbox.take(ANA, "a")
    assert outbox.begin(ANA, "a", 2, 0, (), mode=mode) == Begun("wait", wait=1)  # type: ignore[arg-type]
    outbox.record(ANA, 1, 0, "sent")
    assert outbox.begin(ANA, "a", 2, 0, (), mode=mode).permission == "go"  # type: ignore[arg-type]


def test_a_preview_takes_only_what_nobody_needs(thinking: Mailbox, store: Store, outbox: Outbox) -> None:
    """Half of a window is the answers'; a preview that must wait takes no place in their line."""
    limit = Limit("six", 6, 60)
    open_it(outbox)
    asked = [outbox.begin(ANA, "a", 1, 0, [limit], mode="preview").permission for _ in range(5)]
    assert asked == ["go", "go", "go", "wait", "wait"]
    assert state(store, "permit") is None
    said_whole(thinking, "a")
    asked = [outbox.begin(ANA, "a", 1, 0, [limit], mode="edit").permission for _ in range(4)]
    assert asked == ["go", "go", "go", "wait"]


def test_a_preview_leaves_one_place_in_a_limit_of_a_few(thinking: Mailbox, outbox: Outbox) -> None:
    """Such a limit is one chat's own, as Telegram's of five in five seconds: an answer there must not stand still."""
    limit = Limit("five", 5, 60)
    open_it(outbox)
    asked = [outbox.begin(ANA, "a", 1, 0, [limit], mode="preview").permission for _ in range(5)]
    assert asked == ["go", "go", "go", "go", "wait"]
    said_whole(thinking, "a")
    assert [outbox.begin(ANA, "a", 1, 0, [limit], mode="edit").permission for _ in range(2)] == ["go", "wait"]


def test_typing_takes_only_what_nobody_needs(outbox: Outbox) -> None:
    limit = Limit("six", 6, 60)
    assert [outbox.spare(ANA, [limit]) for _ in range(4)] == [True, True, True, False]
    assert outbox.spare(ANA, ()) is True


def test_a_pause_for_everybody_ends_for_everybody_though_the_clock_went_back(store: Store, outbox: Outbox) -> None:
    """By two hours, after the platform wanted thirty seconds: nobody waits for hours, and the next pause counts."""
    limit = Limit("all", 30, 1)
    outbox.pause(ANA, 30, limit)
    assert not outbox.spare(ANA, [limit])
    store.client.pexpire("recado:limit:all:pause", 2 * HOURS)
    assert outbox.spare(ANA, [limit])
    outbox.pause(ANA, 30, limit)
    assert not outbox.spare(ANA, [limit])
    assert store.client.pttl("recado:limit:all:pause") <= 30_000
