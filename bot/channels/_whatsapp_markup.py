"""A model's Markdown as WhatsApp writes it: ``*bold*``, ``_italic_``, ``~strike~``, backticks, ``>`` and lists.

WhatsApp knows no headings, links, tables or rules (https://faq.whatsapp.com/539178204879377): they
become bold lines, addresses in brackets, aligned blocks (or lines, where a telephone is too narrow) and drawn lines.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Callable, Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.tree import SyntaxTreeNode

from bot.channels._literal import literal_marks
from bot.channels._text import clean
from bot.channels._whatsapp_marks import FENCE, FENCE_END, MARKED, bubbles, reserve, spell
from bot.message import Piece

_log = logging.getLogger(__name__)
_RULE = "━━━"
_NOTHING = "-"
_WIDEST = 34
"""Columns of a table that a telephone shows without breaking its lines: a cautious guess, WhatsApp states none."""

_EDGES = re.compile(r"^(\s*)(\S(?:.*\S)?)(\s*)$", re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>[ \t]*", re.IGNORECASE)
_SCHEME = re.compile(r"(?:mailto|tel):", re.IGNORECASE)
_TASK = re.compile(r"\[([ xX])\](?=\s)")


def render(text: str) -> tuple[Piece, ...]:
    """``text`` as bubbles of at most 4096 UTF-16 units. Never raises: what cannot be read is shown as it is."""
    text = reserve(clean(text))
    if not text.strip():
        return ()
    try:
        shown = _blocks(SyntaxTreeNode(_MARKDOWN.parse(text)).children)
    except Exception as error:  # noqa: BLE001 - the border to a foreign parser: an answer is shown, whatever it does
        _log.warning("an answer is shown without its formatting: %s", type(error).__name__)
        shown = text
    return tuple(Piece(piece) for piece in bubbles(shown if shown.strip() else text))


def _blocks(nodes: Sequence[SyntaxTreeNode], gap: str = "\n\n") -> str:
    return gap.join(shown for node in nodes if (shown := _block(node)))


def _block(node: SyntaxTreeNode) -> str:
    shown = _BLOCKS.get(node.type)
    return shown(node) if shown else _blocks(node.children)


def _list(node: SyntaxTreeNode) -> str:
    number = int(node.attrs.get("start", 1))
    lines = []
    for place, item in enumerate(node.children, number):
        marker = f"{place}. " if node.type == "ordered_list" else "- "
        body = _TASK.sub(lambda found: "☐" if found[1] == " " else "☑", _blocks(item.children, "\n"), count=1)
        lines.append(marker + body.replace("\n", "\n" + " " * len(marker)))
    return "\n".join(lines)


def _quote(text: str) -> str:
    """Every line gets its mark, as WhatsApp ends a quote with the line; a quote in a quote gets one, code none."""
    lines, code = [], False
    for line in text.split("\n"):
        code |= FENCE in line
        lines.append(line if code or not line or line.startswith("> ") else f"> {line}")
        code &= FENCE_END not in line
    return "\n".join(lines)


def _table(node: SyntaxTreeNode) -> str:
    """Columns of equal width in a monospaced block, a line under the head; a wide one as lines of text."""
    rows = [row.children for part in node.children for row in part.children]
    plain = [[_cell(cell, frozenset({"strong", "em", "s", "code"})) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*plain, strict=True)]
    if sum(widths) + len(" | ") * (len(widths) - 1) > _WIDEST:
        return _lines([[_cell(cell) for cell in row] for row in rows])
    plain.insert(1, ["-" * width for width in widths])
    lines = (
        " | ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in plain
    )
    return _code("\n".join(lines))


def _lines(rows: list[list[str]]) -> str:
    """A table as "head: cell", a paragraph for each row."""
    head, *rest = rows
    if not rest:
        return " | ".join(head)
    shown = (
        [f"{name}: {cell or _NOTHING}" if name else cell for name, cell in zip(head, row, strict=True)] for row in rest
    )
    return "\n\n".join("\n".join(filter(None, lines)) for lines in shown)


def _cell(node: SyntaxTreeNode, within: frozenset[str] = frozenset()) -> str:
    return "".join(_inlines(child.children, within) for child in node.children).replace("\n", " ").strip()


def _code(text: str) -> str:
    return f"{FENCE}\n{text}\n{FENCE_END}"


def _width(text: str) -> int:
    """How many columns ``text`` takes in a monospaced font."""
    widths = (0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)
    return sum(widths)


def _inlines(nodes: Sequence[SyntaxTreeNode], within: frozenset[str] = frozenset()) -> str:
    """Text with marks, but no mark within its like, and none against a letter: WhatsApp would show it raw."""
    parts = [_inline(node, within) for node in nodes]
    shown = ""
    for place, (node, part) in enumerate(zip(nodes, parts, strict=True)):
        following = parts[place + 1][:1] if place + 1 < len(parts) else ""
        alone = not (shown[-1:].isalnum() or following.isalnum())
        shown += _marked(node.type, part) if node.type in MARKED.keys() - {"code"} - within and alone else part
    return shown


def _inline(node: SyntaxTreeNode, within: frozenset[str]) -> str:
    match node.type:
        case "text":
            return _BREAK.sub("\n", node.content)
        case "softbreak" | "hardbreak":
            return "\n"
        case "code_inline":
            return node.content if "code" in within else _marked("code", node.content)
        case "link":
            return _link(_inlines(node.children, within), str(node.attrs.get("href", "")))
        case "image":
            return _link(node.content, str(node.attrs.get("src", "")))
    return _inlines(node.children, within | {node.type})


def _link(label: str, address: str) -> str:
    shown = _SCHEME.sub("", address, count=1)
    bare = shown.removeprefix("https://").removeprefix("http://")
    if not label.strip() or label.strip().rstrip("/") in (name.rstrip("/") for name in (address, shown, bare)):
        return shown or label
    return f"{label} ({shown})" if shown else label


def _marked(kind: str, text: str) -> str:
    """``text`` with its mark around each of its lines; a text that holds the mark itself goes without."""
    opening, closing = MARKED[kind]
    if spell(opening) in spell(text):
        return text
    return "\n".join(_EDGES.sub(rf"\1{opening}\2{closing}\3", line) for line in text.split("\n"))


def _literal(state: StateInline, silent: bool) -> bool:
    """A rule for the parser: marks in addresses, arithmetic and names are text."""
    source = state.src
    if source[state.pos] not in "*_~":
        return False
    if state.env.get("source") != source:
        state.env.update(source=source, literal=literal_marks(source))
    if state.pos not in state.env["literal"]:
        return False
    if not silent:
        state.pending += source[state.pos]
    state.pos += 1
    return True


class _Parser(MarkdownIt):
    """CommonMark with tables and strike-through, as plain text is: no HTML, and no definitions that vanish."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False, "maxNesting": 10_000})
        self.enable(["table", "strikethrough"]).disable("reference")
        self.inline.ruler.before("strikethrough", "literal", _literal)

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the parser's name
        """People read addresses, not percent signs."""
        return url


_MARKDOWN = _Parser()
_BLOCKS: dict[str, Callable[[SyntaxTreeNode], str]] = {
    "heading": lambda node: _marked("strong", _inlines(node.children, frozenset({"strong"}))),
    "bullet_list": _list,
    "ordered_list": _list,
    "blockquote": lambda node: _quote(_blocks(node.children)),
    "fence": lambda node: _code(node.content.rstrip()),
    "code_block": lambda node: _code(node.content.rstrip()),
    "table": _table,
    "hr": lambda _: _RULE,
    "inline": lambda node: _inlines(node.children),
}
