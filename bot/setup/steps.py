"""The steps of the setup; each asks, proves, and returns what it found as settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from bot import safety
from bot.bot_api import OFFICIAL, BotApi
from bot.channels.telegram import Telegram
from bot.errors import ApiError, RecadoError, SettingsError
from bot.settings import ENV_FILE, load_settings
from bot.setup import words
from bot.setup.asking import Asker, as_it_is
from bot.stores.connection import connect
from bot.texts import Text
from bot.webhook import address

PROVIDERS: Final = ("faq", "ollama", "openai", "huggingface", "local")
KEYS: Final = {"openai": "LLM_API_KEY", "huggingface": "HUGGINGFACE_API_KEY"}
OLLAMA: Final = "http://localhost:11434"
LOOK_SECONDS, MODEL_SECONDS = 2.0, 660.0

_UNKNOWN: Final = (401, 404)
_ODD: Final = re.compile(r"[^\w .'-]|[\d_]")
"""What no name needs, lest one pass for somebody else's id."""


@dataclass
class Steps:
    """``values`` are the settings as they were and, step by step, as they will be; ``given`` what the command line
    answered already, by the names of the settings; ``business`` is the text of a business file to be written."""

    asker: Asker
    values: dict[str, str]
    given: dict[str, str | None]
    business: str = ""
    bot: str = ""
    proved: bool = True
    _models: list[str] = field(default_factory=list)

    # Telegram

    def telegram(self) -> None:
        """The bot's token, proved by one call; none is an answer too."""
        self.asker.say(words.TOKEN_HELP)
        current = self.values.get("TELEGRAM_BOT_TOKEN", "")
        self.values["TELEGRAM_BOT_TOKEN"] = self.asker.secret(words.TOKEN, current, self._token)
        if self.bot:
            self.asker.say(words.BOT, name=self.bot)

    def _token(self, answer: str) -> str:
        token = answer.strip()
        if not token:
            return ""
        settings = load_settings("", telegram_bot_token=token, telegram_webhook_secret="")
        try:
            Telegram.from_settings(settings)
            with BotApi(token, self.values.get("TELEGRAM_API_URL") or OFFICIAL) as api:
                self.bot = str(api.call("getMe").get("username", ""))
        except ApiError as error:
            self._refuse(words.TOKEN_WRONG if error.code in _UNKNOWN else words.NOT_REACHED, reason=error)
        except SettingsError:
            self._refuse(words.TOKEN_WRONG)
        return token

    def public_url(self) -> None:
        """How Telegram reaches us, if it can."""
        self._ask("PUBLIC_URL", words.PUBLIC_URL, self._address)

    def _address(self, answer: str) -> str:
        url = answer.strip().rstrip("/")
        if url:
            address(load_settings("", public_url=url, telegram_api_url=self.values.get("TELEGRAM_API_URL") or OFFICIAL))
        return url

    def admins(self) -> None:
        """Who may use the owner's commands."""
        self.asker.say(words.ADMINS_HELP)
        while True:
            self._ask("ADMINS", words.ADMINS, _ids)
            if self.values["ADMINS"] != "?":
                return
            self.values["ADMINS"] = ""
            self._show_writers()

    def _show_writers(self) -> None:
        """Whoever has written to the bot and waits to be answered; nothing of theirs is confirmed or taken."""
        token = self.values["TELEGRAM_BOT_TOKEN"]
        try:
            with BotApi(token, self.values.get("TELEGRAM_API_URL") or OFFICIAL) as api:
                updates = api.call("getUpdates", timeout=0, limit=100) if token else []
        except ApiError as error:
            self.asker.say(words.CANNOT_LOOK, reason=error)
            return
        people = dict(filter(None, map(_writer, updates)))
        if people:
            self.asker.say(words.WRITERS, people=", ".join(f"{number} ({name})" for number, name in people.items()))
        else:
            self.asker.say(words.NO_WRITERS, name=self.bot)

    # who thinks

    def thinker(self) -> None:
        """Who thinks, proved by one real call. What does not answer yet may be kept, for messages wait."""
        if self.given.get("LLM_PROVIDER") in (None, "ollama"):
            self._look_for_ollama()
        while True:
            self._choose()
            self.proved = self._prove()
            if self.proved or not self.asker.interactive or not self.asker.confirm(words.OTHER, default=True):
                return

    def _choose(self) -> None:
        likely = self.values.get("LLM_PROVIDER") or ("ollama" if self._models else "faq")
        before = self.values.get("LLM_PROVIDER")
        self.values["LLM_PROVIDER"] = likely
        self._ask("LLM_PROVIDER", words.PROVIDER, self._provider)
        provider = self.values["LLM_PROVIDER"]
        if before and provider != before:
            self.values |= {"LLM_MODEL": "", "LLM_BASE_URL": ""}
        if provider == "faq":
            return
        if provider in ("ollama", "openai"):
            self.values["LLM_BASE_URL"] = self.values.get("LLM_BASE_URL") or (OLLAMA if provider == "ollama" else "")
            self._ask("LLM_BASE_URL", words.BASE_URL, lambda answer: answer.strip().rstrip("/"))
            self.values["LLM_BASE_URL"] = "" if self.values["LLM_BASE_URL"] == OLLAMA else self.values["LLM_BASE_URL"]
        if provider in KEYS:
            self.values[KEYS[provider]] = self.asker.secret(words.KEY, self.values.get(KEYS[provider], ""))
        if provider == "ollama" and not self.values.get("LLM_MODEL"):
            self.values["LLM_MODEL"] = self._models[0] if self._models else "mistral:7b"
        self._ask("LLM_MODEL", words.MODEL, as_it_is)

    def _provider(self, answer: str) -> str:
        provider = answer.strip().lower()
        if provider not in PROVIDERS:
            self._refuse(words.WRONG_PROVIDER, known=", ".join(PROVIDERS))
        return provider

    def _look_for_ollama(self) -> None:
        known = self.given.get("LLM_BASE_URL") or self.values.get("LLM_BASE_URL") or OLLAMA
        url = known.partition(",")[0].rstrip("/")
        try:
            answer = httpx.get(f"{url}/api/tags", timeout=LOOK_SECONDS, trust_env=False)
            self._models = [str(model["name"]) for model in answer.json()["models"]]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError, UnicodeError):
            self.asker.say(words.NOT_FOUND, url=url)
            return
        found = ", ".join(self._models) or words.NO_MODELS.to(self.asker.language)
        self.asker.say(words.FOUND, url=url, models=found)

    def _prove(self) -> bool:
        """One real call, by the heavy side: it is never imported here. Its words are shown."""
        self.asker.say(words.ASKING)
        command = [sys.executable, "-m", "workers", "check"]
        with tempfile.TemporaryDirectory() as folder:
            env = os.environ | self.values | {ENV_FILE: ""}
            if self.business:
                (draft := Path(folder, "business.toml")).write_text(self.business, encoding="utf-8")
                env["BUSINESS_FILE"] = str(draft)
            try:
                return subprocess.run(command, env=env, timeout=MODEL_SECONDS, check=False).returncode == 0
            except subprocess.TimeoutExpired:
                return False

    # Redis

    def redis(self) -> None:
        """Where everything is kept."""
        self._ask("REDIS_URL", words.REDIS, self._redis)

    def _redis(self, answer: str) -> str:
        url = answer.strip()
        if url:
            store = connect(url, Path(self.values.get("DATA_DIR") or "data"), LOOK_SECONDS)
            try:
                safety.vet_address(store)
                safety.vet_server(store)
            finally:
                store.close()
        return url

    def _ask(self, name: str, question: Text, check: Any) -> None:
        given = self.given.pop(name, None)
        self.values[name] = self.asker.ask(question, self.values.get(name, ""), given=given, check=check)

    def _refuse(self, text: Text, **values: object) -> None:
        raise RecadoError(text.to(self.asker.language, **values))


def _ids(answer: str) -> str:
    text = answer.strip()
    if text != "?":
        load_settings("", admins=text)
    return re.sub(r"\s*,\s*", ",", text)


def _writer(update: Any) -> tuple[int, str] | None:
    """Id and name of who wrote in private."""
    message = update.get("message") if isinstance(update, dict) else None
    if not isinstance(message, dict) or message.get("chat", {}).get("type") != "private":
        return None
    sender = message.get("from", {})
    return sender.get("id", 0), " ".join(_ODD.sub(" ", str(sender.get("first_name", ""))).split())[:40]
