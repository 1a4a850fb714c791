"""One person may have a telephone number and a user id: they are one conversation, and are spoken to where they are."""

from __future__ import annotations

import pytest

from bot.errors import Undelivered
from bot.message import Limit, Message, Piece
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from tests.unit.mailboxes import ANA as WORLD
from tests.unit.mailboxes import now_ms
from tests.unit.post import ANA, BEA, EVA, A, B, C, Post
from tests.unit.worlds import FakeChannel, World


@pytest.fixture
def post(store: Store, mailbox: Mailbox) -> Post:
    return Post(store, mailbox)


# -- one person with two names -----------------------------------------------------------------------


def test_whoever_is_known_by_both_names_is_found_by_each(post: Post) -> None:
    assert [post.write(A, ANA), post.write(ANA), post.write(A), post.write(A, ANA)] == [A] * 4


def test_whoever_was_first_heard_of_by_their_id_keeps_that_name(post: Post) -> None:
    assert [post.write(ANA), post.write(A, ANA), post.write(A)] == [ANA] * 3


def test_a_number_that_is_known_learns_its_user_id(post: Post) -> None:
    assert [post.write(A), post.write(A, ANA), post.write(ANA)] == [A] * 3


def test_the_person_is_spoken_to_under_the_name_under_which_they_wrote_last(post: Post) -> None:
    for names, address in (((A, ANA), A), ((ANA,), ANA), ((A,), A)):
        post.write(*names)
        assert post.address(A) == address


def test_an_older_message_that_comes_late_changes_no_address(post: Post) -> None:
    post.write(A, ANA)
    post.write(ANA)
    post.mailbox.accept([Message("late", A, "old", sent_at=post.clock - 600)])
    assert post.address(A) == ANA


def test_two_names_in_one_body_link_before_what_follows_in_it(post: Post) -> None:
    post.mailbox.accept([Message("1", A, "uno", also=(ANA,)), Message("2", ANA, "dos")])
    assert post.waiting() == {A: 2}


def test_a_number_with_another_user_id_is_another_person(post: Post) -> None:
    """The number was given up and somebody else has it: a conversation of their own, and what is still to be said to
    the one before goes to their user id."""
    post.write(A, ANA)
    assert post.write(A, EVA) == EVA
    assert [post.write(A), post.write(A, EVA), post.write(EVA)] == [EVA] * 3
    assert post.write(ANA) == A
    assert (post.address(A), post.address(EVA)) == (ANA, EVA)


def test_who_had_the_number_is_spoken_to_by_their_id_at_once(post: Post) -> None:
    post.write(A, ANA)
    post.write(A, EVA)
    assert post.address(A) == ANA


def test_a_known_person_who_gets_anothers_number_keeps_their_own_history(post: Post) -> None:
    post.write(A, ANA)
    post.write(B, BEA)
    assert post.write(A, BEA) == B
    assert post.write(A) == B
    assert post.write(C, ANA) == A
    assert (post.address(A), post.address(B)) == (C, A)


def test_the_business_own_words_change_no_address(post: Post) -> None:
    post.write(A, ANA)
    post.write(ANA)
    assert post.write(A, ANA, ours=True) == A
    assert post.address(A) == ANA


# -- when the person was heard -----------------------------------------------------------------------


def test_the_last_time_a_person_was_heard_is_known(post: Post) -> None:
    """As their platform says it, where that can be; not later than now, and not what the business said."""
    now = now_ms(post.store)
    for number, (sent, heard) in enumerate(((now - 5000, now - 5000), (now - 9000, now - 5000), (now + 90_000, now))):
        post.mailbox.accept([Message(f"h{number}", A, "hola", sent_at=sent / 1000)])
        assert abs(int(post.state(A, "heard_at") or 0) - heard) < 1500
    before = post.state(A, "heard_at")
    post.mailbox.accept([Message("h9", A, "soy yo", ours=True, sent_at=now / 1000 + 1)])
    assert post.state(A, "heard_at") == before


@pytest.mark.parametrize("sent", [0.0, 1.0], ids=["no time", "no time that can be"])
def test_without_a_time_it_is_now(post: Post, sent: float) -> None:
    post.mailbox.accept([Message("h", A, "hola", sent_at=sent)])
    assert abs(int(post.state(A, "heard_at") or 0) - now_ms(post.store)) < 1500


# -- the worker ----------------------------------------------------------------------------------------


class Addressed(FakeChannel):
    """Remembers where each bubble and each sign of typing went, and whose limits were asked."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[tuple[str, str]] = []

    def limits(self, conversation: str) -> tuple[Limit, ...]:
        self.places.append(("limits", conversation))
        return super().limits(conversation)

    def speak(self, conversation: str, piece: Piece, reference: str) -> str:
        self.places.append(("speak", conversation))
        return super().speak(conversation, piece, reference)

    def show_typing(self, conversation: str, message_id: str) -> None:
        self.places.append(("typing", conversation))


def test_the_worker_speaks_types_and_counts_where_the_person_is(store: Store) -> None:
    channel = Addressed()
    world, new = World(store, channel=channel), "fake:7:99"
    world.answer("hola")
    assert set(channel.places) == {("limits", WORLD), ("speak", WORLD), ("typing", WORLD)}
    world.mailbox.alias(WORLD, new, True, now_ms(store) / 1000 - 60, "s1")
    channel.places.clear()
    world.say("it is me", conversation=new)
    world.answerer.answer(WORLD)
    assert world.channel.spoken == ["re: hola", "re: it is me"]
    assert set(channel.places) == {("limits", new), ("speak", new), ("typing", new)}
    assert "hola" in str(world.backend.prompts[-1].turns)


def test_what_waits_for_a_person_goes_to_their_new_number(store: Store) -> None:
    """An answer that was ready when the number changed is not said to whoever has the old one next."""
    channel = Addressed()
    world, new = World(store, channel=channel), "fake:7:99"
    channel.fail = [Undelivered("down")]
    world.answer("hola")
    world.mailbox.alias(WORLD, new, True, now_ms(store) / 1000, "s1")
    store.client.hdel(key(WORLD, "state"), "speak_at")
    world.answerer.answer(WORLD)
    assert world.channel.spoken == ["re: hola"]
    assert [place for what, place in channel.places if what == "speak"] == [WORLD, new]
