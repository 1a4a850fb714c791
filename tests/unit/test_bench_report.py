"""What the benches keep and draw of what they found."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("_report")


@pytest.fixture
def plots(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("_plots")


def test_the_median_of_several_measurements_is_held_against_the_bound(report: ModuleType) -> None:
    most = report.spread("cost", [0.9, 0.5, 0.7], "ms", key="cost", most=0.75)
    least = report.spread("speed", [0.9, 0.5, 0.7], least=0.75)

    assert most == ("cost", "0.70 (0.50 to 0.90) ms", "<= 0.75 ms", True, "cost", 0.7, "ms", 0.5, 0.9)
    assert (least.bound, least.held) == (">= 0.75", False)
    assert report.spread("alone", [2.0], "s").measured == "2.00 s"


def test_a_short_result_never_takes_the_place_of_a_full_one(report: ModuleType, tmp_path: Path) -> None:
    full, short = ([report.Figure("what", measured)] for measured in ("full", "short"))
    kept = report.Result("x", "title", full, short=False).save(tmp_path)
    beside = report.Result("x", "title", short, short=True).save(tmp_path)

    assert [report.load(path)["figures"] for path in (kept, beside)] == [full, short]
    assert report.load(kept)["environment"].keys() >= {"commit", "date", "cores", "cpu", "python", "redis", "rq"}


def test_plots_are_pictures_that_say_what_they_show_and_always_the_same_ones(plots: ModuleType) -> None:
    bars = plots.Bars("x", "Ours & theirs", "ms", [plots.Bar("ours", 1, 0.9, 1.2, ours=True), plots.Bar("<b>", 2)], 1.5)
    lines = plots.Lines("y", "Long", "messages", "us", {"kept": [plots.Point(10, 5), plots.Point(1000, 6, 5, 8)]}, True)

    texts = {plot.name: [one.text for one in ET.fromstring(plot.svg()).iter() if one.text] for plot in (bars, lines)}

    assert {"Ours & theirs", "ms", "ours", "<b>", "1", "2"} <= set(texts["x"])
    assert {"Long", "messages", "us", "kept", "10", "1,000"} <= set(texts["y"])
    assert [plot.svg() for plot in (bars, lines)] == [plot.svg() for plot in (bars, lines)]


def test_bars_are_as_long_as_their_values(plots: ModuleType) -> None:
    picture = plots.Bars("x", "t", "ms", [plots.Bar("one", 1), plots.Bar("four", 4)]).svg()
    rects = [one.attrib for one in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}rect")]
    one, four = (float(rect["width"]) for rect in rects if rect["class"].startswith("s"))

    assert four == pytest.approx(4 * one, rel=0.01)


def test_a_picture_is_legible_in_the_dark(plots: ModuleType) -> None:
    assert "@media(prefers-color-scheme:dark)" in plots.Bars("x", "t", "ms", [plots.Bar("one", 1)]).svg()


def test_a_result_is_plain_json(report: ModuleType, plots: ModuleType, tmp_path: Path) -> None:
    found = report.Result("x", "title", [report.Figure("what", "1")], [plots.Bars("x", "t", "ms", [plots.Bar("a", 1)])])
    record = json.loads(found.save(tmp_path).read_text(encoding="utf-8"))

    assert record["plots"][0]["name"] == "x"
    assert record["figures"][0]["what"] == "what"
    assert record["ok"] is True
