"""Each kind of trouble with a bubble, and whom it concerns: this person alone, everybody, or nobody any more."""

from __future__ import annotations

from itertools import pairwise

from bot.errors import DeliveryError, RateLimited, Refused, Undelivered, Unknown
from bot.message import Limit
from bot.received import Status
from bot.stores.connection import Store, key
from bot.stores.hold import codes
from bot.stores.outbox import Outbox
from tests.unit.fates import unrest
from tests.unit.mailboxes import ANA, BEA, counted, due_in_ms, state
from tests.unit.strict import StrictChannel, goes_on, hears, strict_world, told_by
from tests.unit.worlds import World


def trouble(error: DeliveryError, code: int = 0, tries: int = 0, *, alarming: bool = False) -> DeliveryError:
    error.code, error.tries, error.alarming = code, tries, alarming
    return error


def waits(world: World, times: int) -> list[int]:
    """How many seconds a bubble waits each time that it is tried and fails."""
    found = []
    for _ in range(times):
        world.store.client.hdel(key(ANA, "state"), "speak_at", "pause_at")
        world.answerer.answer(ANA)
        found.append(round(float(state(world.store, "speak_wait") or 0) / 1000))
    return found


def test_a_pair_limit_lets_one_person_wait_longer_each_time_and_nobody_else(store: Store) -> None:
    world, channel = strict_world(store)
    channel.fail = [trouble(RateLimited("pair", 0, growing=True), 131056)] * 7
    world.say("hello")
    assert waits(world, 7) == [1, 4, 16, 64, 256, 1024, 1024]
    world.say("hello", conversation=BEA)
    world.answerer.answer(BEA)
    assert channel.spoken == ["re: hello"]
    assert waits(world, 1) == [0]
    assert channel.spoken == ["re: hello"] * 2
    channel.fail = [trouble(RateLimited("pair", 0, growing=True), 131056)]
    world.say("again")
    assert waits(world, 1) == [1]
    assert codes(store) == {131056: 8}


def test_a_pair_limit_that_names_a_longer_pause_is_obeyed(store: Store) -> None:
    world, channel = strict_world(store)
    channel.fail = [RateLimited("pair", 12, growing=True)]
    world.say("hello")
    assert waits(world, 1) == [12]


def test_a_limit_of_the_number_lets_everybody_wait(store: Store) -> None:
    world, channel = strict_world(store)
    channel.rate = (Limit("fake:7", 80, 1),)
    channel.fail = [trouble(RateLimited("busy", 30, everybody=True), 130429)]
    for person in (ANA, BEA):
        world.say("hello", conversation=person)
        world.answerer.answer(person)
    assert channel.calls == 1
    assert [29_000 < due_in_ms(store, person) <= 31_000 for person in (ANA, BEA)] == [True, True]
    assert codes(store) == {130429: 1}


def test_trouble_that_passes_is_tried_again_in_growing_waits_and_then_given_up(store: Store) -> None:
    """The answers behind it keep their order, and go when it is given up."""
    world, channel = strict_world(store)
    world.backend.answers = ["one|two"]
    channel.fail = [trouble(Undelivered("131000"), 131000, 4)] * 4
    world.say("hello")
    assert waits(world, 3) == [5, 10, 20]
    assert channel.spoken == []
    waits(world, 1)
    assert channel.spoken == ["two"]
    assert (counted(store, "failed"), codes(store)) == (1, {131000: 4})
    assert hears(world, channel, "again") == ["re: again"]
    assert unrest(store) == []


def test_without_a_network_nothing_is_ever_given_up(store: Store) -> None:
    world, channel = strict_world(store)
    channel.fail = [Undelivered("no network")] * 60
    world.say("hello")
    seconds = waits(world, 60)
    assert seconds[:5] == [5, 10, 20, 40, 60]
    assert set(seconds[5:]) == {60}
    assert waits(world, 1) == [0]
    assert channel.spoken == ["re: hello"]
    assert unrest(store) == []


def test_a_server_error_is_in_doubt_a_few_times_only(store: Store) -> None:
    """Perhaps taken: it waits for its status each time, longer and longer; then it is given up."""
    world, channel = strict_world(store)
    channel.fail = [trouble(Unknown("502"), 0, 3)] * 3
    vars(channel)["unknown_seconds"] = 30
    world.say("hello")
    assert waits(world, 2) == [30, 60]
    waits(world, 1)
    assert (counted(store, "failed"), counted(store, "unknown")) == (1, 2)
    assert unrest(store) == []


def test_what_is_refused_is_counted_by_its_code_and_told_to_nobody(store: Store) -> None:
    world, channel = strict_world(store)
    told = told_by(world)
    channel.fail = [trouble(Refused("131026"), 131026), None, trouble(Refused("131049"), 131049)]
    assert world.answer("hello") == []
    assert world.answer("again") == ["re: again"]
    assert world.answer("and?") == []
    assert codes(store) == {131026: 1, 131049: 1}
    assert (counted(store, "failed"), told) == (2, {})


def test_what_the_owner_can_mend_they_are_told_once_a_day(store: Store) -> None:
    world, channel = strict_world(store)
    told = told_by(world)
    channel.fail = [trouble(Refused("100: does not know an id"), 100, alarming=True)] * 2
    world.answer("hello")
    world.answer("again")
    [(once, words)] = told.items()
    assert once.startswith("code:7:100:")
    assert "does not know an id" in words


# -- a status that says later that it failed --------------------------------------------------------


def failed(channel: StrictChannel, place: int = -1, outcome: str = "again", code: int = 131016) -> Status:
    bubble = str(len(channel.spoken))
    return Status(ANA, channel.references[place], outcome, f"{code}", bubble, code=code)  # type: ignore[arg-type]


def test_a_bubble_that_passing_trouble_lost_is_said_again(store: Store) -> None:
    """It certainly was not shown; however often we are told, it is said once more, and later."""
    world, channel = strict_world(store)
    hears(world, channel, "hello")
    told = failed(channel)
    for _ in range(3):
        assert Outbox(store).settle(told)
        goes_on(world)
    assert 4000 < float(state(store, "speak_wait") or 0) <= 5000
    assert channel.spoken == ["re: hello"]
    waits(world, 1)
    assert channel.spoken == ["re: hello"] * 2
    assert codes(store) == {131016: 1}
    assert unrest(store) == []


def test_a_bubble_that_is_lost_again_and_again_is_given_up(store: Store) -> None:
    world, channel = strict_world(store)
    hears(world, channel, "hello")
    seconds = []
    for _ in range(8):
        assert Outbox(store).settle(failed(channel))
        seconds.append(round(float(state(store, "speak_wait") or 0) / 1000))
        waits(world, 1)
    assert not Outbox(store).settle(failed(channel))
    assert all(first < then or then == 300 for first, then in pairwise(seconds))
    assert (len(channel.spoken), counted(store, "failed")) == (9, 1)
    assert unrest(store) == []


def test_a_bubble_in_doubt_that_passing_trouble_lost_is_said_again(store: Store) -> None:
    world, channel = strict_world(store)
    vars(channel)["unknown_seconds"] = 30
    channel.fail = [Unknown("lost")]
    hears(world, channel, "hello")
    assert Outbox(store).settle(failed(channel))
    assert state(store, "piece:1:0") is None
    assert round(float(state(store, "speak_wait") or 0) / 1000) == 5
    waits(world, 1)
    assert len(channel.spoken) == 2


def test_a_command_that_was_lost_is_said_again_too(store: Store) -> None:
    """Whether it was thought or looked up makes no difference."""
    world, channel = strict_world(store)
    said = hears(world, channel, "/help")
    assert Outbox(store).settle(failed(channel, 0))
    waits(world, 1)
    assert channel.spoken == [*said, said[0]]


def test_a_status_names_the_person_as_the_platform_does_now(store: Store) -> None:
    """By a newer name, by one of several, or still by the first."""
    world, channel = strict_world(store)
    vars(channel)["unknown_seconds"] = 30
    new, another = "fake:7:ES.1", "fake:7:99"
    store.client.hset("recado:alias", new, ANA)
    for names in ([new], [another, new], [ANA], [another, ANA]):
        channel.fail = [Unknown("lost")]
        hears(world, channel, "hello")
        name, *also = names
        assert Outbox(store).settle(Status(name, channel.references[-1], "sent", bubble="w", also=tuple(also)))
        goes_on(world)
        assert world.rest()
    assert channel.spoken == ["re: hello"] * 4


# -- above what it quotes --------------------------------------------------------------------------


def test_an_answer_quotes_its_question_where_more_was_said_since(store: Store) -> None:
    """And only its first bubble does."""
    world, channel = strict_world(store)
    world.backend.answers = ["one|two"]
    world.backend.during = lambda: world.say("and on Sunday?")
    world.say("open?")
    world.answerer.answer(ANA)
    world.backend.during = lambda: None
    goes_on(world)
    assert [(piece.text, piece.quotes) for piece in channel.pieces[:2]] == [("one", "1"), ("two", "")]
    assert [piece.quotes for piece in channel.pieces[2:]] == [""] * len(channel.pieces[2:])


def test_an_answer_to_the_last_word_quotes_nothing(store: Store) -> None:
    world, channel = strict_world(store)
    hears(world, channel, "open?")
    assert [piece.quotes for piece in channel.pieces] == [""]
