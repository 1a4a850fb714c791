"""What a browser may ask of Gradio's queue: one of the page's functions, with nothing but words for it.

Gradio fetches what it takes for a file among them (processing_utils.async_move_files_to_cache), from any address: so
everything that is not asked for by the page itself stays outside.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from workers.ui.outside import App, Receive, Scope, Send, answer, replayed, whole

WORDS_MOST: Final = 4
_LOAD: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


class Asked:
    """Stands before an ASGI application with Gradio's queue in it."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith("/queue/join"):
            await self._app(scope, receive, send)
            return
        try:
            body = asked(await whole(receive))
        except ValueError:
            await answer(send, 400, "The page does not ask so.")
            return
        headers = [pair for pair in scope["headers"] if pair[0] not in {b"content-length", b"content-type"}]
        headers += [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
        await self._app({**scope, "headers": headers}, replayed(body, receive), send)


def asked(body: bytes) -> bytes:
    """The question as Gradio may have it. Raises ValueError for what the page does not ask."""
    try:
        it: Any = json.loads(body)
    except RecursionError:
        raise ValueError("it is too deep") from None
    if not isinstance(it, dict):
        raise ValueError("it is no question")  # noqa: TRY004 - one error for whatever is none
    words, load, number, trigger = (it.get(name) for name in ("data", "session_hash", "fn_index", "trigger_id"))
    if not isinstance(words, list) or len(words) > WORDS_MOST or not all(isinstance(word, str) for word in words):
        raise ValueError("these are no words")
    if not isinstance(load, str) or not _LOAD.fullmatch(load):
        raise ValueError("that is no page's load")
    if type(number) is not int or type(trigger) not in {int, type(None)}:
        raise ValueError("that is no function")
    known = {"data": words, "session_hash": load, "fn_index": number, "trigger_id": trigger}
    return json.dumps(known | {"event_data": _chosen(it.get("event_data"))}).encode()


def _chosen(event: Any) -> dict[str, Any] | None:
    """The example question that was chosen, if this tells of one."""
    value = event.get("value") if isinstance(event, dict) else None
    text = value.get("text") if isinstance(value, dict) else None
    return {"index": 0, "value": {"text": text}} if isinstance(text, str) else None
