"""A person is erased while a worker speaks to them, and writes again: what the old worker hears settles nothing new."""

from __future__ import annotations

import pytest

from bot.errors import Blocked, DeliveryError, RateLimited, Refused, Undelivered, Unknown
from bot.stores import erase
from bot.stores.connection import Store
from bot.stores.outbox import Outbox
from bot.stores.person import Person
from tests.unit.bubbles import grown, open_it
from tests.unit.fates import EditingChannel
from tests.unit.mailboxes import ANA, reply, state
from tests.unit.worlds import FakeChannel, World

OUTCOMES = [None, Refused("no"), Blocked("gone"), Unknown("lost"), Undelivered("down"), RateLimited("slow", 1)]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker here needs time to notice."""
    monkeypatch.setattr(erase, "NOTICE_SECONDS", 0)


def begin_anew(world: World, call: str) -> None:
    """In the middle of the next such call the person is erased, writes again, and another worker begins its answer."""

    def meanwhile(name: str) -> None:
        if name != call:
            return
        world.channel.before = lambda _: None
        erase.erase(world.store, Person.parse(ANA))
        world.say("who are you?")
        world.mailbox.take(ANA, "new")
        words = "the new answer, in more words than one"
        grows = world.channel.edits
        world.mailbox.commit(ANA, "new", 1, grown(1, words) if grows else reply(1, words))
        if call == "edit":
            open_it(Outbox(world.store), "new", "new bubble")
        else:
            Outbox(world.store).begin(ANA, "new", 1, 0, (), mode="open" if grows else "send")

    world.channel.before = meanwhile


@pytest.mark.parametrize("error", OUTCOMES, ids=str)
@pytest.mark.parametrize("channel", [FakeChannel(), EditingChannel()], ids=["send", "open"])
def test_what_became_of_an_old_send_is_not_written_down_for_a_new_one(
    store: Store, channel: FakeChannel, error: DeliveryError | None
) -> None:
    """It has the same turn and index, and another id; whether the new one was sent is still in doubt."""
    world = World(store, channel=channel)
    channel.fail = [error]
    begin_anew(world, "speak")
    world.answer("hello")
    assert state(store, "number") == "1"
    assert (state(store, "piece:1:0") or "").startswith("sending:")
    assert store.client.llen("recado:{fake:7:1}:out") == 1


@pytest.mark.parametrize("error", OUTCOMES, ids=str)
def test_what_became_of_an_old_edit_is_not_written_down_for_a_new_bubble(
    store: Store, channel: EditingChannel, error: DeliveryError | None
) -> None:
    world = World(store, channel=channel)
    channel.fail_edits = [error]
    begin_anew(world, "edit")
    world.answer("hello")
    assert state(store, "number") == "1"
    assert state(store, "piece:1:0") == "open:new bubble"


def test_an_answer_that_nobody_has_begun_is_said_though_an_old_one_was_sent(store: Store) -> None:
    """The old send ends between the new answer's commit and its first bubble."""
    world = World(store)

    def meanwhile(_: str) -> None:
        world.channel.before = lambda _: None
        erase.erase(store, Person.parse(ANA))
        world.say("who are you?")
        world.mailbox.take(ANA, "new")
        world.mailbox.commit(ANA, "new", 1, reply(1, "the new answer"))
        world.mailbox.release(ANA, "new", stay=False)

    world.channel.before = meanwhile
    world.answer("hello")
    world.answerer.answer(ANA)
    assert world.channel.spoken == ["re: hello", "the new answer"]
    assert world.rest()
