"""What both platforms' clients know of httpx's errors."""

from __future__ import annotations

import httpx

NEVER_SENT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError,
    httpx.InvalidURL, UnicodeError,
)  # fmt: skip
"""With these no request has left this machine; an address that nobody can parse is one of them."""
