"""make demo ends its conversation with the address of its page, which is there until the demo is told to end."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import httpx

from tests.e2e.test_endings import descendants, running

ROOT = Path(__file__).parents[2]


def read_until(process: subprocess.Popen[bytes], pattern: str) -> str:
    """What the process prints until this is in it; the first group."""
    text, until = "", monotonic() + 60
    assert process.stdout
    while not (found := re.search(pattern, text)):
        assert monotonic() < until, text
        if select.select([process.stdout], [], [], 0.2)[0]:
            more = os.read(process.stdout.fileno(), 65_536).decode(errors="replace")
            assert more, text
            text += more
    return found[1]


def test_the_demo_prints_its_pages_address_and_takes_the_page_with_it(
    tmp_path: Path, clean_env: dict[str, str]
) -> None:
    environment = clean_env | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "demo"], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        url = read_until(process, r"(http://127\.0\.0\.1:\d+/)")
        assert "Panadería" in "".join(
            bubble["text"]
            for phone in httpx.get(f"{url}state", timeout=30).json()["phones"]
            for bubble in phone["bubbles"]
        )
        assert httpx.get(url, timeout=30).status_code == 200
        started = descendants(process.pid)
        assert len(started) >= 4  # the receiver, two workers, Redis
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
        assert running(started) == []
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stdout
        process.stdout.close()
