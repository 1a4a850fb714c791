"""Quotas: what each person has had of a day, in their conversation's ``state``, one by one where several write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bot.message import Conversation, Message
from bot.settings import Settings


class Spent(NamedTuple):
    """What a turn counts against the quotas of a ``day``; no day: nothing.

    ``people`` wrote its messages, one name for each message, as ``person`` gives it. They share the ``tokens``.
    """

    day: str = ""
    tokens: int = 0
    people: tuple[str, ...] = ()

    def shares(self) -> list[str | int]:
        """The end of each person's names in ``state``, their messages and their tokens, one after the other."""
        counted = Counter(self.people).items()
        return [part for who, n in counted for part in (_end(who), n, -(-self.tokens * n // len(self.people)))]


NOTHING = Spent()


def person(message: Message) -> str:
    """Whose quota a message counts against: in a group its sender, else (empty) the one who writes here."""
    return "" if message.sender in {"", Conversation.parse(message.conversation).chat} else message.sender


def people(messages: Iterable[Message]) -> tuple[str, ...]:
    """Whose quota each of these counts against; what people say to each other counts against nobody's."""
    return tuple(person(message) for message in messages if message.addressed)


def exhausted(settings: Settings, state: Mapping[str, str], who: Iterable[str], today: str) -> bool:
    """Whether nobody of ``who`` has anything left of their quota of ``today``."""
    if state.get("quota_day") != today:
        return False
    limits = (("quota_messages", settings.quota_messages_per_day), ("quota_tokens", settings.quota_tokens_per_day))
    return all(any(most and int(state.get(f"{name}{_end(one)}", 0)) >= most for name, most in limits) for one in who)


def untold(state: Mapping[str, str], who: Iterable[str]) -> dict[str, str]:
    """What ``state`` notes when it is told now that a quota is spent; empty when all of ``who`` have been told."""
    names = dict.fromkeys(f"quota_told{_end(one)}" for one in who)
    return {name: "1" for name in names if not state.get(name)}


def _end(who: str) -> str:
    return f":{who}" if who else ""
