"""On the chat page a worker dies, or is stopped for longer than its lease: one answer, whole, in one bubble."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from bot.errors import StoreUnavailable
from bot.stores.connection import Store, key
from bot.stores.history import History
from bot.stores.mailbox import Mailbox
from bot.stores.page import PAGE
from tests.unit.fates import Workers, unrest
from tests.unit.mailboxes import ANA
from tests.unit.paged import Indoors, Paged, Watched


def opened(store: Store) -> Workers:
    store.client.flushall()
    return Workers(store, Paged(store))


def every_step(store: Store) -> Iterator[tuple[Workers, int]]:
    """A fresh set of workers for each step that the first one has, and the number of that step."""
    for at in range(1, 200):
        yield (workers := opened(store)), at
        if workers.steps.count < at:
            return
    raise AssertionError("it never ends")


def check(workers: Workers) -> None:
    """What history says that the person was told stands there, once, and no more of it comes."""
    channel = workers.channel
    assert isinstance(channel, Paged)
    question, answer = History(workers.store).tail(ANA, 0, 1000)
    assert question.text == "when?"
    assert [(one.id, one.text, one.growing) for one in channel.page.read(ANA).shown] == [("1.0", answer.text, False)]
    assert unrest(workers.store) == []


def test_killed_at_any_step_the_answer_comes_into_the_same_bubble(store: Store) -> None:
    for workers, at in every_step(store):
        workers.meet(at, workers.steps.die)
        workers.expire()
        workers.finish()
        check(workers)
    assert at > 30


def test_stopped_at_any_step_while_another_does_everything(store: Store) -> None:
    """And then continued: neither its first words nor a preview stand over the final text in the end."""
    for workers, at in every_step(store):
        workers.meet(at, lambda workers=workers: (workers.expire(), workers.finish()))  # type: ignore[misc]
        workers.finish()
        check(workers)


@pytest.mark.parametrize("seed", range(2))
def test_stopped_while_another_dies_halfway(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(20):
        workers, at = opened(store), rng.randrange(1, 45)

        def meanwhile(workers: Workers = workers, at: int = at) -> None:
            workers.compete(at)
            workers.expire()

        workers.meet(rng.randrange(1, 45), meanwhile)
        workers.expire()
        workers.finish()
        check(workers)


def test_an_erasure_at_any_step_leaves_nothing_of_the_conversation(store: Store) -> None:
    """The worker does not know it yet, and nothing that it still says is written anywhere."""
    for workers, at in every_step(store):
        if at == 1:
            continue

        def erase() -> None:
            for part in ("in", "wip", "lease", "turn", "history", "out", "state", "spoken", PAGE):
                store.client.delete(key(ANA, part))
            store.client.zrem("recado:due", ANA)

        workers.meet(at, erase)
        assert list(store.client.scan_iter(f"recado:{{{ANA}}}*")) == [], at


class Failing(Watched):
    """A page whose Redis is away ``before`` or ``after`` it has written: at the next so many calls."""

    before, after = 0, 0

    def put(self, conversation: str, bubble: str, who: str, text: str, *, growing: bool = False) -> None:
        self._fail()
        super().put(conversation, bubble, who, text, growing=growing)
        self._lose()

    def change(self, conversation: str, bubble: str, text: str, *, growing: bool = False) -> None:
        self._fail()
        super().change(conversation, bubble, text, growing=growing)
        self._lose()

    def _fail(self) -> None:
        if self.before:
            self.before -= 1
            raise StoreUnavailable("Redis is away")

    def _lose(self) -> None:
        if self.after:
            self.after -= 1
            raise StoreUnavailable("the answer was lost")


@pytest.mark.parametrize("what", ["/help", "when?"])
@pytest.mark.parametrize(("before", "after"), [(1, 0), (0, 1), (2, 1)])
def test_what_redis_did_not_take_is_said_again_into_the_same_bubble(
    store: Store, what: str, before: int, after: int
) -> None:
    """A command's answer, which is put there whole, and a model's, which grows."""
    world = Indoors(store)
    tab = world.tab()
    tab.say(what)
    world.web.board = failing = Failing(store)
    failing.before, failing.after = before, after
    for _ in range(6):
        world.answerer.answer(tab.conversation)
        store.client.hdel(key(tab.conversation, "state"), "speak_at", "pause_at")

    assert (failing.before, failing.after) == (0, 0)
    assert not world.mailbox.has_work(tab.conversation)
    [_, answer] = tab.shown
    assert (answer.growing, answer.text) == (False, {"when?": "re: when?"}.get(what, answer.text))


def test_a_page_that_dies_before_the_mailbox_has_it_can_say_it_again(store: Store, mailbox: Mailbox) -> None:
    """What stands there and was never accepted is accepted later, under the same id; what was is not twice."""
    world = Indoors(store)
    tab = world.tab()
    lost = tab.put("when?")
    assert not mailbox.has_work(tab.conversation)
    accepted = [mailbox.accept([tab.message("when?", lost.id)]) for _ in range(2)]
    world.work(tab)

    assert accepted == [1, 0]
    assert tab.texts == ["when?", "re: when?"]
