"""The file of conversations: what is read, what is refused and why, and what of it is learnt."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import load_settings
from workers.train import data
from workers.train.data import Conversation
from workers.train.lessons import _with_system

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "conversations.jsonl"
GOOD = '{"messages": [{"role": "user", "content": "Hola"}, {"role": "assistant", "content": "¡Buenas!"}]}'


def said(*roles: str) -> str:
    return json.dumps({"messages": [{"role": role, "content": "x"} for role in roles]})


def read(path: Path, text: str) -> data.Data:
    file = path / "talk.jsonl"
    file.write_text(text, encoding="utf-8")
    return data.read(file)


def test_the_example_can_be_read_and_has_both_languages() -> None:
    found = data.read(EXAMPLE)

    assert 10 <= len(found.conversations) <= 20
    assert {one.language for one in found.conversations} == {"es", "en"}
    assert found.sha256 == hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()


def test_empty_lines_and_foreign_keys_are_passed_over(tmp_path: Path) -> None:
    found = read(tmp_path, f"\n{GOOD}\r\n\n" + GOOD.replace('{"messages"', '{"id": 7, "messages"', 1) + "\n")

    assert [len(one.messages) for one in found.conversations] == [2, 2]
    assert found.conversations[0].messages[1] == {"role": "assistant", "content": "¡Buenas!"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not JSON"),
        ("[]", 'a list called "messages"'),
        ('{"messages": 1}', 'a list called "messages"'),
        ('{"messages": []}', "no question and no answer"),
        (said("system"), "no question and no answer"),
        ('{"messages": [1]}', "message 1 is no object"),
        (said("person"), "message 1: the role must be one of system, user, assistant"),
        ('{"messages": [{"role": "user", "content": ["x"]}]}', "message 1: the content must be a text"),
        ('{"messages": [{"role": "user", "content": " "}]}', "message 1: the content must be a text, and not empty"),
        ('{"messages": [{"role": "user", "content": "\\ud800"}]}', "message 1: half a character"),
        (said("user", "user", "assistant"), "message 2 is user's where assistant's is expected"),
        (said("system", "assistant"), "message 2 is assistant's where user's is expected"),
        (said("user", "assistant", "system", "assistant"), "message 3 is system's where user's is expected"),
        (said("user", "assistant", "user"), "the last message is a question"),
        (GOOD.replace("{", '{"language": "fr", ', 1), '"language" must be one of es, en'),
        ("[" * 100_000, "nested"),
    ],
)
def test_a_broken_line_is_named_by_its_number_and_its_fault(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(SettingsError, match="nothing was trained") as refused:
        read(tmp_path, f"{GOOD}\n\n{line}\n{GOOD}\n")

    assert "line 3: " in str(refused.value)
    assert why in str(refused.value)


def test_bytes_that_are_no_text_are_named_too(tmp_path: Path) -> None:
    (tmp_path / "talk.jsonl").write_bytes(GOOD.encode() + b"\n" + GOOD.encode("latin-1"))

    with pytest.raises(SettingsError, match="line 2: not UTF-8"):
        data.read(tmp_path / "talk.jsonl")


def test_of_many_broken_lines_the_first_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"line 10: .*\n  and 2 more$"):
        read(tmp_path, "{\n" * 12)


def test_a_file_without_conversations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no conversation"):
        read(tmp_path, "\n\n")
    with pytest.raises(SettingsError, match="cannot be read"):
        data.read(tmp_path / "nowhere.jsonl")


def talks(count: int) -> list[Conversation]:
    return [Conversation(({"role": "user", "content": str(place)},)) for place in range(count)]


@pytest.mark.parametrize(("count", "share", "held"), [(20, 0.1, 2), (20, 0, 0), (3, 0.1, 1), (1, 0.5, 0), (2, 0.9, 1)])
def test_a_share_is_held_out_and_something_is_left_to_learn(count: int, share: float, held: int) -> None:
    learnt, kept = data.split(talks(count), share, seed=0)

    assert (len(learnt), len(kept)) == (count - held, held)
    assert sorted([*learnt, *kept], key=str) == sorted(talks(count), key=str)


def test_the_seed_alone_says_what_is_held_out() -> None:
    assert data.split(talks(50), 0.2, seed=1) == data.split(talks(50), 0.2, seed=1)
    assert data.split(talks(50), 0.2, seed=1) != data.split(talks(50), 0.2, seed=2)


def test_who_brings_no_instructions_is_taught_with_those_of_the_installation(tmp_path: Path) -> None:
    """An answer is learnt after the words after which it will be given."""
    settings = load_settings(system_prompt="Sé amable.", business_file=ROOT / "business.example.toml")
    own, none = data.read(EXAMPLE).conversations[0], Conversation(({"role": "system", "content": "Yo"},))

    taught = _with_system(own, settings)

    assert [message["role"] for message in taught] == ["system", "user", "assistant"]
    assert taught[0]["content"].startswith("Sé amable.")
    assert "La Espiga" in taught[0]["content"]
    assert _with_system(none, settings) == none.messages
