"""Each credential and each thing at Meta, judged by itself.

Sources, all below https://developers.facebook.com/docs/: graph-api/reference/debug_token (the token's app, permissions
and end), graph-api/guides/secure-requests (the proof of the secret), and of whatsapp/business-management-api/
manage-phone-numbers (numbers) and message-templates (templates).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from bot.meta import words
from bot.meta.graph import GraphApi, Wrong
from bot.meta.words import fill
from bot.texts import Text

SHORT_SECONDS: Final = 3 * 86_400
"""A token that ends sooner was made for trying; the one on Meta's start page lives for a day."""

SKEW_SECONDS: Final = 30
MESSAGING, MANAGEMENT = "whatsapp_business_messaging", "whatsapp_business_management"
_TOKEN: Final = re.compile(r"[!-~]+")
_SECRET: Final = re.compile(r"[0-9a-f]{32}")
_ID: Final = re.compile(r"[0-9]{1,32}")
_FEWEST_DIGITS: Final = 14
"""Ids have about 15 digits; a phone number with its country's prefix hardly ever has more than 13."""

_NUMBER: Final = (
    "verified_name,display_phone_number,quality_rating,code_verification_status,platform_type,throughput,status"
)


class Found(NamedTuple):
    """What was looked at, whether it is well (None: worth a look), and the words for it."""

    what: str
    ok: bool | None
    words: Text


class Token(NamedTuple):
    """What Meta knows of a token: its app, when it ends (seconds since 1970; 0: never), what it may do, and with which
    business accounts."""

    valid: bool
    app: str
    app_name: str
    ends_at: int
    scopes: tuple[str, ...]
    accounts: tuple[str, ...]


class Number(NamedTuple):
    """A number of a business account."""

    id: str
    display: str
    name: str


def token_in(answer: str) -> str:
    """A token as it was pasted. Raises Wrong for what none looks like."""
    if not _TOKEN.fullmatch(token := answer.strip()):
        raise Wrong(words.TOKEN_SHAPE)
    return token


def ask_token(api: GraphApi) -> Token:
    """Raises Wrong, for a token that Meta does not take at all."""
    data = api.get("debug_token", input_token=api.token).get("data")
    data = data if isinstance(data, dict) else {}
    scopes = tuple(str(scope) for scope in data.get("scopes") or ())
    targets = (str(one) for part in data.get("granular_scopes") or () for one in part.get("target_ids") or ())
    ends_at = int(data.get("expires_at") or 0)
    name = str(data.get("application", ""))
    accounts = tuple(dict.fromkeys(targets))
    return Token(data.get("is_valid") is True, str(data.get("app_id", "")), name, ends_at, scopes, accounts)


def judge_token(token: Token) -> Iterator[Found]:
    """Whether it lives, for how long, and what it may do."""
    if not token.valid:
        yield Found("token", ok=False, words=words.TOKEN_DEAD)
        return
    left = token.ends_at - time.time()
    if not token.ends_at:
        yield Found("token", ok=True, words=fill(words.TOKEN_FOR_EVER, app=token.app_name))
    elif left < SHORT_SECONDS:
        yield Found("token", ok=None, words=fill(words.TOKEN_TEMPORARY, hours=max(0, round(left / 3600))))
    else:
        day = time.strftime("%Y-%m-%d", time.localtime(token.ends_at))
        yield Found("token", ok=True, words=fill(words.TOKEN_ENDS, app=token.app_name, day=day))
    if MESSAGING not in token.scopes:
        yield Found("permissions", ok=False, words=words.MAY_NOT_SEND)
    if MANAGEMENT not in token.scopes:
        yield Found("permissions", ok=None, words=words.MAY_NOT_MANAGE)


def secret_in(answer: str) -> str:
    """An app secret as it was pasted. Raises Wrong for what none looks like."""
    if not _SECRET.fullmatch(secret := answer.strip()):
        raise Wrong(words.SECRET_SHAPE)
    return secret


def prove_secret(api: GraphApi, number: str, secret: str) -> Found:
    """Raises Wrong, for another app's secret."""
    api.get(number, fields="id", appsecret_proof=api.proof(secret))
    return Found("app secret", ok=True, words=words.SECRET_RIGHT)


def numbers_of(api: GraphApi, account: str) -> list[Number]:
    """Raises Wrong."""
    data = api.get(f"{account}/phone_numbers", fields="id,display_phone_number,verified_name", limit=100).get(
        "data", ()
    )
    return [
        Number(str(one.get("id", "")), str(one.get("display_phone_number", "")), str(one.get("verified_name", "")))
        for one in data
    ]


def id_in(answer: str, known: Sequence[Number] = ()) -> str:
    """A number's id as it was pasted. Raises Wrong for a phone number, which names the id where it is ``known``."""
    text = answer.strip()
    digits = re.sub(r"\D", "", text)
    if not digits or re.search(r"[^\d\s().+-]", text):
        raise Wrong(fill(words.PHONE_NUMBER, ids=_all(known)) if digits else words.NO_ID)
    if text == digits and any(one.id == text for one in known):
        return text
    for one in known:
        if re.sub(r"\D", "", one.display) == digits:
            raise Wrong(fill(words.PHONE_NUMBER, ids=fill(words.ITS_ID, number=one.display, id=one.id)))
    if text != digits or len(digits) < _FEWEST_DIGITS:
        raise Wrong(fill(words.PHONE_NUMBER, ids=_all(known)))
    return text


def _all(known: Sequence[Number]) -> Text | str:
    listed = ", ".join(f"{one.id} ({one.display})" for one in known)
    return fill(words.ITS_IDS, ids=listed) if listed else ""


def account_in(answer: str) -> str:
    """A business account's id as it was pasted; none is one too. Raises Wrong."""
    text = answer.strip()
    if text and not _ID.fullmatch(text):
        raise Wrong(words.NO_ID)
    return text


def ask_number(api: GraphApi, number: str, known: Sequence[Number] = ()) -> dict[str, Any]:
    """Raises Wrong, for an id that is none of a number, too."""
    try:
        return api.get(number, fields=_NUMBER)
    except Wrong as error:
        if "(WhatsAppBusinessAccount)" in error.description:
            raise Wrong(fill(words.ACCOUNT_ID, ids=_all(known)), error.code, error.description) from None
        raise


def judge_number(about: Mapping[str, Any]) -> Iterator[Found]:
    """Its state, where it is registered, and what people think of it."""
    number = str(about.get("display_phone_number", ""))
    status, platform = str(about.get("status", "CONNECTED")), str(about.get("platform_type", "CLOUD_API"))
    quality, verification = str(about.get("quality_rating", "")), str(about.get("code_verification_status", ""))
    bad = []
    if platform != "CLOUD_API":
        bad.append(Found("number", ok=False, words=fill(words.NUMBER_ELSEWHERE, number=number, platform=platform)))
    if status != "CONNECTED":
        said = fill(words.NUMBER_STATUS, number=number, status=status, connected="CONNECTED")
        bad.append(Found("number", ok=False, words=said))
    if verification == "NOT_VERIFIED":
        said = fill(words.NUMBER_UNVERIFIED, number=number, verification=verification)
        bad.append(Found("number", ok=None, words=said))
    if quality in ("RED", "YELLOW"):
        said = fill(words.NUMBER_QUALITY, number=number, quality=quality)
        bad.append(Found("quality", ok=None, words=said))
    yield from bad or [Found("number", ok=True, words=_well(about, number, quality))]


def _well(about: Mapping[str, Any], number: str, quality: str) -> Text:
    throughput = about.get("throughput")
    level = str(throughput.get("level", "")) if isinstance(throughput, dict) else ""
    name = about.get("verified_name", "")
    return fill(words.NUMBER_WELL, name=name, number=number, quality=quality or "UNKNOWN", level=level or "STANDARD")


def judge_template(api: GraphApi, account: str, template: str) -> Found:
    """Whether the template of WHATSAPP_TEMPLATE is there and may be sent. Raises Wrong."""
    name, _, language = template.partition(":")
    if not name or not language:
        return Found("template", ok=False, words=words.TEMPLATE_SHAPE)
    data = api.get(f"{account}/message_templates", name=name, fields="name,language,status", limit=100).get("data", ())
    mine = [one for one in data if (one.get("name"), one.get("language")) == (name, language)]
    if not mine:
        return Found("template", ok=False, words=fill(words.TEMPLATE_NONE, name=template))
    if (status := str(mine[0].get("status", ""))) != "APPROVED":
        return Found("template", ok=False, words=fill(words.TEMPLATE_STATUS, name=template, status=status))
    return Found("template", ok=True, words=fill(words.TEMPLATE_WELL, name=template))


def judge_clock(api: GraphApi) -> Iterator[Found]:
    """Nothing where the clock is right, or Meta has not told its own."""
    if api.skew is not None and abs(api.skew) > SKEW_SECONDS:
        way = words.AHEAD if api.skew > 0 else words.BEHIND
        yield Found("clock", ok=None, words=fill(words.CLOCK, seconds=f"{abs(api.skew):.0f}", way=way))
