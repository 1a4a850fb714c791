"""`make run`: says how this installation is reached, then starts everything in the Procfile."""  # noqa: INP001 - a script

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import typer
from honcho import command, manager

from bot.errors import SettingsError
from bot.settings import ENV_FILE, Settings, load_settings

DRAIN_SECONDS = 25
"""How long a stopping worker may finish its turns before it is killed; it drains for up to 20 s itself."""


def telegram_mode(settings: Settings) -> str:
    """One line: how Telegram's messages reach us, or what is missing for it."""
    if not settings.telegram_bot_token.get_secret_value():
        return "Telegram: off (TELEGRAM_BOT_TOKEN is empty)."
    if settings.public_url:
        return f"Telegram: webhook, {settings.public_url}/webhook/telegram (register it once with setWebhook: README)."
    return (
        "Telegram: TELEGRAM_BOT_TOKEN is set, but PUBLIC_URL is empty, so Telegram cannot reach this machine. "
        "Set PUBLIC_URL to the https address of this receiver and register the webhook (README, going live)."
    )


def whatsapp_mode(settings: Settings) -> str:
    """One line: how WhatsApp's messages reach us."""
    if not settings.whatsapp_token.get_secret_value():
        return "WhatsApp: off (WHATSAPP_TOKEN is empty)."
    return (
        f"WhatsApp: webhook, {settings.public_url or '<your https address>'}/webhook/whatsapp (set it in Meta's app)."
    )


def start(settings: Settings) -> None:
    """Start the Procfile's processes and stay until they end.

    Each process reads the env file itself: honcho's own reading of it differs in its quoting.
    """
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))  # the terminal was closed
    manager.KILL_WAIT = DRAIN_SECONDS
    command.main(["start", "--env", os.devnull, "--port", str(settings.port)])  # type: ignore[no-untyped-call]


def main() -> None:
    """Exit code 2 when a setting is wrong."""
    file = os.environ.get(ENV_FILE, ".env")
    if file and not Path(file).exists():
        typer.echo(f"There is no {file}, so the defaults hold. To make one: cp .env.example .env")
    try:
        settings = load_settings()
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(2) from None
    typer.echo(telegram_mode(settings))
    typer.echo(whatsapp_mode(settings))
    typer.echo(f"Who thinks: {settings.llm_provider}. The receiver listens on {settings.host}:{settings.port}.")
    start(settings)


if __name__ == "__main__":
    main()
