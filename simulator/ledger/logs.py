"""What must not be in a log: a person's words, a secret, a token."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

_GAP: Final = r"(?: |\+|%20|\\u0020)"
LEAKS: Final = {
    "a person's words": re.compile(rf"c\d+{_GAP}n\d+{_GAP}[0-9a-f]{{8}}\b"),
    "a Telegram token": re.compile(r"\d{6,}(?::|%3A)[A-Za-z0-9_-]{20,}"),
    "a Meta token": re.compile(r"\bEAA[A-Za-z0-9]{20,}"),
    "a bearer token": re.compile(r"(?i)\bbearer\s+(?!\*)[\w.~+/-]{8,}"),
    "a password in an address": re.compile(r"\w://[^\s/@:]*:(?!\*+@)[^\s/@]+@"),
}
"""A Bot API token is the bot's number, a colon and a long word (core.telegram.org/bots/api#authorizing-your-bot)."""

SHORTEST: Final = 8
"""A secret with fewer characters stands in any log by chance."""


def scan_logs(paths: Iterable[Path], secrets: Collection[str] = ()) -> list[str]:
    """The lines that hold a message's mark, a token or one of ``secrets``: ``worker.log:12: a secret``.

    What was found is not repeated. Raises OSError when a log cannot be read, ValueError for a secret that is too
    short to be looked for.
    """
    if short := [secret for secret in secrets if len(secret) < SHORTEST]:
        raise ValueError(f"{len(short)} secrets have fewer than {SHORTEST} characters: give longer ones to look for.")
    wanted = {form for secret in secrets for form in (secret, quote(secret, safe=""), quote_plus(secret))}
    return [found for path in paths for found in _scan(path, wanted)]


def _scan(path: Path, secrets: Collection[str]) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            for what in _found(line, secrets):
                yield f"{path.name}:{number}: {what}"


def _found(line: str, secrets: Collection[str]) -> Iterator[str]:
    if any(secret in line for secret in secrets):
        yield "a secret"
    yield from (what for what, pattern in LEAKS.items() if pattern.search(line))
