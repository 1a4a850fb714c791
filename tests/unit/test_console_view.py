"""An answer that grows in the terminal stands there in the end as if it had come at once."""

from __future__ import annotations

import io
import logging

import pytest
from rich.console import Console as Rich

from bot.channels.console import Saying
from bot.logs import setup_logs
from bot.texts import LANGUAGES, Language
from tests.terminals import Screen
from workers.console import command, words
from workers.console.talk import PATIENCE_SECONDS, Presses
from workers.console.view import View

LONG = "\n\n".join(
    [
        "Sí, **abrimos** todos los días.\nTambién los domingos.",
        "\n".join(f"{number}. cosa número {number}" for number in range(1, 41)),
        "## Precios",
        "| pan | precio |\n|---|---|\n" + "\n".join(f"| barra {number} | {number} € |" for number in range(12)),
        "```python\n" + "\n".join(f"linea_{number} = {number}" for number in range(50)) + "\n```",
        "Un párrafo " + "bastante largo " * 30,
        "Y nada más.",
    ]
)
SIZES = pytest.mark.parametrize("size", [(80, 24), (40, 10), (24, 5)])


class Paper:
    """A terminal that a View writes to, and what is seen in it at each moment."""

    def __init__(self, columns: int, lines: int) -> None:
        self._out, self.screen = io.StringIO(), Screen(columns, lines)
        self.rich = Rich(
            file=self._out, force_terminal=True, width=columns, height=lines, color_system="standard",
            legacy_windows=False, _environ={},
        )  # fmt: skip

    def lines(self) -> list[str]:
        """As a terminal's line discipline passes it on."""
        self.screen.feed(self._out.getvalue().replace("\n", "\r\n").encode())
        self._out.seek(0)
        self._out.truncate()
        return self.screen.lines


def grown(paper: Paper, *texts: str, step: int = 29) -> list[str]:
    """What stands there after each of ``texts`` has grown in a bubble of its own."""
    with View(paper.rich, "es") as view:
        for number, text in enumerate(texts):
            for length in range(1, len(text) + step, step):
                view.say(Saying(str(number), text[:length]))
                view.refresh("estado")
    return paper.lines()


@SIZES
def test_a_long_answer_stands_there_once(size: tuple[int, int]) -> None:
    """Whatever scrolled away while it grew: each line is there, once, as if it had come at once."""
    lines = grown(Paper(*size), LONG)

    assert lines == grown(Paper(*size), LONG, step=len(LONG))
    assert sum("cosa número 17" in " ".join(lines[at : at + 2]) for at in range(0, len(lines), 2)) <= 2
    assert [line.split()[0] for line in lines if "linea_" in line] == [f"linea_{number}" for number in range(50)]
    assert not any("estado" in line for line in lines)


def test_the_newest_words_are_in_sight_while_it_grows() -> None:
    """A block that is longer than the screen shows its end, and its status below."""
    paper = Paper(40, 10)
    block = "\n".join(f"- cosa {number}" for number in range(30))
    with View(paper.rich, "es") as view:
        view.say(Saying("1", block))
        view.refresh("estado")
        lines = paper.lines()

        assert "cosa 29" in lines[-2]
        assert "estado" in lines[-1]
        assert len(lines) <= 10
    assert [line.strip() for line in paper.lines()] == [f"• cosa {number}" for number in range(30)]


def test_first_words_are_seen_at_once() -> None:
    paper = Paper(80, 24)
    with View(paper.rich, "es") as view:
        assert not view.begun
        view.say(Saying("1", "Sí, …"))
        view.refresh("estado")

        assert view.begun
        assert paper.lines()[0] == "Sí, …"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_that_is_thought_anew_says_so(language: Language) -> None:
    """What scrolled away cannot be taken back; while nothing of it did, nobody need know."""
    paper = Paper(80, 24)
    with View(paper.rich, language) as view:
        view.say(Saying("1", "Hoy no"))
        view.say(Saying("1", "Sí, abrimos.\n\nLos lunes no.\n\nY luego\n"))
        view.say(Saying("1", "No, cerramos."))
    assert [line for line in paper.lines() if line] == [
        "Sí, abrimos.", "Los lunes no.", words.ANEW.to(language), "No, cerramos.",
    ]  # fmt: skip


def test_two_bubbles_stand_one_below_the_other() -> None:
    assert [line for line in grown(Paper(80, 24), "Tardo un poco.", "Ya está.") if line] == [
        "Tardo un poco.",
        "Ya está.",
    ]


def test_a_file_gets_each_bubble_whole_and_once() -> None:
    """No spinner, no escapes, no half answers."""
    out = io.StringIO()
    with View(Rich(file=out, width=80, _environ={}), "es") as view:
        for text in ("Sí …", "Sí, **abrimos**", "Sí, **abrimos** hoy."):
            view.say(Saying("1", text))
            view.refresh("estado")
        view.say(Saying("2", "Adiós."))
    assert out.getvalue() == "Sí, abrimos hoy.\nAdiós.\n"


def test_a_status_that_would_command_the_terminal_does_not() -> None:
    """It quotes what a model server said of its failure."""
    paper = Paper(30, 5)
    with View(paper.rich, "es") as view:
        view.refresh("no\x1b[2J " + "responde " * 20)

        (line,) = paper.lines()
        assert "no\N{REPLACEMENT CHARACTER}[2J" in line
        assert len(line) < 30


def test_a_line_of_the_log_stands_above_what_grows() -> None:
    """And not in the middle of it, where it would be wiped away with half of the answer."""
    paper = Paper(100, 10)
    setup_logs("ERROR", "text")
    command._log_above(paper.rich)
    with View(paper.rich, "es") as view:
        view.say(Saying("1", "Uno"))
        view.refresh("estado")
        logging.getLogger("recado.worker").error("the server is left alone")
        view.refresh("estado")
        logged, said, status = paper.lines()

        assert "the server is left" in logged
        assert said == "Uno"
        assert "estado" in status
    assert paper.lines()[1:] == ["Uno"]


def test_whoever_presses_again_although_nothing_stops_leaves() -> None:
    """Twice in a hurry is once."""
    presses = Presses()
    presses.press(2, None)
    presses.press(2, None)
    assert presses.count == 2
    presses.at -= 2 * PATIENCE_SECONDS
    with pytest.raises(SystemExit) as left:
        presses.press(2, None)
    assert left.value.code == 0
