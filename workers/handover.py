"""People first: a person of the business takes a conversation over, and the owner is told so in a chat of their own.

What the owner answers to a notice is said to that customer. Nothing is said over a person: as long as one goes on in a
conversation, what its customer writes is heard, and passed on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from bot.business import Business
from bot.commands.baja import OPTED_OUT
from bot.message import Batch, Conversation, Message, Turn
from bot.numbers import numbers, settings_of
from bot.settings import Settings
from bot.stores.access import is_admin
from bot.stores.entries import NOTICE
from bot.stores.handovers import HANDED_OVER, RELAY, TAKEN_OVER, Aside, Handover, Handovers, Relay
from bot.stores.history import History
from bot.stores.owner import notice, owner_of
from bot.stores.taken import Think
from bot.texts import SORRY, Language, Text
from workers import notices
from workers.thought import Thought

PASSED_ON: Final = "passed_on"
"""In a conversation's state: the hour in which the owner was last told of what was said there, and how often."""
PASSED_MOST: Final = 30
"""So often in an hour the owner is told of what one customer says."""

RECENT: Final = 1000
"""Tokens of what was said of late that the owner may be shown."""

RELAYED: Final = "relay:"
"""In a conversation's state, with a turn's number: what the owner is told of the fate of words that they said in it."""
RELAYS_KEPT: Final = 20

_RESUME: Final = frozenset({"resume", "seguir"})


class HandingOver:
    """Who takes over, and how the owner and the customer hear of each other. Methods raise StoreUnavailable."""

    def __init__(
        self, settings: Settings, business: Business, handovers: Handovers, history: History,
        is_broke: Callable[[str], bool] = lambda _: False,
    ) -> None:  # fmt: skip
        """Raises SettingsError for an OWNER_CHAT that is none."""
        self._is_broke = is_broke
        self._settings, self._business, self._handovers, self._history = settings, business, handovers, history
        self.owner = owner_of(settings)
        owners = {owner_of(settings_of(settings, account)) for account in numbers(settings)}
        self._bosses = sorted({self.owner, *owners} - {""})

    def is_boss(self, conversation: str) -> bool:
        """Whether this is a chat in which an owner is told, of this number or of another."""
        return any(conversation in {boss, self._handovers.first(boss)} for boss in self._bosses)

    def taken_over(self, task: Think) -> str:
        """Why nothing is answered while a person goes on here, else empty."""
        paused = task.state.get("paused", "")
        return paused if paused in TAKEN_OVER else ""

    def begun(self, task: Think, thought: Thought, why: Text) -> Thought:
        """The thought with which a person takes over, and the owner is told ``why`` and what was said of late."""
        conversation = task.batch.messages[-1].conversation
        known = self._handovers.of(conversation)
        ref = known.ref if known else self._handovers.unused()
        person = task.batch.messages[-1].person or (known.person if known else "")
        handover, tells = Handover(conversation, ref, self.owner, person), []
        if self.owner:
            language = self._handovers.language(self.owner)
            said = [*self._history.tail(conversation, 0, RECENT), Turn("user", notices.words(task.batch, language))]
            about = notices.About(handover, task.state, language, self._name)
            tells = [(self.owner, about.notice(why, notices.excerpt(said, language)))]
        else:
            notices.log_untold(conversation, ref)
        return replace(
            thought, paused=HANDED_OVER, pause_seconds=self._settings.handover_hours * 3600,
            aside=Aside(tells=tells, handover=handover), notes={**thought.notes, PASSED_ON: ""},
        )  # fmt: skip

    def ordered(self, task: Think, thought: Thought) -> Thought:
        """What a command does beyond its own conversation: somebody wants a person, or the assistant again."""
        if thought.hands_over:
            return self.begun(task, thought, notices.WANTS_PERSON)
        if thought.paused == "" and task.state.get("paused") == HANDED_OVER:
            return replace(thought, aside=self._told(task, notices.GOES_ON))
        return thought

    def failed(self, task: Think, thought: Thought, language: Language, now: datetime) -> Thought:
        """The apology for a turn that failed: somebody takes over, if there is one who is told."""
        conversation = task.batch.messages[-1].conversation
        if not self.owner or task.batch.group or task.state.get("paused") or self.is_boss(conversation):
            return thought
        text = f"{SORRY.to(language)} {self._business.somebody_comes(language, now, told=True)}"
        turns = tuple(replace(turn, text=text) if turn.role == "assistant" else turn for turn in thought.turns)
        return self.begun(task, replace(thought, text=text, turns=turns), notices.NO_ANSWER)

    def unpaid(self, task: Think, thought: Thought, language: Language, now: datetime) -> Thought:
        """The month's money is spent: a person answers, and no model is asked."""
        who = self._business.somebody_comes(language, now, told=bool(self.owner), alone=True)
        return self.begun(task, replace(thought, text=who), notices.NO_MONEY)

    def passed_on(self, task: Think, thought: Thought) -> Thought:
        """What a customer says meanwhile, and the owner is told of it: not more often than they can read."""
        words = [message for message in task.batch.messages if message.addressed]
        if task.state.get("paused") != HANDED_OVER or not self.owner or not words:
            return thought
        hour = time.strftime("%Y-%m-%dT%H", time.gmtime())
        known, _, count = task.state.get(PASSED_ON, "").partition(" ")
        told = int(count) if known == hour else 0
        if told >= PASSED_MOST:
            return thought
        text = notices.LAST if told == PASSED_MOST - 1 else notices.SAYS
        aside = self._told(task, text, replace(task.batch, messages=tuple(words)))
        return replace(thought, aside=aside, notes={**thought.notes, PASSED_ON: f"{hour} {told + 1}"})

    def of_the_house(self, task: Think) -> Thought | None:
        """What comes of the business' own words: those from its telephone, and the owner's answer to a notice.

        None for everybody else's.
        """
        message = task.batch.messages[0]
        if message.ours:
            return self._said(task, message) if message.order == RELAY else _remembered(task)
        found = NOTICE.match(message.quoted)
        return self._answered(message, found[1]) if found else None

    def _answered(self, message: Message, ref: str) -> Thought | None:
        """The owner has answered a notice; None where it is somebody else, or an order of another kind."""
        language = self._handovers.language(message.conversation)
        found = self._handovers.called(ref)
        if not (self._is_theirs(found, message.conversation) or is_admin(self._settings, message)):
            return None
        if found is None:
            return _quietly(notices.UNKNOWN.to(language, ref=ref))
        if message.text.startswith("/"):
            return self._resumed(found, language) if message.command in _RESUME else None
        if self._handovers.state(found.conversation, "paused") == OPTED_OUT:
            return _quietly(notices.OPTED_OUT_NOW.to(language, who=notices.called(found)))
        if not message.text.strip() or message.attachments:
            return _quietly(notices.ONLY_TEXT.to(language, who=notices.called(found)))
        words = Message(
            f"relay:{message.id}", found.conversation, message.text, sent_at=message.sent_at, ours=True, order=RELAY,
            sender=message.conversation, quoted=found.ref,
        )  # fmt: skip
        relay = Relay(found.conversation, words, self._settings.handover_hours * 3600)
        return replace(_quietly(""), outcome="relayed", aside=Aside(handover=None, relay=relay))

    def _resumed(self, found: Handover, language: Language) -> Thought:
        paused = self._handovers.state(found.conversation, "paused")
        if paused not in TAKEN_OVER:
            text = notices.OPTED_OUT_NOW if paused else notices.ANSWERS_ALREADY
            return _quietly(text.to(language, who=notices.called(found)))
        text = notices.STILL_BROKE if self._is_broke(found.conversation) else notices.RESUMED
        told = _quietly(text.to(language, who=notices.called(found)))
        return replace(told, outcome="/resume", aside=Aside(resumes=found.conversation))

    def _said(self, task: Think, message: Message) -> Thought:
        """The owner's words, said to the customer as they are; whoever said them is told what becomes of them."""
        found = Handover(message.conversation, message.quoted, message.sender, self._person(message.conversation))
        language = self._handovers.language(message.sender)
        if task.state.get("paused") == OPTED_OUT:
            text = notices.OPTED_OUT_NOW.to(language, who=notices.called(found))
            return Thought("", outcome="opted out", aside=Aside(tells=[(message.sender, notices.under(found, text))]))
        fates = {name: notice(words) for name, words in notices.fates(found, language).items()}
        turn = task.batch.turn
        old = {
            name: ""
            for name in task.state
            if name.startswith(RELAYED) and int(name.removeprefix(RELAYED)) < turn - RELAYS_KEPT
        }
        fate = notices.packed({"to": message.sender} | fates)
        thought = _remembered(task)
        return replace(thought, text=message.text, verbatim=True, grows=True, notes=old | {f"{RELAYED}{turn}": fate})

    def _told(self, task: Think, text: Text, said: Batch | None = None) -> Aside | None:
        """An aside that tells the owner something of this conversation."""
        found = self._handovers.of(task.batch.messages[-1].conversation)
        owner = self._owner_of(found) if found else ""
        if found is None or not owner:
            return None
        language = self._handovers.language(owner)
        words = notices.words(said, language) if said else ""
        about = notices.About(found, task.state, language, self._name)
        return Aside(tells=[(owner, one) for one in about.notices(text, words)])

    def _is_theirs(self, found: Handover | None, conversation: str) -> bool:
        """Whether an owner reads there of this customer, or of anybody where nobody knows the customer."""
        if found is None:
            return self.is_boss(conversation)
        owner = self._owner_of(found)
        return bool(owner) and conversation in {owner, self._handovers.first(owner)}

    def _owner_of(self, found: Handover) -> str:
        """Who may answer for this customer's number now."""
        return owner_of(settings_of(self._settings, Conversation.parse(found.conversation).account))

    def _person(self, conversation: str) -> str:
        found = self._handovers.of(conversation)
        return found.person if found else ""

    @property
    def _name(self) -> str:
        return self._business.name.strip()


def _remembered(task: Think) -> Thought:
    """What the business said itself stands in the history as what the assistant says."""
    text, number = task.batch.text, task.batch.turn
    turns = (Turn("assistant", text, 0, number),) if text.strip() else ()
    return Thought("", turns, outcome="said by the business", grows=False)


def _quietly(text: str) -> Thought:
    """Something that is said to the owner and not remembered."""
    return Thought(text, outcome="to the owner", grows=False)
