"""Thinking: a batch becomes a text, by a command, by the model, or by a kind word where there is no text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from bot import texts
from bot.business import Business
from bot.commands import Command
from bot.logs import pseudonym
from bot.message import Role, Turn
from bot.settings import Settings
from bot.stores import quota
from bot.stores.access import Access
from bot.stores.handovers import BUDGET, Handovers
from bot.stores.history import REVOKED, STOPPED, History
from bot.stores.quota import Spent
from bot.stores.taken import Think
from bot.texts import Language, language_of
from workers import context, notice, silence
from workers.backends import IMAGE_TOKENS, Backend, Prompt
from workers.frequent import Asking, Frequent
from workers.gate import NOT_ADMITTED, REFUSED, refusal
from workers.grow import Show
from workers.handover import HandingOver
from workers.held import Held
from workers.media import Media
from workers.orders import CHOSEN, Orders
from workers.streamed import streamed
from workers.thought import Thought, begun, spoken

AGAIN = "retry"
"""The command whose answer is a model's."""

DEFAULT_CONTEXT = 4096
"""Tokens, where neither the setting nor the server says how many."""


class Thinker:
    """Rebuilds the context from Redis and asks the backend; it keeps nothing of any conversation.

    ``is_broke`` says of a conversation that its month's money is spent, and no model may be asked.
    """

    def __init__(
        self, settings: Settings, *, history: History, backend: Backend, business: Business,
        commands: Mapping[str, Command], access: Access, handovers: Handovers, orders: Orders | None = None,
        media: Media | None = None, frequent: Frequent | None = None,
    ) -> None:  # fmt: skip
        self._settings, self._history, self.backend, self._access = settings, history, backend, access
        self._business, self._frequent = business, frequent
        self._orders = orders or Orders(
            settings, business=business, commands=commands, backend=backend, stranger=access.stranger
        )
        self._media = media or Media({}, backend)
        self.is_broke: Callable[[str], bool] = lambda _: False
        is_broke = lambda where: self.is_broke(where)  # noqa: E731,PLW0108 - it is set later
        self._people = HandingOver(settings, business, handovers, history, is_broke)
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
        if task.batch.messages[0].revokes:
            return Thought("", outcome=f"heard: {REVOKED}", reason=REVOKED)
        if found := self._people.of_the_house(task) or self._refused(task, language) or self._ordered(task, language):
            return found
        if found := self._hushed(task) or self._unpaid(task, language):
            return found
        if reason := silence.reason(task, self._settings, self._business, _now()):
            return self._silent(task, reason, language)
        if unopened := self._media.refused(task.batch.messages[0].conversation, task.batch, language):
            return self._introduced(task, Thought(unopened, outcome="no text"))
        known = self._frequent and self._frequent.known(self._asking(task, language))
        return self._introduced(task, known) if known else None

    def ask(self, held: Held, task: Think, server: str, show: Show) -> Thought:
        """The model's answer, from ``server``; ``show`` may ask what there is of it so far.

        Raises Unavailable, Rejected, LeaseLost, StoreUnavailable, and what ``show`` raises.
        """
        batch, language = task.batch, self.language(task)
        again, seen = self._question(task), self._media.look(held, batch, language, self._budget())
        asking = self._asking(task, language)
        if seen.empty:
            return self._introduced(task, Thought(seen.told, outcome="no text"))
        asked = self._turn("user", again.text if again else seen.batch.text, batch.turn)
        asked = replace(asked, said=again.said if again else seen.batch.said)
        shown = replace(asked, images=seen.images)
        fit = self._fit(held.conversation, task, shown, language, without=again.number if again else None)
        prompt = Prompt(fit.turns, pseudonym(held.conversation), language, server, self._orders.model(task.state))
        answer = self._turn(
            "assistant", streamed(self.backend, held, prompt, show, self._settings.turn_seconds), batch.turn
        )
        held.figures.tokens_in, held.figures.tokens_out = sum(turn.tokens for turn in fit.turns), answer.tokens
        spent = Spent(_today(), asked.tokens + answer.tokens, quota.people(batch.messages))
        stopped = held.stopped.is_set()
        text = f"{answer.text}\n\n{seen.told}" if seen.told and not stopped else answer.text
        thought = Thought(text, (asked, answer), window=fit.window, spent=spent, stopped=stopped)
        if self._frequent:
            thought = self._frequent.kept(held, asking, thought, again=again.text if again else "")
        return self._introduced(task, replace(thought, forgets=again.number if again else None))

    def _asking(self, task: Think, language: Language) -> Asking:
        return Asking(task, language, self._orders.model(task.state), _now())

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

    def _hushed(self, task: Think) -> Thought | None:
        """What becomes of words over which a person of the business goes on, or that their own person stopped."""
        if reason := self._people.taken_over(task):
            return self._people.passed_on(task, self._heard(task, reason, "", {}))
        return self.stopped(task, seen=begun(task)) if self.halted(task) else None

    def _ordered(self, task: Think, language: Language) -> Thought | None:
        """What comes of a command, here and in the owner's chat; None where it is none, or wants a model's answer."""
        if not _command(task):
            return None
        message, now = task.batch.messages[0], _now()
        where, boss = message.conversation, self._people.is_boss(message.conversation)
        thought = self._orders.run(task, language, now=now, boss=boss, broke=not boss and self.is_broke(where))
        if thought.hands_over and message.order:  # what was said in plain words is remembered
            thought = replace(thought, turns=self._both(task, thought.text))
        if thought.again and self._question(task):
            return None
        thought = self._people.ordered(task, thought)
        return self._introduced(task, thought) if thought.text else thought

    def _unpaid(self, task: Think, language: Language) -> Thought | None:
        """A person answers instead of the model, where that would cost more than the month may."""
        where, rightly = (
            task.batch.messages[-1].conversation,
            silence.reason(task, self._settings, self._business, _now()),
        )
        if rightly or not self.is_broke(where) or self._people.is_boss(where):
            return None
        unpaid = self._people.unpaid(task, self._heard(task, BUDGET, "", {}), language, _now())
        return self._introduced(task, unpaid)

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

    def _silent(self, task: Think, reason: str, language: Language) -> Thought:
        """What is not answered; what is said of that may be the first that somebody reads of us."""
        text, notes = silence.words(task, reason, self._business, language, _now())
        thought = self._heard(task, reason, text, notes)
        return self._introduced(task, thought) if text and reason == silence.CLOSED else thought

    def _heard(self, task: Think, reason: str, text: str, notes: Mapping[str, str]) -> Thought:
        """What was said becomes history with its reason."""
        asked = replace(self._turn("user", task.batch.text, task.batch.turn), heard=reason)
        # A command, and files without a word, are nothing to remember.
        turns = (asked,) if asked.text.strip() and not self._question(task) else ()
        return Thought(text, turns, outcome=f"heard: {reason}", reason=reason, notes=notes)

    def apology(self, task: Think, *, outcome: str, reason: str = "") -> Thought:
        """What is said instead of an answer that will never come: by whom it is answered, where somebody is told."""
        language, batch = self.language(task), task.batch
        text = texts.APOLOGY.to(language)
        if outcome == "dead":  # its words go to the dead letters: in history they might break the next turn
            thought = Thought(text, mode="bury", outcome=outcome, reason=reason)
        else:
            thought = Thought(text, self._both(task, text) if batch.text.strip() else (), outcome=outcome)
        return self._people.failed(task, thought, language, _now())

    def _fit(
        self, conversation: str, task: Think, asked: Turn, language: Language, *, without: int | None
    ) -> context.Fit:
        window, budget = int(task.state.get("window", 0)), self._budget()
        past = [turn for turn in self._history.tail(conversation, window, budget) if turn.number != without]
        count = self.backend.count_tokens
        if self.backend.takes_notes:
            note = context.note(_now(), language, self._business.opening)
            asked = replace(asked, tokens=count(f"{note}\n\n{asked.text}"), note=note)
        asked = replace(asked, tokens=asked.tokens + IMAGE_TOKENS * len(asked.images))
        return context.fit(self._systems[language], past, asked, window=window, budget=budget, count=count)

    def _budget(self) -> int:
        """Tokens for the prompt: what the setting and the server allow, less the answer's share."""
        limits = [limit for limit in (self._settings.context_tokens, self.backend.context_tokens()) if limit]
        known = min(limits, default=DEFAULT_CONTEXT)
        return max(known - self._settings.reply_tokens, known // 4)

    def _turn(self, role: Role, text: str, number: int) -> Turn:
        return Turn(role, text, self.backend.count_tokens(text), number)

    def _both(self, task: Think, answer: str) -> tuple[Turn, Turn]:
        """A question and its answer as they are remembered."""
        number = task.batch.turn
        return self._turn("user", task.batch.text, number), self._turn("assistant", answer, number)

    def _system(self, language: Language) -> Turn:
        return context.system_turn(self._settings.system_prompt, self._business, language, self.backend.count_tokens)


def _command(task: Think) -> str:
    """The command that this batch is. One among others, by an edit, is words like theirs: theirs are answered too."""
    first, *others = task.batch.messages
    return first.command if first.addressed and not others else ""


def _now() -> datetime:
    return datetime.now().astimezone()


def _today() -> str:
    return _now().date().isoformat()
