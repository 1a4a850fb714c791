"""Thinking: a batch becomes a text, by a command, by the model, or by a kind word where there is no text."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot import texts
from bot.business import Business
from bot.commands import Command
from bot.errors import Unavailable
from bot.logs import pseudonym
from bot.message import Role, Turn
from bot.settings import Settings
from bot.stores import quota
from bot.stores.access import Access
from bot.stores.history import STOPPED, History
from bot.stores.quota import Spent
from bot.stores.taken import Think
from bot.texts import Language, language_of
from workers import context, notice
from workers.backends import IMAGE_TOKENS, Backend, Prompt
from workers.gate import NOT_ADMITTED, REFUSED, refusal
from workers.grow import Show
from workers.held import Held
from workers.media import Media
from workers.orders import CHOSEN, Orders
from workers.thought import Thought, begun, spoken, whole

QUOTA, NOT_ADDRESSED = "quota", "not addressed"
"""Why something was only heard; a conversation that is paused has a reason of its own."""

AGAIN = "retry"
"""The command whose answer is a model's."""

DEFAULT_CONTEXT = 4096
"""Tokens, where neither the setting nor the server says how many."""


class Thinker:
    """Rebuilds the context from Redis and asks the backend; it keeps nothing of any conversation."""

    def __init__(
        self, settings: Settings, *, history: History, backend: Backend, business: Business,
        commands: Mapping[str, Command], access: Access, orders: Orders | None = None, media: Media | None = None,
    ) -> None:  # fmt: skip
        self._settings, self._history, self.backend, self._access = settings, history, backend, access
        self._business = business
        self._orders = orders or Orders(
            settings, business=business, commands=commands, backend=backend, stranger=access.stranger
        )
        self._media = media or Media({}, backend)
        self._systems = {language: self._system(language) for language in texts.LANGUAGES}

    def language(self, task: Think) -> Language:
        """The language in which the person is spoken to: the one that they chose, else their platform's."""
        known = task.state.get(CHOSEN) or spoken(task) or task.state.get("language", "")
        return language_of(known, self._settings.default_language)

    def halted(self, task: Think) -> bool:
        """Whether a stop was said after this batch."""
        return int(task.state.get("stop", 0)) > task.batch.messages[-1].number

    def at_once(self, task: Think) -> Thought | None:
        """The answer that needs no model; None where one must be asked."""
        language = self.language(task)
        if refused := self._refused(task, language):
            return refused
        ordered = self._orders.run(task, language) if _command(task) else None
        if ordered and not (ordered.again and self._question(task)):
            return self._introduced(task, ordered) if ordered.text else ordered
        if self.halted(task):
            return self.stopped(task, seen=begun(task))
        if reason := self._unanswered(task):
            return self._spent(task, language) if reason == QUOTA else self._heard(task, reason, "", {})
        if unopened := self._media.refused(task.batch.messages[0].conversation, task.batch, language):
            return self._introduced(task, Thought(unopened, outcome="no text"))
        return None

    def ask(self, held: Held, task: Think, server: str, show: Show) -> Thought:
        """The model's answer, from ``server``; ``show`` may ask what there is of it so far.

        Raises Unavailable, Rejected, LeaseLost, StoreUnavailable, and what ``show`` raises.
        """
        batch, language = task.batch, self.language(task)
        again, seen = self._question(task), self._media.look(held, batch, language, self._budget())
        if seen.empty:
            return self._introduced(task, Thought(seen.told, outcome="no text"))
        asked = self._turn("user", again.text if again else seen.batch.text, batch.turn)
        shown = replace(asked, images=seen.images)
        fit = self._fit(held.conversation, task, shown, language, without=again.number if again else None)
        prompt = Prompt(fit.turns, pseudonym(held.conversation), language, server, self._orders.model(task.state))
        answer = self._turn("assistant", self._stream(held, prompt, show), batch.turn)
        spent = Spent(_today(), asked.tokens + answer.tokens, quota.people(batch.messages))
        stopped = held.stopped.is_set()
        text = f"{answer.text}\n\n{seen.told}" if seen.told and not stopped else answer.text
        thought = Thought(text, (asked, answer), window=fit.window, spent=spent, stopped=stopped)
        return self._introduced(task, replace(thought, forgets=again.number if again else None))

    def stopped(self, task: Think, *, seen: bool) -> Thought:
        """A turn that its person ended before its first word; a bubble of it that is ``seen`` says so."""
        text = texts.STOPPED.to(self.language(task)) if seen else ""
        return replace(self._heard(task, STOPPED, text, {}), stopped=True)

    def shown(self, task: Think, thought: Thought) -> Thought:
        """In a bubble that the person may see already: it takes these words, and is left neither half said nor with
        its button."""
        if not begun(task):
            return thought
        return replace(thought, text=thought.text or texts.STOPPED.to(self.language(task)), grows=True)

    def _question(self, task: Think) -> Turn | None:
        """The question that this batch wants to be thought anew."""
        if _command(task) != AGAIN:
            return None
        return self._history.last_question(task.batch.messages[0].conversation)

    def _refused(self, task: Think, language: Language) -> Thought | None:
        """What becomes of what a stranger said; None where nobody is one."""
        asked = [message for message in task.batch.messages if message.addressed]
        found = refusal(self._access, task.state, asked, language, _today())
        return self._heard(task, NOT_ADMITTED, found.text, found.notes) if found else None

    def _introduced(self, task: Think, thought: Thought) -> Thought:
        """The first answer to somebody new says who answers, below its own words; whoever leaves is told no more."""
        if thought.erases:
            return thought
        if task.state.get(REFUSED):
            thought = replace(thought, notes={**thought.notes, REFUSED: ""})
        language = language_of(thought.notes.get(CHOSEN, ""), self.language(task))
        words = notice.due(self._settings, self._business, task.state, language, introduced=thought.introduces)
        return replace(thought, notice=words, notes={**thought.notes, notice.NOTICED: "1"}) if words else thought

    def _unanswered(self, task: Think) -> str:
        """Why what was said is rightly not answered, else empty."""
        if paused := task.state.get("paused"):
            return paused
        if not any(message.addressed for message in task.batch.messages):
            return NOT_ADDRESSED
        people = quota.people(task.batch.messages)
        return QUOTA if quota.exhausted(self._settings, task.state, people, _today()) else ""

    def _spent(self, task: Think, language: Language) -> Thought:
        """The end of a quota is said, once a day."""
        told = quota.untold(task.state, quota.people(task.batch.messages))
        return self._heard(task, QUOTA, texts.QUOTA.to(language) if told else "", told)

    def _heard(self, task: Think, reason: str, text: str, notes: Mapping[str, str]) -> Thought:
        """What was said becomes history with its reason."""
        asked = replace(self._turn("user", task.batch.text, task.batch.turn), heard=reason)
        # A command, and files without a word, are nothing to remember.
        turns = (asked,) if asked.text.strip() and not self._question(task) else ()
        return Thought(text, turns, outcome=f"heard: {reason}", reason=reason, notes=notes)

    def apology(self, task: Think, *, outcome: str, reason: str = "") -> Thought:
        """What is said instead of an answer that will never come."""
        text = texts.APOLOGY.to(self.language(task))
        if outcome == "dead":  # its words go to the dead letters: in history they might break the next turn
            return Thought(text, mode="bury", outcome=outcome, reason=reason)
        batch = task.batch
        turns = (self._turn("user", batch.text, batch.turn), self._turn("assistant", text, batch.turn))
        return Thought(text, turns if batch.text.strip() else (), outcome=outcome)

    def _fit(
        self, conversation: str, task: Think, asked: Turn, language: Language, *, without: int | None
    ) -> context.Fit:
        window, budget = int(task.state.get("window", 0)), self._budget()
        past = [turn for turn in self._history.tail(conversation, window, budget) if turn.number != without]
        count = self.backend.count_tokens
        if self.backend.takes_notes:
            note = context.note(datetime.now().astimezone(), language)
            asked = replace(asked, tokens=count(f"{note}\n\n{asked.text}"), note=note)
        asked = replace(asked, tokens=asked.tokens + IMAGE_TOKENS * len(asked.images))
        return context.fit(self._systems[language], past, asked, window=window, budget=budget, count=count)

    def _budget(self) -> int:
        """Tokens for the prompt: what the setting and the server allow, less the answer's share."""
        limits = [limit for limit in (self._settings.context_tokens, self.backend.context_tokens()) if limit]
        known = min(limits, default=DEFAULT_CONTEXT)
        return max(known - self._settings.reply_tokens, known // 4)

    def _stream(self, held: Held, prompt: Prompt, show: Show) -> str:
        """The whole answer. One that trickles for longer than TURN_SECONDS ends with what came until then."""
        held.check()
        pieces: list[str] = []
        held.stream = stream = self.backend.stream(prompt)
        until, held.asked = math.inf, time.monotonic()
        try:
            for piece in stream:
                held.asked = math.inf
                until = min(until, time.monotonic() + self._settings.turn_seconds)
                pieces.append(piece)
                if held.ended or time.monotonic() > until:
                    break
                show(lambda: whole(pieces))
        except Unavailable:
            if not held.ended:
                raise
        finally:
            held.stream, held.asked = None, math.inf
            stream.close()
        answer = whole(pieces)
        held.check(answer)
        if not answer:
            raise Unavailable("the model answered without a word")
        return answer

    def _turn(self, role: Role, text: str, number: int) -> Turn:
        return Turn(role, text, self.backend.count_tokens(text), number)

    def _system(self, language: Language) -> Turn:
        return context.system_turn(self._settings.system_prompt, self._business, language, self.backend.count_tokens)


def _command(task: Think) -> str:
    """The command that this batch is. One among others, by an edit, is words like theirs: theirs are answered too."""
    first, *others = task.batch.messages
    return first.command if first.addressed and not others else ""


def _today() -> str:
    return datetime.now().astimezone().date().isoformat()
