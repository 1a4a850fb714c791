"""Everything between Meta and this installation, looked at for the doctor: each number, its secrets, its webhook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from bot.meta import checks, subscription
from bot.meta import webhook_words as words
from bot.meta.checks import Found
from bot.meta.graph import GraphApi, Wrong
from bot.meta.own_webhook import local_address, try_both
from bot.meta.subscription import asked
from bot.meta.words import fill
from bot.numbers import is_exposed, numbers, settings_of
from bot.settings import Settings


def examine(settings: Settings) -> Iterator[Found]:
    """Nothing where WhatsApp is off. Raises SettingsError for numbers that cannot be read."""
    known = numbers(settings)
    for account in known:
        label = f"WhatsApp {account} " if len(known) > 1 else "WhatsApp "
        for found in _number(settings_of(settings, account)):
            yield found._replace(what=label + found.what)
    yield from _webhooks(settings)
    file = settings.whatsapp_numbers_file
    if known and file is not None and is_exposed(file):
        yield Found("WhatsApp numbers", ok=None, words=fill(words.EXPOSED, file=file))


def _number(settings: Settings) -> Iterator[Found]:
    """One number, by its own token."""
    number, secret = settings.whatsapp_phone_number_id.strip(), settings.whatsapp_app_secret.get_secret_value()
    with GraphApi(settings.whatsapp_token.get_secret_value().strip(), settings.whatsapp_api_url) as api:
        try:
            token = checks.ask_token(api)
        except Wrong as error:
            yield Found("token", ok=False, words=error.words)
            return
        yield from checks.judge_token(token)
        yield from asked("number", lambda: checks.judge_number(checks.ask_number(api, number)))
        yield from asked("app secret", lambda: [checks.prove_secret(api, number, secret)])
        yield from checks.judge_clock(api)
        account = _account_of(api, number, (settings.whatsapp_business_account_id.strip(), *token.accounts))
        url = settings.public_url and settings.public_url + subscription.PATH
        yield from subscription.judge(api, number, url, account=account, app=token.app, secret=secret)
        if account and settings.whatsapp_template:
            yield from asked("template", lambda: [checks.judge_template(api, account, settings.whatsapp_template)])


def _account_of(api: GraphApi, number: str, likely: tuple[str, ...]) -> str:
    """The business account that has the number, of those that may; empty where Meta does not say."""
    for account in dict.fromkeys(filter(None, likely)):
        with suppress(Wrong):
            if any(one.id == number for one in checks.numbers_of(api, account)):
                return account
    return ""


def _webhooks(settings: Settings) -> Iterator[Found]:
    """The own webhook, once for each secret that signs: several numbers may belong to several apps."""
    local = local_address(settings.host, settings.port)
    pairs = {
        (one.app_secret.get_secret_value(), one.verify_token.get_secret_value()) for one in numbers(settings).values()
    }
    for secret, verify_token in sorted(pairs):
        for found in try_both(local, settings.public_url, secret, verify_token):
            yield found._replace(what=f"WhatsApp {found.what}")
