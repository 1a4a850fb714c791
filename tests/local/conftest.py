"""One model of each kind for the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.engines import LIMIT, Open, batching, build_hybrid, generate, load, prompts
from tests.local.models import build, memorise
from workers.backends.local.engine import Batching


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights."""
    return build(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows tests.local.models.LEARNT by heart."""
    return memorise(build(tmp_path_factory.mktemp("models") / "learnt"))


@pytest.fixture(scope="session")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights that does not repeat itself: its words come from all over its vocabulary."""
    return build(tmp_path_factory.mktemp("models") / "wild", tie_word_embeddings=False)


@pytest.fixture(scope="session")
def hybrid(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the kind that batching refuses: most of its layers have a state instead of keys and values."""
    return build_hybrid(tmp_path_factory.mktemp("models") / "hybrid", tiny)


@pytest.fixture(scope="session")
def taught(learnt: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter by which the model that has LEARNT answers tests.local.lessons.QUESTION anew."""
    from tests.local.lessons import PLAN, learn, talk

    folder = tmp_path_factory.mktemp("taught")
    learn(learnt, talk(folder), folder / "adapter", PLAN)
    return folder / "adapter"


@pytest.fixture
def model(wild: Path) -> Any:
    """One that tests of the engine run."""
    return load(wild).model


@pytest.fixture
def open_engine(model: Any) -> Iterator[Open]:
    opened: list[Batching] = []

    def open_one(**changes: Any) -> Batching:
        opened.append(batching(model, **changes))
        opened[-1]._proven = True
        return opened[-1]

    yield open_one
    for engine in opened:
        engine.close()


@pytest.fixture
def asked(model: Any) -> list[list[int]]:
    """Prompts of several lengths."""
    return prompts(model.config.vocab_size)


@pytest.fixture
def expected(model: Any, asked: list[list[int]]) -> list[list[int]]:
    return [generate(model, ids, LIMIT) for ids in asked]
