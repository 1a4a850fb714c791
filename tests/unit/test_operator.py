"""The operator's commands as they are typed: dead letters, export and erase."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.stores.connection import Store, key
from bot.stores.mailbox import Mailbox
from tests.unit.everything import BEA, CHAT, HERE, THERE, WORDS, be_neighbour, everything, live, said

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(store: Store, clean_env: dict[str, str], tmp_path: Path) -> Run:
    """Types ``python -m bot …``, with an answer to what it asks."""
    url = f"unix://{store.client.connection_pool.connection_kwargs['path']}"
    env = clean_env | {"REDIS_URL": url, "DATA_DIR": str(tmp_path), "COLUMNS": "200"}

    def typed(*words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bot", *words]
        return subprocess.run(
            command, env=env, input=answer, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
        )

    return typed


def test_dead_letters_are_listed_shown_and_retried(store: Store, run: Run) -> None:
    live(store)
    listed, shown = run("dead", "list"), run("dead", "show", f"telegram:{CHAT}")
    assert THERE in listed.stdout
    assert f"broke on {WORDS}" in listed.stdout
    assert WORDS + " 1" not in listed.stdout
    assert f"{WORDS} 1" in shown.stdout

    retried = run("dead", "retry", THERE)
    assert f"{THERE}: messages that wait for their answer now: 1" in retried.stdout
    assert store.client.lindex(key(THERE, "in"), -1).split(b"|")[1] == b"3"
    assert run("dead", "list").stdout == "no dead letters\n"


def test_everybodys_dead_letters_are_retried_at_once(store: Store, mailbox: Mailbox, run: Run) -> None:
    for who in (HERE, BEA):
        mailbox.accept([said(1, who)])
        mailbox.take(who, "a")
        mailbox.commit(who, "a", 1, None, mode="bury", reason="ValueError")
    assert run("dead", "retry", "--all").returncode == 0
    assert [store.client.llen(key(who, "in")) for who in (HERE, BEA)] == [1, 1]


@pytest.mark.parametrize(
    "words", [("dead", "show", "555"), ("dead", "retry", "555"), ("dead", "retry"), ("dead", "retry", "--all", "555"),
              ("export", "555"), ("erase", "555"), ("erase", "a:b:c:d:e")],
)  # fmt: skip
def test_who_is_unknown_is_said_in_words(store: Store, run: Run, words: tuple[str, ...]) -> None:
    """Exit code 1, and nothing has changed."""
    be_neighbour(store)
    before = everything(store)
    ended = run(*words)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "555" in ended.stderr or "Name a" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert everything(store) == before


def test_a_message_cannot_command_the_terminal(store: Store, mailbox: Mailbox, run: Run) -> None:
    """What a person wrote is shown as it is: no escape sequence, no markup."""
    mailbox.accept([said(1, BEA, "\x1b]0;owned\x07 [red]x[/]")])
    mailbox.take(BEA, "a")
    mailbox.commit(BEA, "a", 1, None, mode="bury", reason="[bold]\x1b[2J")
    text = run("dead", "show", BEA).stdout + run("dead", "list").stdout
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]x[/]" in text
    assert "[bold]" in text


def test_an_export_goes_to_the_screen_or_to_a_private_file(store: Store, run: Run, tmp_path: Path) -> None:
    live(store)
    file = tmp_path / "export.json"
    on_screen = run("export", CHAT).stdout
    assert run("export", CHAT, "--to", str(file)).returncode == 0
    assert json.loads(file.read_text())["conversations"] == json.loads(on_screen)["conversations"]
    assert len(json.loads(on_screen)["conversations"]) == 2
    assert file.stat().st_mode & 0o777 == 0o600

    again = run("export", CHAT, "--to", str(file))
    assert again.returncode == 1
    assert "new file" in again.stderr


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_erasing_asks_first(store: Store, run: Run, answer: str) -> None:
    """It names what would go; no, or nobody there to answer, changes nothing."""
    live(store)
    before = everything(store)
    ended = run("erase", CHAT, answer=answer)
    assert ended.returncode == 1
    assert HERE in ended.stdout
    assert THERE in ended.stdout
    assert everything(store) == before


def test_a_group_is_named_by_its_id_minus_and_all(store: Store, mailbox: Mailbox, run: Run) -> None:
    group = "telegram:7123:-100555"
    mailbox.accept([said(1, group)])
    shown = run("show", "-100555")
    assert shown.returncode == 0, shown.stderr
    assert group in shown.stdout
    assert group in run("export", "-100555").stdout
    assert run("erase", "-100555", "--yes").returncode == 0
    assert group not in str(everything(store))


def test_erasing_erases(store: Store, run: Run) -> None:
    live(store)
    be_neighbour(store)
    ended = run("erase", CHAT, "--yes")
    assert ended.returncode == 0, ended.stderr
    assert "erased: conversations: 2, bodies in quarantine: 2" in ended.stdout
    left = str(everything(store))
    assert CHAT not in left
    assert WORDS not in left
    assert BEA in left
