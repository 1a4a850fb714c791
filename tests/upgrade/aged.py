"""A backup of long ago as if it had been made just now."""

from __future__ import annotations

from pathlib import Path

from bot.backup import file


def aged(path: Path, to: Path, now: int) -> Path:
    """A copy whose keys end as late as they would have then; ``now`` in ms since 1970."""
    header = file.verify(path)
    with file.writing(to, header) as write:
        for group in file.groups(path):
            write([one._replace(ends=one.ends and one.ends + now - header.made) for one in group])
    return to
