"""From messages to tokens: what the model reads, and which of it it learns to say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workers.train.data import Message

IGNORED: Final = -100
"""The label of a token that is read and not learnt (torch.nn.CrossEntropyLoss's ignore_index)."""

Render = Callable[[Sequence[Message], bool], list[int]]
"""Messages to ids by the model's template; True: with the opening of the answer to come."""


@dataclass(frozen=True, slots=True)
class Example:
    """What is read at once; ``labels`` are its ids where they are learnt, else IGNORED."""

    ids: list[int]
    labels: list[int]

    @property
    def learnt(self) -> int:
        """How many of its tokens are learnt."""
        return sum(label != IGNORED for label in self.labels)


def encode(
    messages: Sequence[Message], render: Render, plain: Callable[[str], list[int]], ends: Collection[int], end: int
) -> list[Example]:
    """The examples that teach every answer of a conversation, each as it will be asked for when serving.

    One example with all answers, where the template writes a conversation so that each turn only adds to it. Some
    templates do not (they drop what an earlier answer thought, or open an answer with more than they keep of it);
    then each answer is an example of its own: its prompt, its words (``plain``), and ``end``. ``ends`` are the
    tokens at which generation stops; an answer is learnt up to the last of them.
    """
    places = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
    return _whole(messages, places, render, ends) or [
        _alone(render(messages[:place], True), [*plain(messages[place]["content"]), end]) for place in places
    ]


def _whole(messages: Sequence[Message], places: list[int], render: Render, ends: Collection[int]) -> list[Example]:
    ids = render(messages, False)
    labels = [IGNORED] * len(ids)
    for place in places:
        before, after = render(messages[:place], True), render(messages[: place + 1], False)
        last = max((at for at in range(len(before), len(after)) if after[at] in ends), default=0)
        if not last or after[: len(before)] != before or ids[: len(after)] != after:
            return []
        labels[len(before) : last + 1] = ids[len(before) : last + 1]
    return [Example(ids, labels)]


def _alone(prompt: list[int], answer: list[int]) -> Example:
    return Example(prompt + answer, [IGNORED] * len(prompt) + answer)


def collate(examples: Sequence[Example], pad: int, device: Any) -> dict[str, Any]:
    """One batch, padded at the right, as a causal model of transformers takes it."""
    import torch  # noqa: PLC0415 - heavy, and only with the local extra

    width = max(len(one.ids) for one in examples)

    def rows(values: Sequence[list[int]], filler: int) -> Any:
        return torch.tensor([row + [filler] * (width - len(row)) for row in values], device=device)

    return {
        "input_ids": rows([one.ids for one in examples], pad),
        "attention_mask": rows([[1] * len(one.ids) for one in examples], 0),
        "labels": rows([one.labels for one in examples], IGNORED),
    }
