"""The command line of the heavy side: python -m workers …"""

from __future__ import annotations

import logging
import time

import typer
from rich.console import Console as Terminal

from bot import safety, wiring
from bot.cli import begin, main
from bot.errors import SettingsError, StoreUnavailable
from bot.settings import Settings
from bot.stores.connection import Store
from workers import console, jobs

log = logging.getLogger("recado.worker")

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run() -> None:
    """Answer messages, WORKER_CONCURRENCY at a time, until SIGTERM."""
    from workers.background import Background  # noqa: PLC0415 - chat and check do without
    from workers.worker import TurnWorker  # noqa: PLC0415

    settings = begin()
    channels = wiring.open_channels(settings)
    if not channels:
        raise SettingsError(wiring.NO_CHANNEL)
    store = wiring.open_store(settings, wiring.WORKER_TIMEOUT)
    safety.vet_address(store)
    answerer = jobs.open_answerer(settings, store, wiring.open_mailbox(settings, store), channels)
    jobs.use(answerer)
    for channel in channels.values():
        channel.warm_up()
    _wait_for_redis(settings, store)
    Background(answerer).start()
    log.info("answering with %s, %d turns at once", settings.llm_provider, settings.worker_concurrency)
    connection = wiring.open_store(settings, wiring.WORKER_TIMEOUT).client
    TurnWorker(connection, answerer, settings.worker_concurrency).work()
    for channel in channels.values():
        channel.close()


@app.command()
def chat() -> None:
    """Talk with the configured backend in this terminal."""
    settings = begin(level="ERROR")
    console.chat(settings, Terminal())


@app.command()
def check() -> None:
    """Prove by one real call that the configured model answers."""
    Terminal(width=500).print(jobs.open_backend(begin(level="ERROR")).check(), markup=False, highlight=False)


def _wait_for_redis(settings: Settings, store: Store) -> None:
    """A worker may be started before Redis is. Raises SettingsError for one that is not safe."""
    while True:
        try:
            store.ping()
            safety.vet(settings, store)
        except StoreUnavailable as error:
            log.error("%s; trying again", error)
            time.sleep(1)
        else:
            return


if __name__ == "__main__":
    main(app)
