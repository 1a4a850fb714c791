"""The line before the model servers: first come, first served, over all workers; nobody in it holds anything up."""

from __future__ import annotations

import random

import pytest

from bot.stores.connection import Store, key
from bot.stores.line import MODELS, SUSPECTS
from bot.stores.mailbox import Later, Mailbox, Speak
from bot.stores.outbox import Outbox
from tests.unit.everything import everything
from tests.unit.lines import ALL, BOOK, CAI, DAN, LEASE_MS, STANDING, People, open_line, seated, standing
from tests.unit.mailboxes import ANA, BEA, due_in_ms, in_line, now_ms, reply, said, staged, taken_texts


@pytest.fixture
def people(store: Store, mailbox: Mailbox) -> People:
    return People(store, mailbox, open_line(store))


# -- in order --------------------------------------------------------------------------------------


def test_who_comes_first_is_served_first_whoever_asks_again(people: People, store: Store) -> None:
    """One leaves, one is woken: the one who has stood longest, however often the others look."""
    assert people.ask(*ALL) == ["one", "", "", ""]
    store.client.hdel(key(DAN, "state"), "think_at")
    assert people.ask(DAN) == [""]
    for before, after in ((ANA, BEA), (BEA, CAI), (CAI, DAN)):
        people.line.leave(before, before, "one", "ok")
        assert (seated(store), in_line(store)) == ({after}, [after])
        people.think(after)
        assert people.line.enter(after, after, ["one"]) == ("one", 0)
    assert standing(store) == []


def test_who_was_woken_keeps_the_place_in_line_even_if_it_comes_late(people: People, store: Store) -> None:
    """Its place was given on, because its worker had no hand free for a lease's time: it is the next again."""
    people.ask(ANA, BEA, CAI)
    people.line.leave(ANA, ANA, "one", "ok")
    assert seated(store) == {BEA}
    store.client.zadd(f"recado:places:{MODELS}:one", {BEA: 1})
    people.line.tend()
    assert seated(store) == {CAI}
    assert people.ask(DAN, BEA) == ["", ""]
    people.line.leave(CAI, CAI, "one", "ok")
    assert seated(store) == {BEA}


@pytest.mark.parametrize("seed", range(6))
def test_no_server_ever_has_more_than_it_takes_and_nobody_waits_for_ever(
    store: Store, mailbox: Mailbox, seed: int
) -> None:
    """Twelve people, two servers of two places, in every order: all are served, whoever stands longest first."""
    rng = random.Random(seed)
    line = open_line(store, "one", "two", parallel=2)
    crowd = [f"fake:7:{n}" for n in range(12)]
    people, served, arrived = People(store, mailbox, line), [], []
    while len(served) < len(crowd):
        inside = seated(store, "one") | seated(store, "two")
        outside = [one for one in crowd if one not in arrived]
        if outside and rng.random() < 0.6:
            arrived.append(outside[0])
            people.ask(outside[0], places=tuple(rng.sample(line.places, 2)))
        elif inside:
            gone = min(inside, key=arrived.index) if rng.random() < 0.5 else rng.choice(sorted(inside))
            if not store.client.exists(key(gone, "lease")):
                people.ask(gone)
            place = "one" if gone in seated(store, "one") else "two"
            line.leave(gone, gone, place, "ok")
            served.append(gone)
        inside = seated(store, "one") | seated(store, "two")
        assert all(len(seated(store, place)) <= 2 for place in line.places)
        assert standing(store) == [one for one in arrived if one not in inside and one not in served]
        assert len(inside) == min(4, len(arrived) - len(served))


def test_whoever_must_stand_holds_nothing_and_is_looked_at_before_typing_fades(people: People, store: Store) -> None:
    """No lease, no worker that could be thought dead; and if its wake-up is lost, the sweeper comes."""
    people.ask(ANA)
    people.think(BEA)
    assert people.line.enter(BEA, BEA, ["one"]) == ("", 20)
    assert store.client.exists(key(BEA, "lease")) == 0
    assert store.client.hget(key(BEA, "state"), "thinker") is None
    assert 19_000 < due_in_ms(store, BEA) <= 20_000
    assert isinstance(people.mailbox.take(BEA, "b"), Later)
    people.line.leave(ANA, ANA, "one", "ok")
    assert due_in_ms(store, BEA) <= 0
    assert taken_texts(people.mailbox, "b", BEA) == ["message 2"]
    assert people.mailbox.take(BEA, "b") is not None
    assert store.client.hget(key(BEA, "state"), "deaths") is None


def test_a_reply_that_waits_is_not_made_late_by_standing(people: People, store: Store) -> None:
    """It keeps its own time; one that may go now goes now, and that is waiting, not a lost lease."""
    people.ask(BEA)
    Outbox(store).record(ANA, staged(people.mailbox).turn, 0, "staged", wait=3)
    people.mailbox.accept([said(99)])
    taken_texts(people.mailbox, "a")
    assert 2.5 < people.line.enter(ANA, "a", ["one"])[1] <= 3
    store.client.hdel(key(ANA, "state"), "think_at")
    taken_texts(people.mailbox, "a")
    store.client.hdel(key(ANA, "state"), "speak_at")
    place, seconds = people.line.enter(ANA, "a", ["one"])
    assert (place, 0 < seconds < 0.1) == ("", True)
    assert due_in_ms(store) <= 0
    assert isinstance(people.mailbox.take(ANA, "b"), Speak)


# -- twice, late, and after all is gone ------------------------------------------------------------


def test_a_place_asked_for_twice_is_one_place(people: People, store: Store) -> None:
    people.line = open_line(store, parallel=2)
    people.think(ANA)
    assert [people.line.enter(ANA, ANA, ["one"]) for _ in range(2)] == [("one", 0), ("one", 0)]
    assert store.client.zcard(f"recado:places:{MODELS}:one") == 1
    assert people.ask(BEA, CAI) == ["one", ""]


def test_who_asks_again_after_being_told_to_wait_has_no_lease_and_changes_nothing(people: People, store: Store) -> None:
    people.ask(ANA, BEA)
    before = everything(store)
    assert people.line.enter(BEA, BEA, ["one"], notice=reply(-1)) == ("", 0)
    assert everything(store) == before


def test_a_worker_whose_turn_is_anothers_neither_asks_nor_takes_its_place_away(people: People, store: Store) -> None:
    """It was stopped for longer than its lease; the other one is at the server now, and it is full."""
    people.ask(ANA)
    store.client.set(key(ANA, "lease"), "another")
    assert people.line.enter(ANA, "another", ["one"])[0] == "one"
    before = everything(store)
    assert people.line.enter(ANA, ANA, ["one"]) == ("", 0)
    for did in ("left", "ok", "failed"):
        people.line.leave(ANA, ANA, "one", did)
    assert everything(store) | {BOOK: 0} == before | {BOOK: 0}
    assert store.client.hget(BOOK, "failures:one") in {None, b"0"}
    assert people.ask(BEA) == [""]


def test_a_place_is_given_back_once(people: People, store: Store) -> None:
    """The answer was lost and the client asks again: one failure, and nobody else's place."""
    people.ask(ANA, BEA, CAI)
    for _ in range(3):
        people.line.leave(ANA, ANA, "one", "failed")
    assert store.client.hget(BOOK, "failures:one") == b"1"
    assert (seated(store), standing(store)) == ({BEA}, [CAI])


def test_after_an_erasure_nothing_is_written(people: People, store: Store) -> None:
    """All keys are gone, the worker does not know it yet."""
    people.ask(ANA)
    store.client.flushall()
    assert people.line.enter(ANA, ANA, ["one"], notice=reply(-1)) == ("", 0)
    people.line.leave(ANA, ANA, "one", "left")
    people.line.tend()
    assert everything(store) == {}


def test_a_place_that_nobody_renews_leaves_no_key(people: People, store: Store) -> None:
    """Renewed with its lease, it stays; what was given back is not brought back by a renewal that comes late."""
    people.ask(ANA)
    seat = people.line.seat("one")
    store.client.zadd(seat, {ANA: now_ms(store) + 1000})
    store.client.pexpire(seat, 1000)
    people.mailbox.renew([(ANA, ANA, [seat])])
    assert store.client.zscore(seat, ANA) - now_ms(store) > 10_000
    assert 10_000 < store.client.pttl(seat) <= LEASE_MS
    people.line.leave(ANA, ANA, "one", "left")
    people.mailbox.renew([(ANA, ANA, [seat])])
    assert store.client.exists(seat) == 0


# -- the dead --------------------------------------------------------------------------------------


def test_the_place_of_a_dead_worker_goes_on(people: People, store: Store) -> None:
    """Not before its time is over; then to the next, who is woken once, however many workers look."""
    people.ask(ANA, BEA, CAI)
    people.line.tend()
    assert seated(store) == {ANA}
    store.client.zadd(people.line.seat("one"), {ANA: now_ms(store) - 1})
    for _ in range(2):
        people.line.tend()
    assert (seated(store), standing(store), in_line(store)) == ({BEA}, [CAI], [BEA])


def test_who_comes_after_a_crash_sits_where_the_dead_one_sat(people: People, store: Store) -> None:
    people.line = open_line(store, "one", "two")
    assert people.ask(ANA, places=("two",)) == ["two"]
    store.client.delete(key(ANA, "lease"))
    people.mailbox.take(ANA, "b")
    assert people.line.enter(ANA, "b", ["one", "two"])[0] == "two"
    assert seated(store, "one") == set()


def test_tending_an_empty_line_touches_nothing(people: People, store: Store) -> None:
    people.ask(ANA)
    before = everything(store)
    people.line.tend()
    assert everything(store) == before


def test_who_was_answered_without_the_line_holds_up_nobody_in_it(people: People, store: Store) -> None:
    """Three stand there who need nothing any more: the next has the place at once, not a lease's time after each."""
    for number, one in enumerate((BEA, CAI, DAN)):
        store.client.zadd(STANDING, {one: number})
    store.client.hset(BOOK, "number", 3)
    assert people.ask(ANA) == ["one"]
    assert (standing(store), in_line(store)) == ([], [])


def test_a_turn_that_ends_stands_in_no_line(people: People, store: Store) -> None:
    """It was answered by a backend that has no servers, or by nobody, for a quota was spent."""
    people.ask(ANA, BEA)
    people.line.leave(ANA, ANA, "one", "ok")
    people.ask(ANA, CAI)
    store.client.zadd(f"recado:line:{SUSPECTS}", {CAI: 1})
    store.client.hdel(key(CAI, "state"), "think_at")
    taken_texts(people.mailbox, CAI, CAI)
    assert people.mailbox.commit(CAI, CAI, 1, None)
    assert CAI not in standing(store)
    assert store.client.zcard(f"recado:line:{SUSPECTS}") == 0
