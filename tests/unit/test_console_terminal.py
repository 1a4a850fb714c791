"""`python -m workers chat` as whoever sits there sees it, in a real terminal, with a model server behind it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.settings import ENV_FILE
from simulator.models import ModelServer
from simulator.processes import wait_until
from tests.minds import Mind
from tests.terminals import CTRL_C, CTRL_D, PATIENCE, UP, Terminal

Start = Callable[..., Terminal]
COMMAND = (sys.executable, "-m", "workers", "chat")


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ModelServer(reply=Mind()) as server:
        yield server


@pytest.fixture
def mind(model: ModelServer) -> Iterator[Mind]:
    """What the model says; nothing that an earlier test told it."""
    model.reply = found = Mind()
    model.delay = 0
    model.requests.clear()
    yield found
    found.given.release(1000)
    model.up()


def environment(folder: Path, model: ModelServer) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return inherited | {
        "DATA_DIR": str(folder / "data"), "LLM_PROVIDER": "ollama", "LLM_BASE_URL": model.url, "AI_NOTICE": "off",
        "DEFAULT_LANGUAGE": "es", "ACCESS": "list", "PYTHONUTF8": "1", "LEASE_SECONDS": "1", ENV_FILE: "",
    }  # fmt: skip


@pytest.fixture
def env(model: ModelServer, tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path, model)


@pytest.fixture
def start(env: dict[str, str], mind: Mind) -> Iterator[Start]:
    """Starts terminals; whatever runs in them ends with the test."""
    with ExitStack() as opened:

        def begin(**more: Any) -> Terminal:
            terminal = opened.enter_context(Terminal(*COMMAND, env=env, **more))
            terminal.await_prompt()
            return terminal

        yield begin


@pytest.fixture(scope="module")
def session(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    folder = tmp_path_factory.mktemp("session")
    with Terminal(*COMMAND, env=environment(folder, model), columns=110, lines=10) as found:
        yield found


@pytest.fixture
def terminal(session: Terminal, mind: Mind) -> Terminal:
    """One for all tests that do not end it: it waits for a line, and nothing was said in it before."""
    session.await_prompt()
    session.say("/reset")
    session.await_prompt()
    return session


def last_said(model: ModelServer) -> tuple[tuple[str, str], ...]:
    return model.requests[-1].said


def test_an_answer_grows_and_ctrl_c_stops_it_but_not_the_program(
    terminal: Terminal, mind: Mind, model: ModelServer
) -> None:
    """What was said until then is the answer, and is remembered as said; the next question is answered."""
    mind.pieces["cuenta"] = ["**Uno** ", "dos ", "tres"]
    terminal.say("cuenta")
    terminal.await_text("\nUno")
    mind.given.release()
    terminal.await_text("Uno dos")
    assert "**" not in terminal.text
    assert "Ctrl-C para" in terminal.lines[-1]
    assert terminal.cursor_hidden
    assert not terminal.echoes
    terminal.type(CTRL_C)
    terminal.await_text("\nRespuesta parada.\n\n>")
    terminal.await_prompt()
    terminal.say("y ahora")
    terminal.await_text("re: y ahora")
    assert last_said(model) == (("user", "cuenta"), ("assistant", "**Uno** dos"), ("user", "y ahora"))
    assert "tres" not in terminal.text


def test_what_is_typed_meanwhile_stands_in_the_next_line(terminal: Terminal, mind: Mind) -> None:
    """And not in the middle of the answer."""
    mind.pieces["pan"] = ["Hay ", "barras"]
    terminal.say("pan")
    terminal.await_text("\nHay")
    terminal.type("¿y to")
    mind.given.release()
    terminal.await_text("> ¿y to")
    terminal.say("rtas?")
    terminal.await_text("\nHay barras\n\n> ¿y tortas?\nre: ¿y tortas?")


def test_who_asks_for_a_person_in_plain_words_reads_what_people_read(terminal: Terminal, model: ModelServer) -> None:
    terminal.say("quiero hablar con una persona")
    terminal.await_text("/seguir")
    terminal.await_prompt()
    terminal.say("/seguir")
    terminal.await_prompt()
    assert all("persona" not in text for one in model.requests for _, text in one.said)


def test_a_model_that_is_silent_is_stopped_too(terminal: Terminal, model: ModelServer) -> None:
    """Before its first word; its server need not think on."""
    model.hang_next()
    terminal.say("¿hay alguien?")
    terminal.await_text("Pensando…")
    assert wait_until(lambda: bool(model.requests), PATIENCE)
    terminal.type(CTRL_C)
    terminal.await_text("> ¿hay alguien?\nRespuesta parada.")
    assert wait_until(lambda: model.requests[-1].outcome == "left", PATIENCE)


def test_a_model_that_is_away_is_said_in_words_and_waited_for(terminal: Terminal, model: ModelServer) -> None:
    model.down()
    terminal.say("hola")
    terminal.await_text("Se prueba otra vez")
    assert model.url in terminal.lines[-1]
    model.up()
    terminal.await_text("re: hola")
    terminal.await_prompt()
    model.down()
    terminal.say("adiós")
    terminal.await_text("Se prueba otra vez")
    terminal.type(CTRL_C)
    terminal.await_text("> adiós\nRespuesta parada.")
    assert "Traceback" not in terminal.text


def test_a_long_answer_scrolls_and_stands_there_once(terminal: Terminal, mind: Mind) -> None:
    """Nothing is cut off, and nothing is there twice."""
    mind.pieces["lista"] = ["Pues:\n\n", *(f"- cosa{number}\n" for number in range(60)), "\nFin."]
    mind.given.release(100)
    terminal.say("lista")
    terminal.await_text("\nFin.")
    terminal.await_prompt()
    assert [line.strip() for line in terminal.lines if "cosa" in line] == [f"• cosa{number}" for number in range(60)]


def test_ctrl_c_at_the_prompt_forgets_the_line_and_ends_the_second_time(start: Start, model: ModelServer) -> None:
    terminal = start()
    terminal.type("esto no")
    terminal.await_text("> esto no")
    terminal.press(CTRL_C)
    terminal.await_text("Otra vez Ctrl-C")
    terminal.await_prompt()
    terminal.say("hola")
    terminal.await_text("re: hola")
    terminal.await_prompt()
    terminal.press(CTRL_C)
    terminal.await_text("Otra vez Ctrl-C", times=2)
    terminal.await_prompt()
    terminal.press(CTRL_C)
    assert terminal.wait() == 0
    assert terminal.echoes
    assert [text for _, text in last_said(model)] == ["hola"]


def test_lines_are_completed_edited_and_remembered_over_sessions(start: Start, tmp_path: Path) -> None:
    """The file that remembers them is nobody else's; who wants all to go is forgotten there too."""
    terminal = start()
    terminal.type("/lang\ten")
    terminal.say("")
    terminal.await_text("> /language en")
    terminal.await_prompt()
    terminal.type("holo\x7f")
    terminal.say("a")
    terminal.await_text("re: hola")
    terminal.press(CTRL_C)
    terminal.await_text("once more")  # the terminal speaks the language that was chosen
    terminal.press(CTRL_D)
    assert terminal.wait() == 0

    typed = tmp_path / "data" / "console" / "typed"
    assert typed.read_text().splitlines() == ["/language en", "hola"]
    assert stat.S_IMODE(typed.stat().st_mode) == 0o600
    again = start()
    again.type(UP)
    again.await_text("> hola")
    again.type(UP)
    again.await_text("> /language en")
    again.type("\x15")
    again.say("/privacy erase yes")
    again.await_prompt()
    assert wait_until(lambda: not typed.exists(), PATIENCE)


def test_a_session_that_was_killed_is_gone_on_with(start: Start, mind: Mind) -> None:
    """kill -9 in mid-answer: the next session answers what was asked, and remembers what was said before."""
    mind.pieces["cuenta"] = ["Uno ", "dos"]
    terminal = start()
    terminal.say("hola")
    terminal.await_text("re: hola")
    terminal.await_prompt()
    terminal.say("cuenta")
    terminal.await_text("\nUno")
    terminal.process.kill()
    terminal.wait()
    mind.given.release(2)
    again = start()
    again.await_text("quedó algo sin responder")
    again.await_text("Uno dos")
    again.await_prompt()


def test_being_told_to_end_leaves_the_terminal_as_it_was(start: Start, mind: Mind) -> None:
    """SIGTERM in mid-answer: the cursor is there again, and what is typed is seen."""
    mind.pieces["cuenta"] = ["Uno ", "dos"]
    terminal = start()
    terminal.say("cuenta")
    terminal.await_text("\nUno")
    assert terminal.cursor_hidden
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.wait() == 0
    assert wait_until(lambda: not terminal.cursor_hidden, PATIENCE)
    assert terminal.echoes
    assert "Traceback" not in terminal.text


def test_where_nothing_is_answered_that_is_said(terminal: Terminal) -> None:
    """Somebody of the business goes on, and the assistant is silent until it is called again."""
    terminal.say("/human")
    terminal.await_text("/seguir")
    terminal.await_prompt()
    terminal.say("¿hola?")
    terminal.await_text("> ¿hola?\n(Aquí ahora no se responde.")
    terminal.await_prompt()
    terminal.say("/seguir")
    terminal.await_prompt()
    terminal.say("¿y ahora qué?")
    terminal.await_text("re: ¿hola?")


def test_two_terminals_are_two_conversations(start: Start, model: ModelServer) -> None:
    """Each sees its own answers, whoever was first. One that can show nothing but text shows them whole, and once."""
    first, second = start(), start(term="dumb")
    second.say("aquí")
    second.await_text("re: aquí")
    first.say("allí")
    first.await_text("re: allí")
    assert [text for _, text in last_said(model)] == ["allí"]
    assert "aquí" not in first.text
    assert second.text.count("re: aquí") == 1


def test_a_pipe_gets_the_answers_and_nothing_else_to_read(env: dict[str, str], mind: Mind) -> None:
    """No escapes, no prompts; bytes that are no text break nothing."""
    run = subprocess.run(COMMAND, env=env, input=b"hola\n\xff\n", capture_output=True, timeout=60, check=False)
    assert (run.returncode, run.stderr.decode()) == (0, "")
    hello, _, answers = run.stdout.decode().partition("\n\n")
    assert "ollama" in hello
    assert answers == "re: hola\nre: \N{REPLACEMENT CHARACTER}\n"


def test_a_model_that_cannot_be_reached_at_the_start_is_said_in_words(env: dict[str, str], model: ModelServer) -> None:
    env = env | {"LLM_BASE_URL": "http://127.0.0.1:9"}
    with Terminal(*COMMAND, env=env) as terminal:
        assert terminal.wait() == 1
        terminal.await_text("127.0.0.1:9")
        assert "Traceback" not in terminal.text
        assert terminal.echoes
