"""The command lines: python -m workers train …, and python -m workers merge …"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console as Terminal

from bot.cli import begin
from bot.settings import Settings
from workers.train.plan import Plan

Device = Literal["auto", "cuda", "mps", "cpu"]

_Conversations = Annotated[Path, typer.Argument(help="A JSONL file: one conversation a line.")]
_Adapter = Annotated[Path, typer.Argument(help="A folder that train has written.")]
_To = Annotated[Path, typer.Option("--to", help="The folder to write; a new one.")]
_Model = Annotated[str, typer.Option(help="The base model. Empty: LLM_MODEL.")]
_DEFAULT = Plan()


def train(
    conversations: _Conversations,
    to: _To,
    *,
    model: _Model = "",
    device: Annotated[Device | None, typer.Option(help="Empty: LLM_DEVICE.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on with a training that was interrupted.")] = False,
    epochs: Annotated[int, typer.Option(min=1, help="How often all conversations are gone through.")] = _DEFAULT.epochs,
    batch: Annotated[int, typer.Option(min=1, help="Conversations computed at once.")] = _DEFAULT.batch,
    accumulate: Annotated[int, typer.Option(min=1, help="Batches of one step.")] = _DEFAULT.accumulate,
    rate: Annotated[float, typer.Option(min=0, help="The highest learning rate.")] = _DEFAULT.rate,
    rank: Annotated[int, typer.Option(min=1, help="The adapter's rank (r).")] = _DEFAULT.rank,
    alpha: Annotated[int, typer.Option(min=1, help="The adapter's scale.")] = _DEFAULT.alpha,
    dropout: Annotated[float, typer.Option(min=0, max=0.9, help="The adapter's dropout.")] = _DEFAULT.dropout,
    targets: Annotated[str, typer.Option(help="Layers that learn, by commas. Empty: all that are known.")] = "",
    validation: Annotated[
        float, typer.Option(min=0, max=0.9, help="The share that is held out.")
    ] = _DEFAULT.validation,
    tokens: Annotated[int, typer.Option(min=16, help="The longest conversation.")] = _DEFAULT.tokens,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same adapter.")] = _DEFAULT.seed,
    every: Annotated[int, typer.Option(min=1, help="Steps from checkpoint to checkpoint.")] = _DEFAULT.every,
    save_memory: Annotated[bool, typer.Option(help="Less memory, about a third slower.")] = False,
) -> None:
    """Teach the local model your way of answering: a LoRA adapter from a file of conversations."""
    from workers.train import run  # noqa: PLC0415 - the other commands do without

    wanted = tuple(name.strip() for name in targets.split(",") if name.strip())
    plan = Plan(
        epochs, batch, accumulate, rate, rank, alpha, dropout, wanted, validation, tokens, seed, every, save_memory
    )
    settings = _settings(model, device)
    run.train(settings, conversations, to, plan, resume=resume, terminal=Terminal())


def merge(adapter: _Adapter, to: _To, *, model: _Model = "") -> None:
    """Make a whole model of the base and an adapter, for Ollama and other servers."""
    from workers.train import merge as merging  # noqa: PLC0415 - the other commands do without

    merging.merge(_settings(model, None), adapter, to, Terminal())


def _settings(model: str, device: Device | None) -> Settings:
    settings = begin(level="WARNING")
    given = {"llm_model": model or settings.llm_model, "llm_device": device or settings.llm_device}
    return settings.model_copy(update=given)
