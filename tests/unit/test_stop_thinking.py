"""A stop, while it is thought: the model's request ends at once, and what was said until then is the answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot import texts
from bot.errors import RateLimited, Unavailable
from bot.stores.connection import Store, key
from bot.stores.history import STOPPED, History
from tests.unit.backgrounds import NEVER, Worker
from tests.unit.fates import EditingChannel, Workers, unrest
from tests.unit.mailboxes import ANA, counted, state, until
from tests.unit.talks import remembered, rest
from tests.unit.worlds import World, holding
from workers import background, grow
from workers.held import Stopped

_STOPPED = {"en": "All right, I stop here.", "es": "De acuerdo, lo dejo aquí."}
_NOTHING = {"en": "I am not answering anything", "es": "Ahora mismo no estoy respondiendo"}


# -- the model -------------------------------------------------------------------------------------


def test_a_stop_ends_the_model_within_a_second_and_keeps_what_was_said(
    started: Callable[..., Worker], store: Store
) -> None:
    """The monitor looks twice a second: at its second look at the latest the request is closed."""
    worker = started()
    worker.backend.answers = ["The bakery opens at nine " * 100]
    worker.backend.pace = 0.05
    worker.say("when?")
    thinking = worker.think()
    until(lambda: worker.backend.streams[0].given >= 3)
    worker.say("/stop")
    before = worker.watched.renewals
    until(lambda: worker.backend.streams[0].closed)
    assert worker.watched.renewals - before <= 2
    assert background.RENEW_SECONDS <= 0.5
    thinking.join(5)
    rest(worker)
    said = worker.channel.spoken[0]
    assert said.startswith("The")
    assert "The bakery opens at nine".startswith(said[:24])
    assert len(said) >= 3
    assert remembered(store) == [("user", "when?", ""), ("assistant", said, "")]
    assert worker.channel.spoken[1:] == [_STOPPED["en"]]
    assert unrest(store) == []


@pytest.mark.usefixtures("quick")
def test_a_stop_before_the_first_word_is_heard_and_says_nothing_of_it(
    started: Callable[..., Worker], store: Store
) -> None:
    """The request to the model ends too; the question is remembered, as not answered."""
    worker = started()
    worker.backend.pace = NEVER
    worker.say("when?")
    thinking = worker.think()
    worker.say("/stop")
    thinking.join(5)
    assert worker.backend.streams[0].closed
    assert worker.channel.spoken == [_STOPPED["en"]]
    assert remembered(store) == [("user", "when?", STOPPED)]
    assert counted(store, "stopped") == 1
    assert unrest(store) == []


@pytest.mark.usefixtures("quick")
def test_what_is_asked_after_a_stop_is_answered(started: Callable[..., Worker], store: Store) -> None:
    """The worker that was just told to stop goes on with the next turn."""
    worker = started()
    worker.backend.pace = NEVER
    worker.say("when?")
    thinking = worker.think()
    worker.say("/stop", "and where?")
    worker.backend.pace = 0.0
    thinking.join(5)
    rest(worker)
    assert worker.channel.spoken == [_STOPPED["en"], "re: when?\n\nand where?"]
    assert [turn.heard for turn in History(store).tail(ANA, 0, 1000)] == [STOPPED, "", ""]


@pytest.mark.usefixtures("quick")
def test_a_stopped_request_is_not_the_servers_failure(started: Callable[..., Worker], store: Store) -> None:
    """Five people who stop do not make a breaker open; and its place is free at once."""
    worker = started()
    worker.served_by("one")
    worker.background._answerer = worker.answerer
    for _ in range(5):
        worker.backend.pace = NEVER
        worker.say("when?")
        thinking = worker.think()
        worker.say("/stop")
        thinking.join(5)
        assert not thinking.is_alive()
    assert store.client.hgetall("recado:line:models:state").keys() <= {b"number"}
    assert not store.client.zcard("recado:places:models:one")


# -- what waits ------------------------------------------------------------------------------------


def test_what_waits_when_it_is_stopped_is_never_asked(world: World, store: Store) -> None:
    world.say("when?", "/stop")
    world.answerer.answer(ANA)
    assert world.backend.prompts == []
    assert world.channel.spoken == [_STOPPED["en"]]
    assert remembered(store) == [("user", "when?", STOPPED)]
    assert unrest(store) == []


def test_orders_that_wait_are_carried_out(world: World) -> None:
    """A stop ends answers, not what was ordered before it."""
    world.say("/help", "when?", "/stop")
    rest(world)
    assert "/reset" in world.channel.spoken[0]
    assert len(world.channel.spoken) == 2
    assert world.backend.prompts == []


def test_a_turn_whose_model_is_away_ends_when_it_is_stopped(world: World, store: Store) -> None:
    world.backend.answers = [Unavailable("away", 3)]
    assert world.answer("when?") == []
    assert world.answer("/stop") == [_STOPPED["en"]]
    assert unrest(store) == []


def test_a_place_that_was_meant_for_a_stopped_turn_is_free_at_once(world: World, store: Store) -> None:
    """It stood in the line, was given a place and stopped before it came for it."""
    world.served_by("one")
    store.client.zadd("recado:places:models:one", {"fake:7:2": 1 << 52})
    assert world.answer("when?") == []
    store.client.delete("recado:places:models:one")
    world.answerer.places.tend()
    assert store.client.zrange("recado:places:models:one", 0, -1) == [ANA.encode()]
    world.answer("/stop")
    assert not store.client.zcard("recado:places:models:one")
    assert unrest(store) == []


def test_a_stopped_suspect_need_not_wait_to_run_alone(world: World, store: Store) -> None:
    world.say("when?")
    world.mailbox.take(ANA, "a")
    store.client.hset(key(ANA, "state"), "deaths", 2)
    store.client.zadd("recado:places:suspects:one", {"fake:7:2": 1 << 52})
    world.crash()
    assert world.answer("/stop") == [_STOPPED["en"]]


def test_a_reply_that_the_platform_holds_back_is_still_said(world: World, store: Store) -> None:
    """It was committed before the stop: there was nothing left to stop."""
    world.channel.fail = [RateLimited("slowly", 0.05)]
    assert world.answer("when?") == []
    world.say("/stop")
    world.come_back()
    rest(world)
    assert world.channel.spoken[0] == "re: when?"
    assert world.channel.spoken[1].startswith(_NOTHING["en"])


# -- what is said of it ----------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["es", "en"])
def test_who_stops_nothing_is_told_so(world: World, language: str) -> None:
    (said,) = world.answer("/stop", language=language)
    assert said.startswith(_NOTHING[language])
    assert world.answer("when?", language=language) == ["re: when?"]
    assert world.answer("/stop", language=language)[0].startswith(_NOTHING[language])


@pytest.mark.parametrize("language", ["es", "en"])
def test_who_stops_something_is_told_so_in_their_language(world: World, language: str) -> None:
    world.say("when?", "/stop", language=language)
    world.answerer.answer(ANA)
    assert world.channel.spoken == [_STOPPED[language]]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grow, "OPEN_AT", 1)


@pytest.mark.parametrize("at", range(1, 41))
@pytest.mark.usefixtures("at_once")
def test_a_worker_may_die_at_any_step_beside_a_stop(store: Store, at: int) -> None:
    """The stop comes, and the worker dies there: one whole answer is shown, or that it was stopped, or nothing."""
    channel = EditingChannel()
    workers = Workers(store, channel)

    def fate() -> None:
        workers.heir.say("/stop")
        workers.steps.die()

    workers.meet(at, fate)
    workers.expire()
    if workers.steps.count < at:
        workers.heir.say("/stop")
    workers.finish()
    *shown, last = channel.shown
    assert last == _STOPPED["en"] or last.startswith(_NOTHING["en"])
    whole = [["the first one says that we open at nine", "and close at five"], [texts.STOPPED.to("en")], []]
    assert [one for one in shown if not one.endswith("…")] in whole
    assert sum(one.endswith("…") for one in shown) <= counted(store, "stray")
    assert unrest(store) == []


def test_what_was_said_counts_although_the_stop_came_with_its_last_word(world: World) -> None:
    """Held tells whoever thinks to end only where nothing was said."""
    with holding(world.answerer, ANA) as held:
        held.begin(1, "")
        held.stopped.set()
        held.check("all that there is")
        with pytest.raises(Stopped):
            held.check("")


def test_what_is_told_of_an_earlier_turn_does_not_end_this_one(world: World, store: Store) -> None:
    """The monitor asked while the earlier one was thought, and heard the answer later."""
    world.say("when?", "/stop")
    world.mailbox.take(ANA, "a")
    (mark,) = world.mailbox.renew([(ANA, "a", ())]).marks.values()
    with holding(world.answerer, ANA) as held:
        held.begin(2, "")
        held.heed(mark)
        assert not held.ended
        held.heed(mark._replace(turn=2))
        assert held.stopped.is_set()
    assert state(store, "stop") == "2"
