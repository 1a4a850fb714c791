"""Ollama by its own API (github.com/ollama/ollama, docs/api.md): its /v1 has no way to set the context."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Self

from bot.errors import BackendError, Rejected, Unavailable
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

DEFAULT_MODEL: Final = "mistral:7b"
DEFAULT_URL: Final = "http://localhost:11434"
UNKNOWN_CONTEXT: Final = 4096
LARGEST_CONTEXT: Final = 8192
"""What we ask for unasked: the cache of a longer one costs memory that small machines do not have."""
KEEP_ALIVE: Final = "30m"
CHECK_TOKENS: Final = 16


class Ollama(Backend):
    """A model served by one or several Ollama servers, each conversation always by the same one."""

    name = "ollama"

    def __init__(self, settings: Settings) -> None:
        key = settings.llm_api_key.get_secret_value()
        self._settings = settings
        self._model = settings.llm_model or DEFAULT_MODEL
        self._servers = Servers(tuple(Server.at(url, key) for url in settings.llm_base_url or (DEFAULT_URL,)))
        self._wire = Wire()
        self._limits: Recall[tuple[int, int]] = Recall(lambda: self._servers.learn(self._show), (0, 0))
        self._think_taken = True

    @classmethod
    def from_settings(cls, settings: Settings, business: Business) -> Self:
        return cls(settings)

    def stream(self, prompt: Prompt) -> Answer:
        watch = Watch(self._settings.llm_first_token_timeout, self._settings.llm_timeout)

        def begin(server: Server) -> Pieces:
            return spoken(self._chat(server, prompt.turns, self._settings.reply_tokens, watch))

        return Answer(self._servers.ask(prompt.session, begin, watch), watch)

    def context_tokens(self) -> int:
        """The ``num_ctx`` that we send: constant, for another value makes Ollama load the model anew."""
        trained, chosen = self._limits()
        wanted = self._settings.context_tokens or chosen or min(trained or UNKNOWN_CONTEXT, LARGEST_CONTEXT)
        return min(wanted, trained or wanted)

    def check(self) -> str:
        for server in self._servers.all:
            self._check_model(server)
            watch = Watch(self._settings.llm_first_token_timeout, self._settings.llm_timeout)
            greeting = self._chat(server, [Turn("user", "Hola")], CHECK_TOKENS, watch)
            if not "".join(Answer(greeting, watch)).strip():
                raise Unavailable(f"{self._model} at {server.url} gave an empty answer.")
        where = ", ".join(server.url for server in self._servers.all)
        return f"{self._model} at {where} answers (context {self.context_tokens()} tokens)"

    def close(self) -> None:
        self._wire.close()

    def _check_model(self, server: Server) -> None:
        try:
            listed = self._wire.ask(server, "/api/tags").get("models")
        except Unavailable as error:
            raise Unavailable(
                f"Ollama does not answer at {server.url}. Start it (ollama serve) or correct LLM_BASE_URL. {error}"
            ) from None
        names = [str(entry.get("name")) for entry in listed or [] if isinstance(entry, dict)]
        if self._model not in names and f"{self._model}:latest" not in names:
            raise Rejected(self._missing(server))

    def _missing(self, server: Server) -> str:
        return f"{server.url} has no model {self._model}. Fetch it with: ollama pull {self._model} (or set LLM_MODEL)"

    def _show(self, server: Server) -> tuple[int, int]:
        """The context that the model was trained for, and the one its Modelfile chooses; 0: not said."""
        shown = self._wire.ask(server, "/api/show", {"model": self._model})
        info = shown.get("model_info")
        sizes = [n for key, n in info.items() if key.endswith(".context_length")] if isinstance(info, dict) else []
        chosen = re.search(r"^num_ctx\s+(\d+)", str(shown.get("parameters", "")), re.MULTILINE)
        trained = sizes[0] if sizes and isinstance(sizes[0], int) else 0
        return max(trained, 0), int(chosen[1]) if chosen else 0

    def _chat(self, server: Server, turns: tuple[Turn, ...] | list[Turn], limit: int, watch: Watch) -> Pieces:
        body = {
            "model": self._model,
            "messages": messages(turns),
            "stream": True,
            "keep_alive": KEEP_ALIVE,
            "options": {
                "num_ctx": self.context_tokens(),
                "num_predict": limit,
                "temperature": self._settings.llm_temperature,
                "top_p": self._settings.llm_top_p,
            },
        }
        try:
            yield from self._read(server, body, watch)
        except Refusal as error:
            raise Rejected(self._missing(server)) if error.status == 404 else error from None

    def _read(self, server: Server, body: dict[str, Any], watch: Watch) -> Pieces:
        if self._think_taken:
            try:
                yield from self._lines(server, body | {"think": False}, watch)
                return
            except Refusal as error:
                if "think" not in error.words:
                    raise
                self._think_taken = False  # an old server, or a model that cannot be told
        yield from self._lines(server, body, watch)

    def _lines(self, server: Server, body: dict[str, Any], watch: Watch) -> Pieces:
        lines = self._wire.lines(server, "/api/chat", body, watch)
        for line in lines:
            event = as_object(server, line)
            if "error" in event:
                raise self._broken(server, event["error"])
            said = event.get("message")
            text, thought = (said.get("content"), said.get("thinking")) if isinstance(said, dict) else ("", "")
            if text or thought:
                watch.token()
            if text:
                yield str(text)
            if event.get("done"):
                drain(lines, watch)
                return
        raise server.broke_off()

    def _broken(self, server: Server, reason: Any) -> BackendError:
        return Unavailable(f"{server.url} broke off: {str(reason)[:200]}")
