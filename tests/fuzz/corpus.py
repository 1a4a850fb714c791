"""Bodies that are authentic and odd, each with what must become of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from simulator.garbage import NOT_JSON, TEXTS, write
from tests.fuzz.receiving import NUMBER, said, update, webhook
from tests.json_values import NO_OBJECTS

ODD: dict[str, Any] = {
    "null": None, "true": True, "a number": 7, "a fraction": 1.5, "a huge number": 10**400, "a text": "x",
    "an empty list": [], "a list": [7], "an object": {"x": 1},
}  # fmt: skip

_TYPES: dict[str, tuple[str, ...]] = {
    "text": ("a text",),
    "number": ("a number",),
    "object": ("an object",),
    "objects": ("an empty list",),
}


class Case(NamedTuple):
    """``texts`` is what a mailbox must then hold; None: the body goes to quarantine and nowhere else.

    With ``both`` it goes there too: something in it cannot be read, and nothing of it may be lost.
    """

    body: bytes
    texts: list[str] | None
    both: bool = False


class Field(NamedTuple):
    """A field of a platform's: of which type it is, and whether a message is one without it."""

    path: str
    type: str
    needed: bool = False


TELEGRAM_FIELDS = (
    Field("update_id", "number", needed=True), Field("message", "object"), Field("message/text", "text"),
    Field("message/date", "number"), Field("message/chat", "object"),
    Field("message/chat/id", "number", needed=True), Field("message/chat/type", "text"),
    Field("message/from", "object"), Field("message/from/first_name", "text"),
    Field("message/from/language_code", "text"), Field("message/reply_to_message", "object"),
    Field("message/reply_to_message/message_id", "number"), Field("message/photo", "objects"),
    Field("message/document", "object"), Field("message/document/file_id", "text"),
    Field("message/document/mime_type", "text"), Field("message/document/file_name", "text"),
    Field("message/document/file_size", "number"), Field("message/message_id", "number"),
    Field("message/from/id", "number"), Field("message/media_group_id", "text"), Field("message/sender_chat", "object"),
)  # fmt: skip
META_FIELDS = (
    Field("entry", "objects"), Field("entry/0/changes", "objects"), Field("entry/0/changes/0/value", "object"),
    Field("metadata", "object"), Field("messages", "objects"),
    Field("messages/0/id", "text", needed=True), Field("messages/0/from", "text", needed=True),
    Field("messages/0/type", "text"), Field("messages/0/text", "object"), Field("messages/0/text/body", "text"),
    Field("messages/0/group_id", "text"),
)  # fmt: skip
NOT_READ = {
    "telegram": (
        "message/caption",
        "message/from/username",
        "message/of_next_year",
        "x",
    ),
    "whatsapp": (
        "object",
        "x",
        "entry/0/id",
        "messages/0/timestamp",
        "messages/0/referral",
        "messages/0/context",
        "messages/0/context/id",
        "contacts",
        "errors",
        "of_2031",
    ),
}
"""Whatever stands there, the message arrives."""


def telegram() -> dict[str, Case]:
    """Updates to one chat, each on an empty Redis."""
    full = update(
        caption="mira", photo=[{"file_id": "f"}], reply_to_message={"message_id": 1}, document={"file_id": "f"}
    )
    cases = {f"{field.path} is {name}": case for field in TELEGRAM_FIELDS for name, case in _fields(full, field)}
    for path in NOT_READ["telegram"]:
        cases |= {f"{path} is {name}": Case(write(_with(full, path, value)), ["hola"]) for name, value in ODD.items()}
    cases |= {f"text {n}": Case(_raw(update(text)), [text] if text else []) for n, text in enumerate(TEXTS)}
    cases |= {f"escaped text {n}": Case(write(update(text)), [text]) for n, text in enumerate(TEXTS)}
    cases |= {f"not JSON: {name}": Case(body, None) for name, body in (NOT_JSON | NO_OBJECTS).items()}
    return cases | _odd_updates()


def _odd_updates() -> dict[str, Case]:
    plain = write(update())
    many = update(photo=[{"file_id": str(n)} for n in range(5000)], entities=[{"type": "bold"}] * 5000)
    return {
        "a key twice, the last one counts": Case(b'{"update_id":9,"message":{},' + plain[1:], ["hola"]),
        "a key twice, the last one odd": Case(plain[:-1] + b',"message":7}', None),
        "an escaped key": Case(plain.replace(b'"text"', b'"\\u0074ext"'), ["hola"]),
        "white space everywhere": Case(json.dumps(update(), indent=9).encode(), ["hola"]),
        "thousands of photos": Case(write(many), ["hola"]),
        "a very long name": Case(write(_with(update(), "message/from/first_name", "A" * 300_000)), ["hola"]),
        "a chat beyond 64 bits": Case(write(update(chat={"id": 1 << 63, "type": "private"})), None),
        "the largest chat": Case(write(update(chat={"id": (1 << 63) - 1, "type": "private"})), ["hola"]),
        "a chat that is no number": Case(write(update(chat={"id": "5:5", "type": "private"})), None),
        "a text of a quarter million": Case(write(update("a" * 250_000)), ["a" * 250_000]),
        "half a pair": Case(write(update("\ud83d")), None),
        "the other half": Case(write(update("\ude42")), None),
        "halves the wrong way round": Case(write(update("\ude42\ud83d")), None),
        "half a pair where nobody reads": Case(write(update(x="\ud800")), None),
        "half a pair as a key": Case(write(_with(update(), "message/\ud800", 1)), None),
        "a whole pair in escapes": Case(write(update("\U0001f642")), ["\U0001f642"]),
        "NaN where nobody reads": Case(write(update(x=float("nan"))), None),
        "nested 60 deep": Case(write(update(x=_nested(60))), ["hola"]),
        "only an id": Case(b'{"update_id":1}', []),
        "an empty message": Case(b'{"update_id":1,"message":{}}', []),
        "of next year": Case(b'{"update_id":1,"hologram":{"text":"hola"}}', []),
        "a bot's": Case(write(_with(update(), "message/from/is_bot", value=True)), []),
        "in a channel": Case(write(update(chat={"id": 1, "type": "channel"})), []),
        "0 as id": Case(write(update(number=0)), ["hola"]),
        "a negative id": Case(write(update(number=-1)), ["hola"]),
    }


def whatsapp() -> dict[str, Case]:
    """Webhooks from one person, each on an empty Redis."""
    full = webhook(said("wamid.1", context={"id": "wamid.0"}), contacts=[{"wa_id": "1"}, {"wa_id": "2"}])
    cases = {f"{field.path} is {name}": case for field in META_FIELDS for name, case in _fields(full, field)}
    for path in NOT_READ["whatsapp"]:
        cases |= {f"{path} is {name}": Case(write(_with(full, path, value)), ["hola"]) for name, value in ODD.items()}
    cases |= {f"text {n}": Case(_raw(webhook(said("wamid.1", text))), [text]) for n, text in enumerate(TEXTS)}
    cases |= {f"escaped text {n}": Case(write(webhook(said("wamid.1", text))), [text]) for n, text in enumerate(TEXTS)}
    cases |= {f"not JSON: {name}": Case(body, None) for name, body in (NOT_JSON | NO_OBJECTS).items()}
    return cases | _odd_webhooks() | _mixed_webhooks()


def _odd_webhooks() -> dict[str, Case]:
    plain, many = write(webhook(said("wamid.1"))), [said(f"wamid.{n}", str(n)) for n in range(3000)]
    return {
        "a key twice, the last one counts": Case(b'{"entry":[],' + plain[1:], ["hola"]),
        "an escaped key": Case(plain.replace(b'"entry"', b'"\\u0065ntry"'), ["hola"]),
        "white space everywhere": Case(json.dumps(webhook(said("wamid.1")), indent=9).encode(), ["hola"]),
        "thousands of messages": Case(write(webhook(*many)), [str(n) for n in range(3000)]),
        "the same message a thousand times": Case(write(webhook(*[said("wamid.1")] * 1000)), ["hola"]),
        "a very long id": Case(write(webhook(said("wamid." + "A" * 500_000))), ["hola"]),
        "an id with NUL and lines": Case(write(webhook(said("wamid\0\r\n|{}:1"))), ["hola"]),
        "a sender with colons": Case(write(webhook(said("wamid.1", **{"from": "a:b:c:d"}))), ["hola"]),
        "a sender with braces": Case(write(webhook(said("wamid.1", **{"from": "}:in{x"}))), ["hola"]),
        "a text of three million": Case(write(webhook(said("wamid.1", "a" * 3_000_000))), ["a" * 3_000_000]),
        "half a pair": Case(write(webhook(said("wamid.1", "\ud83d"))), None),
        "half a pair as id": Case(write(webhook(said("\ud83d"))), None),
        "half a pair where nobody reads": Case(write(webhook(said("wamid.1", x="\udc00"))), None),
        "NaN as time": Case(write(webhook(said("wamid.1", timestamp=float("nan")))), None),
        "a time of 5,000 digits": Case(write(webhook(said("wamid.1", timestamp="9" * 5000))), ["hola"]),
        "a time in other digits": Case(write(webhook(said("wamid.1", timestamp="\u0663" * 10))), ["hola"]),
        "nested 60 deep": Case(write(webhook(said("wamid.1", x=_nested(60)))), ["hola"]),
        "no entry": Case(b'{"object":"whatsapp_business_account"}', []),
        "another field": Case(plain.replace(b'"messages","value"', b'"holograms","value"'), []),
        "another number": Case(plain.replace(NUMBER.encode(), b"999"), []),
    }


def _mixed_webhooks() -> dict[str, Case]:
    """What is broken does not hold up what stands beside it."""
    good, late = said("wamid.1", "a"), said("wamid.2", "b", timestamp="1795368001")
    broken = {name: value for name, value in ODD.items() if name not in ("an object", "null")}
    whole = json.dumps(webhook(good)["entry"][0])
    beside = {name: write(webhook(value, late, value, good)) for name, value in ODD.items()}
    cases = {f"beside {name}": Case(body, ["a", "b"], both=True) for name, body in beside.items()}
    for name, value in broken.items():
        cases[f"an entry is {name}"] = Case(write({"entry": [value, *webhook(good)["entry"]]}), ["a"], both=True)
        changes = [value, *webhook(good)["entry"][0]["changes"], {"field": "messages", "value": value}]
        cases[f"a change is {name}"] = Case(write({"entry": [{"changes": changes}]}), ["a"], both=True)
        cases[f"a status is {name}"] = Case(write(webhook(good, statuses=[value, {"status": value}])), ["a"])
        cases[f"statuses are {name}"] = Case(write(webhook(good, statuses=value)), ["a"])
    cases["a thousand entries"] = Case(f'{{"entry":[{",".join([whole] * 1000)}]}}'.encode(), ["a"])
    return cases


def _fields(full: Any, field: Field) -> Iterator[tuple[str, Case]]:
    """The field with a value of every type; null is as good as nothing there."""
    for name, value in ODD.items():
        wrong = name not in (*_TYPES[field.type], "null") or (field.needed and name == "null")
        body = write(_with(full, field.path, value))
        if wrong:
            yield name, Case(body, None)
        elif field.path in _STILL_SAID:
            yield name, Case(body, _STILL_SAID[field.path].get(name, ["hola"]))
        else:
            yield name, Case(body, ["hola"])


_NOTHING: dict[str, list[str]] = {"null": [], "an empty list": [], "an object": [], "a text": []}
_STILL_SAID: dict[str, dict[str, list[str]]] = {
    "message": {"null": [], "an object": []},
    "message/text": {"null": ["mira"], "a text": ["x"]},
    "message/chat": {"null": [], "an object": []},
    "message/chat/type": _NOTHING,
    "entry": _NOTHING,
    "entry/0/changes": _NOTHING,
    "entry/0/changes/0/value": _NOTHING,
    "metadata": _NOTHING,
    "messages": _NOTHING,
    "messages/0/type": {"a text": [""]},
    "messages/0/text": {"null": [""], "an object": [""]},
    "messages/0/text/body": {"null": [""], "a text": ["x"]},
    "messages/0/group_id": {"a text": []},
}


def _with(full: Any, path: str, value: Any) -> Any:
    """A copy of a body with this under ``path``; WhatsApp's short paths begin inside its value."""
    changed = copy.deepcopy(full)
    holder: Any = changed
    *way, last = path.split("/")
    if "entry" in changed and path.partition("/")[0] in ("metadata", "contacts", "messages", "errors", "of_2031"):
        holder = changed["entry"][0]["changes"][0]["value"]
    for step in way:
        holder = holder[int(step) if step.isdigit() else step]
    holder[last] = value
    return changed


def _raw(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False).encode()


def _nested(depth: int) -> list[Any]:
    return [_nested(depth - 1)] if depth else []
