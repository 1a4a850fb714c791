"""The steps of WhatsApp's setup; each asks, proves, and keeps what it found as settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from bot.errors import RecadoError
from bot.meta import checks
from bot.meta.checks import Found, Number, Token
from bot.meta.graph import GraphApi, Wrong
from bot.meta.subscription import url_in
from bot.meta.words import fill
from bot.settings import Settings
from bot.setup import whatsapp_words as words
from bot.setup.asking import Asker
from bot.texts import Text

UNKNOWN: Final = Token(valid=True, app="", app_name="", ends_at=0, scopes=(), accounts=())
API_URL: str = Settings.model_fields["whatsapp_api_url"].default


@dataclass
class Steps:
    """``values`` are the settings as they were and, step by step, as they will be; ``given`` what the command line
    answered already, by the names of the settings. What Meta told on the way stays here."""

    asker: Asker
    values: dict[str, str]
    given: dict[str, str | None]
    token: Token = UNKNOWN
    numbers: list[Number] = field(default_factory=list)
    display: str = ""
    well: bool = True

    def api(self, token: str = "") -> GraphApi:
        """Meta, as the token that is being asked for or was."""
        return GraphApi(token or self.values["WHATSAPP_TOKEN"], self.api_url)

    @property
    def api_url(self) -> str:
        return (self.values.get("WHATSAPP_API_URL") or API_URL).rstrip("/")

    def say(self, found: Iterable[Found]) -> None:
        """What was found, a line each; what is bad is remembered."""
        for one in found:
            self.show(one)
            self.well &= one.ok is not False

    def show(self, found: Found) -> None:
        """One line."""
        mark = {True: words.WELL, None: words.LOOK, False: words.BAD}[found.ok]
        self.asker.say(fill(words.FINDING, mark=mark, words=found.words))

    def ask_token(self) -> None:
        """The token, proved by Meta's own word on it."""
        self.asker.say(words.TOKEN_HELP)
        current = self.values.get("WHATSAPP_TOKEN", "")
        self.values["WHATSAPP_TOKEN"] = self.asker.secret(words.TOKEN, current, self._checked(self._token))
        self.say(checks.judge_token(self.token) if self.token.app else ())

    def _token(self, answer: str) -> str:
        if not answer.strip():
            raise Wrong(words.NO_TOKEN)
        token = checks.token_in(answer)
        with self.api(token) as api:
            try:
                found = checks.ask_token(api)
            except Wrong as error:
                if error.code in (0, 190):
                    raise
                return token  # Meta may not tell of it; what it may do, the next steps prove
        for one in checks.judge_token(found):
            if one.ok is False:
                raise Wrong(one.words)
        self.token = found
        return token

    def ask_account(self) -> None:
        """The business account, whose numbers can be offered then; none is an answer too."""
        self.asker.say(words.ACCOUNT_HELP)
        name = "WHATSAPP_BUSINESS_ACCOUNT_ID"
        if not self.values.get(name) and len(self.token.accounts) == 1:
            self.values[name] = self.token.accounts[0]
        self._ask(name, words.ACCOUNT, self._account)
        if self.numbers:
            listed = ", ".join(f"{one.id} ({one.display}, {one.name})" for one in self.numbers)
            self.asker.say(words.NUMBERS, numbers=listed)
        elif self.values[name]:
            self.asker.say(words.NO_NUMBERS)

    def _account(self, answer: str) -> str:
        self.numbers = []
        if account := checks.account_in(answer):
            with self.api() as api:
                self.numbers = checks.numbers_of(api, account)
        return account

    def ask_number(self) -> None:
        """The number's id; that it is connected is said, not demanded."""
        self.asker.say(words.NUMBER_HELP)
        name = "WHATSAPP_PHONE_NUMBER_ID"
        if not self.values.get(name) and len(self.numbers) == 1:
            self.values[name] = self.numbers[0].id
        self._ask(name, words.NUMBER, self._number)
        with self.api() as api:
            about = checks.ask_number(api, self.values[name])
            self.display = str(about.get("display_phone_number", ""))
            self.say((*checks.judge_number(about), *checks.judge_clock(api)))

    def _number(self, answer: str) -> str:
        number = checks.id_in(answer, self.numbers)
        with self.api() as api:
            checks.ask_number(api, number, self.numbers)
        return number

    def ask_secret(self) -> None:
        """The app secret, proved by what it makes of the token."""
        self.asker.say(words.SECRET_HELP)
        current = self.values.get("WHATSAPP_APP_SECRET", "")
        self.values["WHATSAPP_APP_SECRET"] = self.asker.secret(words.SECRET, current, self._checked(self._secret))

    def _secret(self, answer: str) -> str:
        secret = checks.secret_in(answer)
        with self.api() as api:
            self.say([checks.prove_secret(api, self.values["WHATSAPP_PHONE_NUMBER_ID"], secret)])
        return secret

    def ask_url(self) -> None:
        """Where Meta reaches us; none yet is an answer too."""
        self.asker.say(words.URL_HELP)
        self._ask("PUBLIC_URL", words.URL, lambda answer: url_in(answer, self.api_url))

    def _ask(self, name: str, question: Text, check: Callable[[str], str]) -> None:
        given = self.given.pop(name, None)
        check = self._checked(check)
        self.values[name] = self.asker.ask(question, self.values.get(name, ""), given=given, check=check)

    def _checked(self, check: Callable[[str], str]) -> Callable[[str], str]:
        """A check whose reasons are said in the operator's language."""

        def judged(answer: str) -> str:
            try:
                return check(answer)
            except Wrong as error:
                raise RecadoError(error.words.to(self.asker.language)) from None

        return judged
