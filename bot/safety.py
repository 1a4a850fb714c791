"""Is this Redis fit to be trusted with people's messages? What is not is refused at the start, with the way out.

Whoever can write to Redis reads every message and rings every worker; and a Redis that drops keys drops messages.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Iterator

from pydantic import SecretStr

from bot.errors import SettingsError
from bot.settings import Settings, require_secret
from bot.stores.connection import Store
from bot.stores.server import Server, address, ask
from bot.stores.snapshot import Snapshot

PASSWORD = 12
"""The fewest characters of a password towards another machine."""

_WAY_OUT = (
    "Give Redis one (requirepass, or an ACL user), for example the output of `openssl rand -hex 24`, and write it into "
    "REDIS_URL: redis://:password@host:6379/0. With compose it is REDIS_PASSWORD in .env."
)
_WORDS = (
    "redis|valkey|recado|pass|password|passwort|passwd|pwd|contrase[nñ]a|clave|secret[oa]?|admin|root|user|default|"
    "test|prueba|foobared|qwerty|abc|hello|hola|changeit|super|strong|very|muy|my|your|the|mi|tu|el|la|123456\\d*"
)
_GUESSED = re.compile(rf"(?:(?:{_WORDS})[\W\d_]{{0,6}})+", re.IGNORECASE)
"""A password of nothing but such words is the first that anybody tries."""

_NOT_DURABLE = "appendonly is off: a restart of Redis loses what came since its last snapshot. Set appendonly yes."
_HIDDEN = "this Redis hides its configuration: ask its host what a power cut costs (appendonly, appendfsync)."
_NEARLY_DURABLE = (
    "appendfsync is {}: a power cut may cost the newest messages (everysec: up to 2 s). always costs none."
)
_OPEN = (
    "this Redis asks for no password and listens beyond this machine: unless a firewall stands before it, anybody can "
    "read and write everything. Set requirepass, or bind 127.0.0.1."
)

_HALF = (
    "A backup was being restored into this Redis, and that did not come to its end: run `python -m bot restore FILE` "
    "again before anything else."
)

log = logging.getLogger("recado.safety")


class Guard:
    """Lets messages through once Redis has been found fit; until then, and where it is not, it says why."""

    def __init__(self, settings: Settings, store: Store) -> None:
        """Raises SettingsError for an address that needs a password and has none that is worth the name."""
        vet_address(store)
        self._settings, self._store = settings, store
        self._safe = False

    def check(self) -> None:
        """Look once, until it is fit. Raises SettingsError, StoreUnavailable."""
        if not self._safe:
            vet(self._settings, self._store)
            self._safe = True


def vet(settings: Settings, store: Store) -> None:
    """Refuse an unsafe Redis; what a safe one costs is said in the log. The embedded one is ours, and safe.

    Raises SettingsError with the way out, StoreUnavailable when Redis does not answer.
    """
    vet_address(store)
    vet_whole(store)
    if settings.redis_url:
        for warning in vet_server(store):
            log.warning(warning)


def vet_whole(store: Store) -> None:
    """Refuse what was restored by half. Raises SettingsError, StoreUnavailable."""
    if Snapshot(store).is_half():
        raise SettingsError(_HALF)


def vet_address(store: Store) -> None:
    """Another machine's Redis needs a password. Judged by the address as it is written; nothing is looked up.

    Raises SettingsError.
    """
    host, given = address(store)
    if not host or _is_this_machine(host):
        return
    password = require_secret("REDIS_URL leads to another machine; its password", SecretStr(given), PASSWORD, _WAY_OUT)
    if _GUESSED.fullmatch(password):
        raise SettingsError(f"REDIS_URL leads to another machine; its password is easy to guess. {_WAY_OUT}")


def vet_server(store: Store) -> list[str]:
    """Refuse a server that would drop messages; returns what is worth knowing of one that would not.

    Raises SettingsError, StoreUnavailable.
    """
    server = ask(store)
    if int(server.info.get("cluster_enabled", 0)):
        raise SettingsError("REDIS_URL leads to a Redis Cluster, which Recado cannot use. Take one plain Redis server.")
    policy = server.info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise SettingsError(
            f"maxmemory-policy is {policy}: Redis would drop messages when its memory is full. Set it to noeviction "
            "in redis.conf, or at your host."
        )
    return [*_cost(server), *_openness(server, address(store)[1])]


def _cost(server: Server) -> Iterator[str]:
    if not int(server.info.get("aof_enabled", 1)):
        yield _NOT_DURABLE
    elif not server.config:
        yield _HIDDEN
    elif server.config.get("appendfsync") != "always":
        yield _NEARLY_DURABLE.format(server.config.get("appendfsync"))


def _openness(server: Server, password: str) -> Iterator[str]:
    """Whether it listens beyond this machine and lets everybody in; a port of 0 is a socket alone."""
    protected = password or server.config.get("protected-mode") != "no" or server.config.get("port") == "0"
    heard = (place.lstrip("-") for place in server.config.get("bind", "").split())
    if not protected and not all(map(_is_this_machine, heard)):
        yield _OPEN


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
