"""How people write whom and what the settings name: somebody's id, a server's address."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_ID = re.compile(r"-?[A-Za-z0-9][A-Za-z0-9._-]*")


def parse_id(text: str) -> str:
    """Someone's id as the platforms write it; a number may have been written as people do. Raises ValueError."""
    channel, colon, chat = text.rpartition(":")
    chat = re.sub(r"(?<=\d)[ .-]+(?=\d)", "", chat.strip().removeprefix("+").strip())
    if not _ID.fullmatch(chat) or (colon and not channel.strip().isalpha()):
        raise ValueError("names people and groups by their ids, separated by commas, as in 34600111222,telegram:555")
    return f"{channel.strip().lower()}{colon}{chat}"


def is_address(url: str) -> bool:
    """Whether it is a whole address: a scheme before :// and a host after it."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    return bool(parts.scheme and (parts.hostname or parts.scheme == "unix"))
