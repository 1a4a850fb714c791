"""Turns become tokens: by the model's own template, without a person's words ever becoming control tokens."""

from __future__ import annotations

import math
import re
import secrets
import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from bot.errors import Rejected, SettingsError
from bot.message import Turn

REMEMBERED_MOST: Final = 4096
"""Answers and questions that are remembered; with answers of 512 tokens they take 16 MB."""
TAGS: Final = (
    "{% for m in messages %}[{{ m['role'] | upper }}]\n{{ m['content'] }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}[ASSISTANT]\n{% endif %}"
)
"""For a model without a template, such as DialoGPT; one that has a template understands nothing else."""
TAG_STOPS: Final = ("[SYSTEM]", "[USER]", "[ASSISTANT]")

_PROBE: Final = (Turn("system", "prueba"), Turn("user", "hola"))
_TALK: Final = (*_PROBE, Turn("assistant", "buenas"), Turn("user", "hasta luego"))
_TAG: Final = re.compile(r"<<?[/|]?\w+\|?>>?|\[/?\w+\]")
"""What opens a turn where a template has no control token for it: Mistral's [INST], TinyLlama's <|user|>, ours."""
_BRACKETS: Final = str.maketrans("<[]>", "(())")

Message = dict[str, str]
Kept = TypeVar("Kept")


class Prompts:
    """The prompts of one model. All methods may be called from many threads: a tokenizer may not, so it is locked.

    (``encode`` switches the tokenizer between control tokens and plain text, for whoever else is using it.)
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._lock = threading.RLock()
        self._template = None if tokenizer.chat_template else TAGS
        self.stops: tuple[str, ...] = TAG_STOPS if self._template else ()
        added = [token for token in tokenizer.added_tokens_encoder if not token.isspace()]
        self._control_ids = {tokenizer.added_tokens_encoder[token] for token in added} | set(tokenizer.all_special_ids)
        self._controls = _any_of(added)
        loose = any(token.normalized for token in tokenizer.added_tokens_decoder.values())
        self._normalizer = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None) if loose else None
        self._mark = f"\ue000{secrets.token_hex(8)}\ue000"  # nobody can guess it, so nobody can forge a part
        self._marked = re.compile(f"{self._mark}([0-9]+){self._mark}")
        self._answers: OrderedDict[tuple[str, str], array[int]] = OrderedDict()
        self._notes: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._folds = False
        self._folds = self._refuses_system()
        self._tags = _any_of(set(_TAG.findall(self._proven())).difference(added))
        said = sum(len(self._encode(turn.text, as_text=True)) for turn in _PROBE)
        self._overhead = max(0, len(self.ids(_PROBE)) - said) // len(_PROBE) + 1

    def ids(
        self, turns: Sequence[Turn], session: str = "", most: float = math.inf, *, opening: bool = True
    ) -> list[int]:
        """The tokens of a prompt, which ends where the answer begins; without ``opening``, where the last turn ends.

        What is remembered of this ``session`` is used again, so that what a model has computed of it fits: the
        tokens of each answer, and the note that each question had, unless these make more than ``most`` tokens.
        Raises Rejected where the template refuses the turns.
        """
        from jinja2.exceptions import TemplateError  # noqa: PLC0415 - a package of the local extra

        with self._lock:
            noted = [self._noted(turn, session) for turn in turns]
            try:
                ids = self._laid_out(noted, session, opening=opening)
                if len(ids) > most:
                    ids = self._laid_out(turns, "", opening=opening)
            except TemplateError as error:
                raise Rejected(f"the model's chat template refuses these turns: {error}") from None
            for turn in turns:
                if turn.note and session:
                    _keep(self._notes, (session, turn.text), turn.note)
            return ids

    def _noted(self, turn: Turn, session: str) -> Turn:
        """A question with the note that it was asked with."""
        if turn.role != "user" or turn.note or not session:
            return turn
        return replace(turn, note=self._notes.get((session, turn.text), ""))

    def _laid_out(self, turns: Sequence[Turn], session: str, *, opening: bool) -> list[int]:
        parts: list[str | array[int]] = []
        messages = [self._message(turn, session, parts) for turn in turns]
        return self._tokens(self._render(self._folded(_merged(messages)), opening=opening), parts)

    def count(self, text: str) -> int:
        """The tokens of a turn with this text, its share of the template included."""
        return len(self._encode(text, as_text=True)) + self._overhead

    def remember(self, session: str, text: str, made: Sequence[int]) -> None:
        """Keep the tokens that ``text`` was made of, to be used again where a prompt of this session has it."""
        with self._lock:
            while made and made[-1] in self._control_ids:
                made = made[:-1]
            if not (session and text.strip()) or self._control_ids.intersection(made) or self._tags.search(text):
                return
            _keep(self._answers, (session, text.strip()), array("L", made))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these tokens, without control tokens."""
        with self._lock:
            return str(self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _message(self, turn: Turn, session: str, parts: list[str | array[int]]) -> Message:
        """A turn for the template, with marks in the place of what it must not see: they lead into ``parts``."""
        key = session, turn.text.strip()
        if turn.role == "assistant" and key in self._answers:
            self._answers.move_to_end(key)
            parts.append(self._answers[key])
            return {"role": turn.role, "content": self._marker(parts)}
        text = self._tags.sub(lambda found: found[0].translate(_BRACKETS), self._undisguised(turn.prompt))

        def hide(found: re.Match[str]) -> str:
            parts.append(found[0])
            return self._marker(parts)

        return {"role": turn.role, "content": self._controls.sub(hide, text)}

    def _undisguised(self, text: str) -> str:
        """Some tokenizers take a wide bracket for a plain one, and find control tokens where nobody else does."""
        if self._normalizer is None or not self._control_ids.intersection(self._full(self._controls.sub("", text))):
            return text
        return str(self._normalizer.normalize_str(text)).translate(_BRACKETS)

    def _marker(self, parts: Sequence[object]) -> str:
        return f"{self._mark}{len(parts) - 1}{self._mark}"

    def _render(self, messages: list[Message], *, opening: bool = True) -> str:
        return str(
            self._tokenizer.apply_chat_template(
                messages,
                chat_template=self._template,
                tokenize=False,
                add_generation_prompt=opening,
                enable_thinking=False,
            )
        )

    def _tokens(self, text: str, parts: Sequence[str | array[int]]) -> list[int]:
        ids: list[int] = []
        for place, piece in enumerate(self._marked.split(text)):
            if place % 2 == 0:
                ids += self._encode(piece, inside=place > 0)
            elif isinstance(part := parts[int(piece)], str):
                ids += self._encode(part, as_text=True, inside=True)
            else:
                ids += part
        return ids

    def _encode(self, text: str, *, as_text: bool = False, inside: bool = False) -> list[int]:
        """The tokens of ``text``; ``as_text``: no control tokens; ``inside``: something stands before it.

        Some tokenizers put a blank before whatever comes first, so that something else is put there.
        """
        if not text:
            return []
        with self._lock:
            encode = self._plain if as_text else self._full
            before = encode("\n") if inside else []
            ids = encode("\n" + text) if inside else encode(text)
            if ids[: len(before)] == before:
                return ids[len(before) :]
            return encode(text)

    def _full(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _plain(self, text: str) -> list[int]:
        ids = list(self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))
        known = self._tokenizer.added_tokens_encoder
        if not any(known[found] in ids for found in self._controls.findall(text)):
            return ids
        letters = (self._tokenizer.encode(letter, add_special_tokens=False) for letter in text)
        return [token for letter in letters for token in letter]

    def _refuses_system(self) -> bool:
        """Some templates know no system turn: they say so, or leave it out."""
        from jinja2.exceptions import TemplateError  # noqa: PLC0415

        try:
            return _PROBE[0].text not in self._shown(_PROBE)
        except TemplateError:
            return True

    def _proven(self) -> str:
        """A conversation as this template shows it. Raises SettingsError where it does not show every word."""
        from jinja2.exceptions import TemplateError  # noqa: PLC0415

        try:
            shown = self._shown(_TALK)
        except TemplateError as error:
            raise SettingsError(
                f"The chat template of this model cannot be used ({error}): choose another LLM_MODEL."
            ) from None
        if not all(turn.text in shown for turn in _TALK):
            raise SettingsError("The chat template of this model leaves out what is said: choose another LLM_MODEL.")
        return shown

    def _shown(self, turns: Iterable[Turn]) -> str:
        return self._render(self._folded([{"role": turn.role, "content": turn.text} for turn in turns]))

    def _folded(self, messages: list[Message]) -> list[Message]:
        """The system's words open the person's first turn, where the template knows no system turn."""
        if not (self._folds and messages and messages[0]["role"] == "system"):
            return messages
        return _merged([{**messages[0], "role": "user"}, *messages[1:]])


def _keep(memory: OrderedDict[tuple[str, str], Kept], key: tuple[str, str], value: Kept) -> None:
    """What was not needed for longest gives way."""
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > REMEMBERED_MOST:
        memory.popitem(last=False)


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Matches any of these words, the longest first; without a word, nothing."""
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)")


def _merged(messages: Iterable[Message]) -> list[Message]:
    """Question, answer, question: many templates take nothing else. Neighbours of one role become one message."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"]:
            text = f"{merged.pop()['content']}\n\n{message['content']}"
            merged.append({**message, "content": text})
        else:
            merged.append(message)
    return merged
