"""`python -m workers bench` with a real model in its processes: the seeds' table in miniature."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.local.models import NEEDS

torch = pytest.importorskip("torch", reason=NEEDS)
pytest.importorskip("matplotlib", reason=NEEDS)

CONFIGURATIONS = ("base", "4bit", "int8", "sliding-window", "all")
PNG = b"\x89PNG\r\n\x1a\n"


class Ended:
    """What the command left: its words, its rows by configuration and concurrency, its picture."""

    def __init__(self, folder: Path, done: subprocess.CompletedProcess[str]) -> None:
        assert done.returncode == 0, done.stdout + done.stderr
        self.output = done.stdout
        rows = json.loads((folder / "rows.json").read_text())["rows"]
        self.rows: dict[tuple[str, int], Any] = {(row["configuration"], row["concurrency"]): row for row in rows}
        self.picture = (folder / "rows.png").read_bytes()


@pytest.fixture(scope="module")
def ended(learnt: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """All configurations, measured once for this module, greedy, so that no answer is empty by chance."""
    folder = tmp_path_factory.mktemp("bench")
    words = ["--config", ",".join(CONFIGURATIONS), "--concurrency", "1,3", "--tokens", "8", "--repeat", "1"]
    files = ["--json", str(folder / "rows.json"), "--plot", str(folder / "rows.png")]
    env = os.environ | {
        "RECADO_ENV_FILE": "", "LLM_PROVIDER": "local", "LLM_MODEL": str(learnt), "LLM_TEMPERATURE": "0",
        "LLM_DEVICE": "cpu", "DATA_DIR": str(folder), "OMP_NUM_THREADS": "1", "COLUMNS": "100",
        "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false",
    }  # fmt: skip
    command = [sys.executable, "-m", "workers", "bench", *words, *files]
    return Ended(folder, subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False))


@pytest.mark.parametrize("configuration", ["base", "4bit", "int8", "all"])
def test_each_configuration_that_runs_here_is_measured(ended: Ended, configuration: str) -> None:
    for level in (1, 3):
        row = ended.rows[configuration, level]
        assert row["reason"] == ""
        assert 0 < row["first"] <= row["reply"]
        assert 0 < row["tokens"] <= 16  # a text may be read in other tokens than it was written in
        assert row["rate"] > 0
        assert row["device"].startswith("CPU, 1 thread")


def test_a_model_without_a_window_is_a_row_that_says_so(ended: Ended) -> None:
    """Everything together then goes without it, and says that too."""
    for level in (1, 3):
        assert "sliding" in ended.rows["sliding-window", level]["reason"].lower()
        assert ended.rows["all", level]["note"] == ended.rows["sliding-window", level]["reason"]
    assert ended.output.count("* sliding-window (1, 3 at once) not measured: ") == 1


def test_memory_is_measured_around_the_model(ended: Ended) -> None:
    """The libraries alone take more than the process had before, and each process begins afresh."""
    befores = []
    for configuration in ("base", "4bit", "int8"):
        row = ended.rows[configuration, 3]
        assert row["before"] + 50 < row["after"]
        assert row["after"] <= row["peak"] + 1  # the kernel counts them one after the other
        befores.append(row["before"])
    assert max(befores) < min(befores) + 20


def test_the_picture_is_a_png(ended: Ended) -> None:
    assert ended.picture.startswith(PNG)
    assert len(ended.picture) > 10_000


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU: GPU memory of the bench is not measured")
def test_gpu_memory_given_back_stays_in_the_peak() -> None:
    from workers.bench import memory

    before = memory.now()
    taken = torch.zeros(64 * memory.MIB, dtype=torch.uint8, device="cuda")
    del taken
    after = memory.now()

    assert before.gpu is not None
    assert after.gpu is not None
    assert after.gpu_peak is not None
    assert after.gpu_peak >= before.gpu + 64
    assert after.gpu < after.gpu_peak
    assert memory.device() == torch.cuda.get_device_name()
