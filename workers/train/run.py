"""One training from its file to its folder: said before, shown while it goes on, and kept afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from rich.console import Console as Terminal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.errors import SettingsError
from bot.settings import Settings
from workers.backends.local import adapters, loading
from workers.backends.local.hub import DEFAULT_MODEL
from workers.backends.local.memory import is_shortage
from workers.train import card, checkpoint, data, lora
from workers.train.lessons import Lessons, prepare
from workers.train.loop import Loop
from workers.train.place import check_place, writing
from workers.train.plan import Plan

_WITH: Final = ("peft", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class _Training:
    loop: Loop
    model: Any
    tokenizer: Any
    plan: Plan
    facts: card.Facts
    folder: Path
    made_with: dict[str, Any]


def train(settings: Settings, path: Path, folder: Path, plan: Plan, *, resume: bool, terminal: Terminal) -> None:
    """Train an adapter for the model of ``settings`` on the conversations in ``path``, and write it to ``folder``.

    Raises SettingsError for everything an operator can mend.
    """
    _check_folder(folder, resume=resume)
    if settings.llm_quantization == "int8":
        raise SettingsError("LLM_QUANTIZATION: an int8 model cannot learn. Set it to none or 4bit.")
    found = data.read(path)
    loaded = loading.load(settings.model_copy(update={"llm_adapter": None}), progress=True)
    if "float16" in str(loaded.model.dtype).split("."):
        raise SettingsError("LLM_DTYPE: float16 is too coarse to learn in. Set it to bfloat16 or float32.")
    lessons = prepare(found, settings, plan, loaded.tokenizer, loaded.model)
    with _memory_in_words(), writing(folder, "Then go on with --resume."):
        training = _open(settings, loaded, plan, lessons, folder)
        _announce(training, lessons, loaded.report, terminal)
        _follow(training, terminal, resume=resume)
        _keep(training)
    _conclude(training, terminal)


def _check_folder(folder: Path, *, resume: bool) -> None:
    check_place(folder)
    if (folder / adapters.WEIGHTS).exists() and not (folder / checkpoint.NAME).exists():
        raise SettingsError(f"{folder} holds an adapter already. Choose another folder, or delete this one.")
    if (folder / checkpoint.NAME).exists() and not resume:
        raise SettingsError(f"{folder} holds an interrupted training. Go on with --resume, or choose another folder.")
    ours = resume and (folder / adapters.BASE).exists()
    if folder.exists() and any(folder.iterdir()) and not ours:
        raise SettingsError(f"{folder} is not empty. Choose another folder.")


def _open(settings: Settings, loaded: Any, plan: Plan, lessons: Lessons, folder: Path) -> _Training:
    """Everything that a training needs, with a fresh adapter on the model."""
    base, tokenizer = loaded.model, loaded.tokenizer
    facts = card.Facts(
        base=settings.llm_model or DEFAULT_MODEL,
        revision=_revision(base),
        sha256=lessons.sha256,
        conversations=lessons.conversations,
        layers=tuple(lora.targets(base, plan.targets)),
        number_type=str(base.dtype).removeprefix("torch."),
        quantization=settings.llm_quantization,
    )
    folder.mkdir(parents=True, exist_ok=True)
    adapters.write_base(base, folder, name=facts.base, revision=facts.revision, layers=list(facts.layers))
    model = lora.adapt(base, plan)
    model.peft_config["default"].base_model_name_or_path = facts.base
    model.peft_config["default"].revision = facts.revision or None
    loop = Loop(model, tokenizer.pad_token_id or 0, plan, lessons.learnt, lessons.held)
    made_with = asdict(plan) | asdict(facts)
    del made_with["every"]
    return _Training(loop, model, tokenizer, plan, facts, folder, made_with)


def _revision(model: Any) -> str:
    """The commit that was loaded: the Hub's cache calls its folders so. Empty for an operator's own folder."""
    folder = Path(str(model.name_or_path))
    return folder.name if folder.parent.name == "snapshots" else ""


def _announce(training: _Training, lessons: Lessons, report: str, terminal: Terminal) -> None:
    """What will be done, before it is."""
    loop, plan, (learnt, held) = training.loop, training.plan, lessons.conversations
    trained, whole = training.model.get_nb_trainable_parameters()
    steps = f"{plan.epochs} epochs of {loop.epoch} steps, {loop.total} in all"
    layers = ", ".join(training.facts.layers)
    lines = [
        report,
        f"{learnt} conversations to learn from, {held} held out: {steps}.",
        f"{trained:,} parameters learn, {whole - trained:,} stay as they are; layers: {layers}.",
        f"It is kept in {training.folder} every {plan.every} steps; after an interruption go on with --resume.",
    ]
    if lessons.left_out:
        lines.insert(2, f"{lessons.left_out} are longer than {plan.tokens} tokens and are left out: shorten them.")
    terminal.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _follow(training: _Training, terminal: Terminal, *, resume: bool) -> None:
    """Train, with a bar that moves, and a checkpoint now and then."""
    loop, model, folder, made_with = training.loop, training.model, training.folder, training.made_with
    if resume and (folder / checkpoint.NAME).exists():
        loop.state = checkpoint.load(folder, model, loop.optimiser, made_with)
        terminal.print(f"Going on after step {loop.state.step}.", highlight=False)
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn()
    with Progress(*columns, console=terminal) as progress:
        bar = progress.add_task("", total=loop.total, completed=loop.state.step)

        def after() -> None:
            progress.update(bar, completed=loop.state.step, description=f"loss {loop.state.losses[-1]:.3f}")
            if loop.state.step % training.plan.every == 0 or loop.state.step == loop.total:
                checkpoint.save(folder, model, loop.optimiser, loop.state, made_with)

        loop.run(after)


def _keep(training: _Training) -> None:
    """The adapter, its tokenizer and its card; only then the checkpoint goes."""
    folder = training.folder
    training.tokenizer.save_pretrained(folder)
    training.model.save_pretrained(folder, save_embedding_layers=False)
    trained, _ = training.model.get_nb_trainable_parameters()
    versions = {name: version(name) for name in _WITH}
    text = card.write(training.facts, training.plan, training.loop.state, trained, versions)
    (folder / "README.md").write_text(text, encoding="utf-8")
    checkpoint.remove(folder)


def _conclude(training: _Training, terminal: Terminal) -> None:
    held = training.loop.state.held
    if held:
        best = held.index(min(held))
        terminal.print(f"Loss on what was held out: {held[0]:.3f} before, {held[-1]:.3f} now.", highlight=False)
        if best < len(held) - 1:
            terminal.print(f"It was lowest after epoch {best}; --epochs {max(best, 1)} would learn less by heart.")
    terminal.print(f"Serve it with LLM_ADAPTER={training.folder}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _memory_in_words() -> Iterator[None]:
    """What a training needs beside the weights is not known before it is there."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_shortage(error):
            raise
        raise SettingsError(
            "Not enough memory to train. Try, in this order: --batch 1 --accumulate 4; --save-memory; --tokens 512; "
            "LLM_QUANTIZATION=4bit; a smaller model."
        ) from None
