"""Logs for people (text) and machines (json): never a token, never a person's words or name."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
import sys
import time
import traceback
from typing import Any, Literal

from bot.errors import RecadoError

_SECRETS = re.compile(
    r"(bot)?\d{6,}:[A-Za-z0-9_-]{30,}|(?<=Bearer )\S+|(?<=://)[^/\s\x22]+(?=@)|(?<=[?&]password=)[^&\s]+"
    r"|\bEAA[A-Za-z0-9]{16,}|\b\d{6,}\|[A-Za-z0-9_-]{20,}"
    r"|(?:(?<=access token )|(?<=access_token=)|(?<=input_token=))[^&\s]{16,}"
)
_NOISY = {
    "httpx": "WARNING", "httpx2": "WARNING", "httpcore": "WARNING",  # addresses hold tokens
    "telegram": "WARNING", "urllib3": "ERROR",  # a line for each connection beyond those that are kept
    "opentelemetry": "ERROR",  # a line for each try at a collector that is away
    "rq.worker": "WARNING", "rq.job": "WARNING",
    "waitress.queue": "ERROR",  # a line for each request that waits for a thread
}  # fmt: skip
_WORDLESS = (RecadoError, OSError, ImportError, AttributeError, NameError, TypeError)
"""Errors whose text speaks of the code and the machine, and never repeats what somebody wrote."""

DEPTH = 5
"""Of errors that came of one another so many are told."""

_key = secrets.token_bytes(32)
_PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def pseudonym(conversation: str) -> str:
    """A short name for a conversation, from which nobody without the installation's key reads the person.

    It is the same in every log line, reference and request of all processes that have the key.
    """
    return hashlib.blake2b(conversation.encode(), key=_key, digest_size=8).hexdigest()


def redact(text: str) -> str:
    """``text`` without anything that looks like a token or a password in an address."""
    return _SECRETS.sub("***", text)


class _Form(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        """What was raised and where; foreign errors without their words, which may be a person's."""
        error, told = ei[1], list[str]()
        while isinstance(error, BaseException) and len(told) < DEPTH:
            where = "".join(traceback.format_tb(error.__traceback__))
            told.append(f"Traceback (most recent call last):\n{where}{_named(error)}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n\nThen:\n".join(reversed(told))


class _Text(_Form):
    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        extra = " ".join(f"{name}={value}" for name, value in _extra(record).items() if value is not None)
        return redact(f"{line} {extra}".rstrip())


class _Json(_Form):
    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        data = {"at": at, "level": record.levelname, "log": record.name, "event": record.getMessage()}
        if record.exc_info:
            data["error"] = self.formatException(record.exc_info)
        return redact(json.dumps(data | _extra(record), default=str, ensure_ascii=False))


def _named(error: BaseException) -> str:
    name = type(error).__qualname__
    return f"{name}: {error}" if isinstance(error, _WORDLESS) else name


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _PLAIN}


def setup_logs(level: str, form: Literal["text", "json"], key: bytes = b"") -> None:
    """Send everything to stderr in one form. Libraries that log addresses or bodies are kept quiet.

    ``key`` (at most 64 bytes) is the installation's for pseudonyms; without one each process has its own.
    """
    global _key  # noqa: PLW0603 - a process has one key, as it has one log
    _key = key or _key
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, at_least in _NOISY.items():
        logging.getLogger(name).setLevel(at_least)
