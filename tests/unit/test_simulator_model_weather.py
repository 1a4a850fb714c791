"""Model servers fail by chance, but by a seed; and who was asked the same twice is seen."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.models import ModelServer, ModelWeather
from tests.unit.prompts import ask, fails, outcomes

# -- weather --------------------------------------------------------------------------------------


def test_the_same_seed_brings_the_same_weather() -> None:
    def days(seed: int) -> list[Any]:
        weather = ModelWeather(seed, refused=0.1, busy=0.2, error=0.1, cut=0.1, garbage=0.1, hang=0.1, slow=0.1)
        return [weather.draw() for _ in range(200)]

    assert days(7) == days(7)
    assert days(7) != days(8)


def test_the_weather_keeps_its_shares() -> None:
    weather = ModelWeather(3, busy=0.3, cut=0.2)
    drawn = [weather.draw() for _ in range(5000)]

    assert abs(sum(fault.response is not None for fault in drawn) / 5000 - 0.3) < 0.03
    assert abs(sum(fault.cut_after is not None for fault in drawn) / 5000 - 0.2) < 0.03
    assert {fault.cut_after for fault in drawn} == {None, 1, 2, 3}


def test_shares_of_more_than_all_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 1"):
        ModelWeather(busy=0.6, cut=0.6)


@pytest.mark.parametrize("kind", ["refused", "busy", "error", "cut", "hang"])
def test_each_kind_of_weather_is_felt(models: ModelServer, kind: str) -> None:
    """And what was told comes before what chance brings."""
    shares: dict[str, Any] = {kind: 1.0}
    models.weather = ModelWeather(1, **shares)
    models.fail_next(418)

    assert ask(models, "hola").status_code == 418
    assert fails(models, "hola", timeout=0.5)
    expected = {"busy": "failed", "error": "failed", "hang": "left"}.get(kind, kind)
    assert models.wait_until(lambda: outcomes(models) == ["failed", expected], 5)
    models.weather = None
    assert not fails(models, "hola")


def test_busy_weather_says_when_to_come_back(models: ModelServer) -> None:
    models.weather = ModelWeather(1, busy=1.0, retry_after=4)
    assert ask(models, "hola").headers["Retry-After"] == "4"


# -- asked twice ----------------------------------------------------------------------------------


def test_who_is_asked_again_after_a_whole_answer_is_seen(models: ModelServer) -> None:
    """By what was said: the note before the newest words changes with the clock."""
    ask(models, "Hoy es lunes.\n\nuno")
    assert models.asked_twice() == []
    ask(models, "Hoy es martes.\n\nuno")

    assert models.asked_twice() == [models.requests[1]]


def test_another_turn_with_the_same_words_is_not_the_same_prompt(models: ModelServer) -> None:
    ask(models, "uno")
    ask(models, "uno", "re: uno", "uno")
    ask(models, "otra\n\ncosa", "re: uno", "uno")

    assert models.asked_twice(whole=False) == []


def test_a_prompt_that_got_no_whole_answer_may_come_again(models: ModelServer) -> None:
    models.cut_next()
    models.fail_next(503)
    assert fails(models, "uno")
    assert fails(models, "dos")
    for said in ("uno", "dos"):
        assert not fails(models, said)

    assert models.asked_twice() == []
    assert [asked.said for asked in models.asked_twice(whole=False)] == [(("user", "uno"),)]
