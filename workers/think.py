"""Thinking: a batch becomes a text, by a command, by the model, or by a kind word where there is no text."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot import texts
from bot.business import Business
from bot.commands import Command, Order
from bot.errors import Unavailable
from bot.logs import pseudonym
from bot.message import Role, Turn
from bot.settings import Settings
from bot.stores.history import History
from bot.stores.mailbox import Mode, Think
from bot.texts import Language, language_of
from workers import context
from workers.backends import Backend, Prompt
from workers.held import Held, LeaseLost

DEFAULT_CONTEXT = 4096
"""Tokens, where neither the setting nor the server says how many."""


@dataclass(frozen=True, slots=True)
class Thought:
    """What came of thinking: the text to say, what becomes of history, and what the turn was, for the log."""

    text: str
    turns: tuple[Turn, ...] = ()
    mode: Mode = "append"
    window: int | None = None
    outcome: str = "answered"


class Thinker:
    """Rebuilds the context from Redis and asks the backend; it keeps nothing of any conversation."""

    def __init__(
        self, settings: Settings, *, history: History, backend: Backend, business: Business,
        commands: Mapping[str, Command],
    ) -> None:  # fmt: skip
        self._settings, self._history, self.backend = settings, history, backend
        self._business, self._commands = business, commands
        self._systems = {language: self._system(language) for language in texts.LANGUAGES}

    def language(self, task: Think) -> Language:
        """The language in which the person is spoken to."""
        return language_of(spoken(task) or task.state.get("language", ""), self._settings.default_language)

    def think(self, held: Held, task: Think, begin: Callable[[], None]) -> Thought:
        """The answer to a batch. ``begin`` is told when it will take a while.

        Raises Unavailable, Rejected, LeaseLost, StoreUnavailable.
        """
        batch, language = task.batch, self.language(task)
        if name := batch.messages[0].command:
            return self._order(name, language)
        if not batch.text.strip():
            return Thought(texts.NO_TEXT.to(language), outcome="no text")
        begin()
        asked = self._turn("user", batch.text, batch.turn)
        fit = self._fit(held.conversation, task, asked, language)
        answer = self._stream(held, Prompt(fit.turns, pseudonym(held.conversation), language))
        return Thought(answer, (asked, self._turn("assistant", answer, batch.turn)), window=fit.window)

    def apology(self, task: Think, *, outcome: str) -> Thought:
        """What is said instead of an answer that will never come."""
        text = texts.APOLOGY.to(self.language(task))
        if (
            outcome == "dead"
        ):  # its words go to the dead letters and not into history, where they might break the next turn
            return Thought(text, mode="bury", outcome=outcome)
        batch = task.batch
        turns = (self._turn("user", batch.text, batch.turn), self._turn("assistant", text, batch.turn))
        return Thought(text, turns, outcome=outcome)

    def _order(self, name: str, language: Language) -> Thought:
        command = self._commands.get(name)
        if command is None:
            return Thought(texts.UNKNOWN_COMMAND.to(language, command=name), outcome="unknown command")
        done = command.run(Order(language, self._business, self._commands))
        return Thought(done.text, mode="clear" if done.clears else "append", outcome=f"/{name}")

    def _fit(self, conversation: str, task: Think, asked: Turn, language: Language) -> context.Fit:
        window, budget = int(task.state.get("window", 0)), self._budget()
        past = self._history.tail(conversation, window, budget)
        count = self.backend.count_tokens
        if self.backend.takes_notes:
            note = context.note(datetime.now().astimezone(), language)
            asked = Turn("user", asked.text, count(f"{note}\n\n{asked.text}"), asked.number, note)
        return context.fit(self._systems[language], past, asked, window=window, budget=budget, count=count)

    def _budget(self) -> int:
        """Tokens for the prompt: what the setting and the server allow, less the answer's share."""
        limits = [limit for limit in (self._settings.context_tokens, self.backend.context_tokens()) if limit]
        known = min(limits, default=DEFAULT_CONTEXT)
        return max(known - self._settings.reply_tokens, known // 4)

    def _stream(self, held: Held, prompt: Prompt) -> str:
        """The whole answer. One that trickles for longer than TURN_SECONDS ends with what came until then."""
        pieces: list[str] = []
        held.stream = stream = self.backend.stream(prompt)
        until = math.inf
        try:
            for piece in stream:
                until = min(until, time.monotonic() + self._settings.turn_seconds)
                pieces.append(piece)
                if held.lost.is_set() or time.monotonic() > until:
                    break
        except Unavailable:
            if not held.lost.is_set():
                raise
        finally:
            held.stream = None
            stream.close()
        if held.lost.is_set():
            raise LeaseLost
        # Two pieces may hold the halves of one character; half a character alone can be stored nowhere.
        answer = "".join(pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
        if not answer:
            raise Unavailable("the model answered without a word")
        return answer

    def _turn(self, role: Role, text: str, number: int) -> Turn:
        return Turn(role, text, self.backend.count_tokens(text), number)

    def _system(self, language: Language) -> Turn:
        return context.system_turn(self._settings.system_prompt, self._business, language, self.backend.count_tokens)


def spoken(task: Think) -> str:
    """The language code that came with the newest message that had one."""
    return next((message.language for message in reversed(task.batch.messages) if message.language), "")
