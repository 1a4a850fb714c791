"""The light side stays light: what the receiver loads, and how long that takes."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


PAGES_OWN = ("gradio", "gradio_client", "fastapi", "uvicorn", "pandas", "numpy", "PIL", "playwright")


def _needs(name: str) -> set[str]:
    """What ``pip install`` of ``name`` without extras brings, as the installed packages' own metadata says."""
    found, left = set[str](), [name]
    while left:
        one = canonicalize_name(left.pop())
        if one not in found:
            found.add(one)
            asked = [Requirement(text) for text in _requires(one)]
            left += [need.name for need in asked if not need.marker or need.marker.evaluate({"extra": ""})]
    return found


def _requires(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def test_the_light_install_brings_nothing_of_the_chat_page() -> None:
    needs = _needs("recado")

    assert {"flask", "redis"} <= needs
    assert needs & {"gradio", "gradio-client", "fastapi", "pandas", "numpy", "pillow", "playwright"} == set()


def test_a_worker_serves_the_chat_page_without_loading_anything_of_it(clean_env: dict[str, str]) -> None:
    """Not the receiver either, nor who asks either for help: only ``workers ui`` loads the page's library."""
    code = (
        "import sys;"
        "import bot.web, bot.__main__, workers.__main__, workers.worker, workers.background, bot.wiring;"
        "from bot.settings import Settings; bot.wiring.open_channels(Settings());"
        f"print([name for name in {PAGES_OWN!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=clean_env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
