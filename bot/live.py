"""The commands that bring an installation into the world: setup, poll and webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import DONE, FAILED, begin

if TYPE_CHECKING:
    from bot.settings import Settings

webhook = typer.Typer(help="Where Telegram delivers: registered, looked at, taken away.", no_args_is_help=True)
whatsapp = typer.Typer(help="WhatsApp: set up, step by step.", no_args_is_help=True)


_META = "Secrets are taken from the environment (WHATSAPP_TOKEN, WHATSAPP_APP_SECRET), for a command line can be seen."
_SECRETS = "Secrets are taken from the environment (TELEGRAM_BOT_TOKEN, LLM_API_KEY), for a command line can be seen."


def setup(
    *,
    language: Annotated[str | None, typer.Option(help="es or en.")] = None,
    name: Annotated[str | None, typer.Option(help="The business's name.")] = None,
    hours: Annotated[str | None, typer.Option(help="Its opening hours.")] = None,
    contact: Annotated[str | None, typer.Option(help="How to reach a person.")] = None,
    public_url: Annotated[str | None, typer.Option(help="The https address; empty: Telegram is polled.")] = None,
    admins: Annotated[str | None, typer.Option(help="Ids of the owners, separated by commas.")] = None,
    provider: Annotated[str | None, typer.Option(help="Who thinks: faq, ollama, openai, huggingface, local.")] = None,
    model: Annotated[str | None, typer.Option(help="The model's name there.")] = None,
    base_url: Annotated[str | None, typer.Option(help="The model server's address.")] = None,
    redis_url: Annotated[
        str | None, typer.Option(help="Redis' address; one with a password rather in REDIS_URL.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help=f"Ask nothing: take the defaults. {_SECRETS}")] = False,
) -> None:
    """Ask for what is needed, prove it by real calls, and write .env and the business file."""
    from bot.logs import setup_logs  # noqa: PLC0415
    from bot.setup import flow  # noqa: PLC0415

    setup_logs("ERROR", "text")
    given = {
        "DEFAULT_LANGUAGE": language, "PUBLIC_URL": public_url, "ADMINS": admins, "LLM_PROVIDER": provider,
        "LLM_MODEL": model, "LLM_BASE_URL": base_url, "REDIS_URL": redis_url,
    }  # fmt: skip
    proved = flow.run(given, {"name": name, "hours": hours, "contact": contact}, interactive=not yes)
    raise typer.Exit(DONE if proved else FAILED)


@whatsapp.command("setup")
def setup_whatsapp(
    *,
    language: Annotated[str | None, typer.Option(help="es or en.")] = None,
    phone_number_id: Annotated[str | None, typer.Option(help="The number's id, not the number.")] = None,
    business_account_id: Annotated[str | None, typer.Option(help="The WhatsApp Business account's id.")] = None,
    public_url: Annotated[str | None, typer.Option(help="The https address under which Meta reaches you.")] = None,
    subscribe: Annotated[
        bool | None, typer.Option(help="Let Meta deliver here; neither: it is asked, and with --yes not done.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help=f"Ask nothing: take what is there. {_META}")] = False,
) -> None:
    """Prove each credential as it is pasted, write .env, try the own webhook, and let Meta deliver to it."""
    from bot.logs import setup_logs  # noqa: PLC0415
    from bot.setup import whatsapp as flow  # noqa: PLC0415

    setup_logs("ERROR", "text")
    given = {
        "DEFAULT_LANGUAGE": language, "WHATSAPP_PHONE_NUMBER_ID": phone_number_id,
        "WHATSAPP_BUSINESS_ACCOUNT_ID": business_account_id, "PUBLIC_URL": public_url,
    }  # fmt: skip
    raise typer.Exit(DONE if flow.run(given, interactive=not yes, subscribe=subscribe) else FAILED)


def poll() -> None:
    """Fetch Telegram's messages, where there is no public address for a webhook."""
    from bot import poll as polling  # noqa: PLC0415 - each command loads only what it needs

    polling.poll(begin())


@webhook.command("set")
def set_webhook() -> None:
    """Register PUBLIC_URL and the secret at Telegram, and see that it took them."""
    from bot.webhook import register  # noqa: PLC0415

    info = register(_begin())
    typer.echo(f"Telegram delivers to {info.url} (waiting there: {info.pending}).")


@webhook.command("info")
def show_webhook() -> None:
    """Show where Telegram delivers, what waits there, and what its last error means."""
    from bot.webhook import describe  # noqa: PLC0415

    for line in describe(_begin()):
        typer.echo(line)


@webhook.command("delete")
def delete_webhook() -> None:
    """Let Telegram deliver nowhere; what waits there is kept for a poller."""
    from bot.webhook import delete  # noqa: PLC0415

    delete(_begin())
    typer.echo("No webhook is set any more; Telegram keeps messages for whoever polls, for 24 hours.")


@webhook.command("secret")
def show_secret() -> None:
    """Print the secret that Telegram's webhooks must carry."""
    from bot.webhook import open_api  # noqa: PLC0415

    bot, api = open_api(_begin())
    api.close()
    typer.echo(bot.webhook_secret)


def _begin() -> Settings:
    return begin(level="ERROR")
