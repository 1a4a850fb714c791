"""A real llama.cpp server with a model in miniature: ``python -m tests.contract.llamacpp FOLDER`` serves it.

It prints its address when it is ready, and serves until it is killed.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any, Final

LAYERS, HEADS, KV_HEADS, HIDDEN, INNER = 2, 4, 2, 64, 128
CONTEXT: Final = 8192
"""Tokens of one conversation at the server; the model was made for more."""
SLOTS: Final = 2
SPECIAL: Final = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHATML: Final = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def write(file: Path) -> Path:
    """A Llama of 80,000 random parameters whose tokens are single bytes, as llama.cpp reads it."""
    import gguf
    import numpy as np

    writer, rng = gguf.GGUFWriter(file, "llama"), np.random.default_rng(0)

    def add(name: str, *shape: int) -> None:
        data = np.ones(shape) if len(shape) == 1 else rng.normal(0, 0.2, shape)
        if name == "token_embd.weight":
            data[-len(SPECIAL) :] = 0  # the likeliest next token is never the one that ends an answer
        writer.add_tensor(name, data.astype(np.float32))

    _describe(writer)
    tokens = _tokens(writer)
    narrow = HIDDEN // HEADS * KV_HEADS
    add("token_embd.weight", tokens, HIDDEN)
    add("output_norm.weight", HIDDEN)
    for block in (f"blk.{n}." for n in range(LAYERS)):
        add(block + "attn_norm.weight", HIDDEN)
        add(block + "attn_q.weight", HIDDEN, HIDDEN)
        add(block + "attn_k.weight", narrow, HIDDEN)
        add(block + "attn_v.weight", narrow, HIDDEN)
        add(block + "attn_output.weight", HIDDEN, HIDDEN)
        add(block + "ffn_norm.weight", HIDDEN)
        add(block + "ffn_gate.weight", INNER, HIDDEN)
        add(block + "ffn_up.weight", INNER, HIDDEN)
        add(block + "ffn_down.weight", HIDDEN, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _describe(writer: Any) -> None:
    writer.add_name("miniature")
    writer.add_context_length(4 * CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_chat_template(CHATML)


def _tokens(writer: Any) -> int:
    """Bytes, as GPT-2 writes them in visible letters, and what begins and ends a turn; how many there are."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in visible]
    letters = [chr(byte) for byte in visible] + [chr(256 + n) for n in range(len(hidden))]
    words = [*letters, "Ho"]  # llama.cpp wants at least one merge
    tokens = [*words, *SPECIAL]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * len(words) + [3] * len(SPECIAL))
    writer.add_token_merges(["H o"])
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    return len(tokens)


def serve(file: Path) -> None:
    """Serve the model on 127.0.0.1 and a free port, for ever."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.model_alias = {"tiny"}
    params.n_ctx, params.n_parallel, params.kv_unified = CONTEXT * SLOTS, SLOTS, False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.hostnames = ["127.0.0.1"]
    params.endpoint_slots = params.endpoint_metrics = True
    params.port, params.warmup, params.verbosity = 0, False, 0
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    serve(write(Path(sys.argv[1]) / "tiny.gguf"))
