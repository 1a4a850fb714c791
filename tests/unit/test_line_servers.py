"""The line and the servers behind it: one that fails, one that rests, a person who is told, a clock that is moved."""

from __future__ import annotations

import pytest

from bot.stores import bell
from bot.stores.connection import DUE, Store, key
from bot.stores.line import MODELS
from bot.stores.mailbox import Mailbox, Speak
from bot.stores.outbox import Outbox
from tests.unit.lines import ALL, BOOK, CAI, DAN, LEASE_MS, People, open_line, seated, standing
from tests.unit.mailboxes import ANA, BEA, HOURS, due_in_ms, in_line, now_ms, reply, state, taken_texts


@pytest.fixture
def people(store: Store, mailbox: Mailbox) -> People:
    return People(store, mailbox, open_line(store))


@pytest.fixture
def broken(people: People) -> People:
    """The one server has failed five times in a row."""
    for _ in range(5):
        people.fail(ANA)
    return people


def rested(store: Store, place: str = "one") -> None:
    """The time for which a server is left alone is over."""
    assert store.client.hset(BOOK, f"rest:{place}", now_ms(store) - 1) == 0


def test_who_gets_a_lost_lease_back_gets_its_place_back(people: People, store: Store, mailbox: Mailbox) -> None:
    """Redis was away for longer than a lease, and the server still works for it: nobody else is served meanwhile."""
    people.ask(ANA)
    store.client.delete(key(ANA, "lease"), f"recado:places:{MODELS}:one")
    mailbox.renew([(ANA, ANA, [people.line.seat("one")])])
    assert seated(store) == {ANA}
    assert people.ask(BEA) == [""]


def test_who_has_left_its_place_is_not_put_there_again(people: People, store: Store, mailbox: Mailbox) -> None:
    """A renewal that was on its way, with a lease that never ended, gives nobody a place."""
    people.ask(ANA)
    people.line.leave(ANA, ANA, "one", "ok")
    mailbox.renew([(ANA, ANA, [people.line.seat("one")])])
    assert seated(store) == set()


# -- several servers -------------------------------------------------------------------------------


def test_the_best_server_first_then_any_other_then_the_line(people: People, store: Store) -> None:
    people.line = open_line(store, "one", "two")
    assert people.ask(ANA, places=("two", "one")) == ["two"]
    assert people.ask(BEA, places=("two", "one")) == ["one"]
    assert people.ask(CAI, places=("two", "one")) == [""]
    people.line.leave(BEA, BEA, "one", "ok")
    assert people.ask(CAI, places=("two", "one")) == ["one"]


def test_whose_own_server_is_full_goes_where_there_is_most_room(people: People, store: Store) -> None:
    """Its own first, however full; then the emptiest, whatever the order of the others."""
    people.line = open_line(store, "one", "two", "three", parallel=3)
    assert people.ask(ANA, BEA, CAI, places=("one", "two", "three")) == ["one"] * 3
    assert people.ask(DAN, places=("two", "one", "three")) == ["two"]
    crowd = [f"fake:8:{n}" for n in range(6)]
    assert people.ask(*crowd, places=("one", "two", "three")) == ["three", "two", "three", "two", "three", ""]


def test_who_was_waiting_is_woken_for_the_emptiest_server(people: People, store: Store) -> None:
    people.line = open_line(store, "one", "two", parallel=2)
    assert people.ask(*ALL, "fake:8:1", "fake:8:2") == ["one", "one", "two", "two", "", ""]
    store.client.zadd(people.line.seat("one"), {ANA: now_ms(store) - 1})
    store.client.zadd(people.line.seat("two"), dict.fromkeys((CAI, DAN), now_ms(store) - 1))
    people.line.tend()
    assert (seated(store, "one"), seated(store, "two")) == ({BEA, "fake:8:2"}, {"fake:8:1"})


def test_a_server_that_rests_is_passed_over(people: People) -> None:
    people.line = open_line(people.store, "one", "two")
    assert 6 < people.fail(ANA, rest=7) <= 7
    assert people.ask(BEA, CAI) == ["two", ""]


# -- a server that fails ---------------------------------------------------------------------------


def test_five_failures_in_a_row_and_a_server_is_left_alone_for_ten_seconds(people: People, store: Store) -> None:
    assert [people.fail(ANA) for _ in range(4)] == [0] * 4
    assert 9 < people.fail(ANA) <= 10
    assert people.ask(BEA) == [""]


def test_a_success_in_between_begins_the_count_anew(people: People) -> None:
    for _ in range(4):
        people.fail(ANA)
    people.ask(BEA)
    people.line.leave(BEA, BEA, "one", "ok")
    assert people.fail(ANA) == 0


def test_a_broken_server_is_asked_by_one_at_a_time_ten_seconds_apart(broken: People, store: Store) -> None:
    """However many it takes when it is well, and however many wait."""
    broken.line = open_line(store, parallel=4)
    assert broken.ask(BEA, CAI, DAN) == ["", "", ""]
    broken.line.tend()
    assert seated(store) == set()
    rested(store)
    for _ in range(2):
        broken.line.tend()
    assert (seated(store), in_line(store)) == ({BEA}, [BEA])
    broken.think(BEA)
    assert 9 < broken.line.leave(BEA, BEA, "one", "failed") <= 10
    assert seated(store) == set()


def test_a_probe_that_says_nothing_of_the_server_leaves_it_to_the_next(broken: People, store: Store) -> None:
    broken.ask(BEA, CAI)
    rested(store)
    broken.line.tend()
    broken.line.leave(BEA, BEA, "one", "left")
    assert seated(store) == {CAI}
    assert store.client.hget(BOOK, "failures:one") == b"5"


def test_one_success_and_all_who_stood_are_served_in_their_order(broken: People, store: Store) -> None:
    broken.line = open_line(store, parallel=2)
    crowd = [f"fake:8:{n}" for n in range(5)]
    assert broken.ask(*crowd) == [""] * 5
    rested(store)
    broken.line.tend()
    served: list[str] = []
    for _ in crowd:
        assert len(seated(store)) == (1 if not served else min(2, 5 - len(served)))
        first = in_line(store)[0]
        store.client.lpop(bell.QUEUE_KEY)
        broken.line.leave(first, first, "one", "ok")
        served.append(first)
    assert served == crowd
    assert store.client.hkeys(BOOK) == [b"number"]


def test_a_servers_own_wish_is_kept_and_ends_in_two_minutes_at_most(people: People, store: Store) -> None:
    """It says "in an hour", or in a year: nobody is seated meanwhile, not even in that very moment."""
    people.ask(ANA, BEA)
    assert 119 < people.line.leave(ANA, ANA, "one", "failed", rest_seconds=3600) <= 120
    assert (seated(store), standing(store)) == (set(), [BEA])


def test_a_broken_server_may_wish_for_more_than_ten_seconds(broken: People, store: Store) -> None:
    rested(store)
    assert 19 < broken.fail(ANA, rest=20) <= 20


# -- told that it takes long -----------------------------------------------------------------------


def stood(store: Store, seconds: float, conversation: str = ANA) -> None:
    """As if it had come so long ago, and looked again now."""
    store.client.hset(key(conversation, "state"), "line_at", now_ms(store) - int(seconds * 1000))
    store.client.hdel(key(conversation, "state"), "think_at")


def test_who_has_stood_long_enough_is_told_so_once(people: People, store: Store) -> None:
    people.ask(BEA)
    people.think(ANA)
    enter = people.line.enter
    assert 4.5 < enter(ANA, ANA, ["one"], notice=reply(-1, "slow"), notice_seconds=5)[1] <= 5
    assert store.client.exists(key(ANA, "out")) == 0
    for _ in range(2):
        stood(store, 6)
        task = people.mailbox.take(ANA, ANA)
        if isinstance(task, Speak):
            assert task.reply == reply(-1, "slow")
            Outbox(store).record(ANA, -1, 0, "sent")
            people.mailbox.take(ANA, ANA)
        enter(ANA, ANA, ["one"], notice=reply(-1, "slow"), notice_seconds=5)
    assert store.client.llen(key(ANA, "out")) == 0
    assert state(store, "told") == "1"
    assert due_in_ms(store) > 15_000


def test_the_notice_goes_now_and_the_place_in_line_stays(people: People, store: Store) -> None:
    people.ask(BEA, ANA)
    stood(store, 6)
    people.think(ANA)
    people.line.enter(ANA, ANA, ["one"], notice=reply(-1, "slow"), notice_seconds=5)
    assert due_in_ms(store) <= 0
    assert standing(store) == [ANA]


def test_who_was_told_while_it_waited_for_another_reason_is_not_told_again(people: People, store: Store) -> None:
    people.ask(BEA)
    people.think(ANA)
    people.mailbox.defer(ANA, ANA, 0, notice=reply(-1))
    store.client.delete(key(ANA, "out"))
    people.think(ANA)
    people.line.enter(ANA, ANA, ["one"], notice=reply(-1), notice_seconds=0)
    assert store.client.exists(key(ANA, "out")) == 0


# -- a clock that is moved -------------------------------------------------------------------------


def test_a_clock_that_went_back_keeps_no_dead_ones_place(people: People, store: Store) -> None:
    """Its place would end in two hours: it ends in a lease's time."""
    people.ask(ANA, BEA)
    seat = people.line.seat("one")
    store.client.zadd(seat, {ANA: now_ms(store) + 2 * HOURS})
    people.line.tend()
    assert 0 < store.client.zscore(seat, ANA) - now_ms(store) <= LEASE_MS
    assert seated(store) == {ANA}


def test_a_clock_that_went_back_leaves_no_server_alone_for_hours(broken: People, store: Store) -> None:
    broken.ask(BEA)
    store.client.hincrby(BOOK, "rest:one", 2 * HOURS)
    broken.line.tend()
    assert seated(store) == {BEA}


def test_a_clock_that_went_back_does_not_keep_the_notice_from_anybody(people: People, store: Store) -> None:
    people.ask(BEA, ANA)
    store.client.hincrby(key(ANA, "state"), "line_at", 2 * HOURS)
    store.client.hdel(key(ANA, "state"), "think_at")
    people.think(ANA)
    assert people.line.enter(ANA, ANA, ["one"], notice=reply(-1), notice_seconds=5)[1] <= 5
    assert 0 <= now_ms(store) - int(state(store, "line_at") or 0) < HOURS


def test_a_clock_that_went_forward_ends_every_place_and_the_order_stays(people: People, store: Store) -> None:
    people.ask(*ALL)
    store.client.zadd(people.line.seat("one"), {ANA: now_ms(store) - 2 * HOURS})
    people.line.tend()
    assert (seated(store), standing(store)) == ({BEA}, [CAI, DAN])


def test_who_stands_is_looked_at_when_the_clock_went_back(people: People, store: Store) -> None:
    """It was told to look again in half a minute, which is now in two hours: the sweeper hurries it, and it may."""
    people.ask(ANA, BEA)
    people.mailbox.sweep()
    store.client.incrby("recado:clock", 2 * HOURS)
    store.client.zadd(DUE, {BEA: now_ms(store) + 2 * HOURS})
    store.client.hincrby(key(BEA, "state"), "think_at", 2 * HOURS)
    people.mailbox.sweep()
    assert BEA in in_line(store)
    assert taken_texts(people.mailbox, "b", BEA)
