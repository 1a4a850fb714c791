"""`make bench`: all benches with one verdict, and each peer in an environment of its own."""

from __future__ import annotations

import importlib
import json
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"
PINNED = re.compile(r"[A-Za-z0-9_.-]+(\[[a-z,]+\])?==[0-9][A-Za-z0-9.]*")


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.syspath_prepend(str(BENCH))
    return runpy.run_path(str(BENCH / "__main__.py"))


def bench(folder: Path, name: str, held: bool | None, code: int) -> None:
    """A script that leaves a result with one figure, or none, and ends with that exit code."""
    kept = {"figures": [] if held is None else [{"what": "cost", "measured": "9", "bound": "<= 5", "held": held}]}
    save = f"Path({str(folder / (name + '.short.json'))!r}).write_text({json.dumps(kept)!r})"
    script = f"import sys\nfrom pathlib import Path\n{save if held is not None else ''}\nsys.exit({code})\n"
    (folder / f"{name}.py").write_text(script, encoding="utf-8")


def test_every_bench_is_run(main: dict[str, Any]) -> None:
    scripts = [
        file.stem for file in BENCH.glob("[a-z]*.py") if re.search(r"^    run\(", file.read_text(), re.MULTILINE)
    ]

    assert sorted(main["BENCHES"]) == sorted(scripts)


def test_one_missed_bound_does_not_hide_the_others(
    main: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All are run; the summary has each bound, and the bench that broke; the exit code says that not all is well."""
    bench(tmp_path, "receiver", held=False, code=1)
    bench(tmp_path, "worker", held=None, code=3)
    bench(tmp_path, "context", held=True, code=0)
    shared = main["main"].__globals__ | {"HERE": tmp_path, "RESULTS": tmp_path, "SHORT": True}
    main["main"].__globals__.update(shared)

    code = main["main"](["receiver", "worker", "context"])
    rows = [line.split("│")[1:] for line in capsys.readouterr().out.splitlines() if line.startswith("│")]

    assert code == 1
    assert [(row[0].strip(), row[4].strip()) for row in rows] == [
        ("receiver", "missed"), ("worker", "failed"), ("context", "ok"),
    ]  # fmt: skip


def test_a_bench_that_does_not_exist_is_told_in_words() -> None:
    ended = subprocess.run(
        [sys.executable, str(BENCH), "receivr"], capture_output=True, text=True, check=False, timeout=30
    )

    assert ended.returncode == 2
    assert "receivr" in ended.stderr
    assert "receiver_whatsapp" in ended.stderr


@pytest.mark.parametrize("file", sorted((BENCH / "peers").glob("*.txt")), ids=lambda file: file.stem)
def test_every_peer_is_pinned_with_all_that_it_needs(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").split()

    assert [line for line in lines if not PINNED.fullmatch(line)] == []
    assert len(lines) > 1


@pytest.fixture
def environments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """One whose peer is a wheel in this folder: nothing is fetched."""
    monkeypatch.syspath_prepend(str(BENCH))
    found = importlib.import_module("environments")
    for name in ("ROOT", "PEERS", "MADE"):
        monkeypatch.setattr(found, name, tmp_path / ("" if name == "ROOT" else name.lower()))
    (tmp_path / "peers").mkdir()
    return found


def wheel(folder: Path, version: str) -> str:
    """A wheel of one module, as a requirement."""
    path = folder / f"peer-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("peer.py", f"version = {version!r}\n")
        about = f"peer-{version}.dist-info"
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: peer\nVersion: {version}\n")
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    return f"{path}\n"


def test_an_environment_is_made_once_and_anew_when_its_versions_change(
    environments: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def installed() -> str:
        asks = [str(environments.python("peer")), "-c", "import peer; print(peer.version)"]
        return subprocess.run(asks, capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    (tmp_path / "peers" / "peer.txt").write_text(wheel(tmp_path, "1.0"))
    seen = [installed(), installed()]
    (tmp_path / "peers" / "peer.txt").write_text(wheel(tmp_path, "2.0"))
    seen.append(installed())

    assert seen == ["1.0", "1.0", "2.0"]
    assert capfd.readouterr().err.count("Installing peer") == 2


def test_a_peer_that_cannot_be_fetched_is_told_in_words_and_tried_again(
    environments: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    (tmp_path / "peers" / "peer.txt").write_text("peer==1.0\n")
    for _ in range(2):
        with pytest.raises(SystemExit, match="cannot be installed from PyPI"):
            environments.python("peer")


def test_an_unknown_peer_is_told_in_words(environments: ModuleType) -> None:
    with pytest.raises(SystemExit, match="no peer called nobody"):
        environments.python("nobody")
