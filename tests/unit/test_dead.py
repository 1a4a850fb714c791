"""Dead letters: an operator sees whose they are, reads them, and lets them be answered after all."""

from __future__ import annotations

from bot.message import Message
from bot.stores.connection import DUE, Store, key
from bot.stores.dead import DeadLetters
from bot.stores.mailbox import DEAD, Mailbox, Think
from bot.stores.person import Person
from tests.unit.mailboxes import ANA, BEA, in_line, now_ms, said, taken_texts
from tests.unit.worlds import World


def die(mailbox: Mailbox, *messages: Message, reason: str = "RuntimeError") -> None:
    """These messages are one turn, and it is buried without a word."""
    conversation = messages[0].conversation
    mailbox.accept(messages)
    task = mailbox.take(conversation, "a")
    assert isinstance(task, Think)
    assert mailbox.commit(conversation, "a", task.batch.turn, None, mode="bury", reason=reason)
    mailbox.release(conversation, "a")


def test_whose_since_when_how_many_and_why(store: Store, mailbox: Mailbox) -> None:
    before = now_ms(store) / 1000
    die(mailbox, said(1), said(2), reason="ValueError")
    die(mailbox, said(3, conversation=BEA), reason="five workers died")
    ana, bea = DeadLetters(store).all()

    assert (ana.conversation, ana.messages, ana.reason) == (ANA, 2, "ValueError")
    assert (bea.conversation, bea.messages, bea.reason) == (BEA, 1, "five workers died")
    assert before <= ana.died_at <= bea.died_at <= now_ms(store) / 1000
    assert DeadLetters(store).of(Person.parse(BEA)) == [bea]


def test_the_messages_can_be_read(store: Store, mailbox: Mailbox) -> None:
    die(mailbox, said(1, "uno|dos\ntres"), said(2, "🎂"))
    assert [message.text for message in DeadLetters(store).read(ANA)] == ["uno|dos\ntres", "🎂"]


def test_retried_they_come_last_with_new_numbers_and_in_their_order(store: Store, mailbox: Mailbox) -> None:
    die(mailbox, said(1), said(2))
    mailbox.accept([said(3)])

    assert DeadLetters(store).retry(ANA) == 2
    task = mailbox.take(ANA, "b")
    assert isinstance(task, Think)
    assert [(message.number, message.text) for message in task.batch.messages] == [
        (3, "message 3"), (4, "message 1"), (5, "message 2"),
    ]  # fmt: skip


def test_a_retry_rings(store: Store, mailbox: Mailbox) -> None:
    """Without another message of the person, and in the very step."""
    die(mailbox, said(1))
    store.client.delete("rq:queue:recado")
    DeadLetters(store).retry(ANA)
    assert in_line(store) == [ANA]
    assert store.client.zscore(DUE, ANA)


def test_a_retry_leaves_a_turn_that_is_being_thought_alone(store: Store, mailbox: Mailbox) -> None:
    """Its worker finds them when it is done; nobody else is called meanwhile."""
    die(mailbox, said(1))
    mailbox.accept([said(2)])
    mailbox.take(ANA, "b")
    due, rung = store.client.zscore(DUE, ANA), in_line(store)
    DeadLetters(store).retry(ANA)
    assert (store.client.zscore(DUE, ANA), in_line(store)) == (due, rung)

    assert mailbox.commit(ANA, "b", 2, None)
    mailbox.release(ANA, "b")
    assert taken_texts(mailbox, "c") == ["message 1"]


def test_a_second_retry_does_no_harm(store: Store, mailbox: Mailbox) -> None:
    die(mailbox, said(1))
    letters = DeadLetters(store)
    assert (letters.retry(ANA), letters.retry(ANA)) == (1, 0)
    assert store.client.llen(key(ANA, "in")) == 1
    assert letters.all() == []
    assert not store.client.exists(DEAD, key(ANA, "dead"))
    assert store.client.hget(key(ANA, "state"), "dead_reason") is None


def test_a_conversation_at_rest_is_kept_again_until_it_is_answered(store: Store, mailbox: Mailbox) -> None:
    """Its state was to be forgotten after HISTORY_DAYS; now somebody waits."""
    die(mailbox, said(1))
    assert store.client.ttl(key(ANA, "state")) > 0
    DeadLetters(store).retry(ANA)
    assert store.client.ttl(key(ANA, "state")) == store.client.ttl(key(ANA, "turn")) == -1


def test_the_person_gets_the_answer_after_all(store: Store) -> None:
    world = World(store)
    world.say("hola")
    world.mailbox.take(ANA, "poisoned")
    world.mailbox.commit(ANA, "poisoned", 1, None, mode="bury", reason="RuntimeError")
    world.mailbox.release(ANA, "poisoned")
    world.answerer.answer(ANA)
    assert world.channel.spoken == []

    DeadLetters(store).retry(ANA)
    world.answerer.answer(ANA)
    assert world.channel.spoken == ["re: hola"]
    assert world.rest()
