"""Bodies that no platform should send and one day does: odd, broken and hostile ones, without end, by seed.

Each begins as a body in a documented shape; then fields are dropped, replaced, retyped, repeated and nested,
and the bytes cut, flipped, escaped and encoded otherwise.
"""

from __future__ import annotations

import copy
import itertools
import json
import random
import re
import time
from collections.abc import Iterator
from typing import Any, Final

NOW: Final = int(time.time())
"""When all this is sent: to whoever wrote a day ago, nothing may be said on WhatsApp."""

NOT_JSON: Final[dict[str, bytes]] = {
    "nothing": b"", "a space": b" ", "a word": b"hola", "a brace": b"{", "a cut object": b'{"update_id":',
    "a list": b"[]", "a list of objects": b"[{}]", "null": b"null", "true": b"true", "a number": b"17",
    "a string": b'"{}"', "a bare NaN": b"NaN", "NaN inside": b'{"update_id":NaN,"entry":NaN}',
    "infinity": b'{"update_id":-Infinity,"entry":Infinity}', "one quote": b"{'update_id':1}",
    "a comment": b'/**/{"update_id":1}', "a comma too many": b'{"update_id":1,"entry":[],}',
    "two objects": b'{"update_id":1}{"update_id":2}', "lines": b'{"update_id":1}\n{"update_id":2}',
    "a byte order mark": b'\xef\xbb\xbf{"update_id":1,"entry":[]}', "UTF-16": '{"update_id":1}'.encode("utf-16"),
    "UTF-32": '{"update_id":1}'.encode("utf-32"), "latin-1": '{"update_id":"ñ"}'.encode("latin-1"),
    "an overlong NUL": b'{"update_id":"\xc0\x80"}', "a raw surrogate": b'{"x":"\xed\xa0\x80","update_id":1}',
    "a raw NUL": b'{"update_id":1}\0', "a raw line feed": b'{"update_id":"\n"}',
    "an octal number": b'{"update_id":007}', "hexadecimal": b'{"update_id":0x1}',
    "5,000 digits": b'{"update_id":' + b"9" * 5000 + b"}",
    "nested lists": b"[" * 100_000, "nested objects": b'{"a":' * 50_000, "closed lists": b"[" * 9000 + b"]" * 9000,
    "deep inside": b'{"update_id":1,"entry":[],"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "a form": b"update_id=1&message=hola", "XML": b'<?xml version="1.0"?><a/>', "gzip": b"\x1f\x8b\x08\0\0\0\0\0",
    "a pickle": b"cos\nsystem\n(S'true'\ntR.", "zeros": b"\0" * 4096, "high bytes": b"\xff" * 4096,
}  # fmt: skip
"""What is no JSON object in UTF-8, and therefore unreadable to whoever expects one."""

TEXTS: Final[tuple[str, ...]] = (
    "hola", " ", "\u202egnp.exe\u202c", "\u2066\u2069\u200f", "👩\u200d👩\u200d👧\u200d👦", "\u200d",
    "🇪🇸🏴\U000e0067\U000e007f", "e" + "\u0301" * 500, "ﷺ" * 100, "\ufeffhola", "\uffff\ufdd0",
    "\U0010ffff", "\x00", "a\x00b",
    "\x07\x08\x1b[2J\x7f", "\r\n", "\u2028\u2029\x85", "a" * 4096, "🙂" * 2048, "ñ" * 4097,
    "palabra " * 12_000, "1|2|3|m|{}\n{}", "*3\r\n$3\r\nSET", "recado:{telegram:1:2}:in", "recado:due",
    "'; DROP TABLE x;--", "${7*7}{{7*7}}%s%n",
    "<script>alert(1)</script>", '{"role":"system"}', "[INST] <<SYS>>", "<|im_start|>system",
    "/start", "/start@otro_bot x", "/", "/" + "a" * 40,
    "//x", "*_`[](", "```", "||a||", "tg://user?id=1", "NaN",
    "null", "\\ud800", "\\u0000", "\\", '"', "../../etc/passwd", "%00",
)  # fmt: skip
"""What people may write, and what a store, a log, a model or a terminal might trip over."""

VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1.5, -0.0, 1e308, float("nan"), float("inf"), 2**31, 2**53 + 1, 2**63, -(2**63) - 1,
    10**400, "", "7", "\ud800", "a" * 9000, [], [[]], [None], {},
    {"": ""}, {"id": {"id": []}}, "wamid." + "A" * 70_000, *TEXTS,
)  # fmt: skip

_FIELDS = ("photo", "voice", "document", "sticker", "location", "contact", "poll", "reply_to_message", "entities")
_KINDS = ("text", "image", "audio", "video", "document", "button", "interactive", "reaction", "system", "order", "x")
_STATUSES = ("sent", "delivered", "read", "failed", "deleted", "?")

Tree = dict[str, Any]


def telegram(seed: int) -> Iterator[bytes]:
    """Updates without end."""
    chance = random.Random(seed)
    for number in itertools.count(chance.randrange(10**8)):
        yield _spoil(chance, _update(chance, number))


def whatsapp(seed: int, number: str) -> Iterator[bytes]:
    """Webhooks without end, to the phone number id ``number``."""
    chance = random.Random(seed)
    for count in itertools.count(chance.randrange(10**8), 100):
        yield _spoil(chance, _webhook(chance, count, number))


def mutate(chance: random.Random, tree: Any) -> Any:
    """A copy of ``tree`` in which one thing is dropped, replaced, retyped, repeated, nested or moved."""
    tree = copy.deepcopy(tree)
    places = list(_places(tree))
    if places:
        holder, name = chance.choice(places)
        chance.choice((_drop, _replace, _retype, _repeat, _nest, _move))(chance, holder, name)
    return tree


def garble(chance: random.Random, body: bytes) -> bytes:
    """``body`` with its bytes spoilt, or only written otherwise."""
    return chance.choice((_cut, _flip, _escape, _mark, _wide, _double, _surround, _wrap))(chance, body)


def write(tree: Any) -> bytes:
    """JSON as a platform might write it, with whatever ``tree`` holds."""
    return json.dumps(tree, ensure_ascii=True, separators=(",", ":")).encode()


def _spoil(chance: random.Random, tree: Tree) -> bytes:
    if chance.random() < 0.05:
        return chance.choice(list(NOT_JSON.values()))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 8))):
        tree = mutate(chance, tree)
    body = write(tree)
    return garble(chance, body) if chance.random() < 0.3 else body


def _update(chance: random.Random, number: int) -> Tree:
    chat = chance.randrange(1, 40)
    person = {"id": chat, "is_bot": False, "first_name": chance.choice(TEXTS)[:64], "language_code": "es"}
    home = {"id": chat, "type": "private"} if chance.random() < 0.8 else {"id": -100 - chat, "type": "supergroup"}
    message: Tree = {"message_id": number, "date": NOW, "chat": home, "from": person}
    message["text" if chance.random() < 0.8 else "caption"] = chance.choice(TEXTS)
    if chance.random() < 0.4:
        field = chance.choice(_FIELDS)
        file = {"file_id": "f", "file_size": 9, "mime_type": "a/b", "message_id": 1, "from": person, "type": "bold"}
        message[field] = [file] if field in ("photo", "entities") else file
    if chance.random() < 0.1:
        message |= {"message_thread_id": chance.randrange(5), "is_topic_message": True}
    kind = chance.choice(("message",) * 9 + ("edited_message", "channel_post", "callback_query", "of_next_year"))
    return {"update_id": number, kind: message}


def _webhook(chance: random.Random, first: int, number: str) -> Tree:
    ids = itertools.count(first)
    changes = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        said = [_said(chance, next(ids)) for _ in range(chance.choice((1, 1, 2, 5)))]
        value: Tree = {"metadata": {"phone_number_id": number}, "messages": said}
        value["contacts"] = [{"wa_id": one["from"], "profile": {"name": "Ana"}} for one in said]
        if chance.random() < 0.3:
            value["statuses"] = [_status(chance, next(ids)) for _ in range(chance.choice((1, 3)))]
        changes.append({"field": chance.choice(("messages",) * 9 + ("standby", "history", "")), "value": value})
    middle = chance.randrange(len(changes) + 1)
    entries = [{"id": "1", "changes": part} for part in (changes[:middle], changes[middle:]) if part]
    return {"object": "whatsapp_business_account", "entry": entries}


def _said(chance: random.Random, number: int) -> Tree:
    kind = chance.choice(("text",) * 6 + _KINDS)
    part = {"body": chance.choice(TEXTS), "caption": chance.choice(TEXTS), "id": "m", "text": "b", "type": "list_reply"}
    sender = f"346{chance.randrange(40):08}"
    stamp = str(NOW + chance.randrange(9))
    return {"id": f"wamid.{number}", "from": sender, "timestamp": stamp, "type": kind, kind: part}


def _status(chance: random.Random, number: int) -> Tree:
    told = {"id": f"wamid.{number}", "status": chance.choice(_STATUSES), "timestamp": str(NOW)}
    reference = chance.choice(("0123456789ab.1.0", "x", "", "0123456789ab.99999999999.-1", "\u202e.1.0"))
    return told | {"recipient_id": "34600000001", "biz_opaque_callback_data": reference, "errors": [{"code": 131026}]}


Place = tuple[Any, Any]


def _places(tree: Any) -> Iterator[Place]:
    """Every place in a tree: who holds it, and under which name or number."""
    holders = [tree]
    while holders:
        holder = holders.pop()
        items = holder.items() if isinstance(holder, dict) else enumerate(holder) if isinstance(holder, list) else ()
        for name, value in items:
            yield holder, name
            holders.append(value)


def _drop(_: random.Random, holder: Any, name: Any) -> None:
    del holder[name]


def _replace(chance: random.Random, holder: Any, name: Any) -> None:
    holder[name] = copy.deepcopy(chance.choice(VALUES))


def _retype(_: random.Random, holder: Any, name: Any) -> None:
    value = holder[name]
    holder[name] = int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,30}", value) else str(value)


def _repeat(chance: random.Random, holder: Any, name: Any) -> None:
    """The same thing twice in a list, or under a second name."""
    if isinstance(holder, list):
        holder.insert(chance.randrange(len(holder) + 1), copy.deepcopy(holder[name]))
    else:
        holder[f"{name}_2"] = copy.deepcopy(holder[name])


def _nest(chance: random.Random, holder: Any, name: Any) -> None:
    value = holder[name]
    for _ in range(chance.choice((1, 2, 60))):
        value = [value] if chance.random() < 0.5 else {str(name): value}
    holder[name] = value


def _move(chance: random.Random, holder: Any, name: Any) -> None:
    """Two things change places."""
    other = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[name], holder[other] = holder[other], holder[name]


def _cut(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def _flip(chance: random.Random, body: bytes) -> bytes:
    spoilt = bytearray(body or b"\0")
    for _ in range(chance.choice((1, 3, 20))):
        spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
    return bytes(spoilt)


def _escape(_: random.Random, body: bytes) -> bytes:
    return escaped(body)


def escaped(body: bytes) -> bytes:
    """Words inside quotes as ``\\u`` escapes: the same JSON in other bytes."""
    return re.sub(rb'(?<=")[A-Za-z_]+(?=")', lambda found: b"".join(b"\\u%04x" % letter for letter in found[0]), body)


def _mark(_: random.Random, body: bytes) -> bytes:
    return b"\xef\xbb\xbf" + body


def _wide(chance: random.Random, body: bytes) -> bytes:
    return body.decode(errors="replace").encode(chance.choice(("utf-16", "utf-16-le", "utf-32", "utf-7")))


def _double(_: random.Random, body: bytes) -> bytes:
    """Every key twice: of two, the last one counts."""
    return body[:-1] + b"," + body[1:] if body.startswith(b"{") and len(body) > 2 else body * 2


def _surround(chance: random.Random, body: bytes) -> bytes:
    space = chance.choice((b" ", b"\r\n\t", b"\0", b"\xc2\xa0", b",", b"\x1e"))
    return space + body + space


def _wrap(chance: random.Random, body: bytes) -> bytes:
    depth = chance.choice((1, 90, 900, 20_000))
    return b'{"update_id":1,"x":' + b"[" * depth + body + b"]" * depth + b"}"
