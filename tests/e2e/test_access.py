"""Who may talk, and what everybody new is told, through real processes that are killed meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from time import sleep

import pytest

from bot import texts
from bot.business import Business
from simulator.processes import wait_until
from tests.e2e.conftest import Installation

OWNER, ANA, BEA = 9001, 9002, 9003
NOTICE = Business().introduction("es")
BEFORE_CODE, AFTER_CODE = texts.PAIRING.to("es", code="|").split("|")


def texts_in(one: Installation, chat: int) -> list[str]:
    """What somebody reads in their chat, oldest first."""
    return [bubble.text for bubble in one.telegram.answers(chat)]


def say(one: Installation, chat: int, text: str) -> str:
    """Write, and wait for one bubble more, until nothing is due any more."""
    before = len(texts_in(one, chat))
    one.telegram.say(chat, text, language="es")
    assert wait_until(lambda: len(texts_in(one, chat)) > before and not one.due(), 20), one.processes.log_tails()
    return texts_in(one, chat)[-1]


def test_from_a_strangers_first_word_to_their_first_answer(install: Callable[..., Installation]) -> None:
    """A code, the owner's /pair in their own chat, the good news without being asked, the answer; a second stranger
    is let in from the command line. No model is asked before."""
    one = install(ACCESS="pairing", ADMINS=f"telegram:{OWNER}")
    one.start("receiver", "worker")
    code = say(one, ANA, "hola").removeprefix(BEFORE_CODE).removesuffix(AFTER_CODE)
    one.telegram.say(ANA, "/start", language="es")
    assert wait_until(lambda: bool(one.telegram.said[-1].accepted) and not one.due(), 10)
    assert (len(texts_in(one, ANA)), one.model.requests) == (1, [])

    assert f"telegram:{ANA}" in say(one, OWNER, f"/pair {code}")
    assert wait_until(lambda: texts_in(one, ANA)[-1:] == [texts.ADMITTED.to("es")], 10), one.processes.log_tails()
    assert "¿abrís hoy?" in say(one, ANA, "¿abrís hoy?")

    other = say(one, BEA, "hola").removeprefix(BEFORE_CODE).removesuffix(AFTER_CODE)
    command = [sys.executable, "-m", "bot", "access", "approve", other]
    done = subprocess.run(command, env=one.processes.environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert wait_until(lambda: texts_in(one, BEA)[-1:] == [texts.ADMITTED.to("es")], 10), one.processes.log_tails()


def test_on_a_list_are_those_who_are_answered(install: Callable[..., Installation]) -> None:
    one = install(ACCESS="list", ALLOWED=str(ANA))
    one.start("receiver", "worker")
    assert "pan" in say(one, ANA, "¿tenéis pan?")
    assert say(one, BEA, "¿tenéis pan?") == texts.NOT_ADMITTED.to("es")
    one.telegram.say(BEA, "¿hola?", language="es")
    assert wait_until(lambda: bool(one.telegram.said[-1].accepted) and not one.due(), 10)
    assert (len(texts_in(one, BEA)), len(one.model.requests)) == (1, 1)


@pytest.mark.parametrize("seconds", [0.0, 0.45])
def test_everybody_new_is_told_once_whoever_is_killed(install: Callable[..., Installation], seconds: float) -> None:
    """A worker dies so long after the first words were written: in the line, thinking, or speaking."""
    one = install(delay=0.3, AI_NOTICE="on")
    one.start("receiver", "worker")
    people = range(ANA, ANA + 5)
    for chat in people:
        one.telegram.say(chat, "hola", language="es")
    sleep(seconds)
    one.kill("worker")
    one.start("second worker")
    assert wait_until(lambda: all(texts_in(one, chat) for chat in people) and not one.due(), 30)
    for chat in people:
        say(one, chat, "¿y mañana?")
        shown = texts_in(one, chat)
        assert sum(text.count(NOTICE) for text in shown) == 1, shown
        assert NOTICE not in shown[-1]
        assert [text for text in shown if "hola" in text and NOTICE in text], shown
    assert NOTICE not in str([request.json for request in one.model.requests])
