"""A backup that somebody else has made: its checksum is right, and what is in it is not believed for that."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from bot.backup import file, words
from bot.backup.words import Unfit
from bot.stores.connection import Store, key
from tests.unit.everything import HERE
from tests.unit.test_operator import Run, run

__all__ = ["run"]

HEADER = {"recado": "backup", "format": 1, "made": 1, "version": "", "server": ""}


def forged(path: Path, header: object, *groups: object) -> Path:
    rows = [json.dumps(one) for one in (header, *groups)]
    keys = sum(len(group) if isinstance(group, list) else 1 for group in groups)
    digest = hashlib.sha256("".join(f"{row}\n" for row in rows).encode()).hexdigest()
    rows.append(json.dumps({"keys": keys, "sha256": digest}))
    path.write_bytes(gzip.compress("".join(f"{row}\n" for row in rows).encode()))
    return path


def test_what_is_not_ours_is_refused_before_anything_is_touched(store: Store, run: Run, tmp_path: Path) -> None:
    """Neither RQ's queue nor what another program keeps in the same Redis can be written by a restore."""
    store.client.set("shop:carts", "full")
    mine, theirs = ["recado:told:x", "string", 0, "1"], ["shop:carts", "string", 0, ""]
    path = forged(tmp_path / "one", HEADER, [mine, theirs])
    done = run("restore", str(path), "--replace", "--yes")

    assert (done.returncode, done.stderr) == (1, words.NO_BACKUP.to("es", path=path) + "\n")
    assert {name: store.client.get(name) for name in store.client.keys("*")} == {b"shop:carts": b"full"}


@pytest.mark.parametrize(
    "one",
    [["rq:queue:recado", "list", 0, ["ring-1"]], ["recado:told:x", "module", 0, "1"], ["recado:told:x", "string", 0, 1],
     ["recado:told:x", "string", -1, "1"], ["recado:told:x", "string", 1 << 70, "1"], ["recado:told:x"], None, "ab",
     ["recado:told:x", "string", 0, "\ud800"], ["recado:users", "hash", 0, ["alone"]], ["recado:held", "list", 0, []],
     ["recado:dead", "zset", 0, ["a", "nan"]], ["recado:{x}:raw", "stream", 0, [["*", ["a", "b"]]]]],
)  # fmt: skip
def test_a_key_that_cannot_be_one_is_refused_in_words(tmp_path: Path, one: object) -> None:
    """Else the restore would break off in its middle, with everything gone that was there."""
    with pytest.raises(Unfit) as refused:
        file.verify(forged(tmp_path / "one", HEADER, [one]))

    assert refused.value.to("en") == words.NO_BACKUP.to("en", path=tmp_path / "one")


@pytest.mark.parametrize("made", [10**18, -1])
def test_a_time_that_never_was_is_refused_in_words(run: Run, tmp_path: Path, made: int) -> None:
    done = run("restore", str(forged(tmp_path / "one", HEADER | {"made": made})))

    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_nobody_holds_what_is_restored(store: Store, run: Run, tmp_path: Path) -> None:
    """No lease comes out of a file, whoever wrote it there."""
    keys = [[f"recado:{{{HERE}}}:lease", "string", 0, "mine"], [f"recado:{{{HERE}}}:turn", "string", 0, "7"]]
    done = run("restore", str(forged(tmp_path / "one", HEADER, keys)))

    assert done.returncode == 0, done.stderr
    assert store.client.keys("*") == [key(HERE, "turn").encode()]
