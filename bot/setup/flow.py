"""The whole setup, from the first question to the files."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from bot.errors import RecadoError, SettingsError
from bot.settings import ENV_FILE, Settings, require_secret
from bot.setup import business_file, env_file, words
from bot.setup.asking import Asker, as_it_is
from bot.setup.steps import Steps
from bot.texts import LANGUAGES, Language

BUSINESS = Path("business.toml")
FRESH = {"TELEGRAM_WEBHOOK_SECRET": (32, 32), "WHATSAPP_VERIFY_TOKEN": (16, 8), "REDIS_PASSWORD": (24, 12)}
"""Secrets of our own that are made where there are none that would do: of so many bytes, in hexadecimal, which every
reader reads alike; and how many characters are the fewest that the product takes."""

PUBLIC = 0o644
"""The business file's mode: compose's containers read it as another user, and nothing in it is secret."""

CHOSEN = (
    "DEFAULT_LANGUAGE", "BUSINESS_FILE", "TELEGRAM_BOT_TOKEN", "PUBLIC_URL", "ADMINS", "LLM_PROVIDER", "LLM_MODEL",
    "LLM_BASE_URL", "LLM_API_KEY", "HUGGINGFACE_API_KEY", "REDIS_URL",
)  # fmt: skip


def run(given: Mapping[str, str | None], basics: Mapping[str, str | None], *, interactive: bool) -> bool:
    """Ask, prove and write; whether everything answers. ``given`` are answers by the names of settings, ``basics``
    those about the business: None is asked, or the default where nobody can be asked.

    Raises RecadoError; then nothing was written.
    """
    path = Path(os.environ.get(ENV_FILE) or ".env")
    values = as_it_was(path)
    asker = Asker("es", interactive)
    asker.language = language(asker, values, given.get("DEFAULT_LANGUAGE"))
    values["DEFAULT_LANGUAGE"] = asker.language
    asker.say(words.HELLO)
    business = _business(asker, values, basics)
    steps = Steps(asker, values, dict(given), business)
    for step in (steps.telegram, steps.public_url, steps.admins, steps.thinker, steps.redis):
        step()
    _write(asker, path, values, business)
    if not steps.proved:
        asker.say(words.NO_MODEL)
    asker.say(words.NEXT)
    asker.say(words.PAGE)
    if not values.get("WHATSAPP_TOKEN"):
        asker.say(words.WHATSAPP)
    if steps.bot:
        asker.say(words.TALK, name=steps.bot)
    return steps.proved


def as_it_was(path: Path) -> dict[str, str]:
    """The settings of the file, and those of the environment, which go before it."""
    known = {name.upper() for name in Settings.model_fields}
    return env_file.read(path) | {name: value for name, value in os.environ.items() if name in known and value}


def language(asker: Asker, values: Mapping[str, str], given: str | None) -> Language:
    def known(answer: str) -> str:
        if (short := answer.strip().lower()) not in LANGUAGES:
            raise RecadoError(words.WRONG_LANGUAGE.to(asker.language))
        return short

    chosen = asker.ask(words.LANGUAGE, values.get("DEFAULT_LANGUAGE") or "es", given=given, check=known)
    return cast("Language", chosen)


def _business(asker: Asker, values: dict[str, str], given: Mapping[str, str | None]) -> str:
    """The text of a new business file; empty where the one that is there stays, or none is wanted."""
    path = Path(values.get("BUSINESS_FILE") or BUSINESS)
    if path.exists():
        values["BUSINESS_FILE"] = _from_here(path)
        if not asker.confirm(words.ANEW, default=False, path=path):
            return ""
    asked = {"name": words.NAME, "hours": words.HOURS, "contact": words.CONTACT}
    answers = {part: asker.ask(question, "", given=given.get(part), check=as_it_is) for part, question in asked.items()}
    if not any(answers.values()):
        return ""
    values["BUSINESS_FILE"] = _from_here(path)
    return business_file.render(business_file.Basics(**answers), asker.language)


def _from_here(path: Path) -> str:
    """A path as compose takes it for a file and not for a volume's name."""
    return str(path) if path.is_absolute() or str(path).startswith(".") else f"./{path}"


def _write(asker: Asker, path: Path, values: dict[str, str], business: str) -> None:
    for name, (size, fewest) in FRESH.items():
        values[name] = values[name] if does(name, values.get(name, ""), fewest) else secrets.token_hex(size)
    before = path.read_text(encoding="utf-8") if path.exists() else env_file.example()
    text = env_file.changed(before, {name: values.get(name, "") for name in (*CHOSEN, *FRESH)})
    files = [(Path(values["BUSINESS_FILE"]), business, PUBLIC)] if business else []
    for target, content, mode in [*files, (path, text, 0o600)]:
        copy = env_file.back_up(target)
        env_file.write(target, content, mode)
        asker.say(words.WRITTEN, path=target)
        if copy:
            asker.say(words.KEPT, path=copy)


def does(name: str, secret: str, fewest: int) -> bool:
    """Whether a secret is there, long enough and nobody's example: with another one nothing would start."""
    try:
        return bool(require_secret(name, SecretStr(secret), fewest, ""))
    except SettingsError:
        return False
