"""LLM_PROVIDER=local, from the settings to the words a person reads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.local.models import LEARNT, NEEDS, SYSTEM

pytest.importorskip("torch", reason=NEEDS)

from bot.business import Business
from bot.errors import Rejected, SettingsError, Unavailable
from bot.message import Turn
from tests.local.engines import SECONDS, Steps, open_local, settings
from workers import jobs
from workers.backends import Prompt
from workers.backends.local import Local

Open = Callable[..., Local]
ANSWERS = dict(LEARNT)


@pytest.fixture
def open_model() -> Iterator[Open]:
    opened: list[Local] = []

    def open_one(folder: Path, **changes: Any) -> Local:
        opened.append(open_local(folder, **changes))
        return opened[-1]

    yield open_one
    for backend in opened:
        backend.close()


def prompt(question: str, session: str = "", *past: Turn) -> Prompt:
    return Prompt((Turn("system", SYSTEM), *past, Turn("user", question)), session)


def ask(backend: Local, question: str, session: str = "", *past: Turn) -> str:
    return "".join(backend.stream(prompt(question, session, *past)))


@pytest.mark.parametrize("engine", ["batching", "serial"])
def test_it_answers_what_it_has_learnt(engine: str, learnt: Path, open_model: Open) -> None:
    """Everybody at once, each their own answer, whole characters and all."""
    backend = open_model(learnt, llm_engine=engine, llm_repetition_penalty=1, reply_tokens=64)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda question: ask(backend, question), ANSWERS))
    assert backend.engine.name == engine
    assert dict(zip(ANSWERS, answers, strict=True)) == ANSWERS


def test_it_is_opened_from_the_settings(learnt: Path) -> None:
    """As a worker opens it; ``check`` names the model, the device and the engine."""
    backend = jobs.open_backend(settings(llm_model=str(learnt), llm_device="cpu"))
    try:
        said = backend.check()
    finally:
        backend.close()
    assert isinstance(backend, Local)
    assert str(learnt) in said
    assert "CPU" in said
    assert "the batching engine answers (context tokens: 1024)" in said
    assert backend.servers("ana") == ()
    assert backend.context_tokens() == 1024


def test_the_context_is_what_the_memory_holds(tiny: Path, open_model: Open) -> None:
    assert open_model(tiny, llm_kv_tokens=512).context_tokens() == 512


def test_pieces_come_as_they_are_made(wild: Path, open_model: Open) -> None:
    """The first is here before the last is thought of."""
    backend = open_model(wild, reply_tokens=200)
    steps = Steps(backend._loaded.model)
    stream = backend.stream(prompt("hola", "ana"))
    next(stream)
    early = steps.number
    rest = list(stream)
    assert early < 100
    assert len(rest) > 20


def test_the_next_turn_does_not_pay_for_the_past(wild: Path, open_model: Open) -> None:
    """Through template and memory, with an answer that no tokenizer would spell so: only new pages are computed."""
    backend = open_model(wild, reply_tokens=150)
    question = "¿Tienen pan sin gluten? " * 12
    answer = ask(backend, question, "ana")
    steps = Steps(backend._loaded.model)
    past = (Turn("user", question), Turn("assistant", answer.strip()))
    next(stream := backend.stream(prompt("¿Y mañana?", "ana", *past)))
    stream.close()
    computed, size = steps.tokens, len(backend._prompts.ids(prompt("¿Y mañana?", "ana", *past).turns, "ana"))

    assert size > 250
    assert computed < 100, "more was computed than the new question and the rests of pages"


def test_one_cache_for_all_beginnings(wild: Path, open_model: Open) -> None:
    """What the business says of itself is computed once, not once for each conversation."""
    backend = open_model(wild)
    system = Turn("system", "Abrimos a las nueve. " * 40)
    steps = Steps(backend._loaded.model)
    tokens = []
    for name in ("ana", "berta"):
        steps.tokens = 0
        "".join(backend.stream(Prompt((system, Turn("user", "hola")), name)))
        tokens.append(steps.tokens)
    assert tokens[1] < tokens[0] / 2


@pytest.mark.parametrize("engine", ["batching", "serial"])
def test_stop_strings_end_an_answer(engine: str, learnt: Path, open_model: Open) -> None:
    """No part of one is ever said, and the engine stops thinking."""
    changes = {"llm_engine": engine, "llm_repetition_penalty": 1, "reply_tokens": 64}
    backend = open_model(learnt, llm_stop="de la,zzz", **changes)
    pieces = list(backend.stream(prompt(LEARNT[0][0])))
    assert "".join(pieces) == "Abrimos a las nueve "
    assert ask(backend, LEARNT[7][0]) == LEARNT[7][1]


@pytest.mark.parametrize("engine", ["batching", "serial"])
def test_an_end_token_is_no_word(engine: str, learnt: Path) -> None:
    """A model may have several; the tokenizer need not know that they are special."""
    from tests.local.engines import load

    loaded, (question, answer) = load(learnt), LEARNT[0]
    *said, last = loaded.tokenizer.encode(answer, add_special_tokens=False)
    assert last not in said
    loaded.model.generation_config.eos_token_id = [2, last]
    backend = Local.of(settings(llm_engine=engine, llm_repetition_penalty=1, reply_tokens=64), loaded)
    try:
        assert ask(backend, question) == loaded.tokenizer.decode(said)
    finally:
        backend.close()


@pytest.mark.parametrize("engine", ["batching", "serial"])
def test_an_answer_can_be_ended_from_another_thread(engine: str, wild: Path, open_model: Open) -> None:
    """Whoever waits for its next piece gets Unavailable, and its place is free for the next."""
    backend = open_model(wild, llm_engine=engine, llm_parallel=1, reply_tokens=900)
    gate, reached = threading.Event(), threading.Event()

    def waits(number: int, _: Any) -> None:
        if number == 4:
            reached.set()
            gate.wait(SECONDS)

    Steps(backend._loaded.model, waits)
    stream = backend.stream(prompt("hola", "ana"))
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(lambda: "".join(stream))
        assert reached.wait(SECONDS)
        stream.close()
        with pytest.raises(Unavailable, match="closed"):
            answer.result(SECONDS)
    gate.set()
    short = open_short(backend)
    assert "".join(short.stream(prompt("adiós", "berta")))


def open_short(backend: Local) -> Local:
    """The same model and engine, for short answers."""
    return Local(settings(reply_tokens=8), backend._loaded, backend.engine, backend._prompts)


def test_a_silent_model_is_not_waited_for_for_ever(wild: Path, open_model: Open) -> None:
    backend = open_model(wild, llm_first_token_timeout=0.2)
    gate = threading.Event()

    def waits(*_: Any) -> None:
        gate.wait(SECONDS)

    Steps(backend._loaded.model, waits)
    with pytest.raises(Unavailable, match="LLM_FIRST_TOKEN_TIMEOUT"):
        ask(backend, "hola")
    gate.set()
    assert not backend.engine._running  # type: ignore[attr-defined]


def test_a_prompt_without_room_for_an_answer(tiny: Path, open_model: Open) -> None:
    """It is refused with words; one that leaves a little room gets a short answer."""
    backend = open_model(tiny)
    with pytest.raises(Rejected, match="CONTEXT_TOKENS"):
        ask(backend, "hola " * 1100)


def test_an_answer_is_shortened_to_the_room_there_is(wild: Path, open_model: Open) -> None:
    backend = open_model(wild, llm_kv_tokens=64, reply_tokens=500)
    assert ask(backend, "hola", "ana")


def test_a_model_that_batching_refuses(hybrid: Path, open_model: Open, caplog: pytest.LogCaptureFixture) -> None:
    """LLM_ENGINE=auto falls back and says why; LLM_ENGINE=batching is a wrong setting."""
    with caplog.at_level(logging.WARNING, "recado.local"):
        backend = open_model(hybrid)
    assert backend.engine.name == "serial"
    assert "linear_attention" in caplog.text
    assert ask(backend, "hola", "ana")
    with pytest.raises(SettingsError, match="LLM_ENGINE=auto"):
        open_model(hybrid, llm_engine="batching")


def test_a_cache_that_does_not_fit(tiny: Path, open_model: Open) -> None:
    with pytest.raises(SettingsError, match="LLM_KV_TOKENS"):
        open_model(tiny, llm_kv_tokens=1 << 40, llm_engine="batching")


def test_a_models_own_defaults_are_not_mixed_in(learnt: Path, open_model: Open) -> None:
    """Some bring a repetition penalty, with which the two engines would differ."""
    from tests.local.engines import load

    loaded = load(learnt)
    loaded.model.generation_config.repetition_penalty = 1.9
    backend = Local.of(settings(reply_tokens=64, llm_engine="batching"), loaded)
    try:
        assert ask(backend, LEARNT[0][0]) == LEARNT[0][1]
    finally:
        backend.close()


def test_from_settings_needs_no_business(tiny: Path) -> None:
    backend = Local.from_settings(settings(llm_model=str(tiny), llm_device="cpu"), Business())
    backend.close()
    assert backend.parallel == 64
