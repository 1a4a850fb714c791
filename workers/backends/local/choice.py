"""Which engine runs a model: batching, if it is proven to make the tokens the model makes; else one at a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bot.errors import SettingsError
from bot.message import Turn
from workers.backends.local.batching import PAGE, Manager
from workers.backends.local.engine import PROOF_TOKENS, Batching, Refused
from workers.backends.local.job import Engine
from workers.backends.local.memory import gigabytes, is_shortage, kv_bytes, kv_tokens
from workers.backends.local.serial import Serial

if TYPE_CHECKING:
    from bot.settings import Settings
    from workers.backends.local.loading import Loaded
    from workers.backends.local.prompts import Prompts

PARALLEL: Final = 64
"""Answers at once without LLM_PARALLEL; a worker asks for WORKER_CONCURRENCY of them."""

log = logging.getLogger("recado.local")


class Ends(NamedTuple):
    """The tokens that end an answer, and the one that fills a row."""

    tokens: list[int]
    pad: int


def open_engine(settings: Settings, loaded: Loaded, prompts: Prompts) -> Engine:
    """The engine for this model, proven to work. Raises SettingsError."""
    ends = _ends(loaded)
    _forget_defaults(loaded.model, ends)
    capacity = max(kv_tokens(loaded, settings), PAGE)
    if settings.llm_engine != "serial":
        try:
            return _batching(settings, loaded, prompts, capacity, ends)
        except Refused as refusal:
            if settings.llm_engine == "batching":
                raise SettingsError(
                    f"LLM_ENGINE=batching cannot run this model: {refusal}. Set LLM_ENGINE=auto."
                ) from None
            log.warning("answers are made one at a time, since batching cannot run this model: %s", refusal)
    return Serial(
        loaded.model,
        ends=ends.tokens,
        pad=ends.pad,
        most=_positions(loaded) or capacity,
        keep_bytes=capacity * kv_bytes(loaded.model),
        repetition_penalty=settings.llm_repetition_penalty,
    )


def _batching(settings: Settings, loaded: Loaded, prompts: Prompts, capacity: int, ends: Ends) -> Batching:
    """The batching engine. Raises Refused, and SettingsError where its cache does not fit into memory."""
    model, attention = loaded.model, loaded.model.config._attn_implementation  # noqa: SLF001 - it has no public name
    ids = prompts.ids((Turn("user", "Hola"),))
    expected = _greedy(model, ids, ends)
    try:
        engine = Batching(
            manager := Manager(model, capacity=capacity, ends=ends.tokens, pad=ends.pad),
            vocabulary=model.get_input_embeddings().num_embeddings,
            most=min(manager.capacity, _positions(loaded) or capacity),
            parallel=settings.llm_parallel or PARALLEL,
            ends=ends.tokens,
            device=loaded.device,
        )
        engine.prove(ids, expected)
    except Exception as error:  # the border to a library that knows not every model
        model.set_attn_implementation(attention)
        if is_shortage(error.__cause__ or error):
            size = gigabytes(capacity * kv_bytes(model))
            raise SettingsError(f"{capacity} tokens of conversations take {size}: set LLM_KV_TOKENS lower.") from error
        raise error if isinstance(error, Refused) else Refused(f"{type(error).__name__}: {error}") from error
    return engine


def _greedy(model: Any, ids: list[int], ends: Ends) -> list[int]:
    """What the model itself answers."""
    import torch  # noqa: PLC0415 - heavy, and not installed everywhere
    from transformers import GenerationConfig  # noqa: PLC0415

    tokens = torch.tensor([ids], device=model.device)
    config = GenerationConfig(
        max_new_tokens=PROOF_TOKENS, do_sample=False, eos_token_id=ends.tokens, pad_token_id=ends.pad
    )
    made = model.generate(input_ids=tokens, attention_mask=torch.ones_like(tokens), generation_config=config)
    return [int(token) for token in made[0, len(ids) :]]


def _ends(loaded: Loaded) -> Ends:
    """The model's, and its tokenizer's."""
    model, tokenizer = loaded.model.generation_config, loaded.tokenizer
    known = model.eos_token_id if isinstance(model.eos_token_id, list) else [model.eos_token_id]
    ends = list(dict.fromkeys(end for end in [*known, tokenizer.eos_token_id] if end is not None))
    if not ends:
        raise SettingsError("The tokenizer of this model has no end-of-sequence token: choose another LLM_MODEL.")
    return Ends(ends, next(pad for pad in (tokenizer.pad_token_id, ends[0]) if pad is not None))


def _forget_defaults(model: Any, ends: Ends) -> None:
    """A model may bring settings of its own, which ``generate`` mixes into ours (such as a repetition penalty)."""
    from transformers import GenerationConfig  # noqa: PLC0415

    model.generation_config = GenerationConfig(eos_token_id=ends.tokens, pad_token_id=ends.pad)


def _positions(loaded: Loaded) -> int | None:
    """Tokens that the model was made to read."""
    return getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None)
