"""Orders: a command is run and becomes a thought. Its effects are carried out when that is committed."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from bot import texts
from bot.business import Business
from bot.commands import Command, Done, Order
from bot.errors import BackendError
from bot.message import Conversation, Message
from bot.settings import Settings
from bot.stores.access import Stranger, is_admin, who_is
from bot.stores.mailbox import Mode
from bot.stores.taken import Think
from bot.texts import Language
from workers.backends import Backend
from workers.thought import Thought

CHOSEN: Final = "chosen"
"""In a conversation's state: the language that its person wants, whatever the platform says."""
MODEL: Final = "model"
"""In a conversation's state: the model that answers there instead of the usual one, as ``ollama/qwen3:4b``."""
PRESSED: Final = "pressed"
"""Why nothing is said to whoever pressed a button: they see what it did."""

_LOCAL: Final = (".local", ".internal", ".lan", ".home.arpa")


class Orders:
    """What a command may know of the installation. ``figures``, ``export`` and ``stranger`` raise StoreUnavailable."""

    def __init__(
        self, settings: Settings, *, business: Business, commands: Mapping[str, Command], backend: Backend,
        figures: Callable[[], Mapping[str, int]] = dict, export: Callable[[str], str] = str,
        stranger: Callable[[str], Stranger | None] = lambda _: None, model: str = "",
    ) -> None:  # fmt: skip
        """``export`` gives all that is stored of a person, as JSON; ``model`` is asked instead of the backend's usual
        one."""
        self._model = model
        self._settings, self._business, self._commands, self._backend = settings, business, commands, backend
        self._figures, self._export, self._stranger = figures, export, stranger
        self._thinker = thinker(settings)

    def run(
        self, task: Think, language: Language, *, now: datetime, boss: bool = False, broke: bool = False
    ) -> Thought:
        """What comes of the command of this batch; ``boss``: it is the owner's chat, ``broke``: no model is asked."""
        message = task.batch.messages[0]
        name = message.command
        if (command := self._commands.get(name)) is None:
            return Thought(texts.UNKNOWN_COMMAND.to(language, command=name), outcome="unknown command")
        known = self._order(message, task.state, language)
        order = replace(known, now=now, boss=boss, broke=broke, told=bool(self._settings.owner_chat))
        if command.admin and not order.admin:
            return Thought(texts.ADMIN_ONLY.to(language, command=name), outcome="admins only", grows=False)
        return self._thought(name, command.run(order), message)

    def model(self, state: Mapping[str, str]) -> str:
        """The model that this conversation wants, else its number's; empty: the usual one. What was wanted of another
        provider means nothing."""
        provider, _, model = state.get(MODEL, "").partition("/")
        return model if provider == self._backend.name and self._backend.chooses else self._model

    def _order(self, message: Message, state: Mapping[str, str], language: Language) -> Order:
        usual = self._settings.llm_model or self._backend.default_model or self._backend.name
        return Order(
            language, self._business, self._commands, words=_words(message), number=message.number,
            state=state, admin=is_admin(self._settings, message), private=is_private(message), pressed=message.pressed,
            model=self.model(state) or usual, chooses=self._backend.chooses, models=self._models,
            thinker=self._thinker, days=self._settings.history_days, figures=self._figures,
            export=lambda: self._export(_whose(message)), stranger=self._stranger,
        )  # fmt: skip

    def _models(self) -> Sequence[str]:
        try:
            return self._backend.models()
        except BackendError:  # whoever asks for one by its name may have it nevertheless
            return ()

    def _thought(self, name: str, done: Done, message: Message) -> Thought:
        mode: Mode = "erase" if done.erases else "clear" if done.clears else "append"
        notes = {**done.notes, **({CHOSEN: done.language} if done.language else {})}
        if done.model is not None:
            notes[MODEL] = f"{self._backend.name}/{done.model}" if done.model else ""
        return Thought(
            done.text, mode=mode, outcome=f"/{name}", reason=PRESSED if message.pressed else "", paused=done.pauses,
            grows=False, introduces=done.introduces, admission=done.admission, notes=notes, again=done.again,
            erases=_whose(message) if done.erases else "", file=done.file, file_name=done.file_name,
            instead=done.instead, hands_over=done.hands_over,
        )  # fmt: skip


def _whose(message: Message) -> str:
    """Whose data a person may see and erase here: what they said to another number is another business's."""
    return message.conversation if message.conversation.startswith("whatsapp:") else who_is(message.conversation)


def _words(message: Message) -> tuple[str, ...]:
    """What stands behind a command; plain words that are one have nothing behind them."""
    return () if message.order else tuple(message.text.split()[1:])


def is_private(message: Message) -> bool:
    """Whether nobody else reads along: in a group the sender is not the chat."""
    chat = Conversation.parse(message.conversation).chat
    return not chat.startswith("-") and message.sender in {"", chat}


def thinker(settings: Settings) -> str:
    """Who else reads what is said to the model: the hosts of its servers, but for the business' own; empty: nobody."""
    if settings.llm_provider == "huggingface" and not settings.llm_base_url:
        return "Hugging Face"
    if settings.llm_provider in {"faq", "local"}:
        return ""
    hosts = [urlsplit(url).hostname or "" for url in settings.llm_base_url]
    return ", ".join(dict.fromkeys(host for host in hosts if not _is_own(host)))


def _is_own(host: str) -> bool:
    """Whether a host is in the business' own network: a private address, or a name without a domain."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(_LOCAL)
