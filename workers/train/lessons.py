"""What is learnt and what is held out, in the model's own tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.business import load_business
from bot.errors import SettingsError
from bot.settings import Settings
from workers.context import system_turn
from workers.train.data import Conversation, Data, Message, split
from workers.train.encode import Example
from workers.train.plan import Plan
from workers.train.template import Template


@dataclass(frozen=True, slots=True)
class Lessons:
    """The examples, of how many conversations they are made, and of which file (its SHA-256); ``left_out`` are the
    conversations that were too long."""

    learnt: list[Example]
    held: list[Example]
    conversations: tuple[int, int]
    left_out: int
    sha256: str


def prepare(found: Data, settings: Settings, plan: Plan, tokenizer: Any, model: Any) -> Lessons:
    """Examples of at most ``plan.tokens`` tokens, and no more than the model can take.

    Raises SettingsError when nothing is left to learn from.
    """
    longest = min(plan.tokens, model.config.get_text_config().max_position_embeddings)
    template, parts = Template(tokenizer, model), []
    for part in split(found.conversations, plan.validation, plan.seed):
        taught = [template.teach(_with_system(one, settings)) for one in part]
        parts.append([examples for examples in taught if max(len(one.ids) for one in examples) <= longest])
    learnt, held = parts
    if not learnt:
        raise SettingsError(
            f"No conversation fits into {longest} tokens, the system message included. "
            "Shorten them, or raise --tokens if the model can take more."
        )
    left_out = len(found.conversations) - len(learnt) - len(held)
    return Lessons(_flat(learnt), _flat(held), (len(learnt), len(held)), left_out, found.sha256)


def _with_system(one: Conversation, settings: Settings) -> Sequence[Message]:
    """A conversation that brings no system message has the one that this installation answers with."""
    if one.messages[0]["role"] == "system":
        return one.messages
    business = load_business(settings.business_file)
    turn = system_turn(settings.system_prompt, business, one.language or settings.default_language, len)
    return ({"role": "system", "content": turn.text}, *one.messages)


def _flat(taught: list[list[Example]]) -> list[Example]:
    return [one for examples in taught for one in examples]
