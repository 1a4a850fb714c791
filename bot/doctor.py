"""The doctor: everything that must work, tried once for real, and what to do about what does not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot import reach, safety, status, wiring
from bot.business import load_business
from bot.errors import RecadoError, SettingsError
from bot.logs import redact
from bot.meta import running
from bot.meta.examine import examine as examine_meta
from bot.settings import Settings
from bot.stores.connection import translated
from bot.stores.dead import DeadLetters

MODEL_SECONDS = 660
"""A cold model may load for minutes; the first token's own limit is 600 s."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried. ``ok`` None: worth a look, nothing is broken."""

    what: str
    ok: bool | None
    words: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Try everything, one after the other; a failure never hides the next."""
    yield _try("business file", lambda: _business(settings))
    yield _try("Redis", lambda: _redis(settings))
    yield _safety(settings)
    yield from _channels(settings)
    yield from _model()
    yield _access(settings)
    yield _worker(settings)
    yield _dead_letters(settings)


def _try(what: str, call: Callable[[], str]) -> Finding:
    try:
        return Finding(what, ok=True, words=call())
    except RecadoError as error:
        return Finding(what, ok=False, words=str(error))


def _business(settings: Settings) -> str:
    business = load_business(settings.business_file)
    if settings.business_file is None:
        return "none (BUSINESS_FILE is empty): the assistant knows nothing of your business yet"
    return f"{business.name or 'without a name'}: {len(business.services)} services, {len(business.faq)} questions"


def _redis(settings: Settings) -> str:
    store = wiring.open_loaded(settings)
    with translated():
        server = store.client.info("server")
    version = f"{server.get('server_name', 'redis')} {server.get('valkey_version') or server['redis_version']}"
    return f"{version} at {redact(settings.redis_url).rpartition('@')[2] or settings.data_dir}"


def _safety(settings: Settings) -> Finding:
    """Whether a start would be refused, and what a safe Redis still costs."""
    store = wiring.open_store(settings, wiring.WORKER_TIMEOUT)
    try:
        safety.vet_address(store)
        safety.vet_whole(store)
        warnings = safety.vet_server(store)
    except RecadoError as error:
        return Finding("Redis' safety", ok=False, words=str(error))
    words = " ".join(warnings) or "closed to strangers, drops nothing, writes to disk before it answers"
    return Finding("Redis' safety", ok=None if warnings else True, words=words)


def _channels(settings: Settings) -> Iterator[Finding]:
    try:
        channels = wiring.open_channels(settings)
    except SettingsError as error:
        yield Finding("channels", ok=False, words=str(error))
        return
    if not channels:
        words = "no platform is on, only the chat page: set TELEGRAM_BOT_TOKEN or WHATSAPP_TOKEN for your customers"
        yield Finding("channels", ok=None, words=words)
    for channel in channels.values():
        yield _try(channel.name, channel.check)
        channel.close()
    store = wiring.open_store(settings, wiring.WORKER_TIMEOUT)
    yield from (Finding(*found) for found in reach.examine(settings, store))
    yield from _guarded("WhatsApp", ((one.what, one.ok, one.words.en) for one in examine_meta(settings)))
    yield from _guarded("numbers", running.examine(settings, store))


def _guarded(what: str, found: Iterator[tuple[str, bool | None, str]]) -> Iterator[Finding]:
    try:
        yield from (Finding(*one) for one in found)
    except RecadoError as error:
        yield Finding(what, ok=False, words=str(error))


def _model() -> Iterator[Finding]:
    """Ask the heavy side, by name, for it is never imported here: its findings come as one line of JSON."""
    command = [sys.executable, "-m", "workers", "check", "--json"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=MODEL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        words = f"the model said nothing for {MODEL_SECONDS} s: see LLM_BASE_URL and LLM_MODEL"
        yield Finding("model", ok=False, words=words)
        return
    *_, last = ["", *run.stdout.splitlines()]
    try:
        yield from (Finding("model", **found) for found in json.loads(last))
    except (TypeError, ValueError):
        words = redact(run.stderr.strip()) or f"python -m workers check ended with {run.returncode}"
        yield Finding("model", ok=False, words=words)


def _access(settings: Settings) -> Finding:
    """Who may talk, and whether anybody could let a stranger in."""
    named = f"ALLOWED names {len(settings.allowed)}, ADMINS {len(settings.admins)}"
    match settings.access:
        case "open":
            found = Finding("who may talk", ok=True, words=f"everybody (ACCESS=open); {named}")
        case "list" if not settings.allowed and not settings.admins:
            words = "nobody but whom `python -m bot access add` let in: ACCESS=list, and ALLOWED and ADMINS are empty"
            found = Finding("who may talk", ok=None, words=words)
        case "pairing" if not settings.admins:
            words = "who has a code that you confirm by `python -m bot access approve`: name your own id in ADMINS"
            found = Finding("who may talk", ok=None, words=f"{words}, and you can also do it from your chat, by /pair")
        case mode:
            found = Finding("who may talk", ok=True, words=f"whom you let in (ACCESS={mode}); {named}")
    return found


def _worker(settings: Settings) -> Finding:
    try:
        count = status.read(wiring.open_store(settings, wiring.WORKER_TIMEOUT)).workers
    except RecadoError as error:
        return Finding("workers", ok=False, words=str(error))
    words = f"{count} running" if count else "none is running: start one with `python -m workers run`"
    return Finding("workers", ok=True if count else None, words=words)


def _dead_letters(settings: Settings) -> Finding:
    try:
        dead = DeadLetters(wiring.open_store(settings, wiring.WORKER_TIMEOUT)).all()
    except RecadoError as error:
        return Finding("dead letters", ok=False, words=str(error))
    words = f"in {len(dead)} conversations: see `python -m bot dead list`" if dead else "none"
    return Finding("dead letters", ok=None if dead else True, words=words)
