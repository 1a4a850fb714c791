"""A PDF's text, from stdin to stdout: a program of its own, because pypdf reads what strangers made."""

from __future__ import annotations

import io
import logging
import sys
from contextlib import suppress

MEMORY = 512 << 20
SECONDS = 15
PAGES = 200


def main(most: int) -> None:
    """Write the first ``most`` characters. Ends with 1 for what is no PDF, or takes more than it may."""
    _confine()
    from pypdf import PdfReader  # noqa: PLC0415 - not before memory and time are limited

    logging.disable()
    written = 0
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    for page in PdfReader(io.BytesIO(sys.stdin.buffer.read())).pages[:PAGES]:
        words = page.extract_text()[: most - written]
        written += len(words) + 1
        print(words)  # noqa: T201 - its output is the text
        if written >= most:
            return


def _confine() -> None:
    with suppress(ImportError):  # Windows has no such limits; the one who waits has a clock
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except Exception:  # noqa: BLE001 - the border of the program: whatever is wrong with the file, it is not read
        sys.exit(1)
