"""Requests that only look like the platforms': what an attacker sends who knows everything but the secret.

What proves a request: https://core.telegram.org/bots/api#setwebhook (``secret_token``) and
https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import urlencode

TELEGRAM_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"
META_HEADER: Final = "X-Hub-Signature-256"
TELEGRAM_PATH: Final = "/webhook/telegram"
META_PATH: Final = "/webhook/whatsapp"
LARGE: Final = 1 << 20

_WORDS = ("null", "None", "undefined", "true", "0", "*", "' OR '1'='1", "${secret}", "{{secret}}", "../../.env")
_HEARSAY = {
    "X-Forwarded-For": "149.154.167.220",
    "X-Real-IP": "149.154.167.220",
    "Forwarded": "for=149.154.167.220;proto=https",
    "Host": "api.telegram.org",
    "Origin": "https://graph.facebook.com",
    "User-Agent": "facebookexternalua",
    "X-Original-URL": "/healthz",
    "X-HTTP-Method-Override": "GET",
    "Content-Type": "text/plain",
    "Content-Encoding": "gzip",
    "Upgrade": "h2c",
}
"""What a request says of itself, and what therefore proves nothing."""

Headers = tuple[tuple[str, str], ...]


class Forgery(NamedTuple):
    """One request that must be refused with one of ``statuses``."""

    name: str
    body: bytes
    headers: Headers = ()
    method: str = "POST"
    path: str = ""
    statuses: tuple[int, ...] = (403,)


def forged(
    platform: str, body: bytes, *, secret: str, token: str, verify_token: str = "", number: str = ""
) -> list[Forgery]:
    """Every way in that ``telegram`` or ``whatsapp`` must not have, around a ``body`` that it would accept.

    ``secret`` is Telegram's webhook secret or Meta's app secret, ``token`` the one we call the platform with.
    """
    if platform == "telegram":
        header, path, proof = TELEGRAM_HEADER, TELEGRAM_PATH, secret
        own = [*_telegram(body, secret, token)]
    else:
        header, path, proof = META_HEADER, META_PATH, sign(body, secret)
        own = [*_signatures(body, secret, {"verify token": verify_token, "token": token, "number": number})]
        own += [*_handshakes(verify_token)]
    both = [*_values(header, proof, body), *_places(header, path, proof, body), *_hearsay(body)]
    return [one._replace(path=one.path or path) for one in (*both, *own)]


def sign(body: bytes, secret: str, digest: str = "sha256") -> str:
    """Meta's signature, or what it would be by another digest."""
    return f"{digest}={hmac.new(secret.encode(), body, digest).hexdigest()}"


def _values(header: str, proof: str, body: bytes) -> Iterator[Forgery]:
    """The right header with a value that is only nearly right."""
    wrong = {
        "empty": "", "wrong": "0" * len(proof), "first letter gone": proof[1:], "last letter gone": proof[:-1],
        "a letter more": f"{proof}0", "a letter before": f"0{proof}", "upper case": proof.upper(),
        "backwards": proof[::-1], "quoted": f'"{proof}"', "no-break spaces": f"\xa0{proof}\xa0",
        "twice in one": f"{proof},{proof}", "after a wrong one": f"0,{proof}",
        "percent": proof.replace("=", "%3D") + "%20",
        "not ASCII": "contraseña", "latin-1 at the end": f"{proof}\xe9",
        "base64": base64.b64encode(proof.encode()).decode(),
        "its own digest": hashlib.sha256(proof.encode()).hexdigest(), "another scheme": f"Bearer {proof}",
    }  # fmt: skip
    wrong |= {f"the word {word}": word for word in _WORDS}
    yield Forgery("header missing", body)
    for name, value in wrong.items():
        yield Forgery(f"header: {name}", body, ((header, value),))
    yield Forgery("header twice", body, ((header, proof), (header, proof)))
    yield Forgery("header twice, the right one last", body, ((header, "0"), (header, proof)))
    yield Forgery("header with NUL", body, ((header, f"{proof}\0"),), statuses=(400, 403))
    yield Forgery("header of a megabyte", body, ((header, "a" * LARGE),), statuses=(403, 431))


def _places(header: str, path: str, proof: str, body: bytes) -> Iterator[Forgery]:
    """The right proof where it does not count: other headers, addresses, forms and methods."""
    for name in ("Authorization", "Cookie", "X-Api-Key", header.rpartition("-")[0], f"{header}-2"):
        yield Forgery(f"proof as {name}", body, ((name, proof),))
    yield Forgery("proof in the query", body, path=f"{path}?{urlencode({header: proof, 'secret_token': proof})}")
    form = urlencode({"secret_token": proof, header: proof}).encode()
    yield Forgery("proof in a form", form, (("Content-Type", "application/x-www-form-urlencoded"),))
    yield Forgery("proof in the body", json.dumps({"secret_token": proof, header: proof}).encode())
    given = ((header, proof),)
    for tail in (f"/{proof[-16:]}", "/", ";x=1", "%00", ".json", "/../healthz/x"):
        yield Forgery(f"address with {tail[:9]}", body, given, path=path + tail, statuses=(400, 404))
    yield Forgery("address in capitals", body, given, path=path.upper(), statuses=(404,))
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
        yield Forgery(f"method {method}", body, given, method, statuses=(405, 501))


def _hearsay(body: bytes) -> Iterator[Forgery]:
    for name, value in _HEARSAY.items():
        yield Forgery(f"only {name}", body, ((name, value),))
    yield Forgery("everything but the proof", body, tuple(_HEARSAY.items()))
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    yield Forgery(
        "two lengths", chunk, (("Transfer-Encoding", "chunked"), ("Content-Length", "4")), statuses=(400, 403)
    )
    yield Forgery("compressed", gzip.compress(body), (("Content-Encoding", "gzip"),))


def _telegram(body: bytes, secret: str, token: str) -> Iterator[Forgery]:
    known = {
        "the token": token,
        "the token's secret half": token.partition(":")[2],
        "the token's digest": hashlib.sha256(token.encode()).hexdigest(),
        "the bot's id": token.partition(":")[0],
        "a signature of the body": sign(body, token),
        "a signature with the secret": sign(body, secret),
    }
    for name, value in known.items():
        yield Forgery(f"header: {name}", body, ((TELEGRAM_HEADER, value),))
    yield Forgery("Meta's proof", body, ((META_HEADER, sign(body, secret)),))
    yield Forgery("asked with GET", b"", ((TELEGRAM_HEADER, secret),), "GET", statuses=(405,))
    yield Forgery("asked with HEAD", b"", ((TELEGRAM_HEADER, secret),), "HEAD", statuses=(405,))


def _signatures(body: bytes, secret: str, known: dict[str, str]) -> Iterator[Forgery]:
    """Signatures of something else, by something else, or with something else."""
    digits = sign(body, secret).removeprefix("sha256=")
    again = json.dumps(json.loads(body), indent=1).encode()
    wrong = {
        "no scheme": digits, "no digits": "sha256=", "capital digits": f"sha256={digits.upper()}",
        "a capital scheme": f"SHA256={digits}", "raised digits": "sha256=" + "\u00b2" * 64,
        "sha1": sign(body, secret, "sha1"), "sha1 called sha256": sign(body, secret, "sha1").replace("sha1", "sha256"),
        "md5": sign(body, secret, "md5"),
        "sha512 called sha256": sign(body, secret, "sha512").replace("sha512", "sha256"),
        "no key": f"sha256={hashlib.sha256(body).hexdigest()}",
        "the key before the body": f"sha256={hashlib.sha256(secret.encode() + body).hexdigest()}",
        "an empty key": sign(body, ""), "the key and a line feed": sign(body, f"{secret}\n"),
        "the key in capitals": sign(body, secret.upper() + "X"), "another body": sign(b"{}", secret),
        "an empty body": sign(b"", secret), "a byte more": sign(body + b"\n", secret),
        "a byte less": sign(body[:-1], secret), "written anew": sign(again, secret),
        "with its address": sign(META_PATH.encode() + body, secret), "compressed": sign(gzip.compress(body), secret),
        "base64": f"sha256={base64.b64encode(bytes.fromhex(digits)).decode()}",
    }  # fmt: skip
    wrong |= {f"the {name} as key": sign(body, value) for name, value in known.items()}
    for name, value in wrong.items():
        yield Forgery(f"signature: {name}", body, ((META_HEADER, value),))
    yield Forgery("signature: sha1 alone", body, (("X-Hub-Signature", sign(body, secret, "sha1")),))
    yield Forgery("signature of another message", again, ((META_HEADER, sign(body, secret)),))
    yield Forgery("Telegram's proof", body, ((TELEGRAM_HEADER, secret),))


def _handshakes(verify_token: str) -> Iterator[Forgery]:
    """GET requests that would put somebody else's address in our place."""
    right = {"hub.mode": "subscribe", "hub.verify_token": verify_token, "hub.challenge": "<script>1158</script>"}
    wrong = {
        "nothing": {},
        "another token": right | {"hub.verify_token": f"{verify_token}x"},
        "an empty token": right | {"hub.verify_token": ""},
        "not ASCII": right | {"hub.verify_token": "ñandú"},
        "no token": {name: right[name] for name in ("hub.mode", "hub.challenge")},
        "no challenge": {name: right[name] for name in ("hub.mode", "hub.verify_token")},
        "another mode": right | {"hub.mode": "unsubscribe"},
        "underscores": {name.replace(".", "_"): value for name, value in right.items()},
        "a list": {f"{name}[]": value for name, value in right.items()},
        "a wrong one first": {"hub.verify_token": "x", "hub.verify_token ": verify_token} | right | {"hub.mode": ""},
    }
    for name, query in wrong.items():
        yield Forgery(f"handshake: {name}", b"", method="GET", path=f"{META_PATH}?{urlencode(query)}")
