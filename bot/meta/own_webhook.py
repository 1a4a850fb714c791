"""The own webhook, tried as Meta would: its verification, a body that is signed, and one that is forged."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import Final

import httpx

from bot.meta import webhook_words as words
from bot.meta.checks import Found
from bot.meta.subscription import PATH
from bot.meta.words import fill
from bot.texts import Text

TIMES: Final = httpx.Timeout(10, connect=5)
_BODY: Final = b'{"object":"whatsapp_business_account","entry":[]}'
"""Genuine, and about nothing: whoever takes it stores nothing."""


def local_address(host: str, port: int) -> str:
    """Where this machine reaches its own receiver."""
    host = "127.0.0.1" if host in ("", "0.0.0.0") else "[::1]" if host == "::" else host  # noqa: S104 - it is compared
    return f"http://{host}:{port}"


def try_both(local: str, public: str, app_secret: str, verify_token: str) -> list[Found]:
    """The receiver itself, and the address under which Meta reaches it, where there is one.

    One of them that answers well makes the other's silence worth a look alone: the receiver may run on another machine,
    and many routers lead nobody back in from inside.
    """
    found = [try_webhook(local, app_secret, verify_token, local=True)]
    if public:
        found.append(try_webhook(public, app_secret, verify_token, local=False))
        if found[1].ok and not found[0].ok:
            found[0] = found[0]._replace(ok=None)
    return found


def try_webhook(base: str, app_secret: str, verify_token: str, *, local: bool) -> Found:
    """Whether the receiver at ``base`` answers as it must; ``local`` if nothing stands between it and us."""
    url, what = f"{base}{PATH}", "receiver" if local else "address"
    try:
        with httpx.Client(timeout=TIMES, trust_env=not local) as client:
            wrong = _handshake(client, url, verify_token) or _signed(client, url, app_secret)
            wrong = wrong or _forged(client, url)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        if local:
            return Found(what, ok=False, words=fill(words.NOT_UP, url=url))
        return Found(what, ok=None, words=fill(words.NOT_THERE, url=url, what=type(error).__name__))
    return Found(what, ok=wrong is None, words=fill(wrong or words.WEBHOOK_WELL, url=url))


def _handshake(client: httpx.Client, url: str, verify_token: str) -> Text | None:
    challenge = str(secrets.randbelow(10**9))
    query = {"hub.mode": "subscribe", "hub.verify_token": verify_token, "hub.challenge": challenge}
    answer = client.get(url, params=query)
    if answer.status_code == httpx.codes.FORBIDDEN:
        return words.OTHER_VERIFY_TOKEN
    if answer.is_success and answer.text.strip() != challenge:
        return words.NOT_ECHOED
    return None if answer.is_success else _status(answer.status_code)


def _signed(client: httpx.Client, url: str, app_secret: str) -> Text | None:
    status = _post(client, url, app_secret)
    if status == httpx.codes.FORBIDDEN:
        return words.OTHER_APP_SECRET
    return None if status == httpx.codes.OK else _status(status)


def _forged(client: httpx.Client, url: str) -> Text | None:
    status = _post(client, url, secrets.token_hex(16))
    return None if status == httpx.codes.FORBIDDEN else _filled(words.TAKES_FORGED, status)


def _post(client: httpx.Client, url: str, secret: str) -> int:
    signature = hmac.new(secret.encode(), _BODY, sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
    return client.post(url, content=_BODY, headers=headers).status_code


def _status(status: int) -> Text:
    if status in range(300, 400):
        return _filled(words.REDIRECTS, status)
    if status == httpx.codes.SERVICE_UNAVAILABLE:
        return words.NO_REDIS
    return _filled(words.PROXY_FAILS if status >= 500 else words.NO_CHANNEL, status)


def _filled(text: Text, status: int) -> Text:
    return fill(text, url="{url}", status=status)
