"""The mailbox: each script does its step, does it once when it runs twice, and does no harm when it runs late."""

from __future__ import annotations

import json
import time

import pytest

from bot.message import Limit, Message, Piece, Reply, Turn
from bot.stores import bell
from bot.stores.connection import DUE, Store, key
from bot.stores.history import History
from bot.stores.mailbox import DEAD, QUARANTINE, Later, Mailbox, Rest, Speak, Think
from bot.stores.outbox import Outbox

ANA = "telegram:7:1"
BEA = "telegram:7:2"


def said(number: int, text: str = "", conversation: str = ANA) -> Message:
    return Message(f"{conversation}/{number}", conversation, text or f"message {number}", raw='{"n":1}')


def reply(turn: int, *texts: str) -> Reply:
    return Reply(turn, tuple(Piece(text) for text in texts or ("answer",)))


def taken_texts(mailbox: Mailbox, token: str, conversation: str = ANA) -> list[str]:
    task = mailbox.take(conversation, token)
    assert isinstance(task, Think)
    return [message.text for message in task.batch.messages]


def rings(store: Store) -> int:
    return store.client.llen(bell.QUEUE_KEY)


def due_in_ms(store: Store, conversation: str = ANA) -> float:
    seconds, micros = store.client.time()
    return store.client.zscore(DUE, conversation) - (seconds * 1000 + micros / 1000)


def finish(mailbox: Mailbox, store: Store, token: str, turn: int) -> None:
    answer = reply(turn)
    assert mailbox.commit(ANA, token, turn, answer)
    assert Outbox(store).record(ANA, answer, 0, "sent", platform_id="9")
    assert not mailbox.release(ANA, token)


# -- accept ----------------------------------------------------------------------------------------


def test_accept_keeps_order_and_everything_that_came(mailbox: Mailbox) -> None:
    """What is accepted is taken out in the same order, whole, and numbered."""
    assert mailbox.accept([said(1), said(2), said(3)]) == 3
    task = mailbox.take(ANA, "a")
    assert isinstance(task, Think)
    assert [message.number for message in task.batch.messages] == [1, 2, 3]
    assert task.batch.messages[0] == Message(f"{ANA}/1", ANA, "message 1", raw='{"n":1}', number=1)


def test_accept_twice_is_accept_once(mailbox: Mailbox, store: Store) -> None:
    """A message delivered again is dropped, and rings nobody."""
    assert [mailbox.accept([said(1)]) for _ in range(5)] == [1, 0, 0, 0, 0]
    assert store.client.llen(key(ANA, "in")) == 1
    assert rings(store) == 1


def test_accept_late_after_the_answer_does_nothing(mailbox: Mailbox, store: Store) -> None:
    """A message that comes again when it has long been answered stays dropped."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    finish(mailbox, store, "a", 1)
    assert mailbox.accept([said(1)]) == 0
    assert store.client.zscore(DUE, ANA) is None


def test_a_burst_rings_once_a_conversation(mailbox: Mailbox, store: Store) -> None:
    """However many messages come, a conversation that waits is rung once, and each conversation is."""
    mailbox.accept([said(n) for n in range(4)] + [said(n, conversation=BEA) for n in range(4)])
    mailbox.accept([said(9)])
    assert rings(store) == 2


def test_the_same_id_in_another_account_is_another_message(mailbox: Mailbox) -> None:
    first, second = Message("1", "telegram:7:1", "a"), Message("1", "telegram:8:1", "b")
    assert mailbox.accept([first, second]) == 2


def test_quarantine_keeps_any_bytes(mailbox: Mailbox, store: Store) -> None:
    body = bytes(range(256))
    mailbox.quarantine("whatsapp", body)
    kept = json.loads(store.client.lindex(QUARANTINE, 0))
    assert kept["body"].encode("latin-1") == body


# -- take ------------------------------------------------------------------------------------------


def test_take_twice_gives_the_same_turn(mailbox: Mailbox) -> None:
    """The holder that lost the answer asks again and gets the same batch and number."""
    mailbox.accept([said(1), said(2)])
    assert mailbox.take(ANA, "a") == mailbox.take(ANA, "a")


def test_take_is_refused_while_another_holds_the_lease(mailbox: Mailbox) -> None:
    mailbox.accept([said(1)])
    assert isinstance(mailbox.take(ANA, "a"), Think)
    assert mailbox.take(ANA, "b") == Rest()


def test_take_after_a_crash_replays_the_turn(mailbox: Mailbox, store: Store) -> None:
    """The lease of a dead worker ends, and the next one gets the same batch under the same number."""
    mailbox.accept([said(1)])
    before = mailbox.take(ANA, "a")
    mailbox.accept([said(2)])
    store.client.delete(key(ANA, "lease"))
    after = mailbox.take(ANA, "b")
    assert isinstance(before, Think)
    assert isinstance(after, Think)
    assert after.batch == before.batch


def test_take_late_finds_nothing_and_leaves_nothing(mailbox: Mailbox, store: Store) -> None:
    """A ring too many, when all is answered, changes nothing."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    finish(mailbox, store, "a", 1)
    assert mailbox.take(ANA, "b") == Rest()
    assert store.client.exists(key(ANA, "lease")) == 0
    assert store.client.zcard(DUE) == 0


def test_a_batch_holds_at_most_twenty_and_a_command_stands_alone(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(n) for n in range(22)] + [said(50, "/reset"), said(51)])
    sizes = []
    for turn in range(1, 5):
        sizes.append(len(taken_texts(mailbox, "a")))
        mailbox.commit(ANA, "a", turn, None)
    assert sizes == [20, 2, 1, 1]


def test_take_caps_a_lease_that_a_clock_made_too_long(mailbox: Mailbox, store: Store) -> None:
    """A lease longer than any lease proves that the clock went back; nobody waits hours for it."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    store.client.pexpire(key(ANA, "lease"), 3 * 3_600_000)
    mailbox.take(ANA, "b")
    assert store.client.pttl(key(ANA, "lease")) <= 15_000


# -- listen ----------------------------------------------------------------------------------------


@pytest.fixture
def listening(store: Store) -> Mailbox:
    return Mailbox(store, lease=15, quiet=0.15, cap=0.3, days=30)


def test_take_listens_until_the_burst_is_over(listening: Mailbox) -> None:
    """Within the quiet time nobody thinks; after it the whole burst is one turn."""
    listening.accept([said(1)])
    later = listening.take(ANA, "a")
    assert isinstance(later, Later)
    assert later.listening
    assert 0 < later.seconds <= 0.15
    time.sleep(0.1)
    listening.accept([said(2)])
    assert isinstance(listening.take(ANA, "a"), Later)
    time.sleep(0.16)
    assert taken_texts(listening, "a") == ["message 1", "message 2"]


def test_listening_ends_at_the_cap(listening: Mailbox) -> None:
    """Whoever keeps writing is answered after the cap."""
    started = time.monotonic()
    number = 0
    while not isinstance(listening.take(ANA, "a"), Think):
        number += 1
        listening.accept([said(number)])
        assert time.monotonic() - started < 2
        time.sleep(0.02)
    assert 0.3 <= time.monotonic() - started < 0.6


def test_a_command_is_never_listened_to(listening: Mailbox, store: Store) -> None:
    """A command is taken at once, also when it ends a burst that is being listened to: it rings again."""
    listening.accept([said(1)])
    assert isinstance(listening.take(ANA, "a"), Later)
    store.client.delete(bell.QUEUE_KEY)
    listening.accept([said(2, "/help")])
    assert rings(store) == 1
    assert taken_texts(listening, "a") == ["message 1"]


# -- renew -----------------------------------------------------------------------------------------


def test_renew_extends_ours_and_tells_what_is_lost(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1), said(1, conversation=BEA)])
    mailbox.take(ANA, "a")
    mailbox.take(BEA, "b")
    store.client.pexpire(key(ANA, "lease"), 50)
    held = [(ANA, "a"), (BEA, "not b")]
    assert mailbox.renew(held) == mailbox.renew(held) == {BEA}
    assert store.client.pttl(key(ANA, "lease")) > 10_000


def test_renew_late_brings_no_lease_back(mailbox: Mailbox, store: Store) -> None:
    """A conversation that was released stays released."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    finish(mailbox, store, "a", 1)
    assert mailbox.renew([(ANA, "a")]) == {ANA}
    assert store.client.exists(key(ANA, "lease")) == 0
    assert store.client.zcard(DUE) == 0


# -- commit ----------------------------------------------------------------------------------------


def test_commit_twice_is_commit_once(mailbox: Mailbox, store: Store) -> None:
    """A worker that lost the answer commits again: one reply, one pair of turns, the same yes."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    turns = [Turn("user", "message 1", 3, 1), Turn("assistant", "answer", 2, 1)]
    assert [mailbox.commit(ANA, "a", 1, reply(1), turns) for _ in range(2)] == [True, True]
    assert store.client.llen(key(ANA, "out")) == 1
    assert History(store).tail(ANA, 0, 1000) == turns


def test_commit_is_fenced(mailbox: Mailbox, store: Store) -> None:
    """A worker whose lease went to another cannot commit; the other's reply counts."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "slow")
    store.client.delete(key(ANA, "lease"))
    mailbox.take(ANA, "fast")
    assert not mailbox.commit(ANA, "slow", 1, reply(1, "slow"))
    assert mailbox.commit(ANA, "fast", 1, reply(1, "fast"))
    task = mailbox.take(ANA, "fast")
    assert isinstance(task, Speak)
    assert task.reply == reply(1, "fast")


def test_commit_late_changes_nothing(mailbox: Mailbox, store: Store) -> None:
    """A commit that arrives when the turn is long over says yes and writes nothing."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    finish(mailbox, store, "a", 1)
    assert mailbox.commit(ANA, "a", 1, reply(1))
    assert store.client.exists(key(ANA, "out")) == 0


def test_commit_clear_forgets_and_bury_keeps_the_batch(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1), said(2, "/reset"), said(3)])
    mailbox.take(ANA, "a")
    mailbox.commit(ANA, "a", 1, None, [Turn("user", "message 1", 3, 1)], window=1, language="en")
    mailbox.take(ANA, "a")
    mailbox.commit(ANA, "a", 2, None, mode="clear")
    assert History(store).tail(ANA, 0, 1000) == []
    task = mailbox.take(ANA, "a")
    assert isinstance(task, Think)
    assert (task.state.get("window"), task.state["language"]) == (None, "en")
    mailbox.commit(ANA, "a", 3, None, mode="bury")
    assert store.client.llen(key(ANA, "dead")) == 1
    assert store.client.zscore(DEAD, ANA) > 0


# -- defer -----------------------------------------------------------------------------------------


def test_defer_gives_the_lease_back_and_keeps_the_turn(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    mailbox.defer(ANA, "a", 0.05)
    assert isinstance(mailbox.take(ANA, "b"), Later)
    time.sleep(0.06)
    assert taken_texts(mailbox, "b") == ["message 1"]


def test_defer_waits_twice_as_long_each_time_and_at_most_half_a_minute(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1)])
    waited = []
    for _ in range(8):
        store.client.hdel(key(ANA, "state"), "think_at")
        mailbox.take(ANA, "a")
        mailbox.defer(ANA, "a", 1)
        waited.append(round(due_in_ms(store) / 1000))
    assert waited == [1, 2, 4, 8, 16, 30, 30, 30]


def test_defer_twice_or_late_counts_once(mailbox: Mailbox, store: Store) -> None:
    """Whoever no longer has the lease defers nothing."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    mailbox.defer(ANA, "a", 1, failed=True)
    mailbox.defer(ANA, "a", 1, failed=True)
    assert store.client.hget(key(ANA, "state"), "tries") == b"1"
    assert due_in_ms(store) <= 1000


def test_the_notice_is_told_once_until_the_answer(mailbox: Mailbox, store: Store) -> None:
    """However often a turn is deferred, the person hears of it once."""
    mailbox.accept([said(1)])
    for _ in range(3):
        store.client.hdel(key(ANA, "state"), "think_at")
        task = mailbox.take(ANA, "a")
        if isinstance(task, Speak):
            Outbox(store).record(ANA, task.reply, 0, "sent")
            task = mailbox.take(ANA, "a")
        mailbox.defer(ANA, "a", 0.01, notice=reply(-1, "slow"))
    assert store.client.llen(key(ANA, "out")) == 0
    assert store.client.hget(key(ANA, "state"), "told") == b"1"


# -- release ---------------------------------------------------------------------------------------


def test_release_leaves_a_silent_conversation_without_lease_or_due(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    finish(mailbox, store, "a", 1)
    assert store.client.zcard(DUE) == 0
    assert 0 < store.client.pttl(key(ANA, "state")) <= 30 * 86_400_000
    assert store.client.pttl(key(ANA, "turn")) > 0


def test_a_conversation_that_goes_on_is_not_forgotten_in_the_middle(mailbox: Mailbox, store: Store) -> None:
    """The next message takes back the expiry of turn and state together: the numbers go on."""
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    finish(mailbox, store, "a", 1)
    mailbox.accept([said(2)])
    assert store.client.pttl(key(ANA, "state")) == store.client.pttl(key(ANA, "turn")) == -1
    task = mailbox.take(ANA, "b")
    assert isinstance(task, Think)
    assert task.batch.turn == 2


def test_release_goes_on_here_when_nobody_else_waits(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1)])
    store.client.delete(bell.QUEUE_KEY)
    mailbox.take(ANA, "a")
    mailbox.accept([said(2)])
    mailbox.commit(ANA, "a", 1, None)
    assert [mailbox.release(ANA, "a"), mailbox.release(ANA, "a")] == [True, True]
    assert store.client.get(key(ANA, "lease")) == b"a"


def test_release_goes_to_the_end_of_the_line_when_somebody_waits(mailbox: Mailbox, store: Store) -> None:
    """Whoever writes much waits behind whoever writes once."""
    mailbox.accept([said(1)])
    store.client.delete(bell.QUEUE_KEY)
    mailbox.take(ANA, "a")
    mailbox.accept([said(2), said(1, conversation=BEA)])
    mailbox.commit(ANA, "a", 1, None)
    assert [mailbox.release(ANA, "a"), mailbox.release(ANA, "a")] == [False, False]
    assert rings(store) == 2
    assert store.client.exists(key(ANA, "lease")) == 0
    assert due_in_ms(store) <= 1000


def test_release_late_takes_nothing_from_the_next_holder(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    store.client.delete(key(ANA, "lease"))
    mailbox.take(ANA, "b")
    assert not mailbox.release(ANA, "a")
    assert store.client.get(key(ANA, "lease")) == b"b"


# -- sweep -----------------------------------------------------------------------------------------


def test_sweep_rings_what_a_lost_ring_left(mailbox: Mailbox, store: Store) -> None:
    """A wake-up that vanished is rung again when its time is up, and not before."""
    mailbox.accept([said(1)])
    store.client.delete(bell.QUEUE_KEY)
    assert mailbox.sweep()[0] == 0
    store.client.zadd(DUE, {ANA: 1})
    assert mailbox.sweep()[0] == 1
    assert mailbox.sweep()[0] == 0
    assert rings(store) == 1


def test_sweep_rings_less_and_less_often_until_somebody_takes(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([said(1)])
    steps = []
    for _ in range(7):
        store.client.zadd(DUE, {ANA: 1})
        mailbox.sweep()
        steps.append(round(due_in_ms(store) / 1000))
    assert steps == [1, 2, 4, 8, 16, 30, 30]
    mailbox.take(ANA, "a")
    assert store.client.hget(key(ANA, "state"), "ring_delay") is None


def test_sweep_says_when_to_look_again(mailbox: Mailbox) -> None:
    assert mailbox.sweep() == (0, None)
    mailbox.accept([said(1)])
    _, seconds = mailbox.sweep()
    assert seconds is not None
    assert 0.5 < seconds <= 1


# -- outbox ----------------------------------------------------------------------------------------


def staged(mailbox: Mailbox, *texts: str) -> Reply:
    mailbox.accept([said(1)])
    mailbox.take(ANA, "a")
    answer = reply(1, *texts)
    mailbox.commit(ANA, "a", 1, answer)
    return answer


def test_begin_is_fenced(mailbox: Mailbox, store: Store) -> None:
    """Only the holder of the lease may say that a bubble is about to be sent."""
    answer, outbox = staged(mailbox), Outbox(store)
    assert outbox.begin(ANA, "b", answer, 0, ()) == ("lost", 0)
    assert store.client.hget(key(ANA, "state"), "piece:1:0") is None
    assert [outbox.begin(ANA, "a", answer, 0, ()) for _ in range(2)] == [("go", 0), ("go", 0)]
    assert store.client.hget(key(ANA, "state"), "piece:1:0") == b"sending"


def test_begin_hears_that_a_bubble_is_settled(mailbox: Mailbox, store: Store) -> None:
    """What somebody else heard in the meantime counts: a bubble that was sent is not sent again."""
    answer, outbox = staged(mailbox, "one", "two"), Outbox(store)
    outbox.record(ANA, answer, 0, "sent", platform_id="5")
    assert outbox.begin(ANA, "a", answer, 0, ()) == ("settled", 0)
    outbox.record(ANA, answer, 1, "sent")
    assert outbox.begin(ANA, "a", answer, 1, ()) == ("settled", 0)


def test_a_limit_below_one_a_second_lets_one_through(mailbox: Mailbox, store: Store) -> None:
    """Half a bubble a second is one in two seconds, not none."""
    answer, outbox, slow = staged(mailbox, "one", "two"), Outbox(store), Limit("slow", 0.5, 1)
    assert outbox.begin(ANA, "a", answer, 0, [slow]) == ("go", 0)
    what, wait = outbox.begin(ANA, "a", answer, 1, [slow])
    assert what == "wait"
    assert 1.5 < wait <= 2


def test_whoever_waits_for_a_limit_has_a_place_and_comes_once(mailbox: Mailbox, store: Store) -> None:
    """Asking again while waiting takes no second place, and nobody is told to wait for the same moment."""
    outbox, limit = Outbox(store), Limit("slow", 10, 1)
    waits = []
    for person in range(14):
        conversation = f"telegram:7:{person}"
        mailbox.accept([said(1, conversation=conversation)])
        mailbox.take(conversation, "a")
        mailbox.commit(conversation, "a", 1, reply(1))
        first = outbox.begin(conversation, "a", reply(1), 0, [limit])[1]
        again = outbox.begin(conversation, "a", reply(1), 0, [limit])[1] if first else 0
        assert abs(first - again) < 0.05
        waits.append(first)
    assert waits[:10] == [0] * 10
    assert [round(wait, 1) for wait in waits[10:]] == [0.1, 0.2, 0.3, 0.4]


def test_record_settles_a_reply_when_all_its_bubbles_are(mailbox: Mailbox, store: Store) -> None:
    answer, outbox = staged(mailbox, "one", "two"), Outbox(store)
    assert not outbox.record(ANA, answer, 0, "sent", platform_id="5")
    task = mailbox.take(ANA, "a")
    assert isinstance(task, Speak)
    assert task.state["piece:1:0"] == "sent:5"
    assert [outbox.record(ANA, answer, 1, "sent") for _ in range(2)] == [True, True]
    assert not [name for name in store.client.hkeys(key(ANA, "state")) if name.startswith(b"piece")]


def test_record_is_heard_without_a_lease_and_sent_is_final(mailbox: Mailbox, store: Store) -> None:
    """What the platform answered counts, whoever heard it; a later doubt does not undo it."""
    answer, outbox = staged(mailbox, "one", "two"), Outbox(store)
    store.client.delete(key(ANA, "lease"))
    outbox.record(ANA, answer, 0, "sent", platform_id="5")
    outbox.record(ANA, answer, 0, "unknown", wait=60)
    assert store.client.hget(key(ANA, "state"), "piece:1:0") == b"sent:5"
    assert store.client.hget(key(ANA, "state"), "speak_at") is None


def test_an_unknown_outcome_is_counted_once_and_holds_the_outbox(mailbox: Mailbox, store: Store) -> None:
    answer, outbox = staged(mailbox), Outbox(store)
    for _ in range(2):
        outbox.record(ANA, answer, 0, "unknown", wait=0.05)
    assert store.client.hget("recado:counts", "unknown") == b"1"
    assert not mailbox.release(ANA, "a")
    assert isinstance(mailbox.take(ANA, "b"), Later)
    time.sleep(0.06)
    assert isinstance(mailbox.take(ANA, "b"), Speak)


def test_thinking_goes_on_while_a_reply_waits(mailbox: Mailbox, store: Store) -> None:
    """A reply that must wait holds back later replies, not later thoughts."""
    answer, outbox = staged(mailbox), Outbox(store)
    outbox.record(ANA, answer, 0, "staged", wait=30)
    mailbox.release(ANA, "a")
    assert due_in_ms(store) > 20_000
    mailbox.accept([said(2)])
    assert due_in_ms(store) <= 1000
    assert taken_texts(mailbox, "b") == ["message 2"]
    mailbox.commit(ANA, "b", 2, reply(2))
    assert isinstance(mailbox.take(ANA, "b"), Later)
