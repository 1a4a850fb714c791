"""Which of a conversation's tokens are learnt."""

from __future__ import annotations

from collections.abc import Sequence

from workers.train.data import Message
from workers.train.encode import IGNORED, encode

END, OPENING = 1, 2
TALK: tuple[Message, ...] = (
    {"role": "user", "content": "ab"},
    {"role": "assistant", "content": "cd"},
    {"role": "user", "content": "e"},
    {"role": "assistant", "content": "f"},
)


def plain(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def render(messages: Sequence[Message], opening: bool) -> list[int]:
    ids = [one for m in messages for one in (OPENING, *plain(m["role"][0] + m["content"]), END)]
    return [*ids, OPENING, ord("a")] if opening else ids


def forgetful(messages: Sequence[Message], opening: bool) -> list[int]:
    """A template that writes an answer otherwise once it is no longer the last."""
    return render([m | {"content": m["content"].upper()} for m in messages[:-1]] + list(messages[-1:]), opening)


def test_all_answers_of_a_conversation_are_learnt_with_their_ends_and_nothing_else() -> None:
    (example,) = encode(TALK, render, plain, {END}, END)

    assert example.ids == render(TALK, False)
    assert [label for label in example.labels if label != IGNORED] == [*plain("cd"), END, *plain("f"), END]
    assert all(label in (IGNORED, one) for one, label in zip(example.ids, example.labels, strict=True))
    assert example.learnt == 5


def test_where_the_template_rewrites_the_past_each_answer_is_an_example_of_its_own() -> None:
    """Each prompt is then what it will be when that answer is asked for."""
    first, second = encode(TALK, forgetful, plain, {END}, END)

    assert first.ids == [*forgetful(TALK[:1], True), *plain("cd"), END]
    assert second.ids == [*forgetful(TALK[:3], True), *plain("f"), END]
    assert [label for label in second.labels if label != IGNORED] == [*plain("f"), END]


def test_an_answer_that_the_template_does_not_end_gets_an_end() -> None:
    """Or the model would never learn to stop."""

    def endless(messages: Sequence[Message], opening: bool) -> list[int]:
        return [one for one in render(messages, opening) if one != END]

    (example, _) = encode(TALK, endless, plain, {END}, END)

    assert example.labels[-3:] == [*plain("cd"), END]
