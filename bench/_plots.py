"""Plots as small SVG files: bars with error ranges, and lines; legible on a light page and on a dark one.

An SVG in a page follows the reader's colours by its own style sheet
(https://developer.mozilla.org/docs/Web/CSS/@media/prefers-color-scheme).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

WIDTH, MARGIN, TOP, ROW, LABEL = 720, 16, 64, 34, 250
HEIGHT, LEFT, BOTTOM = 380, 76, 56
SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif"
STYLE = (
    f"text{{font-family:{SANS};font-size:13px;fill:#1f2328}}.title{{font-size:16px;font-weight:600}}"
    ".faint{fill:#59636e}.page{fill:#fff;stroke:#d1d9e0}.grid{stroke:#d1d9e0}.range{stroke:#1f2328}"
    ".s0{fill:#0969da;stroke:#0969da}.s1{fill:#818b98;stroke:#818b98}.s2{fill:#bc4c00;stroke:#bc4c00}"
    ".s3{fill:#1a7f37;stroke:#1a7f37}.line{fill:none;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.faint{fill:#9198a1}.page{fill:#0d1117;stroke:#3d444d}"
    ".grid{stroke:#3d444d}.range{stroke:#f0f6fc}.s0{fill:#4493f8;stroke:#4493f8}.s1{fill:#656c76;stroke:#656c76}"
    ".s2{fill:#db6d28;stroke:#db6d28}.s3{fill:#3fb950;stroke:#3fb950}}"
)


class Bar(NamedTuple):
    """A bar from 0 to ``value``; ``low`` to ``high`` is how it varied, ``ours`` whether it is Recado's."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    ours: bool = False


class Point(NamedTuple):
    """A point of a line, and how it varied."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Bars:
    """Horizontal bars; ``axis`` says what they measure, with its unit. ``bound`` is drawn as a line across them."""

    name: str
    title: str
    axis: str
    bars: Sequence[Bar]
    bound: float | None = None

    def svg(self) -> str:
        """The picture; the same plot is always the same picture."""
        height = TOP + ROW * len(self.bars) + BOTTOM
        most = max([bar.high or bar.value for bar in self.bars] + [self.bound or 0])
        scale = _Scale(0, most, LABEL, WIDTH - MARGIN - 60)
        return _picture(self.title, height, self._body(scale, height - BOTTOM + 4))

    def _body(self, scale: _Scale, floor: float) -> Iterator[str]:
        for tick in scale.ticks():
            yield _line((scale(tick), TOP - 8), (scale(tick), floor), "grid")
            yield _text(scale(tick), floor + 18, f"{tick:,g}", "faint", "middle")
        yield _text((LABEL + WIDTH - MARGIN - 60) / 2, floor + 38, self.axis, "faint", "middle")
        for number, bar in enumerate(self.bars):
            top, middle = TOP + number * ROW, TOP + number * ROW + 12
            width = max(scale(bar.value) - LABEL, 1)
            yield f'<rect x="{LABEL}" y="{top}" width="{width:.1f}" height="24" class="s{0 if bar.ours else 1}"/>'
            yield from _range(bar, [(scale(bar.low or 0), middle), (scale(bar.high or 0), middle)], across=False)
            yield _text(LABEL - 10, top + 17, bar.label, "", "end")
            yield _text(scale(max(bar.value, bar.high or 0)) + 8, top + 17, f"{bar.value:,.3g}")
        if self.bound is not None:
            yield _line((scale(self.bound), TOP - 8), (scale(self.bound), floor), "s2", more='stroke-dasharray="5 4"')


@dataclass(frozen=True)
class Lines:
    """Lines over two axes, whose labels say the units; Recado's own line comes first."""

    name: str
    title: str
    x_axis: str
    y_axis: str
    series: Mapping[str, Sequence[Point]]
    logarithmic_x: bool = False

    def svg(self) -> str:
        """The picture; the same plot is always the same picture."""
        points = [point for line in self.series.values() for point in line]
        xs = [point.x for point in points]
        x = _Scale(min(xs), max(xs), LEFT + 20, WIDTH - MARGIN - 20, logarithmic=self.logarithmic_x)
        y = _Scale(0, max(point.high or point.y for point in points), HEIGHT - BOTTOM, TOP + 18 * len(self.series))
        return _picture(self.title, HEIGHT, self._body(x, y, sorted(set(xs))))

    def _body(self, x: _Scale, y: _Scale, places: list[float]) -> Iterator[str]:
        for tick in y.ticks():
            yield _line((LEFT, y(tick)), (WIDTH - MARGIN, y(tick)), "grid")
            yield _text(LEFT - 8, y(tick) + 4, f"{tick:,g}", "faint", "end")
        for place in places:
            yield _text(x(place), HEIGHT - BOTTOM + 20, f"{place:,g}", "faint", "middle")
        yield _text((LEFT + WIDTH) / 2, HEIGHT - 14, self.x_axis, "faint", "middle")
        middle = (TOP + HEIGHT - BOTTOM) / 2
        yield _text(20, middle, self.y_axis, "faint", "middle", more=f'transform="rotate(-90 20 {middle:g})"')
        for number, (name, points) in enumerate(self.series.items()):
            kind = f"s{number % 4}"
            way = " ".join(f"{x(point.x):.1f},{y(point.y):.1f}" for point in points)
            yield f'<polyline points="{way}" class="{kind} line" style="fill:none"/>'
            for point in points:
                yield from _range(
                    point, [(x(point.x), y(point.low or 0)), (x(point.x), y(point.high or 0))], across=True
                )
                yield f'<circle cx="{x(point.x):.1f}" cy="{y(point.y):.1f}" r="4" class="{kind}"/>'
            yield f'<circle cx="{LEFT + 8}" cy="{TOP - 10 + 18 * number}" r="5" class="{kind}"/>'
            yield _text(LEFT + 20, TOP - 6 + 18 * number, name)


class _Scale:
    """From values to the picture's pixels."""

    def __init__(self, low: float, high: float, start: float, end: float, *, logarithmic: bool = False) -> None:
        self._by: Callable[[float], float] = math.log10 if logarithmic else float
        self.high = high if high > low else low + 1
        self._low, self._span = self._by(low), self._by(self.high) - self._by(low)
        self._start, self._length = start, end - start

    def __call__(self, value: float) -> float:
        return self._start + (self._by(value) - self._low) / self._span * self._length

    def ticks(self) -> list[float]:
        """Round values, from 0, some five of them."""
        rough = self.high / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        return [round(step * number, 12) for number in range(int(self.high / step) + 1)]


def _picture(title: str, height: float, body: Iterator[str]) -> str:
    size = f'width="{WIDTH}" height="{height:g}" viewBox="0 0 {WIDTH} {height:g}"'
    start = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{escape(title)}</title>'
    page = f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:g}" rx="8" class="page"/>'
    parts = [start, f"<style>{STYLE}</style>", page, _text(MARGIN, 30, title, "title"), *body, "</svg>\n"]
    return "\n".join(parts)


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start", *, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}" {more}>{escape(text)}</text>'


def _line(start: tuple[float, float], end: tuple[float, float], kind: str, *, more: str = "") -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}" {more}/>'


def _range(value: Bar | Point, ends: list[tuple[float, float]], *, across: bool) -> Iterator[str]:
    """How a value varied: a line from low to high, with an end at each."""
    if value.low is None or value.high is None or value.low == value.high:
        return
    dx, dy = (4, 0) if across else (0, 4)
    yield _line(ends[0], ends[1], "range")
    for x, y in ends:
        yield _line((x - dx, y - dy), (x + dx, y + dy), "range")
