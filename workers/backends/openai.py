"""Any server that speaks OpenAI's chat completions: vLLM, llama-server, LiteLLM, OpenAI itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Self

from bot.errors import Rejected, SettingsError, Unavailable
from bot.message import Turn
from workers.backends import Backend
from workers.backends._answer import Answer, messages, spoken
from workers.backends._servers import Pieces, Recall, Refusal, Server, Servers
from workers.backends._watch import Watch
from workers.backends._wire import Wire, as_object, drain

if TYPE_CHECKING:
    from bot.business import Business
    from bot.settings import Settings
    from workers.backends import Prompt

CHECK_TOKENS: Final = 16
NICETIES: Final = ("stream_options", "user", "top_p", "temperature")
"""What an answer can do without: left out for a server that refuses it."""
_TOO_LONG = re.compile(r"exceed_context_size|context_length_exceeded|context (length|size|window)", re.IGNORECASE)


class OpenAI(Backend):
    """A model behind one or several compatible servers, each conversation always at the same one."""

    name = "openai"

    def __init__(self, settings: Settings) -> None:
        if not settings.llm_base_url:
            raise SettingsError(
                "LLM_BASE_URL is missing: LLM_PROVIDER=openai needs a server's address, such as http://localhost:8000."
            )
        key = settings.llm_api_key.get_secret_value()
        self._settings = settings
        self._servers = Servers(tuple(Server.at(url, key) for url in settings.llm_base_url))
        self._wire = Wire()
        self._models: Recall[list[dict[str, Any]]] = Recall(lambda: self._servers.learn(self._list), [])
        self._refused: frozenset[str] = frozenset()

    @classmethod
    def from_settings(cls, settings: Settings, business: Business) -> Self:
        return cls(settings)

    def stream(self, prompt: Prompt) -> Answer:
        watch = Watch(self._settings.llm_first_token_timeout, self._settings.llm_timeout)

        def begin(server: Server) -> Pieces:
            return spoken(self._chat(server, prompt.turns, prompt.session, self._settings.reply_tokens, watch))

        return Answer(self._servers.ask(prompt.session, begin, watch), watch)

    def context_tokens(self) -> int | None:
        """vLLM says ``max_model_len``, llama-server ``meta.n_ctx``, others nothing."""
        for entry in self._models():
            if self._settings.llm_model in ("", entry.get("id")):
                meta = entry.get("meta")
                size = entry.get("max_model_len") or (meta.get("n_ctx") if isinstance(meta, dict) else None)
                return size if isinstance(size, int) and size > 0 else None
        return None

    def check(self) -> str:
        for server in self._servers.all:
            watch = Watch(self._settings.llm_first_token_timeout, self._settings.llm_timeout)
            greeting = self._chat(server, [Turn("user", "Hola")], "check", CHECK_TOKENS, watch)
            try:
                "".join(Answer(greeting, watch))
            except Unavailable as error:
                raise Unavailable(f"No answer: start the server, or correct LLM_BASE_URL. {error}") from None
        where = ", ".join(server.url for server in self._servers.all)
        return (
            f"{self._model(self._servers.all[0])} at {where} answers (context {self.context_tokens() or 'not known'})"
        )

    def close(self) -> None:
        self._wire.close()

    def _list(self, server: Server) -> list[dict[str, Any]]:
        data = self._wire.ask(server, "/v1/models").get("data")
        return [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []

    def _model(self, server: Server) -> str:
        if self._settings.llm_model:
            return self._settings.llm_model
        for entry in self._models() or self._list(server):
            return str(entry.get("id"))
        raise Rejected(f"{server.url} lists no model: set LLM_MODEL")

    def _body(self, server: Server, turns: Sequence[Turn], session: str, limit: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model(server),
            "messages": messages(turns),
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": limit,
            "temperature": self._settings.llm_temperature,
            "top_p": self._settings.llm_top_p,
            "user": session,
        }
        if "max_tokens" in self._refused:  # OpenAI's newer models want the longer name
            body["max_completion_tokens"] = body["max_tokens"]
        return {name: value for name, value in body.items() if name not in self._refused and value != ""}

    def _chat(self, server: Server, turns: Sequence[Turn], session: str, limit: int, watch: Watch) -> Pieces:
        headers = {"X-Session-ID": session} if session else {}
        while True:
            body = self._body(server, turns, session, limit)
            try:
                yield from self._events(server, body, headers, watch)
                return
            except Refusal as error:
                if _TOO_LONG.search(error.words):
                    raise Rejected(
                        f"The prompt does not fit the model's context; set CONTEXT_TOKENS to what it has. {error}"
                    ) from None
                self._leave_out(body, error)

    def _leave_out(self, body: dict[str, Any], error: Refusal) -> None:
        """Note what the server will not take. Raises the refusal when it is about something else."""
        named = [name for name in (*NICETIES, "max_tokens") if name in body and name in error.words]
        if error.status not in (400, 422) or not named:
            raise error
        self._refused |= {named[0]}

    def _events(self, server: Server, body: dict[str, Any], headers: dict[str, str], watch: Watch) -> Pieces:
        complete = False
        lines = self._wire.lines(server, "/v1/chat/completions", body, watch, headers)
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name not in ("data", "", "event", "id", "retry"):
                raise server.garbage()
            if name != "data":
                continue
            if value.strip() == "[DONE]":
                drain(lines, watch)
                return
            text, thought, ends = _read(as_object(server, value), server)
            complete = complete or ends
            if text or thought:
                watch.token()
            if text:
                yield text
        if not complete:
            raise server.broke_off()


def _read(event: dict[str, Any], server: Server) -> tuple[str, bool, bool]:
    """The text of an event, whether it is a thought instead, and whether the answer ends with it."""
    if event.get("error"):
        raise Unavailable(f"{server.url} broke off: {_reason(event['error'])}")
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else {}
    if not isinstance(choice, dict):
        raise server.garbage()
    delta = choice.get("delta")
    said = delta if isinstance(delta, dict) else {}
    if choice.get("finish_reason") == "content_filter":
        raise Rejected(f"{server.url} holds this answer back (content_filter)")
    thought = bool(said.get("reasoning_content") or said.get("reasoning"))
    return str(said.get("content") or ""), thought, bool(choice.get("finish_reason"))


def _reason(error: Any) -> str:
    return str(error.get("message", "") if isinstance(error, dict) else error)[:200]
