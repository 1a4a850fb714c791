"""Meta's Graph API for the operator's commands: plain calls, and refusals in words that say what to do.

Calls and answers: https://developers.facebook.com/docs/graph-api/overview, errors: …/graph-api/guides/error-handling,
the proof of the app secret: …/graph-api/guides/secure-requests.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any, Final, Self

import httpx

from bot.errors import ApiError
from bot.logs import redact
from bot.meta import words
from bot.meta.words import fill
from bot.texts import Text

OFFICIAL: Final = "https://graph.facebook.com/"
TIMES: Final = httpx.Timeout(15, connect=10)

_TOKEN: Final = frozenset({0, 190})
_PERMISSION: Final = frozenset({3, 10, *range(200, 300)})
_EXPIRED: Final = 463
_MISSING: Final = 33


class Wrong(ApiError):
    """Raised when Meta refuses a call, was not reached (code 0), or a credential cannot be what it should be.

    ``words`` say so, and what to do, in every language.
    """

    def __init__(self, said: Text, code: int = 0, description: str = "") -> None:
        super().__init__(said.en, code, description)
        self.words = said


class GraphApi:
    """Calls with one token; a context manager. ``skew`` is by how many seconds this machine's clock is ahead of
    Meta's, as the last answer told; None before."""

    def __init__(self, token: str, url: str) -> None:
        self.skew: float | None = None
        self.token = token
        self._url = url
        self._http = httpx.Client(timeout=TIMES)

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """What Meta answers to a question. Raises Wrong."""
        return self._ask("GET", path, self.token, params=params)

    def post(self, path: str, **params: Any) -> dict[str, Any]:
        """What Meta answers to an order. Raises Wrong."""
        return self._ask("POST", path, self.token, json=params)

    def as_app(self, method: str, path: str, app: str, secret: str, **params: Any) -> dict[str, Any]:
        """A call in the name of the app itself, proved by its secret. Raises Wrong.

        https://developers.facebook.com/docs/facebook-login/guides/access-tokens#apptokens
        """
        return self._ask(method, path, f"{app}|{secret}", **{"params" if method == "GET" else "json": params})

    def proof(self, app_secret: str) -> str:
        """What only the app's secret makes of the token."""
        return hmac.new(app_secret.encode(), self.token.encode(), sha256).hexdigest()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _ask(self, method: str, path: str, token: str, **parts: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            answer = self._http.request(method, f"{self._url}/{path}", headers=headers, **parts)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise Wrong(fill(words.NOT_REACHED, what=type(error).__name__)) from None
        self._set_the_clock(answer.headers)
        body = _body(answer)
        if answer.is_success:
            return body
        raise _refusal(answer.status_code, body)

    def _set_the_clock(self, headers: Mapping[str, str]) -> None:
        try:
            self.skew = time.time() - parsedate_to_datetime(headers.get("Date", "")).timestamp()
        except ValueError:
            self.skew = None


def _body(answer: httpx.Response) -> dict[str, Any]:
    """The answer's JSON object. Raises Wrong where there is none, as from a proxy or another program."""
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found
    raise Wrong(fill(words.NO_GRAPH, status=answer.status_code))


def _refusal(status: int, body: Mapping[str, Any]) -> Wrong:
    error = body.get("error")
    error = error if isinstance(error, dict) else {}
    code, subcode = error.get("code"), error.get("error_subcode")
    code = code if isinstance(code, int) else status
    said = redact(" ".join(str(error.get("message", "")).split()))[:200] or str(status)
    return Wrong(fill(_meaning(code, subcode, said), said=said), code, said)


def _meaning(code: int, subcode: object, said: str) -> Text:
    """What a refusal is about, from the code where that says it, else from Meta's own words."""
    meanings = {
        words.EXPIRED: code in _TOKEN and subcode == _EXPIRED,
        words.NO_TOKEN: code in _TOKEN,
        words.NO_PERMISSION: code in _PERMISSION,
        words.WANTS_PROOF: code == 100 and "require an appsecret_proof" in said,
        words.OTHER_SECRET: code == 100 and "appsecret_proof" in said,
        words.NO_SUCH_ID: code == 100 and subcode == _MISSING,
        words.NOT_VERIFIED: code == 2200,
    }
    return next((text for text, holds in meanings.items() if holds), words.REFUSED)
