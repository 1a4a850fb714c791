"""A conversation in the model's own template: the tokens that it will have when it is served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from bot.errors import Rejected, SettingsError
from bot.message import Role, Turn
from workers.backends.local.prompts import Prompts
from workers.train.data import Message
from workers.train.encode import Example, encode


class Template:
    """The template of one model. Raises SettingsError where it cannot be used."""

    def __init__(self, tokenizer: Any, model: Any) -> None:
        if tokenizer.eos_token_id is None:
            raise SettingsError("The model's tokenizer has no end of text: no answer would end. Choose another model.")
        self._prompts, self._tokenizer = Prompts(tokenizer), tokenizer
        ends = model.generation_config.eos_token_id
        self._ends = {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}

    def teach(self, messages: Sequence[Message]) -> list[Example]:
        """The examples of one conversation. Raises SettingsError where the template refuses it."""
        try:
            return encode(messages, self._render, self._plain, self._ends, self._tokenizer.eos_token_id)
        except Rejected as error:
            raise SettingsError(f"A conversation cannot be learnt: {error}. Choose another model.") from None

    def _render(self, messages: Sequence[Message], opening: bool) -> list[int]:
        turns = [Turn(cast("Role", one["role"]), one["content"]) for one in messages]
        return self._prompts.ids(turns, opening=opening)

    def _plain(self, text: str) -> list[int]:
        """What looks like a control token in it is text."""
        return list(self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))
