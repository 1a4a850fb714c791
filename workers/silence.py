"""Silence: what is rightly not answered, why, and what is said of that, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from bot import texts
from bot.business import Business
from bot.commands.baja import HINTED, OPTED_OUT
from bot.settings import Settings
from bot.stores import quota
from bot.stores.taken import Think
from bot.texts import Language

QUOTA: Final = "quota"
NOT_ADDRESSED: Final = "not addressed"
CLOSED: Final = "closed"
"""Why something was only heard; a conversation that is paused has a reason of its own."""

CLOSED_TOLD: Final = "closed_told"
"""In a conversation's state: until when it is closed, of which its person was told."""


def reason(task: Think, settings: Settings, business: Business, now: datetime) -> str:
    """Why what was said is rightly not answered, else empty."""
    if paused := task.state.get("paused"):
        return paused
    if not _addressed(task):
        return NOT_ADDRESSED
    if business.opening and not business.opening.answers_when_closed and business.is_closed(now):
        return CLOSED
    people = quota.people(task.batch.messages)
    return QUOTA if quota.exhausted(settings, task.state, people, now.date().isoformat()) else ""


def words(
    task: Think, why: str, business: Business, language: Language, now: datetime
) -> tuple[str, Mapping[str, str]]:
    """What is said of it (empty: nothing, or nothing more), and what the conversation's state keeps of that."""
    if why == QUOTA:
        told = quota.untold(task.state, quota.people(task.batch.messages))
        return (texts.QUOTA.to(language) if told else ""), told
    if why == CLOSED and business.opening:
        opens = business.opening.opens(now)
        mark = opens.isoformat() if opens else "never"
        if task.state.get(CLOSED_TOLD) != mark:
            return business.opening.unanswered(now, language), {CLOSED_TOLD: mark}
    if why == OPTED_OUT and not task.state.get(HINTED) and _addressed(task):
        return texts.OPTED_OUT_HINT.to(language), {HINTED: "1"}
    return "", {}


def _addressed(task: Think) -> bool:
    return any(message.addressed for message in task.batch.messages)
