"""What the doctor makes of the heavy side's findings about the model."""

from __future__ import annotations

import pytest

from bot import doctor
from bot.doctor import Finding
from bot.settings import load_settings
from bot.stores.connection import Store
from simulator.models import ModelServer
from simulator.ports import free_port


def findings(monkeypatch: pytest.MonkeyPatch, **env: str) -> list[Finding]:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return list(doctor._model())


def test_every_server_and_every_warning_is_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is down is bad; a model on the CPU is worth a look; one that is well is well."""
    down = f"http://127.0.0.1:{free_port()}"
    with ModelServer() as slow, ModelServer() as well:
        slow.host.gpu_share = 0.0
        found = findings(monkeypatch, LLM_BASE_URL=f"{down},{slow.url},{well.url}")

    assert {finding.what for finding in found} == {"model"}
    assert [finding.ok for finding in found] == [False, True, None, True]
    for finding, words in zip(found, (f"not running at {down}", slow.url, "loaded on CPU", well.url), strict=True):
        assert words in finding.words


def test_a_setting_that_is_wrong_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = findings(monkeypatch, LLM_PROVIDER="openai")

    assert found.ok is False
    assert "LLM_BASE_URL is missing" in found.words


def test_a_model_that_says_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MODEL_SECONDS", 0.01)
    (found,) = findings(monkeypatch)

    assert (found.ok, "said nothing for 0.01 s" in found.words) == (False, True)


@pytest.mark.parametrize(
    ("access", "allowed", "admins", "ok", "words"),
    [
        ("open", "", "", True, "everybody"),
        ("list", "555", "", True, "ALLOWED names 1"),
        ("list", "", "", None, "python -m bot access add"),
        ("pairing", "555", "", None, "/pair"),
        ("pairing", "", "telegram:9", True, "ADMINS 1"),
    ],
)
def test_the_doctor_says_who_may_talk(access: str, allowed: str, admins: str, *, ok: bool | None, words: str) -> None:
    """A mode in which nobody could be let in, or only at this machine, is worth a look."""
    found = doctor._access(load_settings(access=access, allowed=allowed, admins=admins))

    assert (found.ok, words in found.words) == (ok, True)
    assert access == "open" or "everybody" not in found.words


def test_an_installation_with_the_chat_page_alone_is_worth_a_look(store: Store) -> None:
    """Nothing of it is broken, and its customers cannot write yet."""
    url = f"unix://{store.client.connection_pool.connection_kwargs['path']}"
    found = next(iter(doctor._channels(load_settings(redis_url=url))))

    assert (found.what, found.ok) == ("channels", None)
    assert "chat page" in found.words
    assert "TELEGRAM_BOT_TOKEN" in found.words
