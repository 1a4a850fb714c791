"""Writes the dashboards in this folder, one for each language: `python deploy/grafana/make.py`."""  # noqa: INP001 - a script

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from panels import PANELS, Query

FOLDER = Path(__file__).parent / "dashboards"
LANGUAGES = ("en", "es")

SOURCE = {"type": "prometheus", "uid": "prometheus"}


def panel(title: str, unit: str, queries: list[Query], place: dict[str, int], number: int) -> dict[str, Any]:
    targets = [
        {"refId": chr(65 + one), "datasource": SOURCE, "expr": expr, "legendFormat": legend or title}
        for one, (expr, legend) in enumerate(queries)
    ]
    drawn = {"custom": {"fillOpacity": 8, "showPoints": "never", "lineWidth": 1}, "min": 0, "unit": unit}
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return {
        "id": number, "type": "timeseries", "title": title, "datasource": SOURCE, "gridPos": place, "targets": targets,
        "fieldConfig": {"defaults": drawn, "overrides": []}, "options": options,
    }  # fmt: skip


def panels(language: int) -> list[dict[str, Any]]:
    """Rows of two, each under its heading."""
    found: list[dict[str, Any]] = []
    top = 0
    for heading, charts in PANELS:
        place = {"x": 0, "y": top, "w": 24, "h": 1}
        found.append({
            "id": len(found) + 1, "type": "row", "title": heading[language], "collapsed": False, "gridPos": place,
            "panels": [],
        })  # fmt: skip
        top += 1
        for one, (title, unit, queries) in enumerate(charts):
            place = {"x": one % 2 * 12, "y": top + one // 2 * 8, "w": 12, "h": 8}
            named = [(expr, legend.split("|")[language % (legend.count("|") + 1)]) for expr, legend in queries]
            found.append(panel(title[language], unit, named, place, len(found) + 1))
        top += (len(charts) + 1) // 2 * 8
    return found


def dashboard(language: str) -> dict[str, Any]:
    """Grafana's JSON of the dashboard in a language."""
    return {
        "uid": f"recado-{language}", "title": f"Recado ({language})", "tags": ["recado"], "schemaVersion": 41,
        "version": 1, "editable": False, "timezone": "browser", "refresh": "15s", "graphTooltip": 1,
        "time": {"from": "now-3h", "to": "now"}, "annotations": {"list": []}, "templating": {"list": []},
        "panels": panels(LANGUAGES.index(language)),
    }  # fmt: skip


def write(folder: Path) -> None:
    """The dashboard in each language, as a file."""
    for language in LANGUAGES:
        text = json.dumps(dashboard(language), indent=1, ensure_ascii=False)
        (folder / f"recado.{language}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
