"""The webhook: registered at Telegram, looked at and taken away; and what Telegram's complaints about it mean.

The complaints are worded in tdlib/telegram-bot-api (WebhookActor.cpp, Client.cpp) and by TLS and the operating system.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from dataclasses import dataclass
from threading import Event
from typing import Any, Final, Self
from urllib.parse import urlsplit

from bot.bot_api import ALLOWED_UPDATES, OFFICIAL, BotApi
from bot.channels.telegram import Telegram
from bot.errors import ApiError, SettingsError
from bot.logs import redact
from bot.settings import Settings

PATH: Final = "/webhook/telegram"
PORTS: Final = (443, 80, 88, 8443)
"""The only ones that Telegram calls (https://core.telegram.org/bots/api#setwebhook)."""

CONNECTIONS: Final = 40
FIRST_SECONDS, MOST_SECONDS = 5.0, 300.0

_KNOWN: Final = (
    (r"webhook: 403", "the secrets differ: `python -m bot webhook set` gives Telegram the one of this installation"),
    (r"webhook: 401", "something before the receiver asks for a password: let /webhook/ pass without one"),
    (r"webhook: 404", "PUBLIC_URL leads somewhere else, or a tunnel is down: {url} must reach the receiver"),
    (r"webhook: 405", "PUBLIC_URL leads to another program: {url} must reach the receiver"),
    (r"webhook: 4(11|13)", "a proxy before the receiver changes or limits bodies: let 1 MiB pass, with its length"),
    (r"webhook: 429", "a proxy before the receiver limits requests: exempt /webhook/ from that"),
    (r"webhook: 3\d\d", "the address redirects, and Telegram does not follow: write the final one into PUBLIC_URL"),
    (r"webhook: 503", "the receiver is there, but cannot write to Redis, or a proxy finds no receiver: see /readyz"),
    (r"webhook: 50[024]", "the proxy does not find the receiver: is it running, and does the proxy lead to HOST:PORT?"),
    (r"webhook: 5\d\d", "the proxy or tunnel before the receiver fails: look at its log"),
    (r"certificate verify|self.signed|unable to get local issuer|certificate has expired", (
        "the certificate is not valid: take one for this name with its whole chain, as Caddy and Let's Encrypt give"
    )),
    (r"wrong version number|ssl|tls", "there is no https behind this port: a proxy must speak TLS there"),
    (r"connection refused", "nobody listens there: start the proxy or tunnel, and open the port in the firewall"),
    (r"timed? ?out|timeout|can't connect|unreachable|no route", (
        "Telegram gets no answer there: open the port to the internet in the firewall and router, and see that the "
        "receiver is up"
    )),
    (r"connection (closed|reset)", "the connection is cut before the answer: look at the proxy's log"),
    (r"resolve|no address associated", "the name in PUBLIC_URL is not in the DNS: correct it, or set an A record"),
    (r"reserved|invalid ip", "the name leads to an address of a private network: set its A record to the public one"),
    (r"ipv6", "Telegram reaches webhooks by IPv4 only: set an A record"),
    (r"only on ports", "take one of the ports 443, 80, 88 and 8443 in PUBLIC_URL"),
    (r"https", "PUBLIC_URL must begin with https://"),
    (r"secret token", "TELEGRAM_WEBHOOK_SECRET has letters that Telegram does not take, or too many: leave it empty"),
)  # fmt: skip

log = logging.getLogger("recado.webhook")


@dataclass(frozen=True, slots=True)
class Info:
    """What Telegram knows of the webhook (https://core.telegram.org/bots/api#webhookinfo).

    ``pending`` is how many updates wait, ``error_at`` when ``error`` happened last, in seconds since 1970 (0: never).
    """

    url: str
    pending: int
    error: str
    error_at: int
    allowed: tuple[str, ...]

    @classmethod
    def ask(cls, api: BotApi) -> Self:
        """Raises ApiError."""
        found: dict[str, Any] = api.call("getWebhookInfo")
        error, at = str(found.get("last_error_message", "")), int(found.get("last_error_date", 0))
        pending = int(found.get("pending_update_count", 0))
        return cls(str(found.get("url", "")), pending, error, at, tuple(found.get("allowed_updates", ())))

    def minutes_since_error(self) -> float:
        return (time.time() - self.error_at) / 60

    def complaint(self) -> str:
        """The last error, and what to do about it."""
        return f"{redact(self.error)}: {explain(self.error, self.url)}."


def open_api(settings: Settings) -> tuple[Telegram, BotApi]:
    """The bot as configured, and its API. Raises SettingsError when Telegram is off or its token is none."""
    bot = Telegram.from_settings(settings)
    if bot is None:
        raise SettingsError("TELEGRAM_BOT_TOKEN is empty. @BotFather gives one; `python -m bot setup` asks for it.")
    return bot, BotApi(settings.telegram_bot_token.get_secret_value().strip(), settings.telegram_api_url)


def explain(error: str, url: str) -> str:
    """What to do about a complaint of Telegram's; a hint where it is not known."""
    for pattern, words in _KNOWN:
        if re.search(pattern, error, re.IGNORECASE):
            return words.format(url=url)
    return "look at the log of whatever stands before the receiver"


def address(settings: Settings) -> str:
    """Where Telegram shall deliver. Raises SettingsError for an address to which it would not.

    A Bot API server of one's own may deliver anywhere (https://core.telegram.org/bots/api#using-a-local-bot-api-server).
    """
    if not settings.public_url:
        raise SettingsError("PUBLIC_URL is empty. Write the https address of the receiver into it, or poll instead.")
    if settings.telegram_api_url == OFFICIAL and (wrong := wrong_address(settings.public_url)):
        raise SettingsError(f"PUBLIC_URL: {wrong}")
    return settings.public_url + PATH


def wrong_address(public_url: str) -> str:
    """Why Telegram would not deliver there, and the way out; empty when it may."""
    parts = urlsplit(public_url)
    try:
        port = parts.port or 443
    except ValueError:
        return "the port is no number."
    if parts.scheme != "https":
        return "it must begin with https://, for Telegram delivers to nothing else."
    if port not in PORTS:
        return f"Telegram delivers to the ports 443, 80, 88 and 8443 only, not to {port}."
    if parts.query or parts.fragment or parts.username:
        return "write only https:// and the name, such as https://chat.my-shop.com."
    return "" if is_public(parts.hostname or "") else "this name or number leads to no public place on the internet."


def is_public(host: str) -> bool:
    """Whether a name or number can lead to a place on the internet; nothing is looked up."""
    if host.rpartition(".")[2] in ("localhost", "local", "internal", "lan", "test", "invalid"):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host


def register(settings: Settings) -> Info:
    """Give Telegram address and secret, and see that it took them. Raises ApiError, SettingsError."""
    url = address(settings)
    bot, api = open_api(settings)
    with api:
        try:
            api.call(
                "setWebhook", url=url, secret_token=bot.webhook_secret, max_connections=CONNECTIONS,
                allowed_updates=ALLOWED_UPDATES,
            )  # fmt: skip
        except ApiError as error:
            if error.code == 400:
                raise ApiError(f"{error} So: {explain(error.description, url)}.", 400, error.description) from None
            raise
        info = Info.ask(api)
    if info.url != url:
        raise ApiError(f"Telegram delivers to {info.url or 'nobody'} still: somebody else registers this bot too.")
    return info


def keep_trying(settings: Settings, stop: Event, first_seconds: float = FIRST_SECONDS) -> bool:
    """Register until it succeeds, in the words of the log; False when it never will, or ``stop`` came first."""
    pause = first_seconds
    while not stop.is_set():
        try:
            info = register(settings)
        except SettingsError as error:
            log.error("the webhook is not registered: %s", error)
            return False
        except ApiError as error:
            if error.code in (401, 404):  # a 400 may pass: Telegram looks the name up, which may be new
                log.error("the webhook is not registered: %s", error)
                return False
            wait = max(error.retry_after, 0) or pause
            log.warning("the webhook is not registered yet: %s Trying again in %.0f s.", error, wait)
            stop.wait(wait)
            pause = min(2 * pause, MOST_SECONDS)
        else:
            log.info("Telegram delivers to %s (waiting there: %d)", info.url, info.pending)
            return True
    return False


def delete(settings: Settings) -> None:
    """Let Telegram deliver nowhere; what waits is kept for a poller. Raises ApiError, SettingsError."""
    _bot, api = open_api(settings)
    with api:
        api.call("deleteWebhook", drop_pending_updates=False)


def describe(settings: Settings) -> list[str]:
    """The webhook in words, a line each. Raises ApiError, SettingsError."""
    _bot, api = open_api(settings)
    with api:
        info = Info.ask(api)
    if not info.url:
        return ["No webhook is set: Telegram keeps messages for whoever polls.", f"waiting there: {info.pending}"]
    lines = [f"Telegram delivers to {info.url}", f"waiting there: {info.pending}"]
    if info.error:
        lines.append(f"last error, {info.minutes_since_error():.0f} min ago: {info.complaint()}")
    if settings.public_url and info.url != settings.public_url + PATH:
        lines.append("That is not PUBLIC_URL: `python -m bot webhook set` registers this installation.")
    if missing := [name for name in ALLOWED_UPDATES[:4] if info.allowed and name not in info.allowed]:
        lines.append(f"It sends no {', '.join(missing)}: `python -m bot webhook set` asks for them.")
    return lines
