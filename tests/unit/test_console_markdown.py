"""A model's Markdown in the terminal: all of it is shown, and none of it commands the terminal."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import assume, example, given, settings
from markdown_it import MarkdownIt
from rich.console import Console as Rich
from rich.segment import SegmentLines

from tests.markdown_texts import FAMILY, NASTY, any_markup, documents, words_of
from workers.console.markdown import plain, rendered, settled

WIDTHS = (1, 5, 19, 20, 37, 80)


def shown(text: str, width: int = 80) -> str:
    """What stands in a terminal of that width, without its styles."""
    out = io.StringIO()
    terminal = Rich(file=out, width=width, color_system=None, force_terminal=False, legacy_windows=False)
    terminal.print(SegmentLines(rendered(terminal, plain(text)), new_lines=True))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()).strip("\n")


def blocks(text: str) -> list[tuple[object, ...]]:
    tokens = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"]).parse(text)
    return [(token.type, token.content, token.level, token.hidden, token.attrs) for token in tokens]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_every_word_of_a_model_is_shown(text: str, width: int) -> None:
    """However odd its Markdown, and however narrow the terminal; a reference's definition is no words."""
    said = re.sub(r"^\[w\dx\]:.*$", "", text, flags=re.MULTILINE)
    assert set(words_of(said)) <= set(words_of("".join(shown(text, width).split())))


@settings(deadline=None, max_examples=60)
@given(any_markup | documents().map(lambda document: document[0]))
@example("- a\n\n1. b\n\n2")
def test_nothing_that_is_settled_changes_with_what_follows(text: str) -> None:
    """At every length that a growing text may have: its settled part and the rest are the whole, block by block."""
    text = plain(text)
    assume(not re.search(r"\[[^\]]*\]:", text))  # what a reference means may come later

    whole = blocks(text)
    for stays in {settled(text[:length]) for length in range(len(text))}:
        assert blocks(text[:stays]) + blocks(text[stays:]) == whole


def test_a_block_is_settled_when_the_next_one_has_begun() -> None:
    first = "Sí, abrimos.\n\n"
    assert settled(first) == 0
    assert settled(f"{first}1") == 0  # perhaps an item's number
    assert settled(f"{first}Los lunes no\n") == len(first)
    assert settled("1. uno\n\n2") == settled("1. uno\n\n2. dos\n") == 0


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("\x1b[2J\x1b]0;yours\x07hola", "\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}]0;yours"),
        ("uno\rdos", "uno dos"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}b", "a\N{REPLACEMENT CHARACTER}b"),
        ("8\N{NO-BREAK SPACE}a\N{NARROW NO-BREAK SPACE}14", "8 a 14"),
        ("\tuno", "    uno"),
        (f"{FAMILY} hola", f"{FAMILY} hola"),
    ],
)
def test_what_would_command_the_terminal_is_not_shown(said: str, read: str) -> None:
    """Emoji that are joined and spaces that do not break are shown as they are meant."""
    assert plain(said).startswith(read)
    assert "\x1b" not in plain(said)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Abrimos:\nlunes\nmartes", "Abrimos:\nlunes\nmartes"),
        ("[aquí](https://a.example/x)", "aquí (https://a.example/x)"),
        ("[**el** banco](https://a.example/x)", "el banco (https://a.example/x)"),
        ("<https://a.example/x>", "https://a.example/x"),
        ("<ana@a.example>", "ana@a.example"),
        ("![pan](https://a.example/p.png)", "pan (https://a.example/p.png)"),
        ("usa <b>esto</b> y <br>", "usa <b>esto</b> y <br>"),
        ("**fuerte** y `código`", "fuerte y código"),
    ],
)
def test_what_is_meant_is_what_is_read(said: str, read: str) -> None:
    """Lines stay lines, a link says where it goes, and HTML is text."""
    assert shown(said) == read
