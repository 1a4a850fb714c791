"""How model servers word what they say: Ollama's own protocol and the OpenAI-compatible one."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

CONTEXT_TOKENS: Final = 8192
BUSY: Final = "server busy, please try again.  maximum pending requests exceeded"
"""Ollama's words beyond OLLAMA_MAX_QUEUE, with 503 (ollama/ollama, server/sched.go)."""


class Wire(ABC):
    """One protocol, for the answer to one request's JSON ``body``."""

    stream_type: str
    streams_unasked = False

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.model = str(body.get("model", ""))
        self.streams = bool(body.get("stream", self.streams_unasked))
        self.prompt_tokens = sum(len(str(turn.get("content", "")).split()) for turn in body.get("messages", []))

    @staticmethod
    @abstractmethod
    def unknown(name: str) -> Any:
        """The error body for a model that is not there."""

    @staticmethod
    @abstractmethod
    def busy() -> Any:
        """The error body with 503 for a queue that is full."""

    @abstractmethod
    def stream(self, pieces: Iterable[str]) -> Iterator[bytes]:
        """The body of a streamed answer; each piece counts as one token."""

    @abstractmethod
    def whole(self, pieces: list[str]) -> Any:
        """The JSON of an answer given at once."""


class Ollama(Wire):
    """ollama/ollama docs/api.md: one JSON object a line, the last one with ``done`` and the counts."""

    stream_type = "application/x-ndjson"
    streams_unasked = True

    @staticmethod
    def unknown(name: str) -> Any:
        return {"error": f"model '{name}' not found"}

    @staticmethod
    def thoughtless(name: str) -> Any:
        """The error body for being told to think aloud (ollama/ollama, server/routes.go)."""
        return {"error": f'"{name}" does not support thinking'}

    @staticmethod
    def busy() -> Any:
        return {"error": BUSY}

    def stream(self, pieces: Iterable[str]) -> Iterator[bytes]:
        count = 0
        for count, piece in enumerate(pieces, 1):  # noqa: B007 - the last one is the number of pieces
            yield json.dumps(self._line(piece) | {"done": False}).encode() + b"\n"
        yield json.dumps(self._line("") | self._end(count)).encode() + b"\n"

    def whole(self, pieces: list[str]) -> Any:
        return self._line("".join(pieces)) | self._end(len(pieces))

    def _line(self, text: str) -> dict[str, Any]:
        return {"model": self.model, "created_at": _now(), "message": {"role": "assistant", "content": text}}

    def _end(self, count: int) -> dict[str, Any]:
        counts = {"prompt_eval_count": self.prompt_tokens, "eval_count": count}
        times = dict.fromkeys(("total_duration", "load_duration", "prompt_eval_duration", "eval_duration"), 1_000_000)
        return {"done": True, "done_reason": "stop"} | counts | times


class OpenAI(Wire):
    """Chat completions: server-sent events, a last one with the usage when it was asked for, then ``[DONE]``."""

    stream_type = "text/event-stream"

    @staticmethod
    def unknown(name: str) -> Any:
        return {"error": {"message": f"The model `{name}` does not exist.", "type": "NotFoundError", "code": 404}}

    @staticmethod
    def busy() -> Any:
        """As Ollama says it here (ollama/ollama, openai/openai.go)."""
        return {"error": {"message": BUSY, "type": "api_error", "param": None, "code": None}}

    @staticmethod
    def models(models: Sequence[str]) -> Any:
        entry = {"object": "model", "created": 1_700_000_000, "owned_by": "simulator", "max_model_len": CONTEXT_TOKENS}
        return {"object": "list", "data": [entry | {"id": name} for name in models]}

    def stream(self, pieces: Iterable[str]) -> Iterator[bytes]:
        yield self._event([self._choice({"role": "assistant", "content": ""})])
        count = 0
        for count, piece in enumerate(pieces, 1):  # noqa: B007 - the last one is the number of pieces
            yield self._event([self._choice({"content": piece})])
        yield self._event([self._choice({}, "stop")])
        if (self.body.get("stream_options") or {}).get("include_usage"):
            yield self._event([], usage=self._usage(count))
        yield b"data: [DONE]\n\n"

    def whole(self, pieces: list[str]) -> Any:
        message = {"role": "assistant", "content": "".join(pieces)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return self._head("chat.completion") | {"choices": [choice], "usage": self._usage(len(pieces))}

    def _event(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        chunk = self._head("chat.completion.chunk") | {"choices": choices} | more
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 1_700_000_000, "model": self.model}

    @staticmethod
    def _choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {"index": 0, "delta": delta, "finish_reason": reason}

    def _usage(self, count: int) -> dict[str, int]:
        total = self.prompt_tokens + count
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": count, "total_tokens": total}


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
