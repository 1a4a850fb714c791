"""What full runs measured, where people read it: python bench/readme_figures.py

From bench/results it writes docs/figures/figures.json, the page docs/figures/README.md beside the plots, and the tables
in README.md and README.es.md, so that no number is typed by hand. A bench that has not run here keeps its last figures.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from _report import FIGURES, RESULTS, ROOT

Record = Mapping[str, Any]
"""A result as bench/_report.py keeps it."""

BEGIN, END = "<!-- figures: `make bench` writes what follows -->", "<!-- figures end -->"
PAGES = {"en": ROOT / "README.md", "es": ROOT / "README.es.md"}
HEADS = {"en": "| what | measured | bound |", "es": "| qué | medido | límite |"}
MISSED = {"en": ", missed", "es": ", no alcanzado"}


class Row(NamedTuple):
    """A figure that the READMEs show (bench/readme.toml): of which bench, under which key, in both languages."""

    bench: str
    key: str
    en: str
    es: str
    times: bool = False


ROWS = [Row(**row) for row in tomllib.loads((ROOT / "bench" / "readme.toml").read_text(encoding="utf-8"))["figure"]]


def gather(results: Path = RESULTS, figures: Path = FIGURES) -> dict[str, Any]:
    """The last full result of each bench, by name."""
    known = figures / "figures.json"
    found: dict[str, Any] = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
    for path in sorted(results.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if not record["short"]:
            plots = [plot["name"] for plot in record["plots"]]
            found[record["name"]] = record | {"plots": plots, "seconds": round(record["seconds"])}
    return dict(sorted(found.items()))


def write() -> None:
    """All of it. Raises SystemExit when a README has lost its two comment lines."""
    found = gather()
    FIGURES.mkdir(parents=True, exist_ok=True)
    kept = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    (FIGURES / "figures.json").write_text(kept, encoding="utf-8")
    (FIGURES / "README.md").write_text(page(found), encoding="utf-8")
    for language, readme in PAGES.items():
        readme.write_text(filled(readme.read_text(encoding="utf-8"), table(found, language)), encoding="utf-8")


def filled(text: str, between: str) -> str:
    """A README with its table."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"A README has no place for its figures: it needs the lines\n{BEGIN}\n{END}")
    return f"{before}{BEGIN}\n{between}{END}{after}"


def table(found: Mapping[str, Record], language: str) -> str:
    """The rows whose figures are known, and where they were measured; nothing of what never was."""
    shown = [(row, figure) for row in ROWS for figure in _figures(found, row)]
    if not shown:
        return ""
    lines = [HEADS[language], "|---|---|---|"]
    for row, figure in shown:
        bound = str(figure["bound"]).replace("<=", "≤").replace(">=", "≥") + MISSED[language] * (
            figure["held"] is False
        )
        what = row.en if language == "en" else row.es
        lines.append(f"| {what} | {_spoken(_measured(row, figure), language)} | {_spoken(bound, language)} |")
    return "\n".join([*lines, "", *_where(found, [row.bench for row, _ in shown], language), ""])


def _figures(found: Mapping[str, Record], row: Row) -> Iterator[Record]:
    figures = found[row.bench]["figures"] if row.bench in found else []
    yield from (figure for figure in figures if figure["key"] == row.key and figure["value"] is not None)


def _measured(row: Row, figure: Record) -> str:
    """The median with its unit, and how it varied."""
    middle, low, high = (figure[name] for name in ("value", "low", "high"))
    around = "" if low is None or low == high else f" ({_number(low)} to {_number(high)})"
    unit = " times" if row.times else f" {figure['unit']}" if figure["unit"] else ""
    return _number(middle) + unit + around


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1000:
        return str(int(value))
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:,.0f}"


def _spoken(cell: str, language: str) -> str:
    """In Spanish numbers have a decimal comma, and points between thousands."""
    if language == "en":
        return cell
    swapped = re.sub(r"(?<=\d)[,.](?=\d)", lambda found: {",": ".", ".": ","}[found[0]], cell)
    return swapped.replace(" to ", " a ").replace(" times", " veces")


def _where(found: Mapping[str, Record], benches: list[str], language: str) -> Iterator[str]:
    """The machine, the day and the versions, said once for each that differs."""
    told = ("date", "cores", "cpu", "python")
    places = dict.fromkeys(tuple(found[name]["environment"][part] for part in told) for name in benches)
    peers = dict.fromkeys(peer for name in benches for peer in found[name]["peers"])
    for date, cores, cpu, python in places:
        english = f"Measured on {date} on {cores} cores of {cpu}, with Python {python}."
        spanish = f"Medido el {date} en {cores} núcleos de {cpu}, con Python {python}."
        yield english if language == "en" else spanish
    if peers:
        yield f"{'Beside' if language == 'en' else 'Al lado de'} {', '.join(peers)}."


def page(found: Mapping[str, Record]) -> str:
    """Every figure and plot, for whoever wants them all."""
    parts = [
        "# The figures",
        "",
        "Written by `make bench`; not to be edited. What each bench does stands in its first lines, in `bench/`.",
        "Ratios are medians of the ratios within a round, in which both sides are measured one after the other.",
    ]
    for name, record in found.items():
        parts += ["", f"## {record['title']}", "", _measured_where(name, record), ""]
        parts += ["| what | measured | bound | |", "|---|---|---|---|"]
        for figure in (one for one in record["figures"] if one["what"]):
            verdict = {None: "", True: "ok", False: "**missed**"}[figure["held"]]
            parts.append(f"| {figure['what'].strip()} | {figure['measured']} | {figure['bound']} | {verdict} |")
        parts += [line for plot in record["plots"] for line in ("", f"![{record['title']}]({plot}.svg)")]
    return "\n".join([*parts, ""])


def _measured_where(name: str, record: Record) -> str:
    where = record["environment"]
    on = f"{where['cores']} cores of {where['cpu']}, Python {where['python']}"
    beside = f", beside {', '.join(record['peers'])}" if record["peers"] else ""
    return f"`bench/{name}.py`, {where['date']}, commit {where['commit']}, {on}{beside}."


if __name__ == "__main__":
    write()
