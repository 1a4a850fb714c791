"""The use case: open a conversation's mailbox, think, speak. It imports no I/O library."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from bot import texts
from bot.business import Business
from bot.channels import Channel
from bot.commands import Command, Order
from bot.errors import Rejected, StoreUnavailable, Unavailable
from bot.logs import pseudonym
from bot.message import Batch, Piece, Reply, Turn
from bot.settings import Settings
from bot.stores.history import History
from bot.stores.mailbox import History as Mode
from bot.stores.mailbox import Later, Mailbox, Rest, Speak, Think, channel_of
from bot.texts import Language, language_of
from workers import context
from workers.backends import Backend, Prompt
from workers.held import Held, LeaseLost, patiently
from workers.speak import Speaker

TRIES = 3
"""A turn that failed so often by an exception goes to the dead letters, and the conversation goes on."""

DEFAULT_CONTEXT = 4096

log = logging.getLogger("recado.turn")


@dataclass(frozen=True, slots=True)
class Thought:
    """What came of thinking: the text to say, what becomes of history, and what the turn was, for the log."""

    text: str
    turns: tuple[Turn, ...] = ()
    mode: Mode = "append"
    window: int | None = None
    outcome: str = "answered"


class Answerer:
    """Answers conversations; one for all threads of a worker.

    ``look_again`` is told in how many seconds a conversation will be due, ``show_typing`` shows that
    an answer is on its way without waiting for the platform.
    """

    def __init__(
        self, settings: Settings, *, mailbox: Mailbox, history: History, speaker: Speaker,
        channels: Mapping[str, Channel], backend: Backend, business: Business, commands: Mapping[str, Command],
        look_again: Callable[[float], None] = lambda _: None,
        show_typing: Callable[[Channel, str, str], None] = lambda *_: None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self.mailbox, self._history, self._speaker = mailbox, history, speaker
        self._channels, self._backend = channels, backend
        self._business, self._commands = business, commands
        self.look_again, self.show_typing = look_again, show_typing
        self._held: dict[str, Held] = {}
        self._systems = {language: self._system(language) for language in texts.LANGUAGES}

    @property
    def held(self) -> list[Held]:
        """What this worker has a lease on now."""
        return [held for held in list(self._held.values()) if held.leased]

    def channel(self, conversation: str) -> Channel | None:
        return self._channels.get(channel_of(conversation))

    def answer(self, conversation: str) -> None:
        """Do what is to be done in this conversation now. Raises StoreUnavailable, and nothing else."""
        with self._hold(conversation) as held:
            while True:
                taken = self.mailbox.take(conversation, held.token)
                if isinstance(taken, Rest):
                    return
                if isinstance(taken, Later):
                    self._listen(conversation, taken)
                    return
                held.leased = True
                try:
                    more = isinstance(taken, Think) and self._think(held, taken)
                    if isinstance(taken, Speak):
                        self._speaker.speak(held, self.channel(conversation), taken)
                except LeaseLost:
                    log.warning("lease lost", extra={"conversation": pseudonym(conversation)})
                    return
                if not more and not self.mailbox.release(conversation, held.token):
                    return

    def abandon(self) -> None:
        """Give every conversation back at once, for another worker to go on with."""
        for held in self.held:
            self.mailbox.defer(held.conversation, held.token, 0)

    @contextmanager
    def _hold(self, conversation: str) -> Iterator[Held]:
        held = Held(conversation)
        self._held[held.token] = held
        try:
            yield held
        finally:
            del self._held[held.token]

    def _listen(self, conversation: str, later: Later) -> None:
        self.look_again(later.seconds)
        channel = self.channel(conversation)
        if later.listening and channel:
            self.show_typing(channel, conversation, later.listening.id)

    # -- think ------------------------------------------------------------------------------------

    def _think(self, held: Held, task: Think) -> bool:
        """Answer a batch; True when its reply may be spoken at once."""
        batch, language = task.batch, self._language(task)
        started = time.monotonic()
        try:
            thought = self._thought(held, task, language)
        except LeaseLost:
            raise
        except Unavailable as error:
            self._wait(held, task, language, error, time.monotonic() - started)
            return False
        except Rejected as error:
            log.error("the model refuses a turn: %s", error, extra={"conversation": pseudonym(held.conversation)})
            thought = self._apology(batch, language, "rejected")
        except StoreUnavailable:
            raise
        except Exception:  # the border of a turn: whatever fails here must not end the conversation
            log.exception("a turn failed", extra={"conversation": pseudonym(held.conversation)})
            if int(task.state.get("tries", 0)) + 1 < TRIES:
                self.mailbox.defer(held.conversation, held.token, 1, failed=True)
                return False
            thought = self._apology(batch, language, "dead")
        self._commit(held, batch, thought, language)
        self._log(held, batch, thought.outcome, time.monotonic() - started)
        return True

    def _thought(self, held: Held, task: Think, language: Language) -> Thought:
        batch, channel = task.batch, self.channel(held.conversation)
        if channel is None:
            raise Unavailable(f"the channel {channel_of(held.conversation)} is off", retry_after=60)
        if name := batch.messages[0].command:
            return self._order(name, language)
        if not batch.text.strip():
            return Thought(texts.NO_TEXT.to(language), outcome="no text")
        held.typing_for = batch.messages[-1].id
        self.show_typing(channel, held.conversation, held.typing_for)
        asked = self._turn("user", batch.text, batch.turn)
        fit = self._fit(held.conversation, task, asked, language)
        answer = self._stream(held, Prompt(fit.turns, pseudonym(held.conversation), language))
        return Thought(answer, (asked, self._turn("assistant", answer, batch.turn)), window=fit.window)

    def _order(self, name: str, language: Language) -> Thought:
        command = self._commands.get(name)
        if command is None:
            return Thought(texts.UNKNOWN_COMMAND.to(language, command=name), outcome="unknown command")
        done = command.run(Order(language, self._business, self._commands))
        return Thought(done.text, mode="clear" if done.clears else "append", outcome=f"/{name}")

    def _fit(self, conversation: str, task: Think, asked: Turn, language: Language) -> context.Fit:
        window = int(task.state.get("window", 0))
        budget = self._budget()
        past = self._history.tail(conversation, window, budget)
        if self._backend.takes_notes:
            note = context.note(datetime.now().astimezone(), language)
            asked = Turn("user", asked.text, self._backend.count_tokens(f"{note}\n\n{asked.text}"), asked.number, note)
        return context.fit(
            self._systems[language], past, asked, window=window, budget=budget, count=self._backend.count_tokens
        )

    def _budget(self) -> int:
        """Tokens for the prompt: what the setting and the server allow, less the answer's share."""
        limits = [limit for limit in (self._settings.context_tokens, self._backend.context_tokens()) if limit]
        known = min(limits, default=DEFAULT_CONTEXT)
        return max(known - self._settings.reply_tokens, known // 4)

    def _stream(self, held: Held, prompt: Prompt) -> str:
        """The whole answer. One that trickles for longer than TURN_SECONDS ends with what came until then."""
        pieces: list[str] = []
        held.stream = stream = self._backend.stream(prompt)
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
        if not (answer := "".join(pieces).strip()):
            raise Unavailable("the model answered without a word")
        return answer

    def _wait(self, held: Held, task: Think, language: Language, error: Unavailable, spent: float) -> None:
        """Nobody waits in a thread for a model: the turn is deferred, and the person told once."""
        waits = int(task.state.get("waits", 0))
        waited = spent + 2**waits - 1
        notice = None
        if waited + (error.retry_after or 1) >= self._settings.slow_notice_seconds:
            notice = self._reply(held.conversation, -task.batch.turn, texts.SLOW.to(language))
        log.warning(
            "the model is away, the turn waits: %s", error, extra={"conversation": pseudonym(held.conversation)}
        )
        self.mailbox.defer(held.conversation, held.token, error.retry_after or 1, notice=notice)

    def _apology(self, batch: Batch, language: Language, outcome: str) -> Thought:
        text = texts.APOLOGY.to(language)
        turns = (self._turn("user", batch.text, batch.turn), self._turn("assistant", text, batch.turn))
        return Thought(text, turns, mode="bury" if outcome == "dead" else "append", outcome=outcome)

    def _commit(self, held: Held, batch: Batch, thought: Thought, language: Language) -> None:
        reply = self._reply(held.conversation, batch.turn, thought.text)
        committed = patiently(
            lambda: self.mailbox.commit(
                held.conversation, held.token, batch.turn, reply, thought.turns,
                mode=thought.mode, window=thought.window, language=language,
            )
        )  # fmt: skip
        held.typing_for = ""
        if not committed:
            raise LeaseLost

    # -- small things -----------------------------------------------------------------------------

    def _language(self, task: Think) -> Language:
        chosen = task.state.get("language", "")
        spoken = next((m.language for m in reversed(task.batch.messages) if m.language), "")
        return language_of(chosen or spoken, self._settings.default_language)

    def _reply(self, conversation: str, turn: int, text: str) -> Reply | None:
        channel = self.channel(conversation)
        return Reply(turn, channel.render(text) or (Piece(text),)) if channel else None

    def _turn(self, role: str, text: str, number: int) -> Turn:
        return Turn(role, text, self._backend.count_tokens(text), number)  # type: ignore[arg-type]

    def _system(self, language: Language) -> Turn:
        return context.system_turn(self._settings.system_prompt, self._business, language, self._backend.count_tokens)

    def _log(self, held: Held, batch: Batch, outcome: str, seconds: float) -> None:
        log.info(
            "turn",
            extra={
                "conversation": pseudonym(held.conversation), "channel": channel_of(held.conversation),
                "backend": self._backend.name, "turn": batch.turn, "messages": len(batch.messages),
                "think_ms": round(seconds * 1000), "outcome": outcome,
            },
        )  # fmt: skip
