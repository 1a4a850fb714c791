"""A Whisper of 32 dimensions that always says the same word, and sounds to play to it."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import pytest

WIDTH, HEADS, FRAMES, MELS, LONGEST = 32, 2, 1500, 80, 448
TEXT_TOKENS = 50257
"""As many as Whisper's own; its special tokens come after them."""
SPECIAL = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
TIMES = 1501
WORDS = 6
NORMAL = math.sqrt(WIDTH - 1)
"""What layer normalisation makes of a vector with a single large number."""
RATE = 48_000


def build(folder: Path, word: str, language: str, logit: float) -> Path:
    """The files of a model in ``folder`` that always says ``word``, a few times; ``logit`` is how sure it is of the
    ``language``."""
    specs = pytest.importorskip("ctranslate2.specs")
    library = pytest.importorskip("faster_whisper.tokenizer")
    folder.mkdir()
    tokens = _tokens(word, library._LANGUAGE_CODES)
    spec = specs.WhisperSpec(1, HEADS, 1, HEADS)
    _fill(spec, len(tokens))
    places, says = spec.decoder.position_encodings.encodings, spec.decoder.projection.weight
    places[:WORDS, 0], places[WORDS:, 1] = 10.0, 10.0  # where it stands in its answer decides what it says
    says[tokens.index(word), 0], says[tokens.index("<|endoftext|>"), 1] = 10.0, 10.0
    says[tokens.index(f"<|{language}|>"), 0] = logit / NORMAL
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.alignment_heads = [(0, 0)]
    spec.config.lang_ids = [tokens.index(f"<|{code}|>") for code in library._LANGUAGE_CODES]
    spec.validate()
    spec.save(str(folder))
    _tokenizer(tokens).save(str(folder / "tokenizer.json"))
    return folder


def voice_note(seconds: float = 1.0) -> bytes:
    """A tone as a telephone sends it: Opus in Ogg."""
    av, numpy = pytest.importorskip("av"), pytest.importorskip("numpy")
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE, layout="mono")
        wave = numpy.sin(numpy.arange(int(RATE * seconds)) * 440 * 2 * math.pi / RATE) * 8000
        frame = av.AudioFrame.from_ndarray(wave.astype(numpy.int16).reshape(1, -1), format="s16", layout="mono")
        frame.rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()


def _tokens(word: str, languages: tuple[str, ...]) -> list[str]:
    """The vocabulary in Whisper's order, of which only ``word`` means something."""
    text = ["[UNK]", word, *(f"t{number}" for number in range(2, TEXT_TOKENS))]
    marks = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{one}|>" for one in (*languages, *SPECIAL))]
    return [*text, *marks, *(f"<|{step * 0.02:.2f}|>" for step in range(TIMES))]


def _tokenizer(tokens: list[str]) -> Any:
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, "[UNK]"))


def _fill(spec: Any, size: int) -> None:
    """Small random weights everywhere: they say nothing."""
    import numpy as np

    draw = np.random.default_rng(7)

    def weigh(layer: Any, *shape: int) -> None:
        layer.weight = draw.normal(0, 0.02, shape).astype(np.float32)
        if hasattr(layer, "bias"):
            layer.bias = np.zeros(shape[0], np.float32)

    def level(norm: Any) -> None:
        norm.gamma, norm.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    def attend(attention: Any) -> None:
        level(attention.layer_norm)
        heights = (3, 1) if len(attention.linear) == 2 else (1, 2, 1)
        for linear, height in zip(attention.linear, heights, strict=True):
            weigh(linear, height * WIDTH, WIDTH)

    for part, positions in ((spec.encoder, FRAMES), (spec.decoder, LONGEST)):
        part.position_encodings.encodings = draw.normal(0, 0.02, (positions, WIDTH)).astype(np.float32)
        level(part.layer_norm)
        for layer in part.layer:
            attend(layer.self_attention)
            level(layer.ffn.layer_norm)
            weigh(layer.ffn.linear_0, 4 * WIDTH, WIDTH)
            weigh(layer.ffn.linear_1, WIDTH, 4 * WIDTH)
    attend(spec.decoder.layer[0].attention)
    weigh(spec.encoder.conv1, WIDTH, MELS, 3)
    weigh(spec.encoder.conv2, WIDTH, WIDTH, 3)
    weigh(spec.decoder.embeddings, size, WIDTH)
    weigh(spec.decoder.projection, size, WIDTH)
