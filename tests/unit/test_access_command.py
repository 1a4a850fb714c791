"""Who may talk, as the owner types it: python -m bot access …"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.message import Message
from bot.settings import load_settings
from bot.stores.access import Access
from bot.stores.connection import Store, key

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ANA = "telegram:7:555"


@pytest.fixture
def run(store: Store, clean_env: dict[str, str], tmp_path: Path) -> Run:
    """Types ``python -m bot access …`` where strangers need a code."""
    url = f"unix://{store.client.connection_pool.connection_kwargs['path']}"
    env = clean_env | {"REDIS_URL": url, "DATA_DIR": str(tmp_path), "ACCESS": "pairing", "ADMINS": "telegram:9"}

    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bot", "access", *words]
        return subprocess.run(
            command, env=env, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
        )

    return typed


@pytest.fixture
def access(store: Store) -> Access:
    return Access(store, load_settings(access="pairing"))


def test_a_stranger_is_listed_and_let_in_by_their_code(store: Store, access: Access, run: Run) -> None:
    """They are told so in their own language, in their own conversation."""
    code = access.code(Message("1", ANA, "hi", person="Ana\x1b[31m\nroot: in ADMINS"), "en") or ""
    listed = run("list").stdout
    assert listed.splitlines()[:2] == ["ACCESS=pairing", "telegram:9: in ADMINS"]
    assert f"telegram:555: waits with the code {code} Ana" in listed
    assert "\x1b" not in listed
    assert len(listed.splitlines()) == 3

    approved = run("approve", code.lower())
    assert (approved.returncode, approved.stdout) == (0, "telegram:555 may write now, and is told so.\n")
    assert b"You may write to me now" in store.client.lindex(key(ANA, "out"), 0)  # type: ignore[operator]
    assert "telegram:555: admitted 20" in run("list").stdout


def test_somebody_is_added_and_removed_by_their_id(access: Access, run: Run) -> None:
    message = Message("1", "whatsapp:9:34600111222", "hola")
    assert run("add", "whatsapp:+34 600 111 222").stdout == "whatsapp:34600111222 may write now.\n"
    assert access.admits([message])
    assert run("remove", "whatsapp:34600111222").returncode == 0
    assert not access.admits([message])


@pytest.mark.parametrize(("other", "one"), [("telegram:555", "555"), ("555", "telegram:555")])
def test_nobody_is_said_to_be_out_who_is_still_in(access: Access, run: Run, other: str, one: str) -> None:
    """An id with its channel and without it are two admissions of one person."""
    for who in (one, other):
        access.add(who)
    ended = run("remove", one)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"as {other}:" in ended.stderr
    assert run("remove", other).stdout == f"{other} may not write any more.\n"
    assert not access.admits([Message("1", ANA, "hola")])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("approve", "ACDE3467"), "access list"),
        (("add", "@ana"), "telegram:555"),
        (("remove", "555"), "was not admitted"),
        (("remove", "telegram:9"), ".env"),
        (("remove", "9"), ".env"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(run: Run, words: tuple[str, ...], told: str) -> None:
    ended = run(*words)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
