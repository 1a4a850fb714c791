"""The numbers on WhatsApp that this installation answers: the one in `.env`, and those in WHATSAPP_NUMBERS_FILE (TOML).

``settings_of`` is the one way to ask what holds for a number. What belongs to a business (its file, its prompt, its
template) is never another number's; what belongs to the installation (model, language, owner, prices, and the
secrets of an app that has several numbers) is the first number's where the file does not say otherwise.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from bot.errors import SettingsError
from bot.settings import Settings
from bot.texts import Language

VARIABLE: Final = "WHATSAPP_NUMBERS_FILE"

PHONE_NUMBER_ID: Final = re.compile(r"[0-9]{1,32}")
"""The form of a phone number id, which is not the phone number."""

_SETTINGS: Final[Mapping[str, str]] = {
    "token": "whatsapp_token",
    "app_secret": "whatsapp_app_secret",
    "verify_token": "whatsapp_verify_token",
    "model": "llm_model",
    "language": "default_language",
    "owner_chat": "owner_chat",
    "budget": "whatsapp_budget",
    "price": "whatsapp_price",
    "business_file": "business_file",
    "system_prompt": "system_prompt",
    "template": "whatsapp_template",
}
"""Each of a number's values, and the setting that is the same for the first number."""

_OWN: Final = frozenset({"business_file", "system_prompt", "template"})
"""What no number has of another."""


class Number(BaseModel):
    """What holds for one number; the names are those of the file.

    ``model`` empty: the one of LLM_MODEL. ``budget`` and ``price`` are in the owner's currency, for a month and for a
    billed message.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr
    app_secret: SecretStr
    verify_token: SecretStr
    model: str = ""
    language: Language = "es"
    owner_chat: str = ""
    budget: Annotated[float, Field(ge=0)] = 0
    price: Annotated[float, Field(ge=0)] = 0
    business_file: Path | None = None
    system_prompt: str = ""
    template: str = ""

    @field_validator("token", "app_secret", "verify_token", mode="after")
    @classmethod
    def _stripped(cls, value: SecretStr) -> SecretStr:
        return SecretStr(value.get_secret_value().strip())

    @field_validator("language", mode="before")
    @classmethod
    def _in_small_letters(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("business_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return value or None


def numbers(settings: Settings) -> Mapping[str, Number]:
    """Every number by its phone number id, the one of `.env` first; none while WHATSAPP_TOKEN is empty.

    The file is read once in a process. Raises SettingsError, which names the line and the way out.
    """
    return _numbers(settings) if settings.whatsapp_token.get_secret_value().strip() else {}


def settings_of(settings: Settings, account: str) -> Settings:
    """The settings as they hold for a number; as they are for an ``account`` that is no other number of ours."""
    first = settings.whatsapp_phone_number_id.strip()
    if settings.whatsapp_numbers_file is None or account == first or account not in (known := numbers(settings)):
        return settings
    return _settings_of(settings, account, known[account])


def is_exposed(path: Path) -> bool:
    """Whether other users of this machine can read the file, which holds secrets."""
    try:
        return path.is_file() and bool(path.stat().st_mode & 0o077)
    except OSError:
        return False


@lru_cache(maxsize=64)
def _settings_of(settings: Settings, account: str, number: Number) -> Settings:
    values = {setting: getattr(number, name) for name, setting in _SETTINGS.items()}
    return settings.changed(whatsapp_phone_number_id=account, whatsapp_numbers_file=None, **values)


@lru_cache(maxsize=64)
def _numbers(settings: Settings) -> Mapping[str, Number]:
    first, path = settings.whatsapp_phone_number_id.strip(), settings.whatsapp_numbers_file
    usual = {name: getattr(settings, setting) for name, setting in _SETTINGS.items()}
    found = {first: Number(**usual)}
    if path is None:
        return found
    text = _text(path)
    shared = {name: value for name, value in usual.items() if name not in _OWN}
    for account, values in _tables(path, text).items():
        if account in found:
            raise SettingsError(_at(path, text, account) + "this is the number of .env; it stands there alone.")
        found[account] = _number(path, text, account, shared, values)
    return found


def _number(path: Path, text: str, account: str, shared: Mapping[str, Any], values: Any) -> Number:
    if not PHONE_NUMBER_ID.fullmatch(account):
        way_out = "write [numbers.<phone number id>], digits only: Meta's dashboard, WhatsApp > API Setup, has the id."
        raise SettingsError(f"{_at(path, text, account)}{way_out}")
    if not isinstance(values, dict):
        raise SettingsError(f"{_at(path, text, account)}write [numbers.{account}], and below it what holds for it.")
    try:
        return Number.model_validate({**shared, **values})
    except ValidationError as error:
        lines = [f"{_at(path, text, account, str(e['loc'][0]))}{_reason(e)}" for e in error.errors()]
        raise SettingsError("\n  ".join(lines)) from None


def _tables(path: Path, text: str) -> dict[str, Any]:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{VARIABLE}: {path} is not valid TOML: {error}.") from None
    tables = found.pop("numbers", {})
    if found or not isinstance(tables, dict):
        wrong = next(iter(found), "numbers")
        way_out = "each number is a part of its own: [numbers.<phone number id>]; see numbers.example.toml."
        raise SettingsError(f"{VARIABLE}: {path}: {wrong!r} has no place here; {way_out}")
    return tables


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{VARIABLE}: {path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{VARIABLE}: {path} is not UTF-8 text; save it again as UTF-8.") from None


def _at(path: Path, text: str, account: str, name: str = "") -> str:
    """Where something is wrong: the file, the line of the number's part (or of a value in it), and its name."""
    lines = text.splitlines()
    part = re.compile(rf"\s*\[\s*numbers\s*\.\s*[\"']?{re.escape(account)}[\"']?\s*\]")
    start = next((place for place, line in enumerate(lines) if part.match(line)), None)
    if start is None:
        return f"{VARIABLE}: {path}: numbers.{account}{f'.{name}' if name else ''}: "
    value = re.compile(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=") if name else part
    rest = range(start, len(lines))
    found = next((place for place in rest if value.match(lines[place])), start)
    return f"{VARIABLE}: {path}, line {found + 1}: numbers.{account}{f'.{name}' if name else ''}: "


def _reason(error: Any) -> str:
    """Pydantic's reason in plain words; the value itself is left out, for it may be a secret."""
    if error["type"] == "extra_forbidden":
        return f"there is no such value (there are: {', '.join(Number.model_fields)})"
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
