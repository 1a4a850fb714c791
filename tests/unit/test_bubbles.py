"""The states of a bubble on real scripts: opened, edited, settled, repaired; whoever comes twice, late or between."""

from __future__ import annotations

import pytest

from bot.message import Limit, Reply, Status
from bot.stores import bell
from bot.stores.connection import DUE, Store, key
from bot.stores.mailbox import Later, Mailbox, Rest, Speak
from bot.stores.outbox import Begun, Outbox, piece_state
from tests.unit.everything import everything
from tests.unit.mailboxes import ANA, BEA, HOURS, counted, due_in_ms, in_line, reply, said, staged, state

NOBODY = "0123456789ab.1.0"
DAY = 24 * HOURS


@pytest.fixture
def outbox(store: Store) -> Outbox:
    return Outbox(store)


@pytest.fixture
def thinking(mailbox: Mailbox) -> Mailbox:
    """Turn 1 is in the hands of ``a``."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    return mailbox


def grown(turn: int, *texts: str) -> Reply:
    return Reply(turn, reply(turn, *texts).pieces, grows=True)


def said_whole(mailbox: Mailbox, token: str, *texts: str, turn: int = 1) -> None:
    """The turn is committed; its reply waits in the outbox."""
    assert mailbox.commit(ANA, token, turn, grown(turn, *texts))


def open_it(outbox: Outbox, token: str = "a", bubble: str = "50", index: int = 0) -> str:
    """Begin the opening of turn 1 and store its id; returns our reference of it."""
    permission, reference, _ = outbox.begin(ANA, token, 1, index, (), mode="open")
    assert permission == "go"
    assert outbox.opened(ANA, reference, bubble) == bubble
    return reference


def take_over(mailbox: Mailbox, store: Store, token: str = "b") -> None:
    store.client.delete(key(ANA, "lease"))
    mailbox.take(ANA, token)


def finish(mailbox: Mailbox, outbox: Outbox, token: str, bubble: str = "50") -> None:
    """Edit the one bubble of turn 1 into its final text."""
    assert outbox.begin(ANA, token, 1, 0, (), mode="edit").permission == "go"
    outbox.record(ANA, 1, 0, "sent", identity=bubble)
    mailbox.release(ANA, token)


def bubble(store: Store, index: int = 0) -> tuple[str, str]:
    """The state of a bubble of turn 1, and its id."""
    return piece_state({"piece:1:0": "", f"piece:1:{index}": state(store, f"piece:1:{index}") or "staged"}, 1, index)


def speak_now(mailbox: Mailbox, store: Store, token: str) -> Speak:
    """What is to be said when the waiting time is over."""
    store.client.hdel(key(ANA, "state"), "speak_at")
    task = mailbox.take(ANA, token)
    assert isinstance(task, Speak)
    return task


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
    limit = Limit("four", 4, 60)
    open_it(outbox)
    asked = [outbox.begin(ANA, "a", 1, 0, [limit], mode="preview").permission for _ in range(4)]
    assert asked == ["go", "go", "wait", "wait"]
    assert state(store, "permit") is None
    said_whole(thinking, "a")
    assert [outbox.begin(ANA, "a", 1, 0, [limit], mode="edit").permission for _ in range(3)] == ["go", "go", "wait"]


def test_typing_takes_only_what_nobody_needs(outbox: Outbox) -> None:
    limit = Limit("four", 4, 60)
    assert [outbox.spare(ANA, [limit]) for _ in range(3)] == [True, True, False]
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


# -- settled by a status ---------------------------------------------------------------------------


def in_doubt(mailbox: Mailbox, outbox: Outbox, *texts: str) -> str:
    """A reply whose first bubble nobody knows the outcome of; its worker has let go."""
    staged(mailbox, *texts)
    _, reference, _ = outbox.begin(ANA, "a", 1, 0, ())
    outbox.record(ANA, 1, 0, "unknown", identity=reference.partition(".")[0], wait=30)
    mailbox.release(ANA, "a")
    return reference


def test_a_status_settles_what_was_in_doubt_and_wakes_who_waits_for_it(
    mailbox: Mailbox, store: Store, outbox: Outbox
) -> None:
    """The next bubble goes now, not in half a minute; a second status, or another, changes nothing."""
    reference = in_doubt(mailbox, outbox, "one", "two")
    store.client.delete(bell.QUEUE_KEY)
    assert outbox.settle(Status(ANA, reference, "sent"))
    assert (due_in_ms(store) <= 1000, in_line(store)) == (True, [ANA])
    before = everything(store)
    for outcome in ("sent", "failed", "parked"):
        assert not outbox.settle(Status(ANA, reference, outcome))  # type: ignore[arg-type]
    assert everything(store) == before
    task = mailbox.take(ANA, "b")
    assert isinstance(task, Speak)
    assert [piece_state(task.state, 1, index)[0] for index in (0, 1)] == ["sent", "staged"]


def test_a_status_that_ends_a_reply_ends_it_and_the_next_look_finds_rest(
    mailbox: Mailbox, store: Store, outbox: Outbox
) -> None:
    outbox.settle(Status(ANA, in_doubt(mailbox, outbox), "sent"))
    assert store.client.exists(key(ANA, "out")) == 0
    assert isinstance(mailbox.take(ANA, "b"), Rest)
    assert store.client.zscore(DUE, ANA) is None


def test_a_status_may_come_before_the_platforms_own_answer(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    """The worker still waits for that: it keeps its lease, and what it hears then changes nothing."""
    staged(mailbox)
    _, reference, _ = outbox.begin(ANA, "a", 1, 0, ())
    assert outbox.settle(Status(ANA, reference, "sent"))
    assert outbox.record(ANA, 1, 0, "unknown", identity="x", wait=30)
    assert (state(store, "speak_at"), state(store, "piece:1:0"), counted(store, "unknown")) == (None, None, 0)
    assert not mailbox.release(ANA, "a")
    assert store.client.zscore(DUE, ANA) is None


@pytest.mark.parametrize("reference", [NOBODY, "0123456789ab.7.0", "nonsense", ""])
def test_a_status_of_what_is_not_ours_or_not_in_doubt_changes_nothing(
    mailbox: Mailbox, store: Store, outbox: Outbox, reference: str
) -> None:
    in_doubt(mailbox, outbox)
    before = everything(store)
    assert not outbox.settle(Status(ANA, reference, "sent"))
    assert everything(store) == before


def test_a_failed_status_is_counted_and_holds_back_nobody(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    reference = in_doubt(mailbox, outbox)
    assert outbox.settle(Status(ANA, reference, "failed"))
    assert counted(store, "failed") == 1
    assert store.client.exists(key(ANA, "out")) == 0


def test_a_parked_reply_waits_until_the_person_writes(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    """By a status as by an answer: it is not tried again before that, and then at once."""
    assert outbox.settle(Status(ANA, in_doubt(mailbox, outbox), "parked"))
    assert counted(store, "parked") == 1
    assert isinstance(mailbox.take(ANA, "b"), Later)
    assert 29 * DAY < due_in_ms(store) <= 30 * DAY
    mailbox.accept([said(2)])
    assert due_in_ms(store) <= 1000
    task = mailbox.take(ANA, "b")
    assert isinstance(task, Speak)
    assert piece_state(task.state, 1, 0)[0] == "parked"


def test_writing_hurries_no_reply_that_waits_for_something_else(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    in_doubt(mailbox, outbox)
    mailbox.accept([said(2)])
    assert state(store, "speak_at") is not None


def test_each_kind_of_trouble_is_counted_once(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    staged(mailbox, "one", "two")
    for _ in range(2):
        outbox.record(ANA, 1, 0, "parked", wait=30)
        outbox.record(ANA, 1, 1, "failed")
    assert (counted(store, "parked"), counted(store, "failed"), counted(store, "unknown")) == (1, 1, 0)


# -- put right -------------------------------------------------------------------------------------


def test_a_preview_of_ours_needs_no_repair(thinking: Mailbox, store: Store, outbox: Outbox) -> None:
    open_it(outbox)
    before = everything(store)
    assert outbox.repair(ANA, "a", 1, 0) == "ours"
    assert everything(store) == before


def test_a_preview_while_another_thinks_is_his_to_overwrite(thinking: Mailbox, store: Store, outbox: Outbox) -> None:
    open_it(outbox)
    take_over(thinking, store)
    before = everything(store)
    assert outbox.repair(ANA, "a", 1, 0) == "idle"
    assert everything(store) == before


def test_a_place_before_a_limit_is_not_kept_for_another_reply(mailbox: Mailbox, store: Store, outbox: Outbox) -> None:
    """It waited its turn after the doubt; then a status told that it had been there all the time."""
    reference = in_doubt(mailbox, outbox)
    limit = Limit("slow", 1, 60)
    assert outbox.spare(BEA, [limit])
    speak_now(mailbox, store, "b")
    assert outbox.begin(ANA, "b", 1, 0, [limit]).permission == "wait"
    assert state(store, "permit") is not None
    outbox.settle(Status(ANA, reference, "sent"))
    assert [state(store, name) for name in ("permit", "permit_wait", "permit_stage")] == [None] * 3


@pytest.mark.parametrize("times", [1, 2])
def test_a_late_preview_over_a_reply_that_was_said_lets_it_be_said_again(
    thinking: Mailbox, store: Store, outbox: Outbox, times: int
) -> None:
    """The final text wins, also when the answer to the repair is lost and it is asked for twice."""
    open_it(outbox)
    take_over(thinking, store)
    said_whole(thinking, "b")
    finish(thinking, outbox, "b")
    store.client.delete(bell.QUEUE_KEY)
    for _ in range(times):
        assert outbox.repair(ANA, "a", 1, 0) == "repaired"
    assert in_line(store) == [ANA]
    assert due_in_ms(store) <= 1000
    assert store.client.pttl(key(ANA, "state")) == store.client.pttl(key(ANA, "turn")) == -1
    assert store.client.llen(key(ANA, "out")) == 1
    for worker in "cd"[:times]:
        task = speak_now(thinking, store, worker)
        assert (task.reply, piece_state(task.state, 1, 0)) == (grown(1), ("open", "50"))
        finish(thinking, outbox, worker)
    assert isinstance(thinking.take(ANA, "e"), Rest)
    assert store.client.hkeys(key(ANA, "state")) == [b"number", b"committed"]


def test_a_late_preview_between_two_bubbles_opens_the_first_again(
    thinking: Mailbox, store: Store, outbox: Outbox
) -> None:
    """The reply is not closed before it reads what it should."""
    open_it(outbox)
    take_over(thinking, store)
    said_whole(thinking, "b", "one", "two")
    outbox.begin(ANA, "b", 1, 0, (), mode="edit")
    outbox.record(ANA, 1, 0, "sent", identity="50")
    assert outbox.repair(ANA, "a", 1, 0) == "repaired"
    open_it(outbox, "b", "60", 1)
    assert not outbox.record(ANA, 1, 1, "sent", identity="60")
    assert bubble(store) == ("open", "50")
    finish(thinking, outbox, "b")
    assert store.client.exists(key(ANA, "out")) == 0


def test_a_late_preview_while_the_final_text_is_on_its_way_lets_it_be_said_twice(
    thinking: Mailbox, store: Store, outbox: Outbox
) -> None:
    """Nobody knows which of the two came last."""
    open_it(outbox)
    take_over(thinking, store)
    said_whole(thinking, "b")
    outbox.begin(ANA, "b", 1, 0, (), mode="edit")
    assert outbox.repair(ANA, "a", 1, 0) == "repaired"
    outbox.record(ANA, 1, 0, "sent", identity="50")
    assert bubble(store) == ("open", "50")
    assert not thinking.release(ANA, "b")
    assert 1000 < due_in_ms(store) <= 2000
    speak_now(thinking, store, "c")
    finish(thinking, outbox, "c")
    assert store.client.exists(key(ANA, "out")) == 0


def test_a_preview_that_may_still_come_lets_the_end_be_said_twice(
    thinking: Mailbox, store: Store, outbox: Outbox
) -> None:
    """And what was heard of the first edit may be written down twice: it is still said again, once."""
    open_it(outbox)
    assert outbox.repair(ANA, "a", 1, 0, again=True) == "ours"
    said_whole(thinking, "a")
    outbox.begin(ANA, "a", 1, 0, (), mode="edit")
    for _ in range(2):
        assert not outbox.record(ANA, 1, 0, "sent", identity="50")
    assert not thinking.release(ANA, "a")
    assert 1000 < due_in_ms(store) <= 2000
    speak_now(thinking, store, "b")
    finish(thinking, outbox, "b")
    assert store.client.exists(key(ANA, "out")) == 0


@pytest.mark.parametrize("already", ["said", "half said"])
def test_a_late_preview_that_may_still_come_after_all_was_said_lets_it_be_said_twice_too(
    thinking: Mailbox, store: Store, outbox: Outbox, already: str
) -> None:
    open_it(outbox)
    take_over(thinking, store)
    said_whole(thinking, "b", "one", "two")
    outbox.record(ANA, 1, 0, "sent", identity="50")
    if already == "said":
        outbox.record(ANA, 1, 1, "sent", identity="60")
    thinking.release(ANA, "b")
    assert outbox.repair(ANA, "a", 1, 0, again=True) == "repaired"
    outbox.record(ANA, 1, 1, "sent", identity="60")
    for worker in "cd":
        speak_now(thinking, store, worker)
        assert bubble(store) == ("open", "50")
        finish(thinking, outbox, worker)
    assert store.client.exists(key(ANA, "out")) == 0


@pytest.mark.parametrize("again", [False, True])
def test_after_an_erasure_there_is_nothing_to_put_right(
    thinking: Mailbox, store: Store, outbox: Outbox, again: bool
) -> None:
    open_it(outbox)
    store.client.flushall()
    assert outbox.repair(ANA, "a", 1, 0, again=again) == "idle"
    outbox.record(ANA, 1, 0, "sent", identity="50")
    assert everything(store) == {}


def test_a_bubble_that_failed_is_not_said_again_and_again(thinking: Mailbox, store: Store, outbox: Outbox) -> None:
    """A late preview in a chat that is closed to us by now: nothing to put right, and no turn in a circle."""
    open_it(outbox)
    take_over(thinking, store)
    said_whole(thinking, "b")
    outbox.record(ANA, 1, 0, "failed")
    thinking.release(ANA, "b")
    before = everything(store)
    assert outbox.repair(ANA, "a", 1, 0) == "idle"
    assert everything(store) == before


def test_a_bubble_that_failed_leaves_nothing_of_what_was_to_be_repeated(
    thinking: Mailbox, store: Store, outbox: Outbox
) -> None:
    open_it(outbox)
    outbox.repair(ANA, "a", 1, 0, again=True)
    said_whole(thinking, "a")
    assert outbox.record(ANA, 1, 0, "failed")
    assert state(store, "redo:1:0") is None


def test_a_repair_restores_the_other_bubbles_as_they_were(thinking: Mailbox, store: Store, outbox: Outbox) -> None:
    open_it(outbox)
    said_whole(thinking, "a", "one", "two", "three")
    outbox.record(ANA, 1, 0, "sent", identity="50")
    outbox.record(ANA, 1, 1, "failed")
    outbox.record(ANA, 1, 2, "sent", identity="52")
    thinking.release(ANA, "a")
    outbox.repair(ANA, "late", 1, 0)
    assert [bubble(store, index) for index in range(3)] == [("open", "50"), ("failed", ""), ("sent", "52")]


def test_what_was_said_is_remembered_for_an_hour_and_not_for_ever(mailbox: Mailbox, store: Store) -> None:
    """However long a conversation goes on without a break."""
    for turn in range(1, 31):
        mailbox.accept([said(turn)])
        mailbox.take(ANA, "a")
        said_whole(mailbox, "a", turn=turn)
        Outbox(store).record(ANA, turn, 0, "sent", identity=str(turn))
    assert 0 < store.client.pttl(key(ANA, "spoken")) <= HOURS
    assert {int(turn) for turn in store.client.hkeys(key(ANA, "spoken"))} == set(range(11, 31))


def test_the_notices_among_them_are_not_remembered_for_ever_either(mailbox: Mailbox, store: Store) -> None:
    outbox = Outbox(store)
    for turn in range(1, 25):
        mailbox.accept([said(turn)])
        mailbox.take(ANA, "a")
        mailbox.defer(ANA, "a", 0, notice=grown(-turn))
        outbox.record(ANA, -turn, 0, "sent", identity="9")
        mailbox.take(ANA, "a")
        said_whole(mailbox, "a", turn=turn)
        outbox.record(ANA, turn, 0, "sent", identity="9")
    assert min(int(turn) for turn in store.client.hkeys(key(ANA, "spoken"))) == -24
    assert store.client.hlen(key(ANA, "spoken")) == 40
