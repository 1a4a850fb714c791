"""What the doctor says of everything between Meta and us, each mistake with its way out."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr
from werkzeug.wrappers import Response

from bot.meta.examine import examine
from bot.settings import Settings
from simulator.ports import free_port
from simulator.whatsapp import WhatsAppServer
from tests.unit.receivers import (
    NUMBER,
    SECRET,
    TOKEN,
    VERIFY,
    Receiver,
    graph,
    place,
    receiver,
    settings_with,
)

__all__ = ["graph", "receiver"]

Seen = dict[str, tuple[bool | None, str]]


@pytest.fixture
def settings(redis_dir: Path, graph: WhatsAppServer, receiver: Receiver) -> Settings:
    """An installation that runs as it should, and Meta that delivers to it."""
    account, url = graph.account, f"{receiver.url}/webhook/whatsapp"
    account.subscribed, account.override, account.fields = True, url, ("messages", "smb_message_echoes")
    account.callback = "https://other.my-shop.com/hook"
    where = {name.lower(): value for name, value in place(receiver).items()}
    return settings_with(redis_dir, graph, public_url=receiver.url, **where)


def seen(settings: Settings, **more: Any) -> Seen:
    found = list(examine(settings.model_copy(update=more)))
    assert len({one.what for one in found}) == len(found)
    return {one.what.removeprefix("WhatsApp "): (one.ok, one.words.en) for one in found}


def test_an_installation_that_is_well_is_said_to_be_so_thing_by_thing(settings: Settings) -> None:
    found = seen(settings)

    assert {what for what, (ok, _) in found.items() if ok is not True} == set()
    assert found.keys() == {
        "token",
        "number",
        "app secret",
        "subscription",
        "callback",
        "fields",
        "receiver",
        "address",
    }
    assert found["number"][1] == "Recado +34 600 000 000: connected, quality GREEN, STANDARD."
    assert "does not expire" in found["token"][1]


def test_no_secret_is_ever_said(settings: Settings, graph: WhatsAppServer) -> None:
    """Well or not: with another secret, and with a token that Meta does not know."""
    said = [str(seen(settings))]
    graph.first.app_secret = "f" * 31 + "0"
    said += [str(seen(settings))]
    graph.first.token = "EAAanother"
    said += [str(seen(settings))]

    assert not [secret for secret in (TOKEN, SECRET, VERIFY) if secret in "".join(said)]


@pytest.mark.parametrize(
    ("field", "value", "ok", "words"),
    [
        ("status", "BANNED", False, "+34 600 000 000 is BANNED and not CONNECTED"),
        ("platform_type", "NOT_APPLICABLE", False, "is not registered with the Cloud API"),
        ("code_verification_status", "NOT_VERIFIED", None, "ask for the code"),
        ("quality_rating", "RED", None, "people block or report it"),
    ],
)
def test_a_number_with_trouble_says_which(
    settings: Settings, graph: WhatsAppServer, *, field: str, value: str, ok: bool | None, words: str
) -> None:
    graph.account.number[field] = value
    found = seen(settings)

    assert [(one, words in said) for one, said in found.values() if one is not True] == [(ok, True)]


def test_a_dead_token_hides_nothing_of_the_own_webhook(settings: Settings, graph: WhatsAppServer) -> None:
    graph.revoke_token()
    found = seen(settings)

    assert found["token"][0] is False
    assert "System users > Generate token" in found["token"][1]
    assert found["receiver"][0] is True


def test_another_apps_secret_is_told(settings: Settings, graph: WhatsAppServer) -> None:
    """Meta signs with its own; then its webhooks would be refused."""
    graph.first.app_secret = "f" * 31 + "0"
    found = seen(settings)

    assert (found["app secret"][0], "not the secret of the app" in found["app secret"][1]) == (False, True)


def test_who_does_not_hear_of_the_account_is_told_how_to(settings: Settings, graph: WhatsAppServer) -> None:
    graph.account.subscribed, graph.account.override = False, ""
    found = seen(settings)

    assert (found["subscription"][0], found["callback"][0]) == (False, False)
    assert "Meta delivers to https://other.my-shop.com/hook, not to http://127.0.0.1" in found["callback"][1]
    assert "python -m bot whatsapp setup" in found["subscription"][1]
    graph.account.callback = ""
    assert "no address to deliver to" in seen(settings)["callback"][1]


def test_where_the_number_does_not_tell_its_webhook_the_account_does(settings: Settings, graph: WhatsAppServer) -> None:
    graph.account.reticent = True
    assert seen(settings)["callback"][0] is True
    graph.account.override = ""
    assert "no address to deliver to" in seen(settings)["callback"][1]


def test_a_secret_in_somebody_elses_address_is_not_shown(settings: Settings, graph: WhatsAppServer) -> None:
    graph.account.override = "https://ana:pass-word@other.my-shop.com/hook?key=a-key"
    said = seen(settings)["callback"][1]

    assert "other.my-shop.com/hook" in said
    assert "pass-word" not in said
    assert "a-key" not in said


@pytest.mark.parametrize(
    ("fields", "ok", "words"),
    [((), False, "does not ask for messages"), (("messages",), None, "what you write from the telephone")],
)
def test_fields_that_are_not_asked_for_are_named(
    settings: Settings, graph: WhatsAppServer, *, fields: tuple[str, ...], ok: bool | None, words: str
) -> None:
    graph.account.fields = fields
    found = seen(settings)["fields"]

    assert (found[0], words in found[1]) == (ok, True)


@pytest.mark.parametrize(
    ("template", "ok", "words"),
    [
        ("still_here:es", True, "is approved"),
        ("still_here:en", False, "is PAUSED"),
        ("still:es", False, "has no template"),
        ("still_here", False, "written name:language"),
    ],
)
def test_the_template_must_be_there_and_approved(
    settings: Settings, graph: WhatsAppServer, *, template: str, ok: bool, words: str
) -> None:
    """In its own language; Meta finds names that only begin alike, too."""
    one = {"name": "still_here", "language": "es", "status": "APPROVED"}
    graph.account.templates = [one, one | {"language": "en", "status": "PAUSED"}]
    found = seen(settings, whatsapp_template=template)["template"]

    assert (found[0], words in found[1]) == (ok, True)
    assert "template" not in seen(settings)


def test_the_account_is_found_by_the_token_where_it_is_not_named(settings: Settings, graph: WhatsAppServer) -> None:
    assert seen(settings, whatsapp_business_account_id="")["subscription"][0] is True
    graph.account.scopes = ("whatsapp_business_messaging",)
    found = seen(settings, whatsapp_business_account_id="")

    assert (found["subscription"][0], found["permissions"][0]) == (None, None)


def test_without_an_address_nobody_can_deliver(settings: Settings) -> None:
    found = seen(settings, public_url="")

    assert (found["callback"][0], "PUBLIC_URL is empty" in found["callback"][1]) == (False, True)
    assert "address" not in found


def test_a_clock_that_is_wrong_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.meta.graph.time", SimpleNamespace(time=lambda: time.time() - 90))
    ok, words = seen(settings)["clock"]

    assert (ok, "s behind Meta's" in words) == (None, True)


def test_a_meta_that_is_not_there_is_told_from_a_token_that_is_wrong(settings: Settings) -> None:
    away = seen(settings, whatsapp_api_url=f"http://127.0.0.1:{free_port()}")["token"]
    with Receiver(answer=Response("<html>", 200)) as other:
        html = seen(settings, whatsapp_api_url=other.url)["token"]

    assert (away[0], "Meta was not reached" in away[1]) == (False, True)
    assert (html[0], "is not Meta's API" in html[1]) == (False, True)


def test_whatsapp_off_is_not_looked_at(settings: Settings) -> None:
    assert list(examine(settings.changed(whatsapp_token=SecretStr("")))) == []


def test_every_number_is_looked_at_by_its_own_secrets(
    settings: Settings, tmp_path: Path, redis_dir: Path, graph: WhatsAppServer
) -> None:
    """A second number of another app; its file that others can read is worth a look."""
    other, secret = "200000000000002", "fedcba9876543210fedcba9876543210"
    file = tmp_path / "numbers.toml"
    file.write_text(f'[numbers.{other}]\ntoken = "EAAother"\napp_secret = "{secret}"\n')
    file.chmod(0o644)
    found = {one.what: one for one in examine(settings.changed(whatsapp_numbers_file=file))}

    assert found[f"WhatsApp {NUMBER} token"].ok is True
    assert found[f"WhatsApp {other} token"].ok is False
    assert "chmod 600" in found["WhatsApp numbers"].words.en
