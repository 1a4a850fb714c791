"""Announcing: the platforms are told which commands there are, for their menus."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from bot import wiring
from bot.channels import Channel
from bot.errors import DeliveryError
from bot.settings import Settings

log = logging.getLogger("recado.worker")


def announce_beside(settings: Settings, channels: Mapping[str, Channel]) -> None:
    """Announce in a thread of its own: no answer waits for it, and it may fail."""
    threading.Thread(target=announce, args=(settings, channels), name="announce", daemon=True).start()


def announce(settings: Settings, channels: Mapping[str, Channel]) -> None:
    """Tell every platform. What fails is said again when the next worker starts."""
    commands = wiring.open_commands()
    everybody = {name: command.description for name, command in commands.items() if not command.admin}
    owners = {name: command.description for name, command in commands.items() if command.admin}
    for channel in channels.values():
        try:
            channel.announce(everybody, owners, settings.admins, settings.default_language)
        except DeliveryError as error:
            log.warning("%s does not show the commands yet: %s", channel.name, error)
        except Exception:  # the border of a menu: a platform's client that breaks on it costs no answer
            log.exception("%s does not show the commands", channel.name)
