"""The import rules hold, and would not hold any more if somebody broke one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([linter, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages, to be broken."""
    folder = tmp_path_factory.mktemp("tree")
    for package in ("bot", "workers", "simulator"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_rules_hold(tree: Path) -> None:
    done = lint(tree)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("bot/message.py", "import bot.errors"),
        ("bot/stores/mailbox.py", "import bot.channels"),
        ("bot/channels/telegram.py", "import bot.channels.whatsapp"),
        ("bot/settings.py", "def late() -> None:\n    import workers.answer"),
        ("bot/business.py", "import flask"),
        ("workers/answer.py", "import redis"),
        ("workers/backends/faq.py", "import bot.stores.mailbox"),
        ("workers/backends/openai.py", "import workers.backends.ollama"),
        ("simulator/people.py", "import bot.settings"),
        ("bot/utils.py", "ANYTHING = 1"),
    ],
)
def test_a_broken_rule_is_noticed(tree: Path, module: str, line: str) -> None:
    """Each forbidden import breaks the check, inside a function too; a module without a place does as well."""
    file = tree / module
    before = file.read_text() if file.exists() else None
    file.write_text(f"{before or ''}\n{line}\n")
    try:
        assert lint(tree).returncode == 1
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_text(before)
