"""The training itself. What a step does depends on the seed and its number alone, so that a resumed one is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from math import isfinite
from typing import Any, Final

from bot.errors import SettingsError
from workers.train.checkpoint import State
from workers.train.data import shuffled
from workers.train.encode import Example, collate
from workers.train.plan import Plan

WARM_SHARE: Final = 0.05
"""Of all steps, over which the learning rate rises; then it falls in a line to nothing."""
CLIP: Final = 1.0
"""The longest gradient."""


class Loop:
    """One training; it goes on from wherever ``state`` says."""

    def __init__(self, model: Any, pad: int, plan: Plan, learnt: Sequence[Example], held: Sequence[Example]) -> None:
        import torch  # noqa: PLC0415 - heavy, and only with the local extra

        self.state = State()
        self.optimiser = torch.optim.AdamW(_trained(model), lr=plan.rate, weight_decay=0.0)
        self._model, self._pad, self._plan = model, pad, plan
        self._learnt, self._held = learnt, held
        self.epoch, self.total = _steps(len(learnt), plan)

    def run(self, after: Callable[[], None]) -> None:
        """Train to the end; ``after`` is called after each step. Raises SettingsError where the loss is no number."""
        if not self.state.held:
            self._examine()
        for step in range(self.state.step, self.total):
            self.state.losses.append(self._step(step))
            self.state.step = step + 1
            if self.state.step % self.epoch == 0:
                self._examine()
            after()

    def _examine(self) -> None:
        if self._held:
            self.state.held.append(self._held_loss())

    def _held_loss(self) -> float:
        """The mean loss of a token in what was held out."""
        import torch  # noqa: PLC0415

        _examined(self._model)
        with torch.no_grad():
            parts = [self._loss(part) * _size(part) for part in _parts(self._held, self._plan.batch)]
        return _check(sum(part.item() for part in parts) / _size(self._held))

    def _step(self, step: int) -> float:
        import torch  # noqa: PLC0415

        torch.manual_seed(self._plan.seed + step)
        chosen = self._chosen(step)
        self._model.train()
        total = 0.0
        for part in _parts(chosen, self._plan.batch):
            loss = self._loss(part) * (_size(part) / _size(chosen))
            loss.backward()
            total += loss.item()
        _check(total + torch.nn.utils.clip_grad_norm_(_trained(self._model), CLIP).item())
        for group in self.optimiser.param_groups:
            group["lr"] = self._plan.rate * _share(step, self.total)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return total

    def _loss(self, part: Sequence[Example]) -> Any:
        return self._model(**collate(part, self._pad, self._model.device)).loss

    def _chosen(self, step: int) -> list[Example]:
        """The examples of a step: each epoch goes through all of them in an order of its own."""
        epoch, place = divmod(step, self.epoch)
        order = shuffled(len(self._learnt), f"{self._plan.seed}:{epoch}")
        size = self._plan.batch * self._plan.accumulate
        return [self._learnt[one] for one in order[place * size : (place + 1) * size]]


def _check(value: float) -> float:
    """A loss or a gradient as it is. Raises SettingsError where it is no number: all that followed would be none."""
    if not isfinite(value):
        raise SettingsError(
            "The training has come apart: its loss is no number. Start again with a --rate ten times lower."
        )
    return value


def _examined(model: Any) -> None:
    """Put the model into a state to be measured, without dropout.

    bitsandbytes' layers stay as when learning: on a CPU with bfloat16 of its own they would be packed for
    good, and packed ones pass no gradient on (bitsandbytes 0.50, Linear4bit.forward and matmul_4bit).
    """
    model.eval()
    for module in model.modules():
        if type(module).__module__.startswith("bitsandbytes."):
            module.training = True


def _steps(examples: int, plan: Plan) -> tuple[int, int]:
    """The steps of an epoch, and of the whole training."""
    an_epoch = -(-examples // (plan.batch * plan.accumulate))
    return an_epoch, an_epoch * plan.epochs


def _share(step: int, total: int) -> float:
    """Of the highest learning rate, at this step."""
    warm = max(1, round(total * WARM_SHARE))
    return min((step + 1) / warm, (total - step) / max(total - warm, 1), 1.0)


def _parts(examples: Sequence[Example], size: int) -> Iterator[list[Example]]:
    waiting = iter(examples)
    while part := list(islice(waiting, size)):
        yield part


def _size(examples: Sequence[Example]) -> int:
    return sum(one.learnt for one in examples)


def _trained(model: Any) -> list[Any]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
