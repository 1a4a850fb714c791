"""Files on WhatsApp: fetched in two steps, from Meta's own hosts and no others, and uploaded before they are sent.

Source: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from bot.channels._http import download
from bot.errors import Refused, TooLarge, Undelivered
from bot.message import Attachment, Piece

CAPTION_MOST: Final = 1024
"""Characters of the words that go with a file
(https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages#media-object)."""

_HOSTS: Final = re.compile(r"lookaside\.fbsbx\.com|graph\.facebook\.com|([a-z0-9-]+\.)*(fbcdn|whatsapp)\.net")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_EXPIRED: Final = frozenset({401, 403, 404, 410})
"""What an address answers whose five minutes are over."""

Ask = Callable[..., dict[str, Any]]


class WhatsAppFiles:
    """One number's files. No error and no log names an address."""

    def __init__(self, http: httpx.Client, api_url: str, number: str) -> None:
        """``http`` proves with each call who we are, which is why it may call Meta's hosts only."""
        self._http, self._api_url, self._number = http, api_url, number

    def fetch(self, sent: Attachment, most: int, ask: Ask) -> bytes:
        """The bytes of a file: its address is asked of Meta, and then read. Raises DeliveryError."""
        if sent.size > most:
            raise TooLarge(f"a file has {sent.size} bytes, and {most} are the most")
        if not _ID.fullmatch(sent.id):
            raise Refused("a file has no id that Meta gives")
        try:
            return self._read(sent, most, ask)
        except _Again:
            pass
        try:
            return self._read(sent, most, ask)
        except _Again as error:
            raise Refused(f"Meta does not give a file: {error}") from None

    def upload(self, piece: Piece, ask: Ask) -> str:
        """Meta's id of a piece's file, with which it can be sent. Raises DeliveryError."""
        file = (piece.file_name, piece.file.encode(), "text/plain")
        form = {"messaging_product": "whatsapp", "type": "text/plain"}
        answer = ask("POST", f"{self._api_url}/{self._number}/media", data=form, files={"file": file})
        if not isinstance(media := answer.get("id"), str) or not media:
            raise Undelivered("Meta's answer to an upload names no file")
        return media

    def _read(self, sent: Attachment, most: int, ask: Ask) -> bytes:
        found = ask("GET", f"{self._api_url}/{sent.id}", params={"phone_number_id": self._number})
        size, url = found.get("file_size"), found.get("url")
        if type(size) is int and size > most:
            raise TooLarge(f"a file has {size} bytes, and {most} are the most")
        if not isinstance(url, str) or not is_metas(url, self._api_url):
            raise Refused("Meta names an address for a file that is not Meta's own")
        data = download(self._http, url, most, "Meta", _may_be_expired)
        told = sent.sha256 or found.get("sha256")
        if isinstance(told, str) and told and not _is_of(data, told):
            raise _Again("it comes with other bytes than were sent")
        return data


class _Again(Exception):
    """An address that holds no longer, or other bytes than were sent; a new address may do better."""


def is_metas(url: str, api_url: str) -> bool:
    """Whether the token may be shown to this address: one of Meta's hosts by https, or where the API itself is."""
    try:
        parts, api = urlsplit(url), urlsplit(api_url)
        where, known = (parts.scheme, parts.hostname, parts.port), (api.scheme, api.hostname, api.port)
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None or not parts.hostname:
        return False
    return where == known or (
        where[::2] in {("https", None), ("https", 443)} and bool(_HOSTS.fullmatch(parts.hostname))
    )


def shorter(text: str) -> str:
    """The words below a file, as far as Meta takes them."""
    return text if len(text) <= CAPTION_MOST else text[: CAPTION_MOST - 1].rstrip() + "…"


def _is_of(data: bytes, told: str) -> bool:
    """Whether these are the bytes of a hash, which Meta writes in base64 or in hexadecimal digits."""
    try:
        wanted = bytes.fromhex(told) if len(told) == 64 else base64.b64decode(told, validate=True)
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(hashlib.sha256(data).digest(), wanted)


def _may_be_expired(status: int) -> None:
    if status in _EXPIRED:
        raise _Again(f"HTTP {status}")
