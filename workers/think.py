"""Thinking: a batch becomes a text, by a command, by the model, or by a kind word where there is no text."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot import texts
from bot.business import Business
from bot.commands import Command, Order
from bot.errors import Unavailable
from bot.logs import pseudonym
from bot.message import Role, Turn
from bot.settings import Settings
from bot.stores.history import History
from bot.stores.mailbox import NOTHING, Mode, Spent, Think
from bot.texts import Language, language_of
from workers import context
from workers.backends import Backend, Prompt
from workers.grow import Show
from workers.held import Held, LeaseLost

QUOTA, NOT_ADDRESSED = "quota", "not addressed"
"""Why something was only heard; a conversation that is paused has a reason of its own."""

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
    reason: str = ""
    paused: str | None = None
    spent: Spent = NOTHING
    grows: bool = True
    """Whether its text was thought and not looked up: then it may appear bit by bit."""


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

    def at_once(self, task: Think) -> Thought | None:
        """The answer that needs no model; None where one must be asked."""
        language = self.language(task)
        first = task.batch.messages[0]
        if first.addressed and (name := first.command):
            return self._order(name, language)
        if reason := self._unanswered(task):
            return self._heard(task, reason, language)
        if not task.batch.text.strip():
            return Thought(texts.NO_TEXT.to(language), outcome="no text")
        return None

    def ask(self, held: Held, task: Think, server: str, show: Show) -> Thought:
        """The model's answer, from ``server``; ``show`` may ask what there is of it so far.

        Raises Unavailable, Rejected, LeaseLost, StoreUnavailable, and what ``show`` raises.
        """
        batch, language = task.batch, self.language(task)
        asked = self._turn("user", batch.text, batch.turn)
        fit = self._fit(held.conversation, task, asked, language)
        prompt = Prompt(fit.turns, pseudonym(held.conversation), language, server)
        answer = self._turn("assistant", self._stream(held, prompt, show), batch.turn)
        spent = Spent(_today(), len(batch.messages), asked.tokens + answer.tokens)
        return Thought(answer.text, (asked, answer), window=fit.window, spent=spent)

    def _unanswered(self, task: Think) -> str:
        """Why what was said is rightly not answered, else empty."""
        if paused := task.state.get("paused"):
            return paused
        if not any(message.addressed for message in task.batch.messages):
            return NOT_ADDRESSED
        if task.state.get("quota_day") != _today():
            return ""
        limits = (
            ("quota_messages", self._settings.quota_messages_per_day),
            ("quota_tokens", self._settings.quota_tokens_per_day),
        )
        return QUOTA if any(most and int(task.state.get(name, 0)) >= most for name, most in limits) else ""

    def _heard(self, task: Think, reason: str, language: Language) -> Thought:
        """It becomes history with its reason; the end of a quota is said, once a day."""
        told = reason != QUOTA or task.state.get("quota_told")
        text = "" if told else texts.QUOTA.to(language)
        asked = replace(self._turn("user", task.batch.text, task.batch.turn), heard=reason)
        return Thought(text, (asked,), outcome=f"heard: {reason}", reason=reason)

    def apology(self, task: Think, *, outcome: str, reason: str = "") -> Thought:
        """What is said instead of an answer that will never come."""
        text = texts.APOLOGY.to(self.language(task))
        if outcome == "dead":  # its words go to the dead letters: in history they might break the next turn
            return Thought(text, mode="bury", outcome=outcome, reason=reason)
        batch = task.batch
        turns = (self._turn("user", batch.text, batch.turn), self._turn("assistant", text, batch.turn))
        return Thought(text, turns, outcome=outcome)

    def _order(self, name: str, language: Language) -> Thought:
        command = self._commands.get(name)
        if command is None:
            return Thought(texts.UNKNOWN_COMMAND.to(language, command=name), outcome="unknown command")
        done = command.run(Order(language, self._business, self._commands))
        mode: Mode = "clear" if done.clears else "append"
        return Thought(done.text, mode=mode, outcome=f"/{name}", paused=done.pauses, grows=False)

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

    def _stream(self, held: Held, prompt: Prompt, show: Show) -> str:
        """The whole answer. One that trickles for longer than TURN_SECONDS ends with what came until then."""
        pieces: list[str] = []
        held.stream = stream = self.backend.stream(prompt)
        until, held.asked = math.inf, time.monotonic()
        try:
            for piece in stream:
                held.asked = math.inf
                until = min(until, time.monotonic() + self._settings.turn_seconds)
                pieces.append(piece)
                if held.lost.is_set() or time.monotonic() > until:
                    break
                show(lambda: whole(pieces))
        except Unavailable:
            if not held.lost.is_set():
                raise
        finally:
            held.stream, held.asked = None, math.inf
            stream.close()
        if held.lost.is_set():
            raise LeaseLost
        answer = whole(pieces)
        if not answer:
            raise Unavailable("the model answered without a word")
        return answer

    def _turn(self, role: Role, text: str, number: int) -> Turn:
        return Turn(role, text, self.backend.count_tokens(text), number)

    def _system(self, language: Language) -> Turn:
        return context.system_turn(self._settings.system_prompt, self._business, language, self.backend.count_tokens)


def whole(pieces: Sequence[str]) -> str:
    """What the pieces say together. Two may hold the halves of one character; half a one can be stored nowhere."""
    return "".join(pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()


def _today() -> str:
    return datetime.now().astimezone().date().isoformat()


def spoken(task: Think) -> str:
    """The language code that came with the newest message that had one."""
    return next((message.language for message in reversed(task.batch.messages) if message.language), "")
