"""Backup and restore as they are typed: whole or not at all, private, and never over something that is there."""

from __future__ import annotations

import gzip
import json
import os
import stat
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from bot.backup import file, words
from bot.backup.words import Unfit
from bot.errors import SettingsError
from bot.safety import vet
from bot.settings import load_settings
from bot.stores.connection import DUE, Store, connect, key
from bot.stores.mailbox import Mailbox
from bot.stores.snapshot import RESTORING, Snapshot
from bot.texts import Text
from tests.unit.everything import HERE, WORDS, live
from tests.unit.mailboxes import BEA, said, taken_texts
from tests.unit.test_operator import Run, run

__all__ = ["run"]


@pytest.fixture
def made(store: Store, run: Run, tmp_path: Path) -> Path:
    """A backup of a person who is everywhere; Redis is empty again."""
    live(store)
    done = run("backup", "--to", str(tmp_path / "one.backup"))
    assert done.returncode == 0, done.stderr
    store.client.flushall()
    return tmp_path / "one.backup"


def lines(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def rewritten(path: Path, rows: list[str]) -> Path:
    path.write_bytes(gzip.compress("".join(f"{row}\n" for row in rows).encode()))
    return path


def test_what_was_saved_is_there_again_and_goes_on(store: Store, made: Path, run: Run) -> None:
    restored = run("restore", str(made))
    mailbox = Mailbox(store, lease=15, quiet=0, cap=0, days=30)

    assert restored.returncode == 0, restored.stderr
    assert "2 conversaciones" in restored.stdout
    assert taken_texts(mailbox, "b", HERE) == [f"{WORDS} 2"]
    assert store.client.zcard(DUE) == 2
    assert not store.client.exists(RESTORING)


def test_a_backup_is_yours_alone_and_leaves_nothing_else(made: Path) -> None:
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert [path.name for path in made.parent.iterdir() if "backup" in path.name] == [made.name]


def test_it_says_what_it_is_and_counts_its_keys(made: Path) -> None:
    first, *groups, last = map(json.loads, lines(made))

    assert (first["recado"], first["format"]) == ("backup", 1)
    assert first["server"].startswith(("valkey ", "redis "))
    assert last["keys"] == sum(map(len, groups)) == file.verify(made).keys


def test_a_backup_is_never_written_over(store: Store, made: Path, run: Run) -> None:
    before = made.read_bytes()
    again = run("backup", "--to", str(made))

    assert again.returncode == 1
    assert words.EXISTS.to("es", path=made) in again.stderr
    assert made.read_bytes() == before


def test_where_nobody_can_write_nothing_stays(store: Store, run: Run, tmp_path: Path) -> None:
    done = run("backup", "--to", str(tmp_path / "nowhere" / "one"))

    assert done.returncode == 1
    assert "--to:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_backup_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "one"

    def save() -> None:
        with file.writing(path, file.Header(1, "", "")) as write:
            write([])
            raise ValueError("broken off")

    with pytest.raises(ValueError, match="broken off"):
        save()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("harm", ["cut", "a line less", "a letter more", "no end", "two ends", "half"])
def test_what_is_damaged_is_refused_before_anything_is_touched(store: Store, made: Path, run: Run, harm: str) -> None:
    store.client.set("recado:told:x", "1")
    rows = lines(made)
    match harm:
        case "cut":
            made.write_bytes(made.read_bytes()[:-20])
        case "half":
            made.write_bytes(made.read_bytes()[: made.stat().st_size // 2])
        case "a line less":
            rewritten(made, [*rows[:2], *rows[3:]])
        case "a letter more":
            rewritten(made, [row.replace(WORDS, WORDS + "0") for row in rows])
        case "no end":
            rewritten(made, rows[:-1])
        case "two ends":
            rewritten(made, [*rows, rows[-1]])
    done = run("restore", str(made), "--replace", "--yes")

    assert done.returncode == 1
    assert words.BROKEN.to("es", path=made) in done.stderr
    assert store.client.keys("*") == [b"recado:told:x"]


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"hello", words.NO_BACKUP), (gzip.compress(b"hello", mtime=0), words.NO_BACKUP),
     (gzip.compress(b"[]", mtime=0), words.NO_BACKUP), (gzip.compress(b"", mtime=0), words.NO_BACKUP),
     (None, words.NOT_READ)],
)  # fmt: skip
def test_what_is_no_backup_is_refused_in_words(tmp_path: Path, content: bytes | None, why: Text) -> None:
    path = tmp_path / "one"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Unfit) as refused:
        file.verify(path)

    assert refused.value.to("es").startswith(why.es.partition("{path}")[0])
    assert why.es.partition("{path}")[2].partition("{")[0] in refused.value.to("es")


@pytest.mark.parametrize(
    "rows",
    [[{"recado": "backup"}], [{"recado": "backup", "format": "1", "made": 1}], [{"recado": "backup", "format": None}],
     [{"recado": "backup", "format": 1, "made": "now"}], [{"recado": "backup", "format": 1, "made": 1}, 3, 4],
     ["[" * 100_000]],
)  # fmt: skip
def test_a_file_that_only_looks_like_a_backup_is_refused_in_words(tmp_path: Path, rows: list[Any]) -> None:
    path = rewritten(tmp_path / "one", [row if isinstance(row, str) else json.dumps(row) for row in rows])
    with pytest.raises(Unfit):
        file.verify(path)


def test_what_a_killed_backup_left_stands_in_nobodys_way(tmp_path: Path) -> None:
    """In containers every backup has the same process id; and what is removed each night is what was left, too."""
    path = tmp_path / "one.backup"
    (tmp_path / f".one.backup.{os.getpid()}.partial").touch()
    with file.writing(path, file.Header(1, "", "")):
        [_, partial] = sorted(tmp_path.iterdir(), key=lambda one: one.stat().st_mtime_ns)
    assert file.verify(path)
    assert fnmatch(partial.name, "*.backup*")
    for page in ("docs/operations.md", "docs/operations.es.md"):
        assert "-name '*.backup*'" in (Path(__file__).parents[2] / page).read_text(encoding="utf-8")


def test_a_backup_of_a_newer_version_asks_for_an_upgrade(made: Path, run: Run) -> None:
    rows = lines(made)
    done = run("restore", str(rewritten(made, [rows[0].replace('"format":1', '"format":99'), *rows[1:]])))

    assert done.returncode == 1
    assert "99" in done.stderr
    assert "Actualiza" in done.stderr


def test_conversations_that_are_there_are_replaced_only_after_a_question(
    store: Store, mailbox: Mailbox, made: Path, run: Run
) -> None:
    mailbox.accept([said(1, conversation=BEA)])
    refused, said_no = run("restore", str(made)), run("restore", str(made), "--replace", answer="n\n")
    untouched = store.client.exists(key(BEA, "in"))
    replaced = run("restore", str(made), "--replace", answer="sí\n")

    assert [refused.returncode, said_no.returncode, untouched] == [1, 1, 1]
    assert words.FILLED.es in refused.stderr
    assert words.DECLINED.es in said_no.stderr
    assert replaced.returncode == 0, replaced.stderr
    assert not store.client.exists(key(BEA, "in"))
    assert store.client.exists(key(HERE, "state"))


def test_a_redis_that_is_in_use_is_left_alone(redis_dir: Path, store: Store, made: Path, run: Run) -> None:
    """Whether by a receiver or by a worker, on whatever machine."""
    worker = connect(f"unix://{redis_dir / 'redis.sock'}", redis_dir, 5, "worker")
    worker.ping()
    done = run("restore", str(made), "--replace", "--yes")
    worker.close()

    assert done.returncode == 1
    assert words.IN_USE.to("es", processes="worker") in done.stderr
    assert store.client.keys("*") == []
    assert run("restore", str(made)).returncode == 0


def test_nothing_starts_on_what_is_half_restored(store: Store, made: Path, run: Run) -> None:
    """And the restore can be done again, without a further word."""
    half = Snapshot(store)
    half.begin()
    half.put([next(iter(file.groups(made))), *list(file.groups(made))[3:6]], half.now())
    with pytest.raises(SettingsError, match="bot restore"):
        vet(load_settings(redis_url=""), store)
    saved = run("backup", "--to", str(made.with_name("two.backup")))
    assert (saved.returncode, made.with_name("two.backup").exists()) == (1, False)
    assert words.HALF.es in saved.stderr
    shown = run("show", BEA)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "bot restore" in shown.stderr

    assert run("restore", str(made)).returncode == 0
    vet(load_settings(redis_url=""), store)


def test_every_process_tells_redis_what_it_is() -> None:
    """Else a restore would not find them."""
    root = Path(__file__).parents[2]
    for path, process in (("bot/web.py", "receiver"), ("bot/poll.py", "poller"), ("workers/__main__.py", "worker")):
        assert f'_TIMEOUT, "{process}")' in (root / path).read_text(encoding="utf-8")


def test_an_empty_installation_can_be_saved_and_restored(store: Store, run: Run, tmp_path: Path) -> None:
    path = str(tmp_path / "empty")

    assert run("backup", "--to", path).returncode == 0
    assert run("restore", path).returncode == 0
    assert store.client.keys("*") == []
