"""A model's Markdown in a terminal: what it says is shown, and what it would command the terminal is not."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console as Terminal
from rich.markdown import Markdown
from rich.segment import Segment
from rich.text import Text

from bot.cli import clean

NARROWEST: Final = 20
"""Columns. Lists within lists need some room; in a terminal with less, plain text is shown."""

_PARSER: Final = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
_JOINER: Final = "\N{ZERO WIDTH JOINER}"
_SPACES: Final = re.compile(r"[^\S\n]")

log = logging.getLogger("recado.console")


class Shown(Markdown):
    """One block as rich shows it, but that lines stay lines, HTML is text, and a link says where it goes."""

    def __init__(self, block: Sequence[Token]) -> None:
        super().__init__("")
        self.parsed = list(block)
        for token in self.parsed:
            if token.children:
                token.children = list(_shown(token.children))


def plain(text: str) -> str:
    """``text`` without anything that would move the cursor; of what may follow it nothing depends."""
    spaced = _SPACES.sub(" ", text.expandtabs(4))
    return _JOINER.join(map(clean, spaced.split(_JOINER)))


def settled(text: str) -> int:
    """How many characters of a text that grows are blocks of Markdown that nothing that may follow changes.

    The last block may still go on, and of an unfinished line nobody knows to which block it belongs.
    """
    lines = text.split("\n")
    starts = [token.map[0] for token in _PARSER.parse("\n".join(lines[:-1])) if token.map and not token.level]
    return sum(len(line) + 1 for line in lines[: starts[-1]]) if len(starts) > 1 else 0


def rendered(terminal: Terminal, text: str) -> list[list[Segment]]:
    """The lines of ``text`` as they stand in the terminal, with an empty one between two of its blocks."""
    lines = list[list[Segment]]()
    try:
        for block in _blocks(text) if terminal.width >= NARROWEST else ():
            lines += [[], *_full(terminal.render_lines(Shown(block), pad=False))]
    except Exception as error:  # the border of a foreign renderer: odd Markdown is shown as it was written
        log.debug("shown as it was written: %s", type(error).__name__, exc_info=True)
        lines = []
    return lines[1:] or _full(terminal.render_lines(Text(text), pad=False))


def _blocks(text: str) -> Iterator[list[Token]]:
    block = list[Token]()
    for token in _PARSER.parse(text):
        block.append(token)
        if not token.level and token.nesting <= 0:
            yield block
            block = []


def _full(lines: Iterable[list[Segment]]) -> list[list[Segment]]:
    """From the first line that is not empty to the last one."""
    found = [_stripped(line) for line in lines]
    full = [number for number, line in enumerate(found) if line]
    return found[full[0] : full[-1] + 1] if full else []


def _stripped(line: list[Segment]) -> list[Segment]:
    """Without the spaces that fill it up, but for those with a colour behind them."""
    found = list(line)
    while found and not (found[-1].style and found[-1].style.bgcolor):
        last = found.pop()
        if kept := last.text.rstrip():
            return [*found, Segment(kept, last.style)]
    return found


def _shown(tokens: Iterable[Token]) -> Iterator[Token]:
    """The inline tokens of one block, without links, pictures and soft line breaks."""
    links = list[tuple[str, list[str]]]()
    for token in tokens:
        if token.type == "softbreak":
            yield Token("hardbreak", "br", 0)
        elif token.type == "link_open":
            links.append((str(token.attrs.get("href", "")), []))
        elif token.type == "link_close":
            address, said = links.pop()
            if "".join(said) not in {address, unquote(address), address.removeprefix("mailto:")}:
                yield _text(f" ({address})")
        elif token.type == "image":
            yield _text(f"{token.content} ({token.attrs.get('src', '')})".strip())
        else:
            for _, said in links:
                said.append(token.content)
            yield token


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
