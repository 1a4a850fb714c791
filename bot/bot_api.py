"""Telegram's Bot API for the operator's commands: plain calls, and refusals in words that say what to do.

The token is part of every address, so no address is ever shown or logged. Method names and answers:
https://core.telegram.org/bots/api#making-requests.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self

import httpx

from bot.errors import ApiError
from bot.logs import redact

OFFICIAL: Final = "https://api.telegram.org"
ALLOWED_UPDATES: Final = (
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "stopped_message_generation",
)
"""What Telegram is asked to send; a server that does not know one of them passes over it."""

CONNECT_SECONDS, READ_SECONDS = 10.0, 15.0

_CONFLICTS: Final = {
    "webhook": (
        "a webhook is set for this bot, and such a bot cannot be polled. If this installation shall answer, run "
        "`python -m bot webhook delete` and see who sets it again; else stop this one"
    ),
    "getupdates": (
        "another program polls this bot with the same token, and takes messages away. Stop it, or give one of the two "
        "a bot of its own. Cannot find it? @BotFather's /revoke gives this bot a new token that the other has not"
    ),
}
_CODES: Final = {
    401: "Telegram does not take TELEGRAM_BOT_TOKEN. Ask @BotFather for the bot's token (/mybots) and put it into .env",
    404: "TELEGRAM_BOT_TOKEN is not a whole token, or TELEGRAM_API_URL leads to no Bot API server",
    429: "Telegram asks for a pause",
}


class BotApi:
    """Calls as one bot; a context manager. ``skew`` is by how many seconds this machine's clock is ahead of
    Telegram's, as the last answer told; None before."""

    def __init__(self, token: str, url: str = OFFICIAL) -> None:
        self.skew: float | None = None
        self._base = f"{url}/bot{token}"
        self._client = httpx.Client(timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS))

    def call(self, method: str, *, wait: float = 0, **params: Any) -> Any:
        """What Telegram answers to ``method``; ``wait`` is how many seconds longer than usual it may take.

        Raises ApiError.
        """
        timeout = httpx.Timeout(READ_SECONDS + wait, connect=CONNECT_SECONDS)
        try:
            answer = self._client.post(f"{self._base}/{method}", json=params, timeout=timeout)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise _not_reached(error) from None
        self._set_the_clock(answer.headers)
        body = _body(answer)
        if body.get("ok") is True and "result" in body:
            return body["result"]
        raise refusal(answer.status_code, body)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _set_the_clock(self, headers: Mapping[str, str]) -> None:
        try:
            self.skew = time.time() - parsedate_to_datetime(headers.get("Date", "")).timestamp()
        except ValueError:
            self.skew = None


def refusal(status: int, body: Mapping[str, Any]) -> ApiError:
    """An answer that is no success, in words (https://core.telegram.org/bots/api#responseparameters)."""
    description = redact(str(body.get("description", "")))[:300]
    parameters = body.get("parameters")
    wish = parameters.get("retry_after") if isinstance(parameters, dict) else None
    retry_after = float(wish) if isinstance(wish, int | float) and wish > 0 else 0.0
    return ApiError(_words(status, description, retry_after), status, description, retry_after)


def _words(code: int, description: str, retry_after: float) -> str:
    said = f" (Telegram says: {description or code})."
    if code == 409:
        found = next((words for sign, words in _CONFLICTS.items() if sign in _cause(description)), "")
        return (found or "another program uses this bot at the same time") + said
    if code == 429 and retry_after:
        return f"Telegram asks for a pause of {retry_after:g} s{said}"
    if code >= 500:
        return f"Telegram's server has trouble of its own{said}"
    return _CODES.get(code, "Telegram refuses") + said


def _cause(description: str) -> str:
    """What a conflict is with: the words after "terminated by", or after "while"."""
    said = description.lower()
    return said.partition("terminated by")[2] or said.partition("while")[2]


def _body(answer: httpx.Response) -> dict[str, Any]:
    """The answer's JSON object; an ApiError where there is none, as from a proxy or another program."""
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found
    words = f"What answers (HTTP {answer.status_code}) is no Bot API server: look at TELEGRAM_API_URL, and at proxies."
    raise ApiError(words)  # with no code: no Bot API has judged the token


def _not_reached(error: Exception) -> ApiError:
    """Neither the address nor anything that may hold it is repeated."""
    reason = str(error) if isinstance(error, httpx.ConnectError) else ""
    what = f"{type(error).__name__}: {redact(reason)}" if reason else type(error).__name__
    return ApiError(f"Telegram was not reached ({what}). Is the network up, and TELEGRAM_API_URL right?")
