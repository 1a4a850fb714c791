"""What its sender takes back is not answered and not remembered, wherever it stands by then."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.message import Attachment, Message, Piece, Reply, Turn
from bot.stores.connection import DUE, Store, key
from bot.stores.history import History
from bot.stores.mailbox import Mailbox
from bot.stores.taken import Mark, Revised, Think
from tests.unit.backgrounds import NEVER, Worker
from tests.unit.everything import everything
from tests.unit.fates import EditingChannel, Workers, unrest
from tests.unit.mailboxes import ANA, counted, state, taken_texts
from tests.unit.talks import remembered, rest
from tests.unit.worlds import World

SECRET = "my-secret-4711"


def written(number: int, text: str = "") -> Message:
    """As WhatsApp's are: one id for the message and its bubble."""
    return Message(f"m{number}", ANA, text or f"message {number}", bubble=f"m{number}", raw=f'{{"{text}":{number}}}')


def revoked(of: int, number: int = 90) -> Message:
    return Message(f"m{number}", ANA, "", bubble=f"m{number}", revokes=f"m{of}")


def edited(of: int, text: str, number: int = 80) -> Message:
    return Message(f"m{number}", ANA, text, bubble=f"m{number}", replaces=f"m{of}")


# -- where it stands ---------------------------------------------------------------------------------


def test_what_waits_goes(mailbox: Mailbox) -> None:
    mailbox.accept([written(1), written(2), written(3)])
    assert mailbox.accept([revoked(2)]) == 1
    assert taken_texts(mailbox, "a") == ["message 1", "message 3"]


def test_when_nothing_is_left_nothing_is_answered(world: World, store: Store) -> None:
    world.mailbox.accept([written(1)])
    world.mailbox.accept([revoked(1)])
    rest(world)
    assert (world.channel.spoken, remembered(store), world.backend.prompts) == ([], [], [])
    assert unrest(store) == []


def test_what_is_being_answered_is_thought_anew_without_it(mailbox: Mailbox, store: Store) -> None:
    """A commit of the words with it is refused."""
    mailbox.accept([written(1), written(2, SECRET)])
    mailbox.take(ANA, "a")
    mailbox.accept([revoked(2)])
    assert mailbox.renew([(ANA, "a", ())]).marks == {"a": Mark(1, "1", stopped=False)}
    with pytest.raises(Revised):
        mailbox.commit(ANA, "a", 1, None, [Turn("user", f"message 1\n{SECRET}", 2, 1)])
    assert taken_texts(mailbox, "a") == ["message 1"]
    assert SECRET not in str(everything(store))


def test_a_turn_of_which_nothing_is_left_is_only_heard(world: World, store: Store) -> None:
    world.mailbox.accept([written(1, SECRET)])
    world.mailbox.take(ANA, "a")
    world.mailbox.accept([revoked(1)])
    world.mailbox.defer(ANA, "a", 0)
    world.think_again()
    assert (world.channel.spoken, remembered(store), world.backend.prompts) == ([], [], [])
    assert counted(store, "heard") == 1
    assert unrest(store) == []


@pytest.mark.parametrize("of", [1, 2, 3])
def test_what_is_answered_leaves_the_history_and_the_rest_stays(world: World, store: Store, of: int) -> None:
    """Its own line goes, whatever is in it; the answer stays as it was."""
    texts = ["uno", 'dos: "ñandú" 🙂\nen dos líneas', "tres \\ /"]
    world.mailbox.accept([written(number, text) for number, text in enumerate(texts, 1)])
    rest(world)
    world.mailbox.accept([revoked(of)])
    left = "\n".join(text for number, text in enumerate(texts, 1) if number != of)
    assert [turn[:2] for turn in remembered(store)] == [("user", left), ("assistant", "re: " + "\n".join(texts))]
    (asked, _) = History(store).tail(ANA, 0, 10_000)
    assert [bubble for bubble, _ in asked.said] == [f"m{number}" for number in (1, 2, 3) if number != of]
    assert sum(size for _, size in asked.said) + 1 == len(left.encode())


def test_all_of_a_question_may_go_one_after_the_other(world: World, store: Store) -> None:
    world.mailbox.accept([written(1), written(2)])
    rest(world)
    world.mailbox.accept([revoked(1, 91), revoked(2, 92)])
    assert [turn[0] for turn in remembered(store)] == ["assistant"]


def test_what_the_business_takes_back_itself_goes_too(world: World, store: Store) -> None:
    world.mailbox.accept([Message("m1", ANA, SECRET, bubble="m1", ours=True), written(2)])
    rest(world)
    world.mailbox.accept([Message("m9", ANA, "", revokes="m1", ours=True)])
    assert remembered(store) == [("user", "message 2", "owner")]


def test_what_was_only_heard_leaves_too(world: World, store: Store) -> None:
    world.answer("/baja")
    world.mailbox.accept([written(1, SECRET)])
    rest(world)
    world.mailbox.accept([revoked(1)])
    assert remembered(store) == []


def test_a_dead_letter_goes(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([written(1, SECRET)])
    mailbox.take(ANA, "a")
    mailbox.commit(ANA, "a", 1, Reply(1, (Piece("sorry"),)), mode="bury", reason="broke")
    mailbox.accept([revoked(1)])
    assert not store.client.exists(key(ANA, "dead"), "recado:dead")
    assert SECRET not in str(everything(store))


def test_a_file_goes_with_its_message(mailbox: Mailbox) -> None:
    mailbox.accept([Message("m1", ANA, "", bubble="m1", attachments=(Attachment("image", "f1"),)), written(2)])
    mailbox.take(ANA, "a")
    mailbox.accept([revoked(1)])
    task = mailbox.take(ANA, "a")
    assert isinstance(task, Think)
    assert [message.attachments for message in task.batch.messages] == [()]


def test_the_platforms_own_words_go_with_it(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([written(1, SECRET), written(2)], raw_hours=72)
    mailbox.accept([revoked(1)], raw_hours=72)
    assert SECRET not in str(everything(store))
    assert store.client.xlen(key(ANA, "raw")) == 1


# -- before, twice, and after ------------------------------------------------------------------------


def test_what_is_taken_back_before_it_comes_is_not_answered(mailbox: Mailbox, store: Store) -> None:
    """A platform's order is not promised."""
    assert mailbox.accept([revoked(1)]) == 1
    assert mailbox.accept([written(1)]) == 0
    assert store.client.zscore(DUE, ANA) is None


def test_it_is_told_again_and_nothing_else_goes(mailbox: Mailbox) -> None:
    mailbox.accept([written(1), written(2)])
    assert [mailbox.accept([revoked(1)]) for _ in range(3)] == [1, 0, 0]
    assert taken_texts(mailbox, "a") == ["message 2"]


@pytest.mark.parametrize("taken", [False, True], ids=["while it waited", "while it was thought"])
def test_an_edit_afterwards_brings_nothing_back(mailbox: Mailbox, store: Store, *, taken: bool) -> None:
    mailbox.accept([written(1, SECRET), written(2)])
    if taken:
        mailbox.take(ANA, "a")
    mailbox.accept([revoked(1)])
    assert mailbox.accept([edited(1, SECRET)]) == 0
    assert taken_texts(mailbox, "a") == ["message 2"]
    assert SECRET not in str(everything(store))


def test_what_was_put_right_can_be_taken_back(mailbox: Mailbox) -> None:
    mailbox.accept([written(1), written(2)])
    mailbox.accept([edited(1, "better")])
    mailbox.accept([revoked(1)])
    assert taken_texts(mailbox, "a") == ["message 2"]


def test_a_text_that_names_another_bubble_stays(world: World, store: Store) -> None:
    world.mailbox.accept([written(1, '"m2"'), written(3)])
    rest(world)
    world.mailbox.accept([revoked(2)])
    assert remembered(store)[0][1] == '"m2"\nmessage 3'


# -- while the model speaks --------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_the_request_to_the_model_ends(started: Callable[..., Worker], store: Store) -> None:
    worker = started()
    worker.backend.pace = NEVER
    worker.mailbox.accept([written(1)])
    thinking = worker.think()
    worker.mailbox.accept([revoked(1)])
    thinking.join(5)
    assert worker.backend.streams[0].closed
    rest(worker)
    assert (worker.channel.spoken, remembered(store)) == ([], [])


@pytest.mark.parametrize("at", range(1, 31))
def test_a_worker_may_die_at_any_step_beside_it(store: Store, at: int) -> None:
    """The words are in nobody's memory afterwards; one answer at most is shown, and that is remembered."""
    workers = Workers(store, EditingChannel())
    workers.heir.say = lambda *_, **__: workers.heir.mailbox.accept([written(1, SECRET)]) and None  # type: ignore[method-assign]

    def fate() -> None:
        workers.heir.mailbox.accept([revoked(1)])
        workers.steps.die()

    workers.meet(at, fate)
    workers.expire()
    if workers.steps.count < at:
        workers.heir.mailbox.accept([revoked(1)])
    workers.finish()
    assert SECRET not in str(everything(store))
    assert len([turn for turn in remembered(store) if turn[0] == "assistant"]) <= 1
    assert state(store, "revision") is None
    assert unrest(store) == []
