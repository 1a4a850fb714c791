"""The page on what a worker tells says the same in both languages, and neither more nor less than there is."""

from __future__ import annotations

import re
from typing import Final

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families as parsed

from bot.errors import Unavailable
from bot.settings import Settings
from bot.stores.taken import Waited
from tests.unit.test_docs_models import blocks, named, shape, text
from tests.unit.test_turn_log import KEYS
from workers.figures import Figures
from workers.metrics import FREQUENT, RETRIES, Metrics

PAGES: Final = ("metrics.md", "metrics.es.md")


def rows(name: str, start: str = "") -> dict[str, list[str]]:
    """The rows of a page's tables by what stands first, with the names in code of their further cells."""
    cells = [re.split(r" \| ", line.strip("| ")) for line in text(name).splitlines() if line.startswith(f"| `{start}")]
    return {cell[0].strip("`"): [*re.findall(r"`([^`]+)`", " ".join(cell[1:]))] for cell in cells}


def everything() -> dict[str, list[str]]:
    """A worker's own metrics as they are scraped, with their labels."""
    told, waited = Metrics(), Waited(1, 1, 1, 1)
    figures = Figures(channel="c", waited=waited, outcome="answered")
    with told.asking("b", figures):
        figures.ask("b")
        figures.hear()
        figures.listened()
    told.turn(figures)
    told.first_words("c", "b", waited)
    told.answered("c", "b", waited)
    told.delivered("c", "sent")
    told.limited("c")
    with pytest.raises(Unavailable), told.asking("b", figures):
        raise Unavailable("away")
    found = {
        f"{family.name}_total" if family.type == "counter" else family.name: next(
            list(one.labels) for one in family.samples if not one.name.endswith("_bucket")
        )
        for family in parsed(generate_latest(told.registry).decode())
        if family.name.startswith("recado_") and not family.name.endswith("_created") and family.samples
    }
    return found | {"recado_gpu_memory_bytes": ["device", "kind"]}


def test_both_languages_have_the_same_shape_commands_and_names() -> None:
    english, spanish = PAGES

    assert shape(english) == shape(spanish)
    assert blocks(english) == blocks(spanish)
    assert named(english) == named(spanish) <= {field.upper() for field in Settings.model_fields}
    codes = [sorted(set(re.findall(r"`([^`\n]+)`", text(name)))) for name in PAGES]
    assert codes[0] == codes[1]


@pytest.mark.parametrize("name", PAGES)
def test_every_metric_of_a_worker_is_there_with_its_labels(name: str) -> None:
    told, there = rows(name, "recado_"), everything()

    assert set(told) == set(there)
    assert [metric for metric, labels in there.items() if sorted(labels) != sorted(told[metric][: len(labels)])] == []
    assert set(RETRIES) <= set(told["recado_turn_retries_total"])
    assert set(FREQUENT) <= set(told["recado_frequent_answers_total"])


@pytest.mark.parametrize("name", PAGES)
def test_every_key_of_a_turns_line_is_there(name: str) -> None:
    assert [key for key in rows(name) if not key.startswith("recado_")] == KEYS
