"""Questions in a terminal, or their answers without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import typer

from bot.errors import RecadoError
from bot.logs import redact
from bot.texts import Language, Text

Check = Callable[[str], str]
"""Returns the answer as it will be used. Raises RecadoError with the reason why it cannot be."""

_AGAIN = Text(es="No sirve: {reason}", en="That does not do: {reason}")
_SHOWN: Final[dict[Language, tuple[str, str]]] = {"es": ("s/N", "S/n"), "en": ("y/N", "Y/n")}
_YES_OR_NO = Text(es="responde s (sí) o n (no).", en="answer y (yes) or n (no).")
_MEANT: Final = {"s": True, "si": True, "sí": True, "y": True, "yes": True, "n": False, "no": False}
_KEEP = Text(es="{question} (Intro: la de antes)", en="{question} (Enter: the one from before)")


def as_it_is(answer: str) -> str:
    return answer.strip()


@dataclass
class Asker:
    """Asks in one language. Unless ``interactive`` nothing is asked: what was given or is the default is taken."""

    language: Language
    interactive: bool

    def say(self, text: Text, **values: object) -> None:
        typer.echo(redact(_clean(text.to(self.language, **values))))

    def ask(self, question: Text, default: str, *, given: str | None = None, check: Check = as_it_is) -> str:
        """The answer, asked again until it does. ``given`` was answered on the command line.

        Raises RecadoError when an answer does not do that nobody can be asked for again.
        """
        if given is not None or not self.interactive:
            return check(default if given is None else given)
        words, shown = question.to(self.language), bool(default)
        if redact(default) != default:  # an address with a password in it
            words, shown = _KEEP.to(self.language, question=words), False
        return self._until_it_does(lambda: typer.prompt(words, default=default, show_default=shown), check)

    def secret(self, question: Text, current: str, check: Check = as_it_is) -> str:
        """As ``ask``, unseen: neither the answer nor the one from before is ever shown."""
        if not self.interactive:
            return check(current)
        words = question.to(self.language)
        words = _KEEP.to(self.language, question=words) if current else words
        hidden = lambda: typer.prompt(words, default="", show_default=False, hide_input=True) or current  # noqa: E731 - it is asked again
        return self._until_it_does(hidden, check)

    def confirm(self, question: Text, *, default: bool, **values: object) -> bool:
        """Yes or no, in either language; the default where nobody can be asked."""
        if not self.interactive:
            return default
        words = f"{question.to(self.language, **values)} [{_SHOWN[self.language][default]}]"
        answers: list[bool] = []

        def meant(answer: str) -> str:
            known = _MEANT.get(answer.strip().casefold()) if answer.strip() else default
            if known is None:
                raise RecadoError(_YES_OR_NO.to(self.language))
            answers.append(known)
            return answer

        self._until_it_does(lambda: typer.prompt(words, default="", show_default=False), meant)
        return answers[-1]

    def _until_it_does(self, ask: Callable[[], str], check: Check) -> str:
        while True:
            try:
                return check(str(ask()))
            except RecadoError as error:
                typer.echo(redact(_AGAIN.to(self.language, reason=error)), err=True)


def _clean(text: str) -> str:
    """Without what would command the terminal: people's names stand in it."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)
