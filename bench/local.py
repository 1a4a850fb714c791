"""What the in-process engine gains: python bench/local.py

A Llama of SmolLM2-135M's shape (https://huggingface.co/HuggingFaceTB/SmolLM2-135M/blob/main/config.json) with random
weights, float32, on the CPU: speed is real, words are not. Everything is compared within one run, in turns, and the
median of the ratios counts; greedy, no answer ends early.

- tokens a second: sixteen conversations at once through the backend, and one, against ``generate`` one at a time;
- the first token of turn 10 of a conversation in the product's own history (an embedded Redis) and through its own
  templates, against the same prompt under a system prompt whose first word is new, so that nothing of it is known.

Needs the local extra: make install EXTRAS=local,dev
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from _installation import SHORT, Figure, run
from context import server

from bot.business import Business
from bot.message import Batch, Message, Turn
from bot.settings import Settings, load_settings
from bot.stores.access import Access
from bot.stores.connection import Store, key
from bot.stores.handovers import Handovers
from bot.stores.history import History, pack
from bot.stores.taken import Think
from workers.backends import Prompt
from workers.backends.local import Local
from workers.backends.local.job import Job
from workers.backends.local.loading import Loaded
from workers.held import Held
from workers.think import Thinker
from workers.thought import Thought

CONVERSATIONS, NEW_TOKENS = 16, 32
ROUNDS = 2 if SHORT else 5
TURNS = 10
ASKED_WORDS, ANSWER_TOKENS = 36, 96
SMALL = {"num_hidden_layers": 4, "hidden_size": 288, "intermediate_size": 512}
SHAPE: dict[str, Any] = {
    "num_hidden_layers": 30, "hidden_size": 576, "intermediate_size": 1536, "num_attention_heads": 9,
    "num_key_value_heads": 3, "vocab_size": 49_152, "max_position_embeddings": 4096, "tie_word_embeddings": True,
    # Wider than usual: otherwise random weights say the last token again and again, here a blank line.
    "initializer_range": 0.1,
} | (SMALL if SHORT else {})  # fmt: skip
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SYSTEM = "respondes con amabilidad a las preguntas de quien escribe a una tienda "
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def measure() -> Iterator[Figure]:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    loaded = build()
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as folder, server(Path(folder)) as store:
        backend = open_backend(loaded, NEW_TOKENS)
        yield from throughput(backend, loaded)
        backend.close()
        backend = open_backend(loaded, ANSWER_TOKENS)
        yield from first_token(backend, History(store), store)
        backend.close()


def open_backend(loaded: Loaded, reply_tokens: int) -> Local:
    return Local.of(
        load_settings(
            llm_provider="local",
            llm_engine="batching",
            llm_temperature=0,
            llm_kv_tokens=16_384,
            reply_tokens=reply_tokens,
        ),
        loaded,
    )


def throughput(backend: Local, loaded: Loaded) -> Iterator[Figure]:
    made: dict[str, list[float]] = {"generate": [], "one": [], "all": []}
    jobs = Jobs(backend.engine)
    for number in range(ROUNDS):
        asked = [prompt(f"{number} {one}") for one in range(2 * CONVERSATIONS + 4)]
        made["generate"].append(rate(lambda one: generate(backend, loaded.model, one), asked[:4], 1))
        made["all"].append(rate(lambda one: answer(backend, jobs, one), asked[4 : 4 + CONVERSATIONS], CONVERSATIONS))
        made["one"].append(rate(lambda one: answer(backend, jobs, one), asked[-4:], 1))
    for name, rates in made.items():
        yield Figure(name_of(name), f"{median(rates):.1f} tokens/s")
    for name, least in (("all", 2.0), ("one", 0.7)):
        ratio = median(a / b for a, b in zip(made[name], made["generate"], strict=True))
        yield judged(f"{name_of(name)}, against generate", ratio, f">= {least}", ratio >= least)


def name_of(name: str) -> str:
    names = {"generate": "generate, one at a time", "one": "the backend, one at a time"}
    return names.get(name, f"the backend, {CONVERSATIONS} conversations at once")


def judged(what: str, ratio: float, bound: str, held: bool) -> Figure:
    """A short run has another model, and judges nothing."""
    return Figure(what, f"{ratio:.2f} times", *(("", None) if SHORT else (bound, held)))


def rate(call: Any, prompts: list[Prompt], at_once: int) -> float:
    """Tokens a second."""
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as threads:
        tokens = sum(threads.map(call, prompts))
    return tokens / (time.perf_counter() - began)


def generate(backend: Local, model: Any, asked: Prompt) -> int:
    import torch
    from transformers import GenerationConfig

    ids = torch.tensor([backend._prompts.ids(asked.turns)])  # noqa: SLF001 - the same prompt, token for token
    config = GenerationConfig(max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=2, pad_token_id=0)
    made = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=config)
    return int(made.shape[1] - ids.shape[1])


class Jobs:
    """Stands before an engine and keeps what it is given: a stream tells no tokens, its job does."""

    def __init__(self, engine: Any) -> None:
        self._submit, self._jobs = engine.submit, {}
        engine.submit = self

    def __call__(self, job: Job) -> None:
        self._jobs[job.session] = job
        self._submit(job)

    def tokens(self, session: str) -> int:
        return len(self._jobs.pop(session).made)


def answer(backend: Local, jobs: Jobs, asked: Prompt) -> int:
    """The tokens of an answer, all of them read."""
    "".join(backend.stream(asked))
    return jobs.tokens(asked.session)


def prompt(name: str) -> Prompt:
    """About a hundred tokens, half of them everybody's."""
    question = " ".join(f"{name} {word}" for word in ("pan", "cuando", "precio", "puedo", "venir", "hoy"))
    return Prompt((Turn("system", SYSTEM * 2), Turn("user", question)), name)


def first_token(backend: Local, history: History, store: Store) -> Iterator[Figure]:
    """Seconds to the first token of the last turn, of a conversation that was read before and of one that was not."""
    ratios, known, tokens = [], [], 0
    for number in range(ROUNDS):
        conversation = f"telegram:1:{number}"
        thinker = open_thinker(backend, store, f"uno{number}")
        for turn in range(1, TURNS):
            keep(store, conversation, think(thinker, conversation, turn)[0])
        _, warm = think(thinker, conversation, TURNS)
        _, cold = think(open_thinker(backend, store, f"otro{number}"), conversation, TURNS)
        ratios.append(warm / cold)
        known.append((warm, cold))
        tokens = sum(turn.tokens for turn in history.tail(conversation, 0, 1 << 20))
    warm, cold = (median(times) for times in zip(*known, strict=True))
    yield Figure(f"first token of turn {TURNS}, {tokens:,} tokens of history", f"{warm:.2f} s")
    yield Figure("the same, nothing known of it", f"{cold:.2f} s")
    yield judged("what is known, against what is not", median(ratios), "<= 0.25", median(ratios) <= 0.25)


def open_thinker(backend: Local, store: Store, name: str) -> Thinker:
    settings: Settings = load_settings(system_prompt=f"{name} {SYSTEM * 2}", reply_tokens=ANSWER_TOKENS)
    access = Access(store, settings)
    return Thinker(
        settings, history=History(store), backend=backend, business=Business(), commands={}, access=access,
        handovers=Handovers(store, settings),
    )  # fmt: skip


def think(thinker: Thinker, conversation: str, turn: int) -> tuple[Thought, float]:
    """A turn as a worker thinks it, and the seconds until its first words."""
    began, first = time.perf_counter(), []
    question = " ".join(LETTERS[(turn * 7 + n) % 26] * 2 + LETTERS[n % 26] for n in range(ASKED_WORDS))
    batch = Batch(turn, (Message(str(turn), conversation, question),))
    thought = thinker.ask(Held(conversation), Think(batch), "", lambda _: first.append(time.perf_counter() - began))
    return thought, first[0]


def keep(store: Store, conversation: str, thought: Thought) -> None:
    """As mailbox.commit leaves it."""
    store.client.rpush(key(conversation, "history"), *(pack(turn) for turn in thought.turns))


def build() -> Loaded:
    """The model in memory, and a tokenizer with as many entries, all of them letters."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    config = LlamaConfig(**SHAPE, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    return Loaded(model, tokenizer(SHAPE["vocab_size"]), "cpu", f"{model.num_parameters() / 1e6:.0f} M parameters")


def tokenizer(size: int) -> Any:
    """The byte letters, then pairs, triples and fours of a to z, until there are ``size``."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    pairs = [(a, b) for a in LETTERS for b in LETTERS]
    triples = [(a + b, c) for a, b in pairs for c in LETTERS]
    fours = [(a + b, c + d) for a, b in pairs for c, d in pairs]
    merges = [*pairs, *triples, *fours][: size - len(words)]
    vocabulary = {word: place for place, word in enumerate([*words, *(a + b for a, b in merges)])}
    core = Tokenizer(models.BPE(vocabulary, merges))
    core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    found = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=SPECIAL[1], eos_token=SPECIAL[2], pad_token=SPECIAL[0]
    )
    found.chat_template = CHATML
    return found


if __name__ == "__main__":
    run("a model in this process", measure)
