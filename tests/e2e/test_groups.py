"""Groups, albums and edited messages, the whole way: Telegram's own updates go in, what people see comes out."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable

import pytest

from simulator.installation import Installation as Simulated
from simulator.ledger import Ledger, Report
from simulator.ledger.store import read_redis
from simulator.processes import wait_until
from tests.e2e.conftest import Installation

SECONDS = 30
ANA, BEA = 501, 502
_numbers = itertools.count(1)


def mark(chat: int) -> str:
    """Words that an answer must repeat."""
    return f"c{abs(chat)} n{next(_numbers)} {secrets.token_hex(4)}"


def answered(one: Simulated, chat: int, *words: str) -> bool:
    """Whether each of these words is in a whole answer there."""
    said = [bubble.text for bubble in one.telegram.answers(chat)]
    return all(any(word in text and not text.endswith("…") for text in said) for word in words)


def wait_for_answer(one: Installation, chat: int, *words: str) -> None:
    assert one.telegram.wait_until(lambda: answered(one, chat, *words), SECONDS), one.processes.log_tails(40)


def report(one: Installation) -> Report:
    """What the ledger says when nothing is left to do, of what was shown and of what is kept."""

    def judged() -> Report:
        ledger = Ledger()
        ledger.read(one.telegram)
        read_redis(one.redis, ledger)
        return ledger.check()

    wait_until(lambda: not one.due() and not judged().left, SECONDS)  # RQ's own books are closed a little later
    return judged()


def prompts(one: Installation) -> list[list[str]]:
    """What the model was shown of a conversation each time, turn by turn."""
    return [[text for _, text in asked.said] for asked in one.model.requests]


def test_a_group_that_becomes_a_supergroup_goes_on_with_its_history(fresh: Installation) -> None:
    """What was said before is known after it, and both ledger and Redis know one conversation."""
    before, after, later = (mark(-55) for _ in range(3))
    fresh.telegram.say(-55, f"@recado_bot {before}", sender=ANA, name="Ana")
    wait_for_answer(fresh, -55, before)
    new = fresh.telegram.migrate(-55)
    fresh.telegram.say(new, f"@recado_bot {after}", sender=BEA, name="Bea")
    wait_for_answer(fresh, new, after)
    fresh.telegram.say(new, f"@recado_bot {later}", sender=ANA, name="Ana")
    wait_for_answer(fresh, new, later)

    words = prompts(fresh)[2]
    assert f"Ana: @recado_bot {before}" in words[0]
    assert before in words[1]
    assert f"Bea: @recado_bot {after}" in words[2]
    result = report(fresh)
    assert result.ok, str(result)
    assert (result.accepted, result.answered) == (3, 3)
    assert fresh.redis.keys("recado:*:history") == [b"recado:{telegram:7123456:-55}:history"]


def test_what_was_asked_before_the_move_is_answered_after_it(fresh: Installation) -> None:
    """The group moves while the model thinks: the answer appears once, where the people are now."""
    fresh.model.delay = 1.0
    asked = mark(-55)
    fresh.telegram.say(-55, f"@recado_bot {asked}", sender=ANA)
    assert fresh.model.wait_until(lambda: fresh.model.running == 1, SECONDS)
    new = fresh.telegram.migrate(-55)
    wait_for_answer(fresh, new, asked)

    result = report(fresh)
    assert result.ok, str(result)
    assert result.answered == 1
    assert not answered(fresh, -55, asked)


def test_people_who_talk_to_each_other_are_heard_and_not_answered(fresh: Installation) -> None:
    """The bot is called by its name, answered with, or commanded; what it heard before is known then."""
    question, reply = mark(-77), mark(-77)
    fresh.telegram.say(-77, "lunch at two?", sender=ANA, name="Ana")
    assert wait_until(lambda: fresh.redis.llen("recado:{telegram:7123456:-77}:history") == 1, SECONDS)
    fresh.telegram.say(-77, f"@recado_bot {question}", sender=BEA, name="Ana")
    wait_for_answer(fresh, -77, question)
    bubble = fresh.telegram.answers(-77)[-1]
    fresh.telegram.say(-77, f"¿y {reply}?", sender=ANA, name="Ana", reply_to=int(bubble.id))
    wait_for_answer(fresh, -77, reply)
    fresh.telegram.say(-77, "/help@other_bot", sender=ANA)
    fresh.telegram.say(-77, "/help@recado_bot", sender=ANA)
    assert fresh.telegram.wait_until(lambda: len(fresh.telegram.answers(-77)) == 3, SECONDS)

    assert prompts(fresh)[0][-1] == f"Ana: lunch at two?\n\nAna (2): @recado_bot {question}"
    assert len(fresh.model.requests) == 2
    result = report(fresh)
    assert result.ok, str(result)
    assert result.answered == 2


def test_an_answer_stays_in_its_topic(running: Installation, chat: int) -> None:
    """Each topic is a conversation of its own; in the general one no thread is named."""
    asked = {thread: mark(chat) for thread in (12, 13, 1)}
    for thread, words in asked.items():
        running.telegram.say(-chat, f"@recado_bot {words}", sender=ANA, thread=thread)
    wait_for_answer(running, -chat, *asked.values())

    sent = [call.params for call in running.telegram.calls if call.method == "sendMessage"]
    assert sorted(str(params.get("message_thread_id", "")) for params in sent) == ["", "12", "13"]
    for thread, words in asked.items():
        (shown,) = [str(prompt) for prompt in prompts(running) if words in str(prompt)]
        assert [other for other in asked.values() if other in shown] == [words], thread


@pytest.fixture
def patient(install: Callable[..., Installation]) -> Installation:
    """An installation that listens for as long as a slow machine needs to tell of a whole album."""
    one = install(DEBOUNCE_SECONDS="2", DEBOUNCE_MAX_SECONDS="20")
    one.start("receiver", "worker")
    return one


@pytest.mark.parametrize("group", [False, True], ids=["private", "group"])
def test_an_album_is_one_question_and_gets_one_answer(patient: Installation, *, group: bool) -> None:
    """Telegram tells of each photo by itself, and of the words with one of them only."""
    chat, words = -77 if group else 77, mark(77)
    captions = ["", f"@recado_bot {words}", "", ""]
    for caption in captions:
        patient.telegram.send_file(chat, "photo", b"\xff\xd8\xff\xe0", caption=caption, album="a1", sender=ANA)
    wait_for_answer(patient, chat, words)

    result = report(patient)
    assert result.ok, str(result)
    assert len(patient.telegram.answers(chat)) == 1
    assert len(patient.model.requests) == 1


def test_an_edited_message_is_answered_as_it_reads_now_and_once(patient: Installation) -> None:
    """In a group an edit may add the call that was forgotten; edited again after the answer it is not answered anew."""
    wrong, right, late = mark(77), mark(77), mark(77)
    update = patient.telegram.say(-77, f"¿abrís? {wrong}", sender=ANA)
    patient.telegram.edit_said(-77, update["message"]["message_id"], f"@recado_bot ¿abrís? {right}")
    wait_for_answer(patient, -77, right)
    patient.telegram.edit_said(-77, update["message"]["message_id"], f"@recado_bot ¿cerráis? {late}")
    other = mark(77)
    patient.telegram.say(-77, f"@recado_bot {other}", sender=ANA)
    wait_for_answer(patient, -77, other)

    assert len(patient.telegram.answers(-77)) == 2
    assert not [words for words in (wrong, late) if words in str(prompts(patient))]
