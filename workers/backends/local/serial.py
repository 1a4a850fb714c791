"""One answer after the other, for models that cannot be batched; what was read of a conversation is kept."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, NamedTuple

from bot.errors import Rejected, Unavailable
from workers.backends.local.engine import WAITING_MOST, is_hopeless, leave
from workers.backends.local.job import Engine, Job, vet
from workers.backends.local.memory import is_shortage
from workers.backends.local.sampling import TOP_K

TICK: Final = 0.5
DEATHS_MOST: Final = 2

log = logging.getLogger("recado.local")


class Kept(NamedTuple):
    """What the model has read of a conversation: the tokens, and what it computed of them."""

    ids: list[int]
    cache: Any
    size: int


class Caches:
    """The caches of the conversations that spoke last, of at most ``most`` bytes together."""

    def __init__(self, config: Any, most: int) -> None:
        self._config, self._most = config, most
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def take(self, session: str, ids: Sequence[int]) -> Any:
        """A cache that holds the beginning of ``ids``, if only none of it; the last token is always left to compute."""
        from transformers import DynamicCache  # noqa: PLC0415 - heavy, and not installed everywhere

        kept = self._kept.pop(session, None)
        if kept is None:
            return DynamicCache(config=self._config)
        shared = next((n for n, (a, b) in enumerate(zip(kept.ids, ids, strict=False)) if a != b), len(kept.ids))
        surplus = int(kept.cache.get_seq_length()) - min(shared, len(kept.ids), len(ids) - 1)
        try:
            if surplus:
                kept.cache.crop(-surplus)
        except (RuntimeError, ValueError):  # linear attention has one state, and no way back
            return DynamicCache(config=self._config)
        return kept.cache

    def keep(self, session: str, ids: Sequence[int], cache: Any) -> None:
        """Keep what was read; who has been silent longest gives way."""
        if not session:
            return
        self._kept[session] = Kept(list(ids[: cache.get_seq_length()]), cache, _bytes(cache))
        while self._kept and sum(kept.size for kept in self._kept.values()) > self._most:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Make room: everybody's past is read again."""
        self._kept.clear()

    def __contains__(self, session: str) -> bool:
        return session in self._kept


class Serial(Engine):
    """One thread owns the model; jobs stand in line before it."""

    name: ClassVar[str] = "serial"
    parallel = 1

    def __init__(
        self, model: Any, *, ends: Sequence[int], pad: int, most: int, keep_bytes: int, repetition_penalty: float = 1.0,
        leave: Callable[[], None] = leave,
    ) -> None:  # fmt: skip
        self._model, self.ends, self._pad, self.most = model, frozenset(ends), pad, most
        self._vocabulary = model.get_input_embeddings().num_embeddings
        self._penalty, self._leave = repetition_penalty, leave
        self.caches = Caches(model.config, keep_bytes)
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="local-engine")
        self._thread.start()

    def submit(self, job: Job) -> None:
        vet(job, vocabulary=self._vocabulary, most=self.most)
        with self._changed:
            if self._closed:
                raise _stopping()
            if len(self._waiting) >= WAITING_MOST:
                raise Unavailable(f"{WAITING_MOST} answers are waited for: start another worker", retry_after=1)
            self._waiting.append(job)
            self._changed.notify()

    def cancel(self, job: Job) -> None:
        with self._changed:
            job.cancelled = True
            if job in self._waiting:
                self._waiting.remove(job)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            left = [*self._waiting, *([self._running] if self._running else [])]
            self._waiting.clear()
            self._changed.notify()
        for job in left:
            job.cancelled = True
            job.end(_stopping())
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._answer(job)
                job.end(None if threading.main_thread().is_alive() else _stopping())  # else it is cut off
            except Exception as error:  # noqa: BLE001 - the border of a job: what fails in it must not end the engine
                self._mourn(job, error)
            with self._changed:
                self._running = None

    def _next(self) -> Job | None:
        """Whose turn it is; None when the engine is closed, or its process about to end."""
        with self._changed:
            while not self._waiting:
                if self._closed or not threading.main_thread().is_alive():
                    return None
                self._changed.wait(TICK)
            self._running = self._waiting.popleft()
            return self._running

    def _mourn(self, job: Job, error: Exception) -> None:
        """A failed job goes on once more, without what was kept of its conversation."""
        job.deaths += 1
        log.error("the model failed (%r)", error)
        if is_shortage(error):
            self.caches.clear()
        if is_hopeless(self._model.device.type, error, (), 0.0):
            log.critical("the model cannot be mended in this process, which ends: its supervisor starts it anew")
            self._leave()
        if job.deaths >= DEATHS_MOST:
            job.end(Rejected(f"the model failed at this request {job.deaths} times: {error}"))
            return
        with self._changed:
            self._waiting.appendleft(job)

    def _answer(self, job: Job) -> None:
        import torch  # noqa: PLC0415 - heavy, and not installed everywhere

        left = job.limit - len(job.made)
        if left < 1 or job.cancelled:
            return
        ids = [*job.ids, *job.made]
        cache = self.caches.take(job.session, ids)
        tokens = torch.tensor([ids], device=self._model.device)

        def unwanted(made: Any, *_: Any, **__: Any) -> Any:
            gone = job.cancelled or not threading.main_thread().is_alive()
            return torch.full((made.shape[0],), gone, device=made.device, dtype=torch.bool)

        made = self._model.generate(
            input_ids=tokens, attention_mask=torch.ones_like(tokens), past_key_values=cache,
            generation_config=self._config(job, left), stopping_criteria=[unwanted], streamer=_Feed(job),
        )  # fmt: skip
        self.caches.keep(job.session, made[0].tolist(), cache)

    def _config(self, job: Job, left: int) -> Any:
        from transformers import GenerationConfig  # noqa: PLC0415

        chosen: dict[str, Any] = {"do_sample": False}
        if not job.knobs.greedy:
            chosen = {
                "do_sample": True, "temperature": float(job.knobs.temperature), "top_p": float(job.knobs.top_p),
                "top_k": min(TOP_K, self._vocabulary),
            }  # fmt: skip
        return GenerationConfig(
            max_new_tokens=left,
            repetition_penalty=self._penalty,
            eos_token_id=sorted(self.ends),
            pad_token_id=self._pad,
            **chosen,
        )


class _Feed:
    """A streamer of transformers: it is shown the prompt first, then every token."""

    def __init__(self, job: Job) -> None:
        self._job, self._begun = job, False

    def put(self, value: Any) -> None:
        if self._begun:
            self._job.give([int(token) for token in value.reshape(-1)])
        self._begun = True

    def end(self) -> None:
        """The last token was the last."""


def _bytes(cache: Any) -> int:
    """The memory of a cache, whatever its layers are made of."""
    values = [value for layer in cache.layers for value in vars(layer).values()]
    parts = [part for value in values for part in (value if isinstance(value, list) else [value])]
    return sum(int(part.nbytes) for part in parts if hasattr(part, "nbytes"))


def _stopping() -> Unavailable:
    return Unavailable("this worker is stopping: another will answer", retry_after=1)
