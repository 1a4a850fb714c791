"""A training that was interrupted goes on as if nothing had been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import SettingsError
from tests.local.lessons import PLAN, SHORT, learn, same, settings, talk, weights
from tests.local.models import LEARNT, NEEDS
from workers.backends.local import adapters
from workers.backends.local.loading import load
from workers.train import checkpoint
from workers.train.plan import Plan

torch = pytest.importorskip("torch", reason=NEEDS)
pytest.importorskip("peft", reason=NEEDS)

pytestmark = [
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
]


def test_killed_in_the_middle_and_resumed_it_is_as_if_nothing_had_been(tiny: Path, tmp_path: Path) -> None:
    """Dropout, the order, the optimiser's memory and the losses included."""
    plan, data = replace(SHORT, epochs=20), talk(tmp_path, LEARNT)
    learn(tiny, data, tmp_path / "whole", replace(plan, every=1000))

    kill_after_a_checkpoint(tiny, data, tmp_path / "killed", plan)
    said = learn(tiny, data, tmp_path / "killed", plan, resume=True)

    assert "Going on after step " in said
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))
    whole, killed = (
        (tmp_path / name / "README.md").read_text().partition("## Loss")[2] for name in ("whole", "killed")
    )
    assert whole == killed


def kill_after_a_checkpoint(model: Path, data: Path, to: Path, plan: Plan) -> None:
    command = [sys.executable, "-m", "workers", "train", str(data), "--to", str(to), "--model", str(model)]
    command += ["--epochs", str(plan.epochs), "--batch", str(plan.batch), "--rate", str(plan.rate)]
    command += ["--validation", str(plan.validation), "--every", str(plan.every)]
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    running = subprocess.Popen(command, env=os.environ | threads, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 120
        while not (to / checkpoint.NAME).exists():
            assert running.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert not (to / adapters.WEIGHTS).exists()


@pytest.fixture
def stopped(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training whose machine was switched off when it wrote its third checkpoint."""
    replaced: list[Path] = []

    class Off(BaseException):
        pass

    def rename(self: Path, target: Path) -> Path:
        if len(replaced) == 2:
            raise Off
        replaced.append(target)
        return self.rename(target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", rename)
        with pytest.raises(Off):
            learn(tiny, talk(tmp_path, LEARNT), tmp_path / "new")
    return tmp_path / "new"


def test_a_checkpoint_that_was_not_written_whole_is_not_gone_on_from(tiny: Path, stopped: Path) -> None:
    assert (stopped / f"{checkpoint.NAME}.new").exists()

    said = learn(tiny, stopped.parent / "talk.jsonl", stopped, resume=True)

    assert "Going on after step 2." in said
    assert not list(stopped.glob("training*"))


def test_an_interrupted_training_is_neither_served_nor_overwritten(tiny: Path, stopped: Path) -> None:
    with pytest.raises(SettingsError, match=r"holds no adapter_model\.safetensors\. If its training was interrupted"):
        load(settings(tiny, llm_adapter=stopped))
    with pytest.raises(SettingsError, match="Go on with --resume"):
        learn(tiny, stopped.parent / "talk.jsonl", stopped)


def test_it_is_not_resumed_with_something_else(tiny: Path, stopped: Path) -> None:
    with pytest.raises(SettingsError, match=r"rate was 0\.01 and is 0\.5"):
        learn(tiny, stopped.parent / "talk.jsonl", stopped, replace(SHORT, rate=0.5), resume=True)
    with pytest.raises(SettingsError, match="sha256 was"):
        learn(tiny, talk(stopped.parent, LEARNT[:5]), stopped, resume=True)


def test_a_broken_checkpoint_is_said_to_be_one(tiny: Path, stopped: Path) -> None:
    file = stopped / checkpoint.NAME
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(SettingsError, match="is broken"):
        learn(tiny, stopped.parent / "talk.jsonl", stopped, resume=True)


def test_a_finished_adapter_is_not_trained_over(learnt: Path, taught: Path) -> None:
    for resume in (False, True):
        with pytest.raises(SettingsError, match="holds an adapter already"):
            learn(learnt, taught.parent / "talk.jsonl", taught, PLAN, resume=resume)
