"""The command lines of training, and the documents that describe them."""

from __future__ import annotations

import re
import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest
from rich.console import Console as Terminal

from bot.errors import SettingsError
from bot.settings import Settings, load_settings
from workers.train.command import merge as merge_
from workers.train.command import train as train_
from workers.train.merge import modelfile
from workers.train.plan import Plan
from workers.train.run import train

ROOT = Path(__file__).parents[2]
GOOD = '{"messages": [{"role": "user", "content": "Hola"}, {"role": "assistant", "content": "¡Buenas!"}]}'


def test_nothing_is_loaded_for_a_broken_file(tmp_path: Path) -> None:
    """Whether or not the local extra is there."""
    (tmp_path / "talk.jsonl").write_text("{")

    with pytest.raises(SettingsError, match="line 1"):
        learn(tmp_path)


def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine.txt").write_text("x")

    for resume in (False, True):
        with pytest.raises(SettingsError, match="is not empty"):
            learn(tmp_path, resume=resume)


def test_without_the_local_extra_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "transformers", "peft"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "talk.jsonl").write_text(GOOD)

    with pytest.raises(SettingsError, match="make install EXTRAS=local"):
        learn(tmp_path)


def learn(folder: Path, *, resume: bool = False) -> None:
    settings = load_settings(llm_model=str(folder))
    train(settings, folder / "talk.jsonl", folder / "new", Plan(), resume=resume, terminal=Terminal(quiet=True))


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["train", "talk.jsonl", "--to", "new"], "line 1: not JSON"),
        (["merge", "nowhere", "--to", "new"], "nowhere is no folder"),
        (["train", "talk.jsonl", "--to", "talk.jsonl"], "talk.jsonl cannot be written"),
        (["merge", "nowhere", "--to", "talk.jsonl/new"], "talk.jsonl/new cannot be written"),
    ],
)
def test_the_command_line_says_what_is_wrong_and_ends(
    tmp_path: Path, clean_env: dict[str, str], command: list[str], why: str
) -> None:
    (tmp_path / "talk.jsonl").write_text("{")
    whole = [sys.executable, "-m", "workers", *command]

    done = subprocess.run(whole, cwd=tmp_path, env=clean_env, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_ollama_is_given_the_folder_or_the_file_that_a_converter_makes_first() -> None:
    assert modelfile("LlamaForCausalLM") == "FROM .\n"
    assert modelfile("Qwen3ForCausalLM") == "FROM ./model.gguf\n"


ENGLISH, SPANISH = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("training.md", "training.es.md"))


def test_both_documents_say_the_same() -> None:
    def shape(text: str) -> list[str]:
        lines = text.splitlines()
        return [line.partition(" ")[0] for line in lines if line.startswith(("#", "|", "- ", "  ```", "```"))]

    def code(text: str) -> list[str]:
        return re.findall(r"```(?:sh|ini|json)\n(.*?)```", text, re.DOTALL)

    assert shape(SPANISH) == shape(ENGLISH)
    assert [block.split() for block in code(SPANISH)] == [block.split() for block in code(ENGLISH)]


@pytest.mark.parametrize("text", [ENGLISH, SPANISH])
def test_every_option_setting_and_file_of_the_documents_exists(text: str) -> None:
    names = {"--" + name.replace("_", "-") for command in (train_, merge_) for name in signature(command).parameters}
    settings = re.findall(r"`((?:LLM|SYSTEM|BUSINESS|DEFAULT)_[A-Z_]+)", text)
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]

    assert set(re.findall(r"--[a-z-]+\b", text)) - names == {"--help", "--outfile", "--modelfile"}
    assert {name.lower() for name in settings} <= set(Settings.model_fields)
    assert [link for link in links if not (ROOT / "docs" / link).is_file()] == []


@pytest.mark.parametrize("text", [ENGLISH, SPANISH])
def test_the_documents_say_the_defaults(text: str) -> None:
    plan = Plan()

    assert f"| `--epochs` | {plan.epochs} |" in text
    assert f"| `--rate` | {plan.rate:.4f} |" in text
    assert f"| `--rank`, `--alpha`, `--dropout` | {plan.rank}, {plan.alpha}, {plan.dropout} |" in text
    assert f"| `--validation` | {plan.validation} |" in text
