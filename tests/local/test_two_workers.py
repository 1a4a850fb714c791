"""Two workers on one machine, each with a model of its own: both answer, and both are on RQ's books."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.installation import Installation
from simulator.processes import wait_until
from tests.local.models import NEEDS, SYSTEM

pytest.importorskip("torch", reason=NEEDS)

WORKERS = ("one worker", "two worker")
PEOPLE = range(501, 513)
START_SECONDS = 180
ANSWER_SECONDS = 120


@pytest.fixture
def installation(tmp_path: Path, learnt: Path) -> Iterator[Installation]:
    settings = {
        "LLM_PROVIDER": "local", "LLM_MODEL": str(learnt), "LLM_TEMPERATURE": "0", "SYSTEM_PROMPT": SYSTEM,
        "REPLY_TOKENS": "24", "WORKER_CONCURRENCY": "3", "LEASE_SECONDS": "15", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    with Installation(tmp_path / "installation", own_redis=True, **settings) as one:
        one.start("redis", "receiver")
        for name in WORKERS:
            one.start(name)
        yield one


def _log(installation: Installation, name: str) -> str:
    return installation.processes.log(name).read_text(encoding="utf-8")


def test_each_worker_answers_with_its_own_model_and_rq_shows_both(installation: Installation) -> None:
    """Twelve people write at once to two workers of three turns each; `rq info` is what an operator looks at."""
    ready = wait_until(
        lambda: all("answering with local" in _log(installation, name) for name in WORKERS), START_SECONDS
    )
    assert ready, installation.processes.log_tails()
    address = f"redis://127.0.0.1:{installation.redis_port}/0"
    rq = [str(Path(sys.executable).with_name("rq")), "info", "--url", address, "--raw", "--only-workers"]
    shown = subprocess.run(rq, capture_output=True, text=True, check=True, timeout=60).stdout
    assert shown.count("idle") == len(WORKERS), shown

    for chat in PEOPLE:
        installation.telegram.say(chat, "¿A qué hora abren?")
    answered = wait_until(
        lambda: all(installation.telegram.answers(chat) for chat in PEOPLE) and not installation.due(), ANSWER_SECONDS
    )
    assert answered, installation.processes.log_tails()
    for name in WORKERS:
        assert "backend=local" in _log(installation, name)
        assert "outcome=answered" in _log(installation, name)
