"""Spans of time and amounts of memory in few letters, alike in every language."""

from __future__ import annotations

_TIMES = ((86_400, "d"), (3_600, "h"), (60, "min"))
_SIZES = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))


def span(seconds: float) -> str:
    """As ``0.4 s``, ``12 s``, ``3 min``, ``5 h`` or ``2 d``."""
    for unit, name in _TIMES:
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def size(count: int) -> str:
    """Bytes as ``143 MB`` or ``1.4 GB``; a dash for what nobody knows."""
    for unit, name in _SIZES:
        if count >= unit:
            return f"{count / unit:.1f} {name}" if name == "GB" else f"{count / unit:.0f} {name}"
    return f"{count} B" if count else "-"
