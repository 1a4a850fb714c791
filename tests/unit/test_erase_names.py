"""Who is erased or exported is found by any of their names; whoever has an old one of theirs now is somebody else."""

from __future__ import annotations

import pytest

from bot.message import Message, Piece, Reply, Turn
from bot.stores import erase
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from bot.stores.outbox import Outbox
from bot.stores.person import Person, export, find
from tests.unit.everything import everything
from tests.unit.mailboxes import now_ms

OLD, NEW, THIRD = (f"34699887{n}" for n in (711, 722, 733))
USER, NEXT = "ES.1111", "ES.2222"
HERE, THERE = f"whatsapp:106540:{OLD}", f"whatsapp:106540:{NEW}"
ANAS, EVAS = "canary-of-ana", "canary-of-eva"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erase, "NOTICE_SECONDS", 0)
    monkeypatch.setattr(erase, "FAREWELL_SECONDS", 0)


def write(mailbox: Mailbox, number: int, names: tuple[str, ...], text: str) -> None:
    first, *also = (f"whatsapp:106540:{name}" for name in names)
    body = f'{{"from":"{names[0]}","text":"{text}"}}'
    message = Message(f"w{number}", first, text, also=tuple(also), raw=body, bubble=f"w{number}")
    mailbox.accept([message], raw_hours=72)


@pytest.fixture
def moved(mailbox: Mailbox, store: Store) -> Store:
    """Ana has another number by now, and Eva has her old one."""
    write(mailbox, 1, (OLD, USER), ANAS)
    mailbox.take(HERE, "a")
    answer = Reply(1, (Piece(f"re: {ANAS}"),))
    mailbox.commit(HERE, "a", 1, answer, (Turn("user", ANAS, 3, 1), Turn("assistant", f"re: {ANAS}", 3, 1)))
    mailbox.alias(HERE, THERE, freed=True, at=now_ms(store) / 1000 - 60, told="s1")
    write(mailbox, 2, (NEW,), ANAS)
    write(mailbox, 3, (OLD, NEXT), EVAS)
    return store


@pytest.mark.parametrize("name", [NEW, f"+{NEW}", USER, f"whatsapp:{NEW}", f"whatsapp:{USER}", HERE, THERE])
def test_all_names_of_a_person_find_them_and_nobody_else(moved: Store, name: str) -> None:
    document = str(export(moved, Person.parse(name)))
    assert ANAS in document
    assert EVAS not in document
    erase.erase(moved, Person.parse(name))
    left = str(everything(moved))
    assert [word for word in (ANAS, NEW, USER) if word in left] == []
    assert EVAS in left


@pytest.mark.parametrize("name", [OLD, NEXT, f"whatsapp:{OLD}"])
def test_whoever_has_the_old_number_now_is_who_it_means(moved: Store, mailbox: Mailbox, name: str) -> None:
    document = str(export(moved, Person.parse(name)))
    assert EVAS in document
    assert ANAS not in document
    erase.erase(moved, Person.parse(name))
    left = str(everything(moved))
    assert [word for word in (EVAS, NEXT) if word in left] == []
    assert ANAS in left
    write(mailbox, 9, (NEW,), "still me")
    assert [message for message in export(moved, Person.parse(NEW))["conversations"] if "still me" in str(message)]


def test_a_quarantined_body_of_a_number_that_two_had_is_shown_to_neither(moved: Store, mailbox: Mailbox) -> None:
    """Nobody knows whose it is; it goes with either."""
    mailbox.quarantine("whatsapp", f'{{"from":"{OLD}","text":"whose?"'.encode())
    mailbox.quarantine("whatsapp", f'{{"from":"{OLD}","user":"{NEXT}"}}'.encode())
    assert len(export(moved, Person.parse(OLD))["quarantine"]) == 1
    assert len(find(moved, Person.parse(OLD)).quarantined) == 2


def test_when_nobody_came_after_them_the_old_number_is_forgotten_too(mailbox: Mailbox, store: Store) -> None:
    write(mailbox, 1, (OLD, USER), ANAS)
    mailbox.alias(HERE, THERE, freed=True, at=now_ms(store) / 1000 - 60, told="s1")
    erase.erase(store, Person.parse(NEW))
    assert [word for word in (OLD, NEW, USER) if word in str(everything(store))] == []


def test_who_moved_on_twice_is_found_and_leaves_nothing(moved: Store, mailbox: Mailbox) -> None:
    mailbox.alias(THERE, f"whatsapp:106540:{THIRD}", freed=True, at=now_ms(moved) / 1000 - 30, told="s2")
    write(mailbox, 4, (THIRD,), ANAS)
    erase.erase(moved, Person.parse(THIRD))
    left = str(everything(moved))
    assert [word for word in (ANAS, NEW, THIRD, USER) if word in left] == []
    assert EVAS in left


def test_a_farewell_goes_where_the_person_is(moved: Store, mailbox: Mailbox) -> None:
    """What is needed to say it stays until it is said, and no longer."""
    mailbox.take(HERE, "a")
    moved.client.delete(key(HERE, "out"))
    mailbox.take(HERE, "a")
    mailbox.commit(HERE, "a", 2, Reply(2, (Piece("adiós"),)), mode="erase", erases=HERE)
    known = {name.decode(): value.decode() for name, value in moved.client.hgetall(key(HERE, "state")).items()}
    assert (known["address"], known["erased"]) == (THERE, "1")
    assert "heard_at" in known
    assert not moved.client.exists(key(HERE, "raw"), key(HERE, "history"))


# -- the platform's own words --------------------------------------------------------------------------


def test_bodies_are_kept_for_three_days_and_no_longer(mailbox: Mailbox, store: Store) -> None:
    raw, day = key(HERE, "raw"), 86_400_000
    for age in (5, 4, 2, 1):
        store.client.xadd(raw, {"w": f"{age} days old"}, id=f"{now_ms(store) - age * day}-0")
    write(mailbox, 1, (OLD,), "new")
    bodies = [next(iter(words.values())).decode() for _, words in store.client.xrange(raw)]
    assert bodies == ["2 days old", "1 days old", f'{{"from":"{OLD}","text":"new"}}']
    assert 2.9 * day < store.client.pttl(raw) <= 3 * day


def test_what_is_kept_apart_is_kept_once(mailbox: Mailbox, store: Store) -> None:
    write(mailbox, 1, (OLD,), "new")
    write(mailbox, 1, (OLD,), "new")
    (waiting,) = store.client.lrange(key(HERE, "in"), 0, -1)
    assert b'"from"' not in waiting
    assert store.client.xlen(key(HERE, "raw")) == 1


def test_a_channel_that_keeps_none_has_none(mailbox: Mailbox, store: Store) -> None:
    mailbox.accept([Message("1", HERE, "hola", raw="{}")])
    assert not store.client.exists(key(HERE, "raw"))


# -- what is carried out later -------------------------------------------------------------------------


def test_who_wants_all_to_go_takes_nothing_of_whoever_has_their_number_now(moved: Store, mailbox: Mailbox) -> None:
    """Their conversation is gone already when the rest of it follows."""
    mailbox.take(HERE, "a")
    moved.client.delete(key(HERE, "out"))
    mailbox.take(HERE, "a")
    assert mailbox.commit(HERE, "a", 2, None, mode="erase", erases=HERE)
    mailbox.release(HERE, "a")
    assert not moved.client.exists(key(HERE, "state"))
    erase.finish(moved)
    left = str(everything(moved))
    assert [word for word in (ANAS, NEW, USER) if word in left] == []
    assert EVAS in left


@pytest.mark.parametrize("names", [(OLD, USER), (USER, OLD), (USER,)])
def test_who_wants_all_to_go_leaves_no_name_behind(mailbox: Mailbox, store: Store, names: tuple[str, ...]) -> None:
    """Neither where the rest follows before the farewell is said, nor after it."""
    write(mailbox, 1, names, ANAS)
    here = f"whatsapp:106540:{names[0]}"
    mailbox.take(here, "a")
    mailbox.commit(here, "a", 1, Reply(1, (Piece("adiós"),)), mode="erase", erases=here)
    erase.finish(store)
    Outbox(store).record(here, 1, 0, "sent", identity="x")
    mailbox.release(here, "a")
    store.client.delete("rq:job:ring-1")  # RQ ends its own jobs
    assert [word for word in (ANAS, OLD, USER) if word in str(everything(store))] == []
