"""A chat as a picture: SVG of our own drawing, with the fonts that the reader's machine has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from typing import Any, Final

from simulator.bubble import Bubble

WIDTH, MARGIN, HEADER, GAP = 460, 16, 56, 10
PADDING, LINE, SIZE = 12, 21, 15
WIDEST: Final = 350
"""The widest line in a bubble. All lengths are in the picture's own pixels."""
COLOURS: Final = {
    "page": "#e7edf3", "header": "#ffffff", "person": "#d8f5c5", "assistant": "#ffffff", "text": "#17212b",
    "faint": "#7a8794", "link": "#1c77b8", "code": "#a4262c", "block": "#f1f4f7", "edge": "#cfd8e0",
}  # fmt: skip
SANS: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
MONO: Final = "ui-monospace, 'SFMono-Regular', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
STYLES: Final = {
    "bold": 'font-weight="700"',
    "italic": 'font-style="italic"',
    "strikethrough": 'text-decoration="line-through"',
    "text_link": f'fill="{COLOURS["link"]}" text-decoration="underline"',
    "code": f'fill="{COLOURS["code"]}" font-family="{MONO}" font-size="{SIZE - 1}"',
    "pre": f'font-family="{MONO}" font-size="{SIZE - 1}"',
}
NARROW, WIDE = frozenset("iljtfrI.,;:!¡|'()[] "), frozenset("mwMW@%…—€")

Styled = tuple[str, frozenset[str]]
"""A character and the kinds of entities that cover it."""


@dataclass(slots=True)
class _Box:
    """A bubble that is laid out: its lines, and where it stands."""

    who: str
    lines: list[list[Styled]]
    button: str = ""
    top: float = 0
    width: float = field(init=False)

    def __post_init__(self) -> None:
        self.width = max(*map(_width, self.lines), 40) + 2 * PADDING

    @property
    def height(self) -> float:
        return len(self.lines) * LINE + 2 * PADDING - 6

    @property
    def left(self) -> float:
        return MARGIN if self.who == "assistant" else WIDTH - MARGIN - self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height + (LINE + 18 if self.button else 0)


def draw(chat: Sequence[Bubble], title: str, subtitle: str) -> str:
    """The chat as SVG, oldest bubble first; the same chat is always the same picture."""
    boxes, top = [], float(HEADER + GAP + 4)
    for bubble in chat:
        boxes.append(_Box(bubble.who, list(_lines(_styled(bubble))), _button(bubble), top))
        top = boxes[-1].bottom + GAP
    size = f'width="{WIDTH}" height="{top + 4:g}" viewBox="0 0 {WIDTH} {top + 4:g}"'
    fonts = f'font-family="{SANS}" font-size="{SIZE}"'
    words = escape("\n".join(f"{bubble.who}: {bubble.text}" for bubble in chat))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {fonts} role="img">',
            f"<title>{escape(title)}</title>",
            f"<desc>{words}</desc>",
            f'<rect width="100%" height="100%" rx="14" fill="{COLOURS["page"]}"/>',
            *_header(title, subtitle),
            *(line for box in boxes for line in _drawn(box)),
            "</svg>\n",
        ]
    )


def _header(title: str, subtitle: str) -> Iterator[str]:
    round_top = f"M0 {HEADER}V14Q0 0 14 0H{WIDTH - 14}Q{WIDTH} 0 {WIDTH} 14V{HEADER}Z"
    yield f'<path d="{round_top}" fill="{COLOURS["header"]}"/>'
    yield f'<circle cx="36" cy="28" r="18" fill="{COLOURS["link"]}"/>'
    initial = escape(title[:1])
    yield f'<text x="36" y="34" fill="#ffffff" font-size="17" font-weight="700" text-anchor="middle">{initial}</text>'
    yield f'<text x="66" y="25" fill="{COLOURS["text"]}" font-weight="700">{escape(title)}</text>'
    yield f'<text x="66" y="43" fill="{COLOURS["faint"]}" font-size="12.5">{escape(subtitle)}</text>'


def _drawn(box: _Box) -> Iterator[str]:
    yield (
        f'<rect x="{box.left:g}" y="{box.top:g}" width="{box.width:g}" height="{box.height:g}" rx="14" '
        f'fill="{COLOURS[box.who]}" stroke="{COLOURS["edge"]}" stroke-width="0.6"/>'
    )
    first = box.top + PADDING + SIZE - 3
    for number, line in enumerate(box.lines):
        if any("pre" in kinds for _, kinds in line):
            yield (
                f'<rect x="{box.left + 6:g}" y="{first + number * LINE - SIZE:g}" width="{box.width - 12:g}" '
                f'height="{LINE}" fill="{COLOURS["block"]}"/>'
            )
        yield from _text(line, box.left + PADDING, first + number * LINE)
    if box.button:
        yield from _pressable(box)


def _text(line: list[Styled], x: float, y: float) -> Iterator[str]:
    runs = [(kinds, "".join(char for char, _ in run)) for kinds, run in groupby(line, key=lambda one: one[1])]
    spans = "".join(
        f"<tspan {' '.join(STYLES[kind] for kind in sorted(kinds))}>{escape(text)}</tspan>" if kinds else escape(text)
        for kinds, text in runs
    )
    if spans.strip():
        yield f'<text x="{x:g}" y="{y:g}" fill="{COLOURS["text"]}" xml:space="preserve">{spans}</text>'


def _pressable(box: _Box) -> Iterator[str]:
    """The button under a bubble."""
    top, middle = box.top + box.height + 4, box.left + box.width / 2
    yield (
        f'<rect x="{box.left:g}" y="{top:g}" width="{box.width:g}" height="{LINE + 12}" rx="10" '
        f'fill="{COLOURS["header"]}" stroke="{COLOURS["link"]}" stroke-width="1"/>'
    )
    label = f'fill="{COLOURS["link"]}" font-weight="600" text-anchor="middle"'
    yield f'<text x="{middle:g}" y="{top + LINE + 1:g}" {label}>{escape(box.button)}</text>'


def _button(bubble: Bubble) -> str:
    rows: list[list[dict[str, Any]]] = (bubble.raw.get("reply_markup") or {}).get("inline_keyboard") or []
    return str(rows[0][0]["text"]) if rows else ""


def _styled(bubble: Bubble) -> list[Styled]:
    """Each character with what covers it; entities count UTF-16 units."""
    found, at = [], 0
    for char in bubble.text:
        covering = (each for each in bubble.entities if each["offset"] <= at < each["offset"] + each["length"])
        found.append((char, frozenset(str(each["type"]) for each in covering) & STYLES.keys()))
        at += 2 if char > "\uffff" else 1
    return found


def _lines(text: list[Styled]) -> Iterator[list[Styled]]:
    """The lines of a bubble, wrapped between words."""
    line: list[Styled] = []
    word: list[Styled] = []
    for one in [*text, ("\n", frozenset())]:
        word.append(one)
        if not one[0].isspace():
            continue
        if line and _width([*line, *word[:-1]]) > WIDEST:
            yield line
            line = []
        line, word = line + word, []
        if one[0] == "\n":
            yield line[:-1]
            line = []


def _width(line: Sequence[Styled]) -> float:
    """About how wide a line is in a wide font, for none is at hand."""
    return sum(_char_width(char, kinds) for char, kinds in line)


def _char_width(char: str, kinds: frozenset[str]) -> float:
    if kinds & {"code", "pre"}:
        return 0.6 * (SIZE - 1)
    share = 0.37 if char in NARROW else 0.95 if char in WIDE or char > "\u2fff" else 0.72 if char.isupper() else 0.62
    return share * SIZE * (1.12 if "bold" in kinds else 1.0)
