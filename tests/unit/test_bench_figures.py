"""No figure in the documentation is typed by hand."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BENCH, FIGURES = ROOT / "bench", ROOT / "docs" / "figures"


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("readme_figures")


def committed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIGURES / "figures.json").read_text(encoding="utf-8"))
    return found


def record(name: str = "receiver", **changed: Any) -> dict[str, Any]:
    figure = {"what": "ours, of theirs", "measured": "0.71 (0.69 to 1234.00)", "bound": "<= 0.75", "held": True,
              "key": "ptb", "value": 0.71, "unit": "", "low": 0.69, "high": 1234.0}  # fmt: skip
    where = {"commit": "abc", "date": "2026-01-02", "cores": "2", "cpu": "a CPU", "python": "3.11.7"}
    return {"name": name, "title": "the receiver", "figures": [figure], "plots": [], "peers": ["peer 1.2"],
            "seconds": 1.0, "short": False, "environment": where, "ok": True} | changed  # fmt: skip


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_readmes_say_what_was_measured(figures: ModuleType, language: str) -> None:
    text = figures.PAGES[language].read_text(encoding="utf-8")

    assert figures.filled(text, figures.table(committed(), language)) == text


def test_the_page_of_figures_says_what_was_measured_and_its_plots_exist(figures: ModuleType) -> None:
    found = committed()

    assert (FIGURES / "README.md").read_text(encoding="utf-8") == figures.page(found)
    assert [name for one in found.values() for name in one["plots"] if not (FIGURES / f"{name}.svg").exists()] == []
    assert [name for name, one in found.items() if one["short"]] == []


def test_a_table_speaks_both_languages(figures: ModuleType) -> None:
    english, spanish = (figures.table({"receiver": record()}, language).splitlines() for language in ("en", "es"))

    assert english[2].endswith("| 0.71 times (0.69 to 1,234) | ≤ 0.75 |")
    assert spanish[2].endswith("| 0,71 veces (0,69 a 1.234) | ≤ 0,75 |")
    assert len(english) == len(spanish)
    assert english[-1] == "Beside peer 1.2."


def test_a_missed_bound_is_not_hidden(figures: ModuleType) -> None:
    missed = {"receiver": record(figures=[record()["figures"][0] | {"held": False}])}

    assert "≤ 0.75, missed |" in figures.table(missed, "en")
    assert "≤ 0,75, no alcanzado |" in figures.table(missed, "es")


def test_what_was_never_measured_is_not_claimed(figures: ModuleType) -> None:
    other = record(figures=[record()["figures"][0] | {"key": "another"}])

    assert figures.table({}, "en") == figures.table({"receiver": other}, "en") == ""


def test_only_full_runs_count_and_the_others_keep_their_last_figures(figures: ModuleType, tmp_path: Path) -> None:
    results, known = tmp_path / "results", tmp_path / "figures"
    for folder in (results, known):
        folder.mkdir()
    old = {"receiver": record(title="old"), "latency": record("latency")}
    (known / "figures.json").write_text(json.dumps(old), encoding="utf-8")
    (results / "receiver.json").write_text(json.dumps(record(title="new")), encoding="utf-8")
    (results / "latency.short.json").write_text(json.dumps(record("latency", short=True, title="short")))

    found = figures.gather(results, known)

    assert {name: one["title"] for name, one in found.items()} == {"latency": "the receiver", "receiver": "new"}


def test_a_readme_without_a_place_for_figures_is_not_written(figures: ModuleType) -> None:
    with pytest.raises(SystemExit, match="no place for its figures"):
        figures.filled("# Recado\n", "| table |\n")


def test_every_figure_that_a_readme_shows_is_of_a_bench_and_in_both_languages(figures: ModuleType) -> None:
    assert [row for row in figures.ROWS if not (BENCH / f"{row.bench}.py").exists()] == []
    assert [row for row in figures.ROWS if not (row.en and row.es)] == []
    assert len({(row.bench, row.key) for row in figures.ROWS}) == len(figures.ROWS)


def test_no_row_is_lost_because_its_figure_has_another_name_now(figures: ModuleType) -> None:
    found = committed()
    keys = {(name, figure["key"]) for name, one in found.items() for figure in one["figures"]}

    assert [row for row in figures.ROWS if row.bench in found and (row.bench, row.key) not in keys] == []
