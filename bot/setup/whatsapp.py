"""WhatsApp's setup: credentials proved as they are pasted, `.env` written, the webhook tried, and Meta asked for it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bot.meta import subscription
from bot.meta.checks import Found
from bot.meta.graph import GraphApi, Wrong
from bot.meta.own_webhook import local_address, try_both
from bot.settings import ENV_FILE, load_settings
from bot.setup import env_file, flow, words
from bot.setup import whatsapp_words as ours
from bot.setup.asking import Asker
from bot.setup.whatsapp_steps import Steps

CHOSEN: Final = (
    "DEFAULT_LANGUAGE", "PUBLIC_URL", "WHATSAPP_TOKEN", "WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_BUSINESS_ACCOUNT_ID",
    "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN",
)  # fmt: skip
VERIFY: Final = "WHATSAPP_VERIFY_TOKEN"


def run(given: Mapping[str, str | None], *, interactive: bool, subscribe: bool | None = None) -> bool:
    """Ask, prove, write, try and subscribe; whether everything is well. ``given`` are answers by the names of
    settings. Nothing is changed at Meta unless somebody says yes, here or by ``subscribe``.

    Raises RecadoError; then nothing was written.
    """
    path = Path(os.environ.get(ENV_FILE) or ".env")
    values = flow.as_it_was(path)
    asker = Asker("es", interactive)
    asker.language = flow.language(asker, values, given.get("DEFAULT_LANGUAGE"))
    values["DEFAULT_LANGUAGE"] = asker.language
    local = _receiver(values)
    asker.say(ours.HELLO)
    steps = Steps(asker, values, dict(given))
    for step in (steps.ask_token, steps.ask_account, steps.ask_number, steps.ask_secret, steps.ask_url):
        step()
    size, fewest = flow.FRESH[VERIFY]
    values[VERIFY] = values[VERIFY] if flow.does(VERIFY, values.get(VERIFY, ""), fewest) else secrets.token_hex(size)
    _write(asker, path, values)
    answers = _try(steps, local)
    _subscribe(steps, path, subscribe if answers else False)
    if steps.well:
        asker.say(ours.DONE, number=steps.display)
    elif not answers:
        asker.say(ours.LATER)
    return steps.well


def _receiver(values: Mapping[str, str]) -> str:
    """Where the receiver of these settings listens. Raises SettingsError."""
    settings = load_settings("", host=values.get("HOST", ""), port=values.get("PORT", ""))
    return local_address(settings.host, settings.port)


def _write(asker: Asker, path: Path, values: Mapping[str, str]) -> None:
    before = path.read_text(encoding="utf-8") if path.exists() else env_file.example()
    text = env_file.changed(before, {name: values.get(name, "") for name in CHOSEN})
    if text == before:
        return
    copy = env_file.back_up(path)
    env_file.write(path, text)
    asker.say(words.WRITTEN, path=path)
    if copy:
        asker.say(words.KEPT, path=copy)


def _try(steps: Steps, local: str) -> bool:
    """Try the own webhook until it answers or nobody wants to wait; whether it does, here or from outside."""
    steps.asker.say(ours.TRYING)
    pair = steps.values["WHATSAPP_APP_SECRET"], steps.values[VERIFY]
    while True:
        found = try_both(local, steps.values["PUBLIC_URL"], *pair)
        for one in found:
            steps.show(one)
        answers = any(one.ok for one in found)
        if answers or not steps.asker.interactive or not steps.asker.confirm(ours.AGAIN, default=True):
            break
    steps.well &= all(one.ok is not False for one in found)
    return answers


def _subscribe(steps: Steps, path: Path, subscribe: bool | None) -> None:
    """Ask Meta to deliver here, if that is wanted, and see what it does; what is left to be clicked is said."""
    values, asker = steps.values, steps.asker
    account, base = values["WHATSAPP_BUSINESS_ACCOUNT_ID"], values["PUBLIC_URL"]
    url = (base or ours.YOUR_HTTPS.to(asker.language)) + subscription.PATH
    wanted = bool(account and base) and subscribe is not False
    if wanted and subscribe is None:
        wanted = asker.interactive and asker.confirm(ours.SUBSCRIBE, default=True, url=url, account=account)
    with steps.api() as api:
        if wanted:
            steps.say(_ordered(api, steps, account, url))
        found = list(_judged(api, steps, url))
    steps.say(found)
    if not all(one.ok for one in found):
        asker.say(ours.CLICK, url=url, file=path, fields=", ".join(subscription.FIELDS))


def _ordered(api: GraphApi, steps: Steps, account: str, url: str) -> Iterator[Found]:
    """Only what Meta refuses is said here."""
    values = steps.values
    try:
        if steps.token.app:
            subscription.ask_for_fields(api, steps.token.app, values["WHATSAPP_APP_SECRET"], url, values[VERIFY])
        subscription.subscribe(api, account, url, values[VERIFY])
    except Wrong as error:
        yield Found("subscription", ok=False, words=error.words)


def _judged(api: GraphApi, steps: Steps, url: str) -> Iterator[Found]:
    """Who hears of what is written to the number, as Meta tells it now."""
    values = steps.values
    yield from subscription.judge(
        api, values["WHATSAPP_PHONE_NUMBER_ID"], url if values["PUBLIC_URL"] else "",
        account=values["WHATSAPP_BUSINESS_ACCOUNT_ID"], app=steps.token.app, secret=values["WHATSAPP_APP_SECRET"],
    )  # fmt: skip
