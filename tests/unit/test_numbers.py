"""Several numbers in one installation: what holds for each, and what an operator is told of a file that is wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from bot.channels.whatsapp import SIGNATURE_HEADER, WhatsApp
from bot.errors import Forged, SettingsError
from bot.numbers import is_exposed, numbers, settings_of
from bot.settings import Settings, load_settings

FIRST, SECOND = "106540352242922", "206540352242922"
FIRST_SECRET, SECOND_SECRET = "0123456789abcdef" * 2, "fedcba9876543210" * 2


def configured(folder: Path, text: str, **more: Any) -> Settings:
    file = folder / "numbers.toml"
    file.write_text(text, encoding="utf-8")
    usual: dict[str, Any] = {
        "whatsapp_token": "EAAG-first",
        "whatsapp_phone_number_id": FIRST,
        "whatsapp_app_secret": FIRST_SECRET,
        "whatsapp_verify_token": "palabra-1",
        "whatsapp_numbers_file": file,
        "business_file": Path("first.toml"),
        "system_prompt": "I am the first.",
        "whatsapp_template": "hello:es",
        "llm_model": "small",
        "owner_chat": "telegram:1",
        "whatsapp_budget": 10,
        "whatsapp_price": 0.5,
    }
    return load_settings(**(usual | more))


WHOLE = f"""
[numbers.{SECOND}]
token = " EAAG-second "
app_secret = "{SECOND_SECRET}"
verify_token = "palabra-2"
business_file = "second.toml"
system_prompt = "I am the second."
model = "large"
language = "EN"
template = "hallo:de"
owner_chat = "telegram:2"
budget = 3
price = 0.25
"""


def test_each_number_has_its_own_values(tmp_path: Path) -> None:
    settings = configured(tmp_path, WHOLE)
    own = settings_of(settings, SECOND)

    assert list(numbers(settings)) == [FIRST, SECOND]
    assert (own.whatsapp_token.get_secret_value(), own.whatsapp_phone_number_id) == ("EAAG-second", SECOND)
    assert own.whatsapp_app_secret.get_secret_value() == SECOND_SECRET
    assert own.whatsapp_verify_token.get_secret_value() == "palabra-2"
    assert (own.business_file, own.system_prompt) == (Path("second.toml"), "I am the second.")
    assert (own.llm_model, own.default_language, own.whatsapp_template) == ("large", "en", "hallo:de")
    assert (own.owner_chat, own.whatsapp_budget, own.whatsapp_price) == ("telegram:2", 3, 0.25)


def test_what_belongs_to_a_business_is_never_anothers(tmp_path: Path) -> None:
    """What belongs to the installation is."""
    settings = configured(tmp_path, f"[numbers.{SECOND}]\n")
    own = settings_of(settings, SECOND)

    assert (own.business_file, own.system_prompt, own.whatsapp_template) == (None, "", "")
    assert own.whatsapp_token == settings.whatsapp_token
    assert (own.llm_model, own.owner_chat, own.whatsapp_budget) == ("small", "telegram:1", 10)


def test_the_first_number_and_strangers_have_the_settings_as_they_are(tmp_path: Path) -> None:
    settings = configured(tmp_path, WHOLE)

    assert settings_of(settings, FIRST) is settings_of(settings, "7123") is settings_of(settings, "") is settings


def test_a_number_knows_of_no_other(tmp_path: Path) -> None:
    own = settings_of(configured(tmp_path, WHOLE), SECOND)

    assert list(numbers(own)) == [SECOND]
    assert settings_of(own, SECOND) is own


def test_the_installations_key_is_the_same_for_all_numbers(tmp_path: Path) -> None:
    settings = configured(tmp_path, WHOLE)

    assert settings_of(settings, SECOND).key() == settings.key() == configured(tmp_path, "").key()


def test_without_whatsapp_there_are_no_numbers(tmp_path: Path) -> None:
    settings = configured(tmp_path, "nonsense", whatsapp_token="")

    assert not numbers(settings)
    assert WhatsApp.from_settings(settings) is None


WRONG = {
    "no TOML": ("[numbers.1\n", "is not valid TOML: .*line 1"),
    "no part": ('token = "x"\n', "'token' has no place here; .*numbers.<phone number id>"),
    "a number as a value": ("numbers = 3\n", "'numbers' has no place here"),
    "an unknown value": (f"# mine\n[numbers.{SECOND}]\n\ntokem = 'x'\n", r"line 4: .*tokem: there is no such value"),
    "a phone number": ('[numbers."+34 600"]\n', r"line 1: .*digits only.*API Setup"),
    "a negative budget": (f"[numbers.{SECOND}]\nbudget = -1\n", "line 2: .*budget: .*greater than or equal to 0"),
    "a language": (f"[numbers.{SECOND}]\nlanguage = 'fr'\n", "line 2: .*language"),
    "the number of .env": (f"[numbers.{FIRST}]\n", "line 1: .*this is the number of .env"),
    "no part of its own": (f"[numbers]\n{SECOND} = 'x'\n", rf"write \[numbers.{SECOND}\]"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_the_file_is_named_with_its_line_and_the_way_out(tmp_path: Path, name: str) -> None:
    text, reason = WRONG[name]

    with pytest.raises(SettingsError, match=f"WHATSAPP_NUMBERS_FILE: .*numbers.toml.*{reason}"):
        numbers(configured(tmp_path, text))


def test_no_secret_stands_in_an_error(tmp_path: Path) -> None:
    settings = configured(tmp_path, f"[numbers.{SECOND}]\ntoken = ['EAAG-hidden']\nverify_token = 'hidden'\n")

    with pytest.raises(SettingsError) as error:
        numbers(settings)
    assert "token" in str(error.value)
    assert "hidden" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = configured(tmp_path, "", whatsapp_numbers_file=tmp_path / "gone.toml")

    with pytest.raises(SettingsError, match=r"WHATSAPP_NUMBERS_FILE: .*gone\.toml cannot be read"):
        numbers(settings)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('token = ""', "numbers.206540352242922.token is empty"),
        ('token = "a b"', "numbers.206540352242922.token is empty, or has a space"),
        ('app_secret = "short"', "numbers.206540352242922.app_secret has 5 characters"),
        ('verify_token = "your-verify-token"', "numbers.206540352242922.verify_token still has an example value"),
    ],
)
def test_each_numbers_secrets_are_vetted(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=f"WHATSAPP_NUMBERS_FILE: {reason}"):
        WhatsApp.from_settings(configured(tmp_path, f"[numbers.{SECOND}]\n{line}\n"))


def signed(secret: str, body: bytes) -> dict[str, str]:
    return {SIGNATURE_HEADER: f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


def about(*accounts: str) -> bytes:
    """A body with one message to each of these numbers."""
    values = [
        {
            "messaging_product": "whatsapp",
            "metadata": {"phone_number_id": account},
            "messages": [{"id": f"wamid.{account}", "from": "34600111222", "type": "text", "text": {"body": "hola"}}],
        }
        for account in accounts
    ]
    changes = [{"field": "messages", "value": value} for value in values]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"changes": changes}]}).encode()


def test_an_app_speaks_for_its_own_numbers_alone(tmp_path: Path) -> None:
    """One webhook hears of all: each app's signature is known, and nobody else's."""
    channel, body = WhatsApp.from_settings(configured(tmp_path, WHOLE)), about(FIRST, SECOND, "306540352242922")
    assert channel is not None
    heard = [
        [message.conversation.split(":")[1] for message in channel.receive(signed(secret, body), body).messages]
        for secret in (FIRST_SECRET, SECOND_SECRET)
    ]

    assert heard == [[FIRST], [SECOND]]
    with pytest.raises(Forged):
        channel.receive(signed("0" * 32, body), body)


def test_one_app_speaks_for_all_of_its_numbers(tmp_path: Path) -> None:
    channel, body = WhatsApp.from_settings(configured(tmp_path, f"[numbers.{SECOND}]\n")), about(SECOND, FIRST)
    assert channel is not None

    assert len(channel.receive(signed(FIRST_SECRET, body), body).messages) == 2


@pytest.mark.parametrize("token", ["palabra-1", "palabra-2"])
def test_each_numbers_verify_token_sets_the_webhook_up(tmp_path: Path, token: str) -> None:
    channel = WhatsApp.from_settings(configured(tmp_path, WHOLE))
    asked = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158"}
    assert channel is not None

    assert channel.verify(asked) == "1158"
    with pytest.raises(Forged):
        channel.verify(asked | {"hub.verify_token": f"{token}2"})


def test_each_number_has_limits_of_its_own(tmp_path: Path) -> None:
    channel = WhatsApp.from_settings(configured(tmp_path, WHOLE))
    assert channel is not None
    first, second = ({limit.name for limit in channel.limits(f"whatsapp:{one}:34600111222")} for one in (FIRST, SECOND))

    assert len(first) == len(second) == 2
    assert not first & second


def test_a_file_that_others_can_read_is_known(tmp_path: Path) -> None:
    file = tmp_path / "numbers.toml"
    file.touch()
    file.chmod(0o640)
    assert is_exposed(file)
    file.chmod(0o600)

    assert not is_exposed(file)
    assert not is_exposed(tmp_path / "gone.toml")


def test_the_example_says_every_value(tmp_path: Path) -> None:
    """Uncommented, it is a file that can be read."""
    text = (Path(__file__).parents[2] / "numbers.example.toml").read_text(encoding="utf-8")
    lines = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# [numbers.1") or " = " in line]
    (number,) = list(numbers(configured(tmp_path, "\n".join(lines))).values())[1:]

    assert number.model_fields_set == set(type(number).model_fields)
