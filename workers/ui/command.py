"""python -m workers ui: the chat page on UI_HOST:UI_PORT."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from bot import wiring
from bot.business import load_business
from bot.errors import SettingsError, StoreUnavailable
from bot.safety import Guard
from bot.settings import Settings, require_secret
from bot.stores.roster import Roster
from bot.telemetry import report_errors
from workers.ui.desk import Desk

if TYPE_CHECKING:
    from workers.ui.outside import App

PASSWORD: Final = 12
"""The fewest characters of a password for a page that more than this machine can reach."""
_WAY_OUT: Final = (
    "The chat page asks for it where UI_HOST is not this machine alone: write one of 12 characters or more into .env, "
    "for example the output of `openssl rand -hex 12`, or, outside a container, set UI_HOST to 127.0.0.1."
)
_NO_GRADIO: Final = "The chat page needs Gradio, which is not installed: make install EXTRAS=ui"

log = logging.getLogger("recado.ui")


def serve(settings: Settings) -> None:
    """Show the page until SIGTERM. Raises SettingsError where it must not, or cannot, be shown."""
    password = password_of(settings)
    if find_spec("gradio") is None:
        raise SettingsError(_NO_GRADIO)
    report_errors(settings, "page")
    app = open_app(settings, password)
    with _listen(settings) as listening:
        log.info("the chat page is at %s", address_of(settings))
        _run(app, listening)


def password_of(settings: Settings) -> str:
    """UI_PASSWORD; empty where only this machine can reach the page and none is set. Raises SettingsError."""
    if is_this_machine(settings.ui_host) and not settings.ui_password.get_secret_value():
        return ""
    return require_secret("UI_PASSWORD", settings.ui_password, PASSWORD, _WAY_OUT)


def is_this_machine(host: str) -> bool:
    """Whether only this machine can reach what listens on ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address_of(settings: Settings) -> str:
    """Where people open it, as far as that is known here: whoever listens everywhere has no address of their own."""
    host = settings.ui_host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return f"port {settings.ui_port} of this machine, under each of its addresses"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.ui_port}/"


def open_app(settings: Settings, password: str) -> App:
    """The page on the installation's Redis, which may be away. Raises SettingsError for one that is not fit."""
    store = wiring.open_store(settings, wiring.RECEIVER_TIMEOUT, "ui")
    guard = Guard(settings, store)
    try:
        guard.check()
    except StoreUnavailable as error:
        log.warning("%s; until then the page says so", error)
    _, page = wiring.open_page(settings, store)
    desk = Desk(page, wiring.open_mailbox(settings, store), Roster(store), guard.check)
    _forget_gradio_settings()
    from workers.ui.front import create_app  # noqa: PLC0415 - it loads Gradio, which reads its settings then

    return create_app(settings, desk, load_business(settings.business_file), password)


def _forget_gradio_settings() -> None:
    """No variable shares the page, opens it further or tells anybody of it."""
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


def _listen(settings: Settings) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.ui_host else socket.AF_INET
        return socket.create_server((settings.ui_host, settings.ui_port), family=family, backlog=128)
    except OSError as error:
        where = f"UI_HOST and UI_PORT: nobody can listen on {settings.ui_host}:{settings.ui_port}"
        number = error.errno or 0  # below nought it is the resolver's, whose words are its own
        reason = os.strerror(number) if number > 0 else error.strerror
        raise SettingsError(f"{where} ({reason}). Is it already running? Choose another UI_PORT.") from None


def _run(app: App, listening: socket.socket) -> None:
    import uvicorn  # noqa: PLC0415 - it comes with Gradio

    config = uvicorn.Config(
        app, log_config=None, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    end = server.handle_exit

    def leave(number: int, frame: Any) -> None:
        """Browsers that look on are no reason to wait: they come again."""
        server.force_exit = True
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        end(number, frame)

    server.handle_exit = leave
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
