"""What frequent answers save, and how soon they are there: python bench/frequent.py

People write once each, in chats of their own, one of so many questions, drawn by a Zipf law (the most frequent one
twice as often as the second, three times as often as the third), each in their own way of writing it; the model takes
1 s. Everything is as shipped, the listening pause of 0.8 s too, but for FREQUENT_ANSWERS_HOURS=24 and the platform's
limits. Measured from the message written to the whole answer seen, for those whose question the model was asked and
for those to whom a kept answer was given, in one run; everybody must be answered once, and rightly.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from statistics import median
from time import monotonic, sleep
from typing import Any

from _installation import Installation
from _report import SHORT, Figure, run, spread

from simulator.models import ModelServer, echo
from simulator.processes import wait_until
from simulator.telegram import TelegramServer
from workers.frequent import normalised

PEOPLE, QUESTIONS, RATE = (60, 12, 20) if SHORT else (1000, 240, 20)
THINKING, SOONER = 1.0, 1.2 if SHORT else 1.5
SEED = 7
FIRST_CHAT = 34_600_000_000


def measure() -> Iterator[Figure]:
    with Installation(ModelServer(THINKING, answer_of), FREQUENT_ANSWERS_HOURS="24") as installation:
        installation.start("receiver")
        installation.start_worker(WORKER_CONCURRENCY="64", LLM_PARALLEL="64")
        asked = write(installation.telegram)
        if not wait_until(lambda: len(answers(installation.telegram)) == PEOPLE, 120):
            raise SystemExit(f"not everybody was answered\n{installation.processes.log_tails()}")
        wait_until(lambda: not installation.due(), 30)
        took = seconds(installation.telegram, asked)
        thought = {request.said[-1][1] for request in installation.model.requests}
        calls = len(installation.model.requests)
    hits = [took[chat] for chat, text in asked.items() if text not in thought]
    misses = [took[chat] for chat, text in asked.items() if text in thought]
    if not hits or len(misses) != calls or len(hits) + calls != PEOPLE:
        raise SystemExit(f"{PEOPLE} questions, {calls} model calls, {len(hits)} kept answers: that does not add up")
    seen = len({normalised(text) for text in asked.values()})
    yield Figure(f"{PEOPLE} first questions of {QUESTIONS}, of which {seen} were asked", f"{calls} model calls")
    saved = len(hits) / PEOPLE
    yield Figure("  model calls saved", f"{saved:.0%}", key="saved", value=saved)
    yield spread(f"the model is asked ({THINKING:g} s): until the whole answer", [median(misses)], "s", key="miss")
    yield spread("a kept answer is given: until the whole answer", [median(hits)], "s", key="hit")
    ratio = median(misses) / median(hits)
    yield spread("  so much sooner", [ratio], "times", key="sooner", least=SOONER)


def answer_of(body: dict[str, Any]) -> str:
    """The right answer to a question, however it is written."""
    return f"re: {normalised(echo(body).removeprefix('re: '))}"


def questions() -> list[str]:
    """Different ones, of which none is anybody's own."""
    how = (
        "¿A qué hora abrís {}?",
        "¿Tenéis {}?",
        "¿Cuánto cuesta {}?",
        "¿Se puede encargar {}?",
        "¿Lleváis {} a casa?",
    )
    what = [f"{one} {other}" for one, other in product(
        ("pan", "tarta", "leche", "queso", "café", "té", "fruta", "bollería"),
        ("sin gluten", "de ayer", "integral", "para el domingo", "de la casa", "por encargo"),
    )]  # fmt: skip
    return [one.format(other) for one, other in product(how, what)][:QUESTIONS]


def ways(text: str, number: int) -> str:
    """The same question as another person writes it; no two in the same letters, so that each call is known."""
    written = (text, text.lower(), text.upper(), text.strip("¿?"))[number % 4]
    return written + "." * (number // 4)


def write(telegram: TelegramServer) -> dict[int, str]:
    """What was asked, by its chat."""
    chance, known = random.Random(SEED), questions()
    drawn = chance.choices(known, [1 / rank for rank in range(1, len(known) + 1)], k=PEOPLE)
    asked: dict[int, str] = {}
    began, times = monotonic(), dict[str, int]()
    for number, text in enumerate(drawn):
        sleep(max(began + number / RATE - monotonic(), 0))
        times[text] = times.get(text, -1) + 1
        asked[FIRST_CHAT + number] = ways(text, times[text])
        telegram.say(FIRST_CHAT + number, asked[FIRST_CHAT + number])
    return asked


def answers(telegram: TelegramServer) -> dict[int, tuple[float, str]]:
    """When each chat was first shown its whole answer, and that."""
    with telegram.changed:
        calls = [(call, str(call.params.get("text", ""))) for call in reversed(telegram.calls) if call.taken]
    return {
        int(call.chat_id): (call.time, text)
        for call, text in calls
        if text.startswith("re: ") and not text.endswith("…")
    }


def seconds(telegram: TelegramServer, asked: dict[int, str]) -> dict[int, float]:
    """From writing to the whole answer, by chat. Raises SystemExit for a wrong answer."""
    found = answers(telegram)
    wrong = [text for chat, text in asked.items() if found[chat][1] != f"re: {normalised(text)}"]
    if wrong:
        raise SystemExit(f"answered with something else: {wrong[:3]}")
    written = {int(said.chat_id): said.time for said in telegram.said}
    return {chat: found[chat][0] - written[chat] for chat in asked}


if __name__ == "__main__":
    run("frequent answers", measure)
