"""Who may talk: what the settings name, whom the owner let in, and codes that live an hour and are one stranger's."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.errors import SettingsError
from bot.message import Message
from bot.settings import load_settings
from bot.stores import access
from bot.stores.access import ALPHABET, CODE_LENGTH, CODE_SECONDS, PAIRING, Access, Admission, Stranger, is_admin
from bot.stores.connection import DUE, Store, key
from bot.stores.erase import erase
from bot.stores.mailbox import Mailbox
from bot.stores.person import Person, export, find
from bot.stores.taken import Speak
from tests.unit.mailboxes import said
from workers.gate import refusal

ANA = "telegram:7:555"
GROUP = "telegram:7:-100123"
PHONE = "whatsapp:106540:34600111222"


def wrote(conversation: str = ANA, sender: str = "", person: str = "Ana") -> Message:
    return Message("1", conversation, "hola", sender=sender, person=person)


def opened(store: Store, mode: str = "pairing", **settings: str) -> Access:
    return Access(store, load_settings(access=mode, **settings))


def offered(found: Access, message: Message, language: str = "es") -> str:
    """The code that whoever wrote this is told."""
    code = found.code(message, language)
    assert code is not None
    return code


def stranger(found: Access, conversation: str = ANA) -> Stranger:
    """Somebody who has just been given a code."""
    known = found.stranger(offered(found, wrote(conversation)))
    assert known
    return known


def shift(store: Store, ms: int) -> None:
    """Ana's code ends so much later."""
    version, ends, rest = str(store.client.hget(PAIRING, "telegram:555"), "utf-8").split("|", 2)  # type: ignore[arg-type]
    store.client.hset(PAIRING, "telegram:555", f"{version}|{int(ends) + ms}|{rest}")


# -- ids ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("admins", "message", "theirs"),
    [
        ("555", wrote(ANA), True),
        ("telegram:555", wrote(ANA), True),
        ("whatsapp:555", wrote(ANA), False),
        ("5555,55", wrote(ANA), False),
        ("7", wrote(ANA), False),  # the bot's own account is nobody
        ("telegram:777", wrote(GROUP, "777"), True),
        ("555", wrote(GROUP, "777"), False),
        ("-100123", wrote(GROUP, "777"), True),
        ("100123", wrote(GROUP, "777"), False),
        ("+34 600 111 222", wrote(PHONE), True),
        ("", wrote(ANA), False),
        (" 1 , Telegram:555 ", wrote(ANA), True),
    ],
)
def test_an_id_means_a_chat_or_a_person_as_a_whole(admins: str, message: Message, *, theirs: bool) -> None:
    assert is_admin(load_settings(admins=admins), message) is theirs


@pytest.mark.parametrize("value", ["@ana", "555,", "ana b", "telegram:", "a b:555", "tele gram:555", "*"])
def test_what_is_no_id_is_refused_with_an_example(value: str) -> None:
    """A user name can be taken over by somebody else; only an id is one person's for ever."""
    if value == "555,":
        assert load_settings(admins=value).admins == ("555",)
        return
    for name in ("admins", "allowed"):
        with pytest.raises(SettingsError, match=rf"{name.upper()}: .*telegram:555"):
            load_settings(**{name: value})


# -- judging -----------------------------------------------------------------------------------------


def test_open_admits_everybody(store: Store) -> None:
    assert opened(store, "open").admits([wrote()])


@pytest.mark.parametrize("mode", ["list", "pairing"])
def test_closed_admits_whom_the_settings_name_and_whom_the_owner_added(store: Store, mode: str) -> None:
    found = opened(store, mode, allowed="telegram:1", admins="2")
    for who in ("telegram:7:1", "telegram:7:2", "whatsapp:9:2"):
        assert found.admits([wrote(who)])
    assert not found.admits([wrote()])
    assert (found.add("telegram:555"), found.add("telegram:555")) == (True, False)
    assert found.admits([wrote()])
    assert not found.admits([wrote("whatsapp:9:555")])
    assert (found.remove("telegram:555"), found.remove("telegram:555")) == (True, False)
    assert not found.admits([wrote()])


def test_in_a_group_the_group_or_who_writes_may_be_admitted(store: Store) -> None:
    found = opened(store, "list", allowed="777,telegram:-100999")
    assert found.admits([wrote(GROUP, "777")])
    assert found.admits([wrote("telegram:7:-100999", "888"), wrote("telegram:7:-100999:12", "888")])
    assert not found.admits([wrote(GROUP, "888")])
    assert found.admits([wrote(GROUP, "888"), wrote(GROUP, "777")])


def test_nobody_is_admitted_for_having_said_nothing(store: Store) -> None:
    assert not opened(store, "list").admits([])


# -- codes -------------------------------------------------------------------------------------------


def test_a_code_is_the_strangers_own_and_stays_theirs(store: Store) -> None:
    found = opened(store)
    first, again, other = offered(found, wrote()), offered(found, wrote(), "en"), offered(found, wrote(PHONE))
    assert first == again != other
    assert len(first) == CODE_LENGTH
    assert set(first) <= set(ALPHABET)
    assert not set("O0I1LB8S5Z2") & set(ALPHABET)


def test_a_code_is_taken_however_it_is_typed(store: Store) -> None:
    found = opened(store)
    code = offered(found, wrote(), "es")
    for typed in (code, code.lower(), f" {code[:4]} {code[4:]} ", f"{code[:4]}-{code[4:]}."):
        known = found.stranger(typed)
        assert known
        assert (known.who, known.conversation, known.language, known.person) == ("telegram:555", ANA, "es", "Ana")
    for wrong in ("", code[:-1], code + "A", "ÁÁÁÁÁÁÁÁ"):
        assert found.stranger(wrong) is None


def test_a_code_ends_after_an_hour_and_the_next_one_is_another(store: Store) -> None:
    assert CODE_SECONDS == 3600
    found = opened(store)
    code = offered(found, wrote(), "es")
    shift(store, -3_600_001)
    assert found.stranger(code) is None
    assert offered(found, wrote(), "es") != code


def test_a_code_that_would_live_too_long_is_none(store: Store) -> None:
    """The clock went back: it would be good for more than its hour."""
    found = opened(store)
    code = offered(found, wrote(), "es")
    shift(store, 60_000)
    assert offered(found, wrote(), "es") != code


def test_no_more_strangers_than_a_bounded_number_have_a_code(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "PENDING_MOST", 2)
    found = opened(store)
    codes = [offered(found, wrote(f"telegram:7:{number}"), "es") for number in range(4)]
    assert [bool(code) for code in codes] == [True, True, False, False]
    assert offered(found, wrote("telegram:7:1"), "es") == codes[1]
    found.remove("telegram:1")
    assert offered(found, wrote("telegram:7:3"), "es")


# -- admission ---------------------------------------------------------------------------------------


def test_who_is_approved_may_write_and_is_told_so_once(store: Store, mailbox: Mailbox) -> None:
    """However often the answer is lost and it is asked again; the note goes out with the next look at the mailbox."""
    mailbox.accept([said(1, conversation=ANA)])
    mailbox.take(ANA, "a")
    mailbox.commit(ANA, "a", 1, None, reason="not admitted")
    mailbox.release(ANA, "a")
    found = opened(store)
    one = Admission(stranger(found), "Come in.")
    assert [found.approve(one) for _ in range(3)] == [True] * 3
    assert found.admits([wrote()])
    assert not found.strangers()
    assert [who for who, _ in found.admitted()] == ["telegram:555"]
    assert store.client.zscore(DUE, ANA) is not None
    task = mailbox.take(ANA, "b")
    assert isinstance(task, Speak)
    assert [piece.text for piece in task.reply.pieces] == ["Come in."]
    assert store.client.llen(key(ANA, "out")) == 1


def test_who_is_let_in_while_they_are_judged_is_told_no_other_code(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their words were taken before, and are answered now: a code would be the last that they read."""
    found, judge = opened(store), Access.admits
    one = Admission(stranger(found), "Come in.")

    def and_then_approved(access: Access, messages: Sequence[Message]) -> bool:
        judged = judge(access, messages)
        assert found.approve(one)
        return judged

    monkeypatch.setattr(Access, "admits", and_then_approved)
    assert refusal(found, {}, [wrote()], "es", "2026-05-01") is None
    assert not found.strangers()


def test_a_code_that_is_not_theirs_any_more_admits_nobody(store: Store) -> None:
    found = opened(store)
    old = Admission(stranger(found)._replace(code="AAAAAAAA"), "Come in.")
    assert not found.approve(old)
    assert not found.admits([wrote()])
    assert not store.client.exists(key(ANA, "out"))


def test_an_admission_is_carried_out_with_the_turn_that_orders_it(store: Store, mailbox: Mailbox) -> None:
    """A second commit does nothing; one whose lease is lost neither."""
    found = opened(store)
    one = Admission(stranger(found, PHONE), "Come in.")
    mailbox.accept([said(1, conversation=ANA)])
    mailbox.take(ANA, "a")
    assert not mailbox.commit(ANA, "another", 1, None, admission=one)
    assert not found.admits([wrote(PHONE)])
    for _ in range(2):
        assert mailbox.commit(ANA, "a", 1, None, admission=one)
    assert found.admits([wrote(PHONE)])
    assert store.client.llen(key(PHONE, "out")) == 1


def test_a_worker_that_has_the_strangers_mailbox_keeps_it(store: Store, mailbox: Mailbox) -> None:
    """The note waits for it; nobody else is woken."""
    mailbox.accept([said(1, conversation=ANA)])
    mailbox.take(ANA, "a")
    due = store.client.zscore(DUE, ANA)
    found = opened(store)
    assert found.approve(Admission(stranger(found), "Come in."))
    assert store.client.zscore(DUE, ANA) == due
    mailbox.commit(ANA, "a", 1, None)
    assert isinstance(mailbox.take(ANA, "a"), Speak)


# -- one person's data -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("555", ["555", "telegram:555"]), ("telegram:555", ["555", "telegram:555"]), (ANA, ["555", "telegram:555"]),
     (f"{ANA}:12", []), ("whatsapp:555", ["555"]), ("5", [])],
)  # fmt: skip
def test_a_persons_admission_is_found(store: Store, name: str, theirs: list[str]) -> None:
    found = opened(store)
    for who in ("555", "telegram:555", "telegram:-555", "telegram:5555"):
        found.add(who)
    assert find(store, Person.parse(name)).admitted == theirs


def test_an_export_shows_since_when_somebody_may_write(store: Store) -> None:
    found = opened(store)
    found.add("telegram:555")
    offered(found, wrote(PHONE), "es")
    assert list(export(store, Person.parse("555"))["access"]) == ["telegram:555"]
    (kept,) = export(store, Person.parse("34600111222"))["access"].values()
    assert "Ana" in kept[0]


def test_erasing_takes_admission_and_code(store: Store) -> None:
    found = opened(store)
    found.add("telegram:555")
    offered(found, wrote(PHONE), "es")
    found.add("telegram:556")
    for name in ("555", "34600111222"):
        erase(store, Person.parse(name))
    assert not found.strangers()
    assert [who for who, _ in found.admitted()] == ["telegram:556"]
