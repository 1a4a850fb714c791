"""What these tests rest on: whoever wants out is refused, and seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.processes import wait_until
from tests.browser.surfing import Surfer, Wall, guarded

LEAVING = {
    "socket.connect 192.0.2.1": "import socket; socket.socket().connect(('192.0.2.1', 80))",
    "socket.getaddrinfo fonts.example": "import urllib.request; urllib.request.urlopen('http://fonts.example/')",
    "socket.getaddrinfo asked.example": "import asyncio; asyncio.run(asyncio.open_connection('asked.example', 80))",
}


@pytest.mark.parametrize("tried", LEAVING)
def test_a_process_that_wants_out_is_refused_and_seen(tmp_path: Path, tried: str) -> None:
    log = tmp_path / "log"
    environment = {"PATH": os.environ["PATH"], **guarded(log)}
    done = subprocess.run(
        [sys.executable, "-c", LEAVING[tried]], env=environment, capture_output=True, text=True, check=False
    )

    assert "no test reaches another machine" in done.stderr
    assert log.read_text(encoding="utf-8").splitlines()[0].endswith(tried)


@pytest.mark.parametrize("picture", ["http://pictures.example/a.png", "http://fonts.googleapis.com/a.png"])
def test_a_page_that_wants_out_is_refused_and_seen(
    surfer: Surfer, browser_and_wall: tuple[object, Wall], picture: str
) -> None:
    _, wall = browser_and_wall
    surfer.context().new_page().set_content(f"<img src='{picture}'>")

    assert wait_until(lambda: bool(wall.asked), 10)
    assert (surfer.outside, wall.asked) == ([picture], [f"GET {picture} HTTP/1.1"])
    wall.asked.clear()
    surfer.asked.clear()
    surfer.forgive()
