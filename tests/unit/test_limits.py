"""The platforms' limits: never more than allowed in any window, nobody waits while there is room, answers go first."""

from __future__ import annotations

import random

import pytest

from bot.message import Limit
from bot.stores.connection import Store
from bot.stores.outbox import Outbox
from tests.unit.mailboxes import ANA, HOURS, now_ms, open_mailbox
from tests.unit.rush import Rush, crowded, stage

ALL = Limit("all", 6, 60)
LATENESS = (0.0, 0.0, 0.03, 0.7, 3.0, 30.0)


def chat(person: str) -> Limit:
    return Limit(f"chat:{person}", 1, 20)


def both(person: str) -> tuple[Limit, ...]:
    return (ALL, chat(person))


def ideal(bubbles: int) -> float:
    """Seconds that so many bubbles need at least."""
    return bubbles / ALL.most * 1.1 * ALL.seconds


@pytest.mark.parametrize("seed", range(8))
def test_no_window_ever_holds_more_than_the_limit(store: Store, seed: int) -> None:
    """Twelve people, workers that come late or are all away, previews between: for everybody and in each chat."""
    rng = random.Random(seed)
    rush = Rush(store, both, thinking=rng.randrange(4), bubbles=3, late=lambda: rng.choice(LATENESS))
    for _ in range(5):
        rush.go_on(rng.uniform(1, 80))
        rush.sleep(rng.choice((0.5, 8, 100)))
    rush.go_on()
    assert list(crowded(rush.times(), ALL)) == []
    for person in rush.people:
        assert list(crowded(rush.times(person), chat(person))) == []
    assert rush.asks < 12 * len(rush.gone)


@pytest.mark.parametrize("late", [0.0, 0.9, 1.5, 5.0])
def test_workers_that_are_always_late_leave_no_room_unused(store: Store, late: float) -> None:
    """Their hands are full, each comes a little after its time: the line moves as fast as the platform lets it."""
    rush = Rush(store, lambda _: (ALL,), people=40, bubbles=1, late=lambda: late)
    rush.go_on()
    assert rush.seconds < ideal(40) + 60 + 20 * late
    assert list(crowded(rush.times(), ALL)) == []


def test_previews_leave_half_of_every_window_to_the_answers(store: Store) -> None:
    """Nine answers that grow before nine people's eyes: they never take more, and nobody waits for them for long."""
    rush = Rush(store, lambda _: (ALL,), people=12, thinking=9, bubbles=2, late=lambda: 0.5)
    rush.go_on()
    assert list(crowded([at for at, _ in rush.shown], Limit("half", 3, 60))) == []
    assert list(crowded(rush.times(), ALL)) == []
    assert rush.seconds < ideal(24) + 2 * 66


def test_previews_use_what_nobody_else_needs(store: Store) -> None:
    rush = Rush(store, lambda _: (ALL,), people=1, thinking=3, bubbles=2)
    rush.go_on(1)
    assert (len(rush.gone), len(rush.shown)) == (2, 1)


def test_previews_take_no_room_from_answers_whose_time_has_come(store: Store) -> None:
    """Six may go now, and their workers are a little late: the room is kept for them."""
    rush = Rush(store, lambda _: (ALL,), people=12, bubbles=1, late=lambda: 5)
    rush.go_on(68)
    assert (len(rush.gone), rush.outbox.spare(rush.people[0], [ALL])) == (6, False)
    rush.go_on(10)
    assert len(rush.gone) == 12


def test_previews_count_what_went_late(store: Store) -> None:
    """Three went long after the time that they were given: that is when the platform counts them."""
    rush = Rush(store, lambda _: (ALL,), people=9, bubbles=1, late=lambda: 200)
    rush.go_on(300)
    assert (len(rush.gone), rush.clock.now - rush.times()[-1] < 60_000) == (9, True)
    assert not rush.outbox.spare(rush.people[0], [ALL])


def test_a_pause_for_everybody_holds_for_previews_and_typing(store: Store) -> None:
    rush = Rush(store, lambda _: (ALL,), people=1, thinking=2)
    rush.outbox.pause(rush.people[0], 3600, ALL)
    rush.go_on(60)
    assert (rush.gone, rush.shown, rush.outbox.spare(rush.people[0], [ALL])) == ([], [], False)


def test_who_waits_for_its_chat_holds_no_place_that_others_could_use(store: Store) -> None:
    """Three have said one of two bubbles and wait for their chats; the fourth person has nothing to wait for."""
    rush = Rush(store, both, people=3, bubbles=2)
    rush.go_on(1)
    assert len(rush.gone) == 3
    stage(open_mailbox(store, lease=600), ANA)
    assert rush.outbox.begin(ANA, "a", 1, 0, both(ANA)).permission == "go"


def test_previews_have_their_place_in_the_line_too(store: Store) -> None:
    """Whoever comes after them is given a time that holds."""
    rush = Rush(store, lambda _: (ALL,), people=20, thinking=3, bubbles=1)
    for number in range(3):
        assert rush.outbox.spare(f"fake:7:{900 + number}", [ALL])
    rush.go_on()
    assert rush.asks <= 2 * 20


def test_whoever_waits_comes_in_vain_as_seldom_as_can_be(store: Store) -> None:
    """Each has a time of its own: whoever is punctual asks once for its time, and once when it is there."""
    rush = Rush(store, lambda _: (ALL,), people=30, bubbles=1)
    rush.go_on()
    assert rush.asks <= 2 * 30


def test_permits_that_got_old_do_not_all_go_at_once(store: Store) -> None:
    """Sixty wait their turn, all workers are away for long, then all come at the same moment: few of them in vain."""
    rush = Rush(store, lambda _: (ALL,), people=60, bubbles=1)
    rush.go_on(1)
    rush.sleep(3600)
    rush.go_on(50)
    assert len(rush.gone) == 2 * ALL.most
    rush.go_on()
    assert rush.asks <= 4 * 60
    assert list(crowded(rush.times(), ALL)) == []


def test_a_pause_for_everybody_holds_for_who_has_a_permit(store: Store) -> None:
    """The platform names a pause for the whole number: no call before it is over, whatever was promised before."""
    rush = Rush(store, lambda _: (ALL,), people=9, bubbles=1)
    rush.go_on(1)
    rush.outbox.pause(rush.people[0], 3600, ALL)
    rush.go_on(600)
    assert len(rush.gone) == ALL.most
    store.client.delete("recado:limit:all:pause")
    rush.go_on()
    assert list(crowded(rush.times(), ALL)) == []


@pytest.mark.parametrize("ahead", [2 * 60_000, 30 * 60_000, 2 * HOURS])
def test_a_clock_that_went_back_stops_nobody(store: Store, ahead: int) -> None:
    """All times of a limit lie ahead now, those given out and those used; what goes then counts again."""
    outbox, limit = Outbox(store), Limit("all", 2, 60)
    stage(open_mailbox(store), ANA, 3)
    then = now_ms(store) + ahead
    for name in ("all", "all:used"):
        store.client.rpush(f"recado:limit:{name}", then - 1, then)
    store.client.set("recado:limit:all:clock", then)
    assert [outbox.begin(ANA, "a", 1, index, [limit]).permission for index in range(3)] == ["go", "go", "wait"]


def test_a_clock_that_went_back_while_all_wait_stops_nobody(store: Store) -> None:
    """Whoever was given a time in the old future is given another one."""
    rush = Rush(store, lambda _: (ALL,), people=50, bubbles=1)
    rush.go_on(1)
    rush.turn_back(2 * 3600)
    rush.go_on()
    assert list(crowded(rush.times(), ALL)) == []
    assert rush.seconds < ideal(44) + 60
    assert rush.asks <= 50 + 2 * 44 + ALL.most


def test_a_line_longer_than_its_window_is_known_to_be_ahead_when_the_clock_goes_back(store: Store) -> None:
    """Times were given out for minutes to come, and nobody has asked since: they still count for nothing then."""
    rush = Rush(store, lambda _: (ALL,), people=40, bubbles=1)
    rush.go_on(1)
    assert store.client.pttl("recado:limit:all:clock") >= store.client.pttl("recado:limit:all") - 1000 > 300_000


def test_a_clock_that_went_back_stops_no_previews(store: Store) -> None:
    rush = Rush(store, lambda _: (ALL,), people=0, thinking=4)
    rush.go_on(2)
    assert len(rush.shown) == 3
    rush.turn_back(2 * 3600)
    rush.go_on(2)
    assert len(rush.shown) == 3
