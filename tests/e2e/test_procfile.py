"""The Procfile as hosts run it that read it themselves: settings and PORT are the environment's, SIGTERM ends all."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

from simulator.demo import BUSINESS
from simulator.ports import free_port
from simulator.processes import settings_for, wait_until
from tests.e2e.conftest import Installation

ROOT = Path(__file__).parents[2]


def test_the_procfile_starts_a_whole_installation_from_the_environment_alone(
    install: Callable[..., Installation], tmp_path: Path, clean_env: dict[str, str]
) -> None:
    """The receiver listens where the host says, a worker answers, and both leave when they are told to."""
    one, port = install(), free_port()
    assert (ROOT / "Procfile").read_text().startswith("web: "), "Heroku and its like route to this one name alone"
    shutil.copy(ROOT / "Procfile", tmp_path)
    given = settings_for(one.telegram, one.whatsapp, tmp_path / "data") | {"PORT": str(port), "HOST": "127.0.0.1"}
    path = f"{Path(sys.executable).parent}:{clean_env['PATH']}"
    env = clean_env | given | {"PATH": path, "PYTHONPATH": str(ROOT), "LLM_PROVIDER": "faq"}
    command = [sys.executable, "-m", "honcho", "start"]
    log = tmp_path / "log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            command, cwd=tmp_path, env=env | {"BUSINESS_FILE": str(BUSINESS)}, stdout=out, stderr=out
        ) as process,
    ):
        try:
            assert wait_until(lambda: is_ready(port) and "answering with faq" in log.read_text(), 30), log.read_text()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(40) in {0, -signal.SIGTERM, 128 + signal.SIGTERM}
    assert "SIGKILL" not in log.read_text()
    assert not is_ready(port)


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.TransportError:
        return False
