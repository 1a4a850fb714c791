"""The names that RQ calls. There is one: ``answer``, and its one argument is a conversation."""

from __future__ import annotations

from collections.abc import Sequence

from bot import plugins, wiring
from bot.business import load_business
from bot.channels import Channel
from bot.settings import Settings
from bot.stores.connection import Store
from bot.stores.history import History
from bot.stores.line import MODELS, SUSPECTS, Line
from bot.stores.mailbox import Mailbox
from bot.stores.outbox import Outbox
from workers.answer import Answerer
from workers.backends import Backend
from workers.places import ALONE, Places
from workers.think import Thinker

_answerer: Answerer | None = None


def answer(conversation: str) -> None:
    """Answer what waits in this conversation. Raises StoreUnavailable."""
    if _answerer is None:
        raise RuntimeError("workers.jobs.answer runs inside `python -m workers run` only")
    _answerer.answer(conversation)


def use(answerer: Answerer) -> None:
    """Let this process answer with ``answerer``."""
    global _answerer  # noqa: PLW0603 - RQ calls a name; this is what the name means in this process
    _answerer = answerer


def open_backend(settings: Settings) -> Backend:
    """The configured backend. Raises SettingsError."""
    found = plugins.load("workers.backends", settings.llm_provider, Backend)  # type: ignore[type-abstract]
    return found.from_settings(settings, load_business(settings.business_file))


def open_answerer(
    settings: Settings, store: Store, mailbox: Mailbox, channels: dict[str, Channel], *, silent: bool = False
) -> Answerer:
    """Everything an answer needs, put together; a ``silent`` one rings no worker. Raises SettingsError."""
    backend = open_backend(settings)
    thinker = Thinker(
        settings,
        history=History(store),
        backend=backend,
        business=load_business(settings.business_file),
        commands=wiring.open_commands(),
    )

    def line(name: str, places: Sequence[str], parallel: int) -> Line:
        return Line(store, name, places=places, parallel=parallel, lease=settings.lease_seconds, silent=silent)

    models, suspects = line(MODELS, backend.servers(""), backend.parallel), line(SUSPECTS, [ALONE], 1)
    places = Places(models, suspects, settings.slow_notice_seconds)
    outbox = Outbox(store, silent=silent)
    return Answerer(settings, mailbox=mailbox, thinker=thinker, outbox=outbox, places=places, channels=channels)
