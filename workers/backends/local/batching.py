"""transformers' continuous batching, by the names it has in 5.23: the one place to change when they move."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

from workers.backends.local.job import Knobs
from workers.backends.local.sampling import TOP_K, quicken

PAGE: Final = 32
"""Tokens in a page of the cache: only whole pages are shared, so that small ones share more."""
STEP_TOKENS: Final = {"cuda": 1024}
STEP_TOKENS_ELSEWHERE: Final = 512
"""Tokens computed in one step: a long prompt is read in so many steps, and others go on between them."""
STOP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Output:
    """What one step made of a request: all its tokens since it was added."""

    request: str
    tokens: list[int]
    finished: bool
    error: str = ""


class Manager:
    """A model and its batch. ``capacity`` is how many tokens its cache holds, for all requests together, in pages.

    Every request may have its own temperature and top-p only where the manager's own settings have them and none
    is neutral; so these are no defaults, only switches (generation/continuous_batching/cb_logits_processors.py).
    Flash attention is chosen when the model is loaded: here it would be fetched from the Hub, as code.
    """

    def __init__(self, model: Any, *, capacity: int, ends: list[int], pad: int) -> None:
        from transformers import GenerationConfig  # noqa: PLC0415 - heavy, and not installed everywhere
        from transformers.generation.configuration_utils import ContinuousBatchingConfig  # noqa: PLC0415

        _hush()
        self._vocabulary = model.get_input_embeddings().num_embeddings
        self._ends = ends
        self.capacity = max(capacity // PAGE, 1) * PAGE
        self._manager = model.init_continuous_batching(
            generation_config=GenerationConfig(
                max_new_tokens=1, do_sample=True, temperature=0.7, top_p=0.9, top_k=TOP_K, eos_token_id=ends,
                pad_token_id=pad,
            ),
            continuous_batching_config=ContinuousBatchingConfig(
                page_size=PAGE,
                num_blocks=self.capacity // PAGE,
                max_batch_tokens=STEP_TOKENS.get(model.device.type, STEP_TOKENS_ELSEWHERE),
                per_request_processors=True,
                allow_block_sharing=True,
                auto_switch_to_flash=False,
            ),
        )  # fmt: skip
        quicken(self._manager.logit_processor.logits_processor)

    def start(self) -> None:
        """Begin, or begin again after the loop has died."""
        self._manager.start()

    def stop(self) -> None:
        """End the loop's thread: it is no daemon, and a process would wait for it for ever."""
        self._manager.stop(block=True, timeout=STOP_SECONDS, hard_stop=True)

    def add(self, request: str, ids: list[int], limit: int, knobs: Knobs) -> bool:
        """Hand over a request that has been vetted; False when the loop is dying and takes nothing."""
        likely = min(TOP_K, self._vocabulary)
        chosen: dict[str, Any] = {"temperature": float(knobs.temperature), "top_p": float(knobs.top_p), "top_k": likely}
        if knobs.greedy:
            chosen = {"temperature": 1.0, "top_p": 1.0, "top_k": 1}
        if self.dying:
            return False
        added = self._manager.add_request(
            ids, request_id=request, max_new_tokens=limit, streaming=True, eos_token_id=self._ends, **chosen
        )
        return added is not None

    def cancel(self, request: str) -> None:
        """Take it out of the batch; nothing more comes of it, also no last word."""
        self._manager.cancel_request(request)

    def next(self, timeout: float) -> Output | None:
        """What a step made, of whichever request; None when nothing came in time, or ever will."""
        found = self._manager.get_result(timeout=timeout)
        if found is None:
            return None
        return Output(found.request_id, found.generated_tokens, found.is_finished(), found.error or "")

    @property
    def alive(self) -> bool:
        return bool(self._manager.is_running())

    @property
    def dying(self) -> bool:
        """Whether the loop has failed, or is being stopped."""
        return self._manager.background_thread_status.can_accept_new_requests() is not None

    @property
    def fault(self) -> BaseException | None:
        """Why the loop died."""
        found: BaseException | None = self._manager.background_thread_status.fatal_error
        return found


def _hush() -> None:
    """Its log has a form of its own, and tells the tokens of what it drops; our errors name what matters."""
    theirs = logging.getLogger("ContinuousBatchingLogger")
    theirs.handlers.clear()
    theirs.propagate = True
    theirs.setLevel(logging.ERROR)
