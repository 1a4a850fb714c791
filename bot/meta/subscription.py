"""Who hears of what is written to a number: the app's own webhook, and the account's, which goes before it.

Sources, all below https://developers.facebook.com/docs/: whatsapp/embedded-signup/webhooks/override, and of
graph-api/reference/ whats-app-business-account/subscribed_apps and app/subscriptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from bot.meta import webhook_words as words
from bot.meta.checks import Found
from bot.meta.graph import OFFICIAL, GraphApi, Wrong
from bot.meta.words import fill
from bot.webhook import is_public

PATH: Final = "/webhook/whatsapp"
MESSAGES, ECHOES = "messages", "smb_message_echoes"
FIELDS: Final = (MESSAGES, ECHOES)
"""What the app must ask for: what people write, with all statuses, and what the owner writes from the telephone."""

_OBJECT: Final = "whatsapp_business_account"


def url_in(answer: str, api_url: str) -> str:
    """PUBLIC_URL as it was written; none is one too. Raises Wrong for an address to which Meta would not deliver.

    A stand-in for Meta may deliver anywhere.
    """
    url = answer.strip().rstrip("/")
    parts = urlsplit(url)
    if not url or not api_url.startswith(OFFICIAL):
        return url
    if parts.scheme != "https":
        raise Wrong(words.NO_HTTPS)
    if not is_public(parts.hostname or "") or parts.query or parts.fragment or parts.username:
        raise Wrong(words.NOT_PUBLIC)
    return url


def judge(api: GraphApi, number: str, url: str, *, account: str, app: str, secret: str) -> Iterator[Found]:
    """All of it; a failure hides only what needs the same answer. What is not known (empty) is not looked at."""
    if not account:
        yield Found("subscription", ok=None, words=words.NO_ACCOUNT)
    elif app:
        yield from asked("subscription", lambda: [judge_subscription(api, account, app)])
    if url:
        yield from asked("callback", lambda: [judge_callback(api, number, url, account, app)])
    else:
        yield Found("callback", ok=False, words=words.NO_PUBLIC_URL)
    if app and secret:
        yield from asked("fields", lambda: judge_fields(api, app, secret))


def asked(what: str, ask: Callable[[], Iterable[Found]]) -> Iterator[Found]:
    """What was found, or why Meta does not tell."""
    try:
        yield from ask()
    except Wrong as error:
        yield Found(what, ok=False, words=error.words)


def judge_subscription(api: GraphApi, account: str, app: str) -> Found:
    """Whether the app hears of the account at all. Raises Wrong."""
    ok = _subscribed(api, account, app) is not None
    said = fill(words.SUBSCRIBED if ok else words.NOT_SUBSCRIBED, account=account)
    return Found("subscription", ok=ok, words=said)


def judge_callback(api: GraphApi, number: str, url: str, account: str = "", app: str = "") -> Found:
    """Whether Meta delivers what is written to the number to ``url``, as the number tells, or else the account.

    Raises Wrong.
    """
    places = api.get(number, fields="webhook_configuration").get("webhook_configuration")
    places = places if isinstance(places, dict) else {}
    order = ("phone_number", "whatsapp_business_account", "application")
    there = next((str(places[place]) for place in order if places.get(place)), "")
    if not there and account and app:
        there = str((_subscribed(api, account, app) or {}).get("override_callback_uri", ""))
    if not there:
        return Found("callback", ok=False, words=words.CALLBACK_NONE)
    if there != url:
        return Found("callback", ok=False, words=fill(words.CALLBACK_OTHER, there=_shown(there), url=url))
    return Found("callback", ok=True, words=fill(words.CALLBACK_WELL, url=url))


def _subscribed(api: GraphApi, account: str, app: str) -> dict[str, Any] | None:
    """How the app hears of the account; None: it does not. Raises Wrong."""
    known: list[dict[str, Any]] = api.get(f"{account}/subscribed_apps").get("data", [])
    mine = (one for one in known if str((one.get("whatsapp_business_api_data") or {}).get("id")) == app)
    return next(mine, None)


def judge_fields(api: GraphApi, app: str, secret: str) -> Iterator[Found]:
    """Whether the app asks for what people write. Raises Wrong."""
    _, asked = app_webhook(api, app, secret)
    if MESSAGES not in asked:
        yield Found("fields", ok=False, words=fill(words.FIELDS_MISSING, fields=MESSAGES))
    elif ECHOES not in asked:
        yield Found("fields", ok=None, words=fill(words.ECHOES_MISSING, fields=ECHOES))
    else:
        yield Found("fields", ok=True, words=fill(words.FIELDS_WELL, fields=", ".join(FIELDS)))


def app_webhook(api: GraphApi, app: str, secret: str) -> tuple[str, tuple[str, ...]]:
    """The app's own webhook: its address and its fields, both empty where there is none. Raises Wrong."""
    data: list[dict[str, Any]] = api.as_app("GET", f"{app}/subscriptions", app, secret).get("data", [])
    mine = next((one for one in data if one.get("object") == _OBJECT and one.get("active", True)), {})
    return str(mine.get("callback_url", "")), tuple(str(one.get("name", "")) for one in mine.get("fields", ()))


def ask_for_fields(api: GraphApi, app: str, secret: str, url: str, verify_token: str) -> None:
    """Let the app ask for what we need besides what it asks for. An app that delivers elsewhere is left as it is, for
    Meta would try that address with our verify token. Raises Wrong."""
    there, asked = app_webhook(api, app, secret)
    if there not in ("", url) or set(FIELDS) <= set(asked):
        return
    fields = ",".join(dict.fromkeys((*asked, *FIELDS)))
    api.as_app(
        "POST", f"{app}/subscriptions", app, secret,
        object=_OBJECT, callback_url=url, verify_token=verify_token, fields=fields,
    )  # fmt: skip


def subscribe(api: GraphApi, account: str, url: str, verify_token: str) -> None:
    """Let Meta deliver what is written to the account's numbers to ``url``, once it has tried it. Raises Wrong."""
    api.post(f"{account}/subscribed_apps", override_callback_uri=url, verify_token=verify_token)


def _shown(url: str) -> str:
    """Somebody's address without what may be a secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"
