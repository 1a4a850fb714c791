"""A number or a user id that changes: history follows its person, and nobody else ever sees it."""

from __future__ import annotations

import pytest

from bot.message import Message
from bot.received import Status
from bot.stores.alias import ALIAS, FORMER, USERS
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from bot.stores.outbox import Outbox
from bot.stores.taken import Think
from tests.unit.mailboxes import now_ms, reply
from tests.unit.post import ANA, BEA, EVA, A, B, C, Post


@pytest.fixture
def post(store: Store, mailbox: Mailbox) -> Post:
    return Post(store, mailbox)


# -- a number that changes ---------------------------------------------------------------------------


def test_history_follows_to_the_new_number_and_a_stranger_has_one_of_their_own(post: Post) -> None:
    post.write(A)
    post.mailbox.alias(*post.move(A, B))
    assert post.address(A) == B
    assert post.write(B) == A
    stranger = post.write(A)
    assert stranger not in {A, B}
    assert post.address(stranger) == A
    assert [post.write(A), post.write(B)] == [stranger, A]


@pytest.mark.parametrize("times", [1, 3])
def test_a_change_that_is_told_again_changes_nothing(post: Post, times: int) -> None:
    post.write(A)
    move = post.move(A, B)
    post.mailbox.alias(*move)
    stranger = post.write(A)
    for _ in range(times):
        post.mailbox.alias(*move)
    assert [post.write(A), post.write(B)] == [stranger, A]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later one first"])
@pytest.mark.parametrize("told", [1, 2], ids=["once", "twice"])
def test_two_who_change_their_numbers_crosswise_keep_their_histories(
    post: Post, order: tuple[int, int], told: int
) -> None:
    """However it is told, and each is spoken to at their own."""
    post.write(A)
    post.write(B)
    moves = [post.move(A, B), post.move(B, A)]
    moves[1] = (*moves[1][:3], moves[0][3], moves[1][4])  # in the same second
    for _ in range(told):
        for number in order:
            post.mailbox.alias(*moves[number])
    assert (post.address(A), post.address(B)) == (B, A)
    assert [post.write(A), post.write(B)] == [B, A]


def test_while_half_of_a_crossing_is_known_nothing_is_said_to_the_wrong_one(post: Post, mailbox: Mailbox) -> None:
    """What was to be said to Bea waits until she is heard of; then it goes to her."""
    post.write(A)
    post.write(B)
    move = post.move(B, A)
    mailbox.take(B, "w")
    mailbox.commit(B, "w", 1, reply(1))
    post.mailbox.alias(*post.move(A, B)[:3], move[3], "s9")
    assert not isinstance(mailbox.take(B, "w"), Think)
    assert post.state(B, "gone") == "1"
    assert int(post.state(B, "speak_at") or 0) > now_ms(post.store) + 86_400_000
    post.mailbox.alias(*move)
    assert (post.address(B), post.state(B, "gone"), post.state(B, "speak_at")) == (A, None, None)


def test_a_later_change_moves_whoever_has_the_number_then(post: Post) -> None:
    """Ana took Bea's number over, of whose own change nobody has told; then Ana goes on to a third."""
    post.write(A)
    post.write(B)
    post.mailbox.alias(*post.move(A, B))
    post.mailbox.alias(*post.move(B, C))
    assert post.write(C) == A
    assert post.address(A) == C
    assert post.write(B) not in {A, B}


def test_a_chain_of_changes_and_the_way_back(post: Post) -> None:
    post.write(A)
    for old, new in ((A, B), (B, C), (C, A)):
        post.mailbox.alias(*post.move(old, new))
    assert (post.write(A), post.address(A)) == (A, A)
    strangers = {post.write(B), post.write(C)}
    assert len(strangers | {A, B, C}) == 5


def test_a_recycled_number_is_recycled_again(post: Post) -> None:
    """Three people, one after the other, each with their own history."""
    first = post.write(A)
    post.mailbox.alias(*post.move(A, B))
    second = post.write(A)
    post.mailbox.alias(*post.move(A, C))
    third = post.write(A)
    assert len({first, second, third}) == 3
    assert [post.write(one) for one in (B, C, A)] == [first, second, third]


def test_with_the_number_the_user_id_may_change_too(post: Post) -> None:
    """Both in one body, or the new id only with the next message."""
    post.write(A, ANA)
    for move in (post.move(A, B), post.move(ANA, EVA)):
        post.mailbox.alias(*move)
    assert [post.write(B, EVA), post.write(EVA)] == [A, A]
    post.write(C, BEA)
    post.mailbox.alias(*post.move(C, "whatsapp:106540:5551"))
    assert [post.write("whatsapp:106540:5551", "whatsapp:106540:ES.44"), post.write("whatsapp:106540:ES.44")] == [C, C]


def test_an_id_may_not_change_without_being_told_long_after_the_number_did(post: Post) -> None:
    """Whoever has the new number then, with an id that nobody knows, is somebody else."""
    post.write(A, ANA)
    post.mailbox.alias(*post.move(A, B))
    post.write(B, ANA)
    post.store.client.hset(USERS, A, now_ms(post.store) - 9 * 86_400_000)
    assert post.write(B, EVA) == EVA


def test_a_stranger_may_write_before_the_change_is_told(post: Post) -> None:
    post.write(A, ANA)
    move = post.move(A, B)
    assert post.write(A, EVA) == EVA
    post.mailbox.alias(*move)
    assert [post.write(B), post.write(A), post.write(A, EVA)] == [A, EVA, EVA]


def test_a_change_of_somebody_unknown_is_nothing_to_us(post: Post) -> None:
    post.mailbox.alias(*post.move(A, B))
    assert [post.write(A), post.write(B)] == [A, B]
    assert not post.store.client.exists(ALIAS, FORMER, USERS)


def test_in_doubt_nobody_gets_anothers_history(post: Post) -> None:
    """The number was taken over, and of the next change nobody says when it was."""
    post.write(A)
    post.write(B)
    post.mailbox.alias(*post.move(A, B))
    post.mailbox.alias(B, C, True, 0, "s77")
    assert post.write(C) == C


@pytest.mark.parametrize("also", [(), (ANA,), (EVA,)], ids=["no id", "her id", "an id that nobody knew"])
@pytest.mark.parametrize("taken", [False, True], ids=["nobody has it yet", "a stranger has it"])
def test_what_was_written_before_the_change_and_comes_late_is_who_wrote_it(
    post: Post, also: tuple[str, ...], *, taken: bool
) -> None:
    """It takes no number back, and nobody is spoken to there."""
    post.write(A, *([ANA] if ANA in also else []))
    late = Message("late", A, "late", also=also, sent_at=post.clock + 0.5)
    post.clock += 1
    post.mailbox.alias(*post.move(A, B))
    stranger = post.write(A, BEA) if taken else ""
    post.mailbox.accept([late])
    assert post.waiting()[A] == 2
    assert post.address(A) == B
    assert post.write(A) == (stranger or post.write(A))
    assert post.write(A) != A


def say(outbox: Outbox, conversation: str, turn: int) -> str:
    """Whether this turn's reply may go to where its person is spoken to."""
    return outbox.begin(conversation, "w", turn, 0, (), credential="t").permission


def test_nothing_of_somebody_whose_number_is_anothers_goes_there(post: Post, mailbox: Mailbox) -> None:
    """Of several answers none does, whatever ends the wait of the first; nor the answer to what comes late."""
    post.write(A)
    post.write(B)
    late = Message("late", B, "late", sent_at=post.clock)
    outbox = Outbox(post.store)
    mailbox.take(B, "w")
    mailbox.commit(B, "w", 1, reply(1))
    sending = outbox.begin(B, "w", 1, 0, ()).identity
    post.mailbox.alias(*post.move(A, B))
    mailbox.accept([late])
    mailbox.take(B, "w")
    outbox.record(B, 1, 0, "sent", identity="1", mine=sending.partition(".")[0])
    mailbox.take(B, "w")
    assert mailbox.commit(B, "w", 2, reply(2))
    assert say(outbox, B, 2) == "wait"
    assert post.write(B) == A


def test_who_had_their_number_back_has_nothing_of_who_had_it_meanwhile(post: Post) -> None:
    """What that one wrote then, and what comes late, is theirs."""
    post.write(A)
    post.write(B, BEA)
    post.mailbox.alias(*post.move(A, C))
    post.mailbox.alias(*post.move(B, A))
    late = Message("late", A, "late", sent_at=post.clock + 0.5)
    post.clock += 1
    post.mailbox.alias(*post.move(A, "whatsapp:106540:5551"))
    post.mailbox.alias(*post.move(C, A))
    before = post.waiting()
    post.mailbox.accept([late])
    assert {one for one, count in post.waiting().items() if count > before.get(one, 0)} == {B}


# -- statuses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("moves", [[(A, B)], [(A, B), (B, C)], [(A, B), (C, A)]], ids=["once", "twice", "taken over"])
@pytest.mark.parametrize("name", [A, B])
def test_a_status_that_comes_after_the_number_changed_settles_its_bubble(
    post: Post, mailbox: Mailbox, moves: list[tuple[str, str]], name: str
) -> None:
    """It names the number as it was, or as it is."""
    post.write(C)
    post.write(A)
    mailbox.take(A, "w")
    mailbox.commit(A, "w", 1, reply(1))
    outbox = Outbox(post.store)
    reference = outbox.begin(A, "w", 1, 0, ()).identity
    for move in moves:
        mailbox.alias(*post.move(*move))
    assert outbox.settle(Status(name, reference, "sent"))
    assert not post.store.client.exists(key(A, "out"))
