"""What a Redis server tells of itself."""

from __future__ import annotations

from typing import Any, NamedTuple

import redis

from bot.stores.connection import Store, translated


class Server(NamedTuple):
    """``info`` is what INFO tells, ``config`` what CONFIG tells of its durability and its door: nothing where the host
    hides it."""

    info: dict[str, Any]
    config: dict[str, str]


def address(store: Store) -> tuple[str, str]:
    """The host as REDIS_URL writes it, empty for a socket, and the password. Nothing is looked up or connected."""
    where: dict[str, Any] = store.client.connection_pool.connection_kwargs
    return str(where.get("host") or ""), str(where.get("password") or "")


def ask(store: Store) -> Server:
    """Ask the server. Raises StoreUnavailable."""
    with translated():
        info: dict[str, Any] = store.client.info()
        try:
            config = store.client.config_get("appendfsync", "bind", "port", "protected-mode")
        except redis.exceptions.ResponseError:
            config = {}
    return Server(info, {str(name): str(value) for name, value in config.items()})
