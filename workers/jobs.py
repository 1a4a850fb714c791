"""The names that RQ calls. There is one: ``answer``, and its one argument is a conversation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from bot import plugins, wiring
from bot.business import load_business
from bot.channels import Channel
from bot.errors import BackendError, SettingsError
from bot.numbers import VARIABLE, numbers, settings_of
from bot.settings import Settings
from bot.stores import erase
from bot.stores.access import Access
from bot.stores.connection import Store
from bot.stores.handovers import Handovers
from bot.stores.history import History
from bot.stores.line import MODELS, SUSPECTS, Line
from bot.stores.mailbox import Mailbox
from bot.stores.meter import Meter
from bot.stores.outbox import Outbox
from bot.stores.owner import Owner
from bot.stores.person import Person, export
from bot.stores.tidy import Tidy
from workers.answer import Answerer
from workers.backends import Backend, Finding
from workers.budget import Budget
from workers.frequent import Frequent, Outcome
from workers.media import Media
from workers.orders import Orders
from workers.places import ALONE, Places
from workers.think import Thinker
from workers.transcribers import Transcriber

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


def open_transcriber(settings: Settings) -> Transcriber | None:
    """Who writes voice notes down; None: nobody. Raises SettingsError."""
    if not (name := settings.transcriber):
        return None
    file = name.replace("-", "_")
    return plugins.load("workers.transcribers", file, Transcriber).from_settings(settings)  # type: ignore[type-abstract]


def examine(settings: Settings) -> Iterator[Finding]:
    """What an operator should know of the model, and of who listens to voice notes, by real calls.

    Raises SettingsError.
    """
    backend, transcriber = open_backend(settings), open_transcriber(settings)
    yield from backend.examine()
    yield from _of_numbers(settings, backend)
    if transcriber is not None:
        try:
            yield Finding(transcriber.check())
        except BackendError as error:
            yield Finding(str(error), ok=False)
        finally:
            transcriber.close()


def _of_numbers(settings: Settings, backend: Backend) -> Iterator[Finding]:
    """What is to be known of the models of the other numbers."""
    for account in numbers(settings):
        own = settings_of(settings, account)
        if own is settings:
            continue
        try:
            found = _backend_of(own, backend, settings)
        except SettingsError as error:
            yield Finding(str(error), ok=False)
            continue
        for finding in found.examine() if found is not backend else ():
            yield Finding(f"number {account}: {finding.words}", ok=finding.ok)


def open_answerer(
    settings: Settings, store: Store, mailbox: Mailbox, channels: dict[str, Channel], *, silent: bool = False
) -> Answerer:
    """Everything an answer needs, put together; a ``silent`` one rings no worker. Raises SettingsError."""
    backend, transcriber = open_backend(settings), open_transcriber(settings)
    owner = Owner(store, settings, silent=silent)
    budget = Budget(settings, Meter(store, settings), owner)

    def thinker(account: str) -> Thinker:
        own = settings_of(settings, account)
        thinks = _backend_of(own, backend, settings)
        model = own.llm_model if own.llm_model != settings.llm_model else ""
        count = lambda outcome: answerer.metrics.frequent(outcome)  # noqa: E731,PLW0108 - who counts comes below
        found = _thinker(own, store, thinks, Media(channels, thinks, transcriber), model, count=count)
        found.is_broke = budget.is_spent
        return found

    def line(name: str, places: Sequence[str], parallel: int) -> Line:
        return Line(store, name, places=places, parallel=parallel, lease=settings.lease_seconds, silent=silent)

    models, suspects = line(MODELS, backend.servers(""), backend.parallel), line(SUSPECTS, [ALONE], 1)
    places = Places(models, suspects, settings.slow_notice_seconds)
    outbox = Outbox(store, silent=silent, hold_seconds=settings.whatsapp_hold_seconds)
    answerer = Answerer(settings, mailbox=mailbox, thinker=thinker(""), outbox=outbox, places=places, channels=channels)
    others = [account for account in numbers(settings) if settings_of(settings, account) is not settings]
    answerer.thinkers = {account: thinker(account) for account in others}
    answerer.erase = partial(_let_go, store, Tidy(store, settings))
    answerer.watch = budget.watch
    answerer.failures.tell = owner.tell
    return answerer


def _let_go(store: Store, tidy: Tidy) -> None:
    """What people want to go, and the names of those of whom nothing is left."""
    erase.finish(store)
    tidy.hourly()


def _backend_of(own: Settings, backend: Backend, usual: Settings) -> Backend:
    """Who answers under a number's ``own`` settings: the ``usual`` backend, or one that knows its business alone.

    Raises SettingsError for a model that cannot be chosen.
    """
    if own.llm_model != usual.llm_model and not backend.chooses:
        where = f"{VARIABLE}: numbers.{own.whatsapp_phone_number_id}.model"
        way_out = "leave it out, or let ollama, openai or huggingface answer"
        raise SettingsError(
            f"{where}: LLM_PROVIDER={usual.llm_provider} has the same model for all numbers: {way_out}."
        )
    return open_backend(own) if backend.knows_business and own is not usual else backend


def _thinker(
    settings: Settings, store: Store, backend: Backend, media: Media, model: str, *, count: Callable[[Outcome], None]
) -> Thinker:
    """Who thinks for one number, by its own ``settings``; ``model`` where it is not the usual one, and who counts its
    frequent questions.

    Raises SettingsError.
    """
    business, commands, access = load_business(settings.business_file), wiring.open_commands(), Access(store, settings)
    orders = Orders(
        settings,
        business=business,
        commands=commands,
        backend=backend,
        figures=lambda: _figures(store),
        export=lambda person: _export(store, person),
        stranger=access.stranger,
        model=model,
    )
    return Thinker(
        settings,
        history=History(store),
        backend=backend,
        business=business,
        commands=commands,
        access=access,
        handovers=Handovers(store, settings),
        orders=orders,
        media=media,
        frequent=Frequent(settings, store, business=business, backend=backend, count=count)
        if settings.frequent_answers_hours
        else None,
    )


def _figures(store: Store) -> Mapping[str, int]:
    from bot import status  # noqa: PLC0415 - nobody needs tables and metrics until an admin asks for figures

    now = status.read(store)
    waiting = {
        name: getattr(now, name) for name in ("conversations", "overdue", "waiting_for_model", "workers", "dead")
    }
    return {"answers": 0, "messages": 0, "tokens": 0} | dict(now.today) | waiting | {"unknown": now.counts["unknown"]}


def _export(store: Store, person: str) -> str:
    return json.dumps(export(store, Person.parse(person)), ensure_ascii=False, indent=1)
