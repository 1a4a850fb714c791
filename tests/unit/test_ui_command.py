"""python -m workers ui: where it may listen, what it asks for, and what it says when it cannot."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from bot.errors import SettingsError
from bot.settings import load_settings
from workers.ui import command
from workers.ui.command import address_of, is_this_machine, password_of

GOOD = "k3-lemon-tarts-9"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_on_this_machine_nobody_is_asked_for_a_password(host: str) -> None:
    assert is_this_machine(host)
    assert password_of(load_settings("", ui_host=host)) == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "chat.my-shop.com", "localhost.my-shop.com", "127.1"])
def test_beyond_it_nothing_is_shown_without_one(host: str) -> None:
    with pytest.raises(SettingsError, match="UI_PASSWORD is missing"):
        password_of(load_settings("", ui_host=host))
    assert password_of(load_settings("", ui_host=host, ui_password=GOOD)) == GOOD


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize(
    "password", ["short", "eleven-char", "aaaaaaaaaaaaaa", "your-password-here", "changeme-changeme"]
)
def test_a_password_that_is_none_is_refused_wherever_it_would_be_asked_for(host: str, password: str) -> None:
    with pytest.raises(SettingsError, match="UI_PASSWORD") as error:
        password_of(load_settings("", ui_host=host, ui_password=password))
    assert password not in str(error.value)


def test_on_this_machine_it_is_asked_for_if_there_is_one() -> None:
    assert password_of(load_settings("", ui_password=GOOD)) == GOOD


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("127.0.0.1", "http://127.0.0.1:7861/"), ("::1", "http://[::1]:7861/"),
        ("0.0.0.0", "port 7861 of this machine, under each of its addresses"),
        ("::", "port 7861 of this machine, under each of its addresses"),
    ],
)  # fmt: skip
def test_where_it_is_can_be_opened_as_it_is_said(host: str, said: str) -> None:
    """No browser opens http://0.0.0.0, and a container's port may have another number outside."""
    assert address_of(load_settings("", ui_host=host, ui_port=7861)) == said


def test_no_variable_of_gradios_shares_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor opens it to the network, nor tells its makers: none is read."""
    for name in ("GRADIO_SHARE", "GRADIO_SERVER_NAME", "GRADIO_MCP_SERVER", "GRADIO_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "True")
    command._forget_gradio_settings()
    assert {name: value for name, value in os.environ.items() if name.startswith("GRADIO_")} == {
        "GRADIO_ANALYTICS_ENABLED": "False"
    }


def run(env: dict[str, str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workers", "ui"],
        env=env | more, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"UI_PORT": "many"}, "UI_PORT"),
        ({"UI_HOST": "0.0.0.0"}, "UI_PASSWORD is missing"),
        ({"REDIS_URL": "redis://elsewhere.example:6379"}, "REDIS_URL"),
    ],
)
def test_what_is_wrong_is_said_in_words(clean_env: dict[str, str], more: dict[str, str], named: str) -> None:
    done = run(clean_env, **more)

    assert (done.returncode, named in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_without_gradio_it_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match="EXTRAS=ui"):
        command.serve(load_settings(""))


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = load_settings("", ui_port=other.getsockname()[1])
        with pytest.raises(SettingsError, match=r"UI_PORT.* \(Address already in use\)\. "):
            command._listen(taken)
