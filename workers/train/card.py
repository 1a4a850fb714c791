"""The adapter's card: how it was made, and nothing of what people said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from workers.train.checkpoint import State
from workers.train.plan import Plan


@dataclass(frozen=True, slots=True)
class Facts:
    """What was trained on what: the base and its version (empty: not known), the data by its hash, and how many
    conversations were learnt from and held out."""

    base: str
    revision: str
    sha256: str
    conversations: tuple[int, int]
    layers: tuple[str, ...]
    number_type: str
    quantization: str


def write(facts: Facts, plan: Plan, state: State, parameters: int, versions: dict[str, str]) -> str:
    """The card as Markdown, with the fields by which the Hub finds an adapter's base
    (https://huggingface.co/docs/hub/model-cards)."""
    head = [f"base_model: {json.dumps(facts.base)}", "library_name: peft", "pipeline_tag: text-generation"]
    rows = [
        ("base model", f"`{facts.base}`"),
        ("its version", f"`{facts.revision}`" if facts.revision else "not known (a folder)"),
        ("its numbers", f"{facts.number_type}, quantization {facts.quantization}"),
        ("conversations", f"{facts.conversations[0]} to learn from, {facts.conversations[1]} held out"),
        ("their file", f"sha256 `{facts.sha256}`"),
        ("layers", ", ".join(facts.layers)),
        ("parameters", f"{parameters:,}"),
        *((name, str(value)) for name, value in asdict(plan).items() if name != "targets"),
        ("steps", str(state.step)),
        ("made", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ("with", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    parts = [
        "\n".join(["---", *head, "---"]),
        "# A LoRA adapter made by Recado",
        "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]),
        "## Loss",
        _losses(plan, state),
        "Serve it with `LLM_PROVIDER=local`, `LLM_MODEL` set to the base model and `LLM_ADAPTER` to this folder.",
        "It may repeat what stands in the conversations that it was made of. Treat it as you treat those.",
    ]
    return "\n\n".join(parts) + "\n"


def _losses(plan: Plan, state: State) -> str:
    size = max(len(state.losses) // plan.epochs, 1)
    lines = ["| epoch | trained on | held out |", "|---|---|---|"]
    for epoch in range(plan.epochs + 1):
        learnt = state.losses[(epoch - 1) * size : epoch * size] if epoch else []
        lines.append(f"| {epoch or 'before'} | {_mean(learnt)} | {_mean(state.held[epoch : epoch + 1])} |")
    return "\n".join(lines)


def _mean(losses: Sequence[float]) -> str:
    return f"{sum(losses) / len(losses):.3f}" if losses else ""
