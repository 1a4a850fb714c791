"""What an interrupted training goes on from: one safetensors file, replaced as a whole, whose header is the rest.

Nothing is pickled: the numbers are tensors, and what is not a tensor is JSON in the header's notes
(https://huggingface.co/docs/safetensors/index#format).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from bot.errors import SettingsError

NAME: Final = "training.safetensors"
_FRESH: Final = f"{NAME}.new"
_MOMENTS: Final = ("exp_avg", "exp_avg_sq")


@dataclass(slots=True)
class State:
    """How far a training is: steps done, each step's loss, and the loss on what was held out, before it and after
    each epoch."""

    step: int = 0
    losses: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)


def save(folder: Path, model: Any, optimiser: Any, state: State, made_with: dict[str, Any]) -> None:
    """Write the checkpoint; whoever is killed meanwhile finds the one before."""
    from safetensors.torch import save_file  # noqa: PLC0415 - only with the local extra

    tensors = {}
    for name, parameter in _trained(model):
        tensors[name] = parameter.detach().contiguous()
        for moment in _MOMENTS:
            tensors[f"{name}:{moment}"] = optimiser.state[parameter][moment].contiguous()
    notes = {"state": json.dumps(asdict(state)), "made_with": json.dumps(made_with, sort_keys=True)}
    fresh = folder / _FRESH
    save_file(tensors, fresh, metadata=notes)
    with fresh.open("rb") as opened:
        os.fsync(opened.fileno())
    fresh.replace(folder / NAME)


def load(folder: Path, model: Any, optimiser: Any, made_with: dict[str, Any]) -> State:
    """Put model and optimiser where the checkpoint in ``folder`` left them.

    Raises SettingsError when it was made with anything else than ``made_with``, or is broken.
    """
    import torch  # noqa: PLC0415 - heavy, and only with the local extra
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415

    try:
        with safe_open(folder / NAME, framework="pt") as opened:
            notes = opened.metadata()
            _compare(json.loads(notes["made_with"]), json.loads(json.dumps(made_with)))
            state = State(**json.loads(notes["state"]))
            for name, parameter in _trained(model):
                with torch.no_grad():
                    parameter.copy_(opened.get_tensor(name))
                moments = {m: opened.get_tensor(f"{name}:{m}").to(parameter.device) for m in _MOMENTS}
                optimiser.state[parameter] = {"step": torch.tensor(float(state.step)), **moments}
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise SettingsError(
            f"{folder / NAME} is broken ({error}). Delete it, and start again without --resume."
        ) from None
    return state


def remove(folder: Path) -> None:
    """After the end nothing is gone on from."""
    for name in (_FRESH, NAME):
        (folder / name).unlink(missing_ok=True)


def _compare(before: dict[str, Any], now: dict[str, Any]) -> None:
    changed = [f"{name} was {before.get(name)} and is {now.get(name)}" for name in now if before.get(name) != now[name]]
    if changed:
        raise SettingsError(
            "This training began with something else: " + "; ".join(changed) + ". "
            "Resume it with what it began with, or start anew in another folder."
        )


def _trained(model: Any) -> list[tuple[str, Any]]:
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
