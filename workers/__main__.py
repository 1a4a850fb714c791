"""The command line of the heavy side: python -m workers …"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console as Terminal

from bot import safety, wiring
from bot.cli import DONE, FAILED, begin, main
from bot.errors import StoreUnavailable
from bot.settings import Settings
from bot.stores.connection import Store
from bot.telemetry import open_traces, report_errors
from workers import jobs
from workers.announce import announce_beside
from workers.train import command as training

log = logging.getLogger("recado.worker")

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run() -> None:
    """Answer messages, WORKER_CONCURRENCY at a time, until SIGTERM."""
    from workers.background import Background  # noqa: PLC0415 - chat and check do without
    from workers.card import signing  # noqa: PLC0415
    from workers.worker import TurnWorker  # noqa: PLC0415

    settings = begin()
    report_errors(settings, "worker")
    trace = open_traces(settings)
    platforms = wiring.open_channels(settings)
    store = wiring.open_store(settings, wiring.WORKER_TIMEOUT, "worker")
    safety.vet_address(store)
    page, _ = wiring.open_page(settings, store)
    channels = {**platforms, page.name: page}
    if not platforms:
        log.warning("%s", wiring.NO_CHANNEL)
    answerer = jobs.open_answerer(settings, store, wiring.open_mailbox(settings, store), channels)
    jobs.use(answerer)
    if trace:
        answerer.trace = lambda figures: trace(*figures.span)
    for channel in channels.values():
        channel.warm_up()
    _wait_for_redis(settings, store)
    worker = TurnWorker(
        wiring.open_store(settings, wiring.WORKER_TIMEOUT).client,
        answerer,
        settings.worker_concurrency,
        settings.drain_seconds,
    )
    Background(answerer, signing(settings, store, answerer, worker.name)).start()
    announce_beside(settings, platforms)
    if settings.worker_metrics_port:
        answerer.metrics.serve(settings.host, settings.worker_metrics_port)
    log.info("answering with %s, %d turns at once", settings.llm_provider, settings.worker_concurrency)
    worker.work()
    for channel in channels.values():
        channel.close()


@app.command()
def chat() -> None:
    """Talk with the configured backend in this terminal."""
    from workers.console import command as console  # noqa: PLC0415 - a worker has no terminal

    console.chat(begin(level="ERROR"), Terminal())


@app.command()
def ui() -> None:
    """Show the chat page for a browser on UI_HOST:UI_PORT, until Ctrl-C."""
    from workers.ui.command import serve  # noqa: PLC0415 - the others do without

    serve(begin())


@app.command()
def check(*, as_json: Annotated[bool, typer.Option("--json", help="One line of JSON, for programs.")] = False) -> None:
    """Prove by one real call that the configured model answers, on each of its servers, and that voice is heard."""
    found = list(jobs.examine(begin(level="ERROR")))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found]))
    for finding in [] if as_json else found:
        mark = "look: " if finding.ok is None else ""
        typer.echo(mark + finding.words, err=finding.ok is False)
    raise typer.Exit(FAILED if any(finding.ok is False for finding in found) else DONE)


@app.command()
def bench(
    *,
    config: Annotated[str, typer.Option(help="base, 4bit, 8bit, sliding-window, int8, all, or a provider.")] = "",
    concurrency: Annotated[str, typer.Option(help="Conversations at once.")] = "1,4,16",
    tokens: Annotated[int, typer.Option(min=1, help="The longest reply.")] = 64,
    repeat: Annotated[int, typer.Option(min=1, help="Rounds that count, after a warm-up.")] = 3,
    model: Annotated[list[str] | None, typer.Option(help="A provider's LLM_MODEL, as in ollama=qwen3:4b.")] = None,
    url: Annotated[list[str] | None, typer.Option(help="A provider's LLM_BASE_URL, as in openai=http://….")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw them into this PNG file.")] = None,
) -> None:
    """Measure configurations of the model on this machine, each in a process of its own."""
    from workers.bench.command import Asked, measure  # noqa: PLC0415

    asked = Asked(config, concurrency, tokens, repeat, tuple(model or ()), tuple(url or ()), json_file, plot)
    measure(asked, begin(level="ERROR"), Terminal())


app.command()(training.train)
app.command()(training.merge)


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
