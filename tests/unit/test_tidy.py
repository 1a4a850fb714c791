"""Names go when nothing is left of their people; whoever is heard under one again is simply somebody new."""

from __future__ import annotations

import pytest

from bot.settings import load_settings
from bot.stores import erase, tidy
from bot.stores.access import Access
from bot.stores.alias import ALIAS, FORMER, TOLD_MS, USERS
from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from bot.stores.person import Person, export
from bot.stores.tidy import TIDIED, Tidy
from bot.stores.whom import PARTS
from tests.unit.mailboxes import now_ms
from tests.unit.post import ANA, BEA, A, B, Post

NAMES = (ALIAS, USERS, FORMER)


@pytest.fixture
def post(store: Store, mailbox: Mailbox) -> Post:
    return Post(store, mailbox)


def tidied(store: Store, **settings: object) -> int:
    return Tidy(store, load_settings(**settings)).now()


def fall_silent(store: Store, *conversations: str) -> None:
    """As after HISTORY_DAYS, when all keys of a conversation have expired."""
    for conversation in conversations:
        store.client.delete(*(key(conversation, part) for part in PARTS))


def long_ago(store: Store) -> None:
    """Every change of a number was so long ago that nobody tells of it any more."""
    for name, record in store.client.hgetall(FORMER).items():
        who, _, since = record.decode().rpartition("|")
        sign = "-" if since.startswith("-") else ""
        store.client.hset(FORMER, name, f"{who}|{sign}{now_ms(store) - TOLD_MS - 1000}")


def left(store: Store) -> list[int]:
    return [store.client.hlen(name) for name in NAMES]


# -- what goes, and when -------------------------------------------------------------------------------


def test_all_names_of_whoever_is_silent_for_long_go(post: Post, store: Store) -> None:
    post.write(A, ANA)
    assert left(store) == [1, 1, 0]
    fall_silent(store, A)

    assert tidied(store) == 2
    assert left(store) == [0, 0, 0]


@pytest.mark.parametrize("part", PARTS)
def test_as_long_as_anything_is_left_its_names_stay(post: Post, store: Store, part: str) -> None:
    """And the name by which another conversation is called, too."""
    post.write(A, ANA)
    fall_silent(store, A)
    for conversation in (A, ANA):
        store.client.set(key(conversation, part), "something")
        assert tidied(store) == 0
        assert left(store) == [1, 1, 0]
        store.client.delete(key(conversation, part))


def test_who_changed_their_number_is_forgotten_with_it(post: Post, store: Store) -> None:
    """But not before nobody tells of it any more: what comes late may still be theirs."""
    post.write(A, ANA)
    post.mailbox.alias(*post.move(A, B))
    stranger = post.write(A, BEA)
    fall_silent(store, A, stranger)
    tidied(store)
    assert store.client.hgetall(FORMER)
    assert store.client.hget(ALIAS, A)
    long_ago(store)
    tidied(store)
    tidied(store)

    assert left(store) == [0, 0, 0]


def test_a_number_stays_a_strangers_while_its_former_owner_is_there(post: Post, store: Store) -> None:
    post.write(A)
    post.mailbox.alias(*post.move(A, B))
    stranger = post.write(A)
    fall_silent(store, stranger)
    long_ago(store)
    tidied(store)

    assert post.write(A) != A
    assert post.write(B) == A


def test_a_number_stays_a_strangers_while_they_are_there(post: Post, store: Store) -> None:
    """What is known of who had it before stays as long: a body that is kept aside may be theirs."""
    post.write(A)
    post.mailbox.alias(*post.move(A, B))
    stranger = post.write(A)
    fall_silent(store, A)
    long_ago(store)
    tidied(store)

    assert post.write(A) == stranger
    assert store.client.hlen(FORMER) == 1


def test_nobody_else_gets_what_somebody_says_after_their_names_went(post: Post, store: Store) -> None:
    """Ana comes back by her user id alone; who has her number now has another one."""
    post.write(A, ANA)
    fall_silent(store, A)
    tidied(store)
    back = post.write(ANA)

    assert post.write(A, BEA) != back
    assert post.write(ANA) == back


# -- what stays ---------------------------------------------------------------------------------------


def test_a_groups_names_stay(post: Post, store: Store, mailbox: Mailbox) -> None:
    mailbox.alias("telegram:7:-55", "telegram:7:-10055")

    assert tidied(store) == 0
    assert store.client.hlen(ALIAS) == 1


@pytest.mark.parametrize("listed", ["34600000001", "whatsapp:34600000001", "whatsapp:ES.11"])
@pytest.mark.parametrize("by", ["settings", "owner"])
def test_whoever_is_on_a_list_is_known_by_all_names(post: Post, store: Store, listed: str, by: str) -> None:
    settings = {"allowed": (listed,)} if by == "settings" else {}
    if by == "owner":
        Access(store, load_settings()).add(listed)
    post.write(A, ANA)
    fall_silent(store, A)

    assert tidied(store, **settings) == 0
    assert post.write(ANA) == A


@pytest.mark.parametrize("place", ["quarantine", "unserved"])
@pytest.mark.parametrize("name", ["34600000001", "+34600000001", "ES.11"])
def test_who_is_named_by_a_body_that_is_kept_aside_is_found_by_all_names(
    post: Post, store: Store, mailbox: Mailbox, place: str, name: str
) -> None:
    """So that who is erased takes it with them, and an export shows nobody else's."""
    post.write(A, ANA)
    post.write(B, BEA)
    fall_silent(store, A, B)
    keep = mailbox.quarantine if place == "quarantine" else mailbox.keep
    keep("whatsapp", f'{{"from":"{name}"}}'.encode())

    assert tidied(store) == 2
    assert store.client.hkeys(ALIAS) == [ANA.encode()]
    assert store.client.hkeys(USERS) == [A.encode()]
    erase.erase(store, Person.parse(A))
    assert left(store) == [0, 0, 0]


def test_a_body_of_who_had_the_number_before_is_shown_to_nobody_else(
    post: Post, store: Store, mailbox: Mailbox
) -> None:
    post.write(A, ANA)
    mailbox.quarantine("whatsapp", b'{"from":"34600000001","text":"of Ana"')
    mailbox.alias(*post.move(A, B))
    stranger = post.write(A, BEA)
    fall_silent(store, A, stranger)
    long_ago(store)
    for _ in range(2):
        tidied(store)
    post.write(A, BEA)

    assert "of Ana" not in str(export(store, Person.parse("34600000001")))


def test_who_wants_all_to_go_is_found_by_their_names_until_it_has(post: Post, store: Store) -> None:
    post.write(A, ANA)
    fall_silent(store, A)
    store.client.hset(erase.ERASING, A, A)

    assert tidied(store) == 0


def test_a_change_of_late_is_remembered_although_nothing_else_is(store: Store) -> None:
    store.client.hset(FORMER, A, f"{B}|-{now_ms(store) - TOLD_MS + 60_000}")

    assert tidied(store) == 0


@pytest.mark.parametrize(
    ("kind", "pair"), [("users", (A, ANA)), ("alias", (ANA, B))], ids=["a name leads there", "it leads elsewhere now"]
)
def test_what_is_not_as_it_was_when_somebody_looked_stays(
    post: Post, store: Store, kind: tidy.Kind, pair: tidy.Pair
) -> None:
    post.write(A, ANA)
    fall_silent(store, A)

    assert Tidy(store, load_settings())._drop(kind, {pair}, set()) == 0
    assert left(store) == [1, 1, 0]


# -- who does it --------------------------------------------------------------------------------------


def test_one_worker_an_hour_looks(post: Post, store: Store) -> None:
    workers = [Tidy(store, load_settings()) for _ in range(2)]
    post.write(A, ANA)
    fall_silent(store, A)
    workers[0].hourly()
    assert left(store) == [0, 0, 0]
    assert 3500 < store.client.ttl(TIDIED) <= 3600
    post.write(A, ANA)
    fall_silent(store, A)
    for one in workers:
        one.hourly()
    assert left(store) == [1, 1, 0]
    store.client.delete(TIDIED)
    workers[0].hourly()
    assert left(store) == [1, 1, 0]  # it asks Redis no sooner than in an hour
    Tidy(store, load_settings()).hourly()
    assert left(store) == [0, 0, 0]


def test_many_names_go_in_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is known of a person goes only after the last of their names."""
    monkeypatch.setattr(tidy, "MOST", 100)
    for number in range(250):
        store.client.hset(ALIAS, f"whatsapp:1:ES.{number}", f"whatsapp:1:{number}")
        store.client.hset(USERS, f"whatsapp:1:{number}", f"whatsapp:1:ES.{number}")
    went = []
    while gone := tidied(store):
        went.append(gone)
        for own in store.client.hvals(ALIAS):
            assert store.client.hexists(USERS, own)
    assert len(went) > 2
    assert left(store) == [0, 0, 0]
