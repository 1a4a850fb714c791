"""The light side stays light: what the receiver loads, and how long that takes."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "transformers", "numpy", "telegram", "telegramify_markdown", "markdown_it", "httpx", "workers")


def test_the_receiver_loads_nothing_heavy(clean_env: dict[str, str]) -> None:
    """bot.web with both channels imports no model, no platform client and nothing of the heavy side."""
    code = (
        "import sys, bot.web, bot.channels.telegram, bot.channels.whatsapp;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=clean_env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_receiver_starts_in_under_a_second(clean_env: dict[str, str]) -> None:
    """The best of three starts, in CPU seconds, so that a busy machine does not count."""
    code = "import bot.web, time; print(time.process_time())"
    took = [
        float(subprocess.run([sys.executable, "-c", code], env=clean_env, capture_output=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(took) < 1.0
