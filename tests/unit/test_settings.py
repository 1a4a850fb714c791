"""Settings: where they come from, and what is said when they are wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.errors import SettingsError
from bot.settings import ENV_FILE, load_settings, require_secret


def test_an_env_file_is_read_and_the_environment_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=9001\nLLM_MODEL=from-the-file\nUNHEARD_OF=1\n")
    monkeypatch.setenv(ENV_FILE, str(tmp_path / ".env"))
    monkeypatch.setenv("LLM_MODEL", "from-the-environment")
    found = load_settings()
    assert (found.port, found.llm_model) == (9001, "from-the-environment")


def test_an_empty_line_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "BUSINESS_FILE", "CONTEXT_TOKENS", "LLM_BASE_URL", "DEFAULT_LANGUAGE"):
        monkeypatch.setenv(name, "")
    found = load_settings()
    assert (found.port, found.business_file, found.context_tokens, found.llm_base_url) == (8080, None, None, ())
    assert found.default_language == "es"


def test_several_base_urls_are_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_BASE_URL", "http://a:1/, http://b:2/v1")
    assert load_settings().llm_base_url == ("http://a:1", "http://b:2/v1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"), ("PORT", "70000"), ("DEFAULT_LANGUAGE", "fr"), ("LEASE_SECONDS", "0"), ("LOG_LEVEL", "loud"),
        ("REDIS_URL", "localhost"), ("LLM_BASE_URL", "localhost:11434"), ("LLM_TEMPERATURE", "nan"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


@pytest.mark.parametrize(
    "secret", ["", "short", "changeme-changeme-changeme-changeme", "a" * 40, "<paste it here>" * 3]
)
def test_a_secret_that_is_weak_or_an_example_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(SettingsError, match="A_SECRET") as error:
        require_secret("A_SECRET", SecretStr(secret), 32, "Do this.")
    assert "Do this." in str(error.value)
    assert not secret or secret not in str(error.value)


@pytest.mark.parametrize(
    ("package", "command"), [("bot", "serve"), ("bot", "status"), ("bot", "doctor"), ("workers", "run")]
)
def test_every_command_says_in_words_what_is_wrong(clean_env: dict[str, str], package: str, command: str) -> None:
    """Exit code 2, the variable's name, no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", package, command],
        env=clean_env | {"PORT": "seventy"}, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_usage_is_exit_code_two(clean_env: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-m", "bot", "fly"], env=clean_env, capture_output=True, check=False)
    assert done.returncode == 2


def test_a_worker_without_a_platform_says_what_to_set(clean_env: dict[str, str], tmp_path: Path) -> None:
    """It starts, for the chat page needs none."""
    command = [sys.executable, "-m", "workers", "run"]
    env = clean_env | {"DATA_DIR": str(tmp_path), "LLM_PROVIDER": "faq"}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr
        said = [worker.stderr.readline() for _ in range(2)]
        worker.terminate()
        worker.stderr.read()

    assert worker.returncode == 0
    assert "TELEGRAM_BOT_TOKEN" in said[0]
    assert "answering with faq" in said[1]


def test_a_redis_that_is_away_is_exit_code_one(clean_env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "status"],
        env=clean_env | {"REDIS_URL": "redis://127.0.0.1:1"}, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, "Redis does not answer" in done.stderr) == (1, True)
