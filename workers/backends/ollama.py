"""Ollama by its own API (github.com/ollama/ollama, docs/api.md): its /v1 has no way to set the context."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bot.errors import BackendError, Rejected, Unavailable
from workers.backends import Finding
from workers.backends._answer import base64_of
from workers.backends._ollama_state import context, entry, placement, sees, too_old, trained_and_chosen
from workers.backends._remote import Remote
from workers.backends._servers import Pieces, Recall, Refusal, Server, Unreachable
from workers.backends._watch import Watch
from workers.backends._wire import Wire, as_object, drain

if TYPE_CHECKING:
    from bot.message import Turn
    from bot.settings import Settings
    from workers.backends import Prompt

DEFAULT_URL: Final = "http://localhost:11434"
UNKNOWN_CONTEXT: Final = 4096
LARGEST_CONTEXT: Final = 8192
"""What we ask for unasked: the cache of a longer one costs memory that small machines do not have."""
KEEP_ALIVE: Final = "30m"
START: Final = "start it there with `ollama serve`, or `sudo systemctl start ollama` where it is a service"
RESTART: Final = (
    "look into its log (journalctl -u ollama) and start it anew (sudo systemctl restart ollama, ollama serve)"
)


class Ollama(Remote):
    """A model served by one or several Ollama servers, each conversation always by the same one."""

    name = "ollama"
    default_model = "mistral:7b"
    default_parallel = 4

    def __init__(self, settings: Settings) -> None:
        key = settings.llm_api_key.get_secret_value()
        super().__init__(settings, *(Server.at(url, key) for url in settings.llm_base_url or (DEFAULT_URL,)))
        self._wire = Wire()
        self._shown: Recall[dict[str, Any]] = Recall(lambda: self._servers.learn(self._show), {})
        self._think_taken = True

    def context_tokens(self) -> int:
        """The ``num_ctx`` that we send: constant, for another value makes Ollama load the model anew."""
        trained, chosen = trained_and_chosen(self._shown())
        wanted = self._settings.context_tokens or chosen or min(trained or UNKNOWN_CONTEXT, LARGEST_CONTEXT)
        return min(wanted, trained or wanted)

    def models(self) -> tuple[str, ...]:
        listed = self._servers.learn(lambda server: self._wire.ask(server, "/api/tags")).get("models")
        entries = listed if isinstance(listed, list) else []
        return tuple(str(one["name"]) for one in entries if isinstance(one, dict) and one.get("name"))

    def close(self) -> None:
        self._wire.close()

    def _try(self, server: Server) -> str:
        answer = super()._try(server)
        if not answer.strip():
            raise Unavailable(f"{self._model(server)} at {server.url} gave an empty answer.")
        return answer

    def _look(self, server: Server) -> list[Finding]:
        self._find_model(replace(server, quotes=True))
        return [*super()._look(server), *self._state(server)]

    def _find_model(self, server: Server) -> None:
        """Raises Unavailable or Rejected unless Ollama runs there and has the model."""
        try:
            listed = self._wire.ask(server, "/api/tags")
        except Unreachable as error:
            raise Unavailable(f"Ollama is not running at {server.url}: {START}. {error}") from None
        except Unavailable as error:
            raise Unavailable(f"Ollama runs at {server.url}, but is not well: {RESTART}. {error}") from None
        except Refusal as error:
            if error.status != 404:
                raise
            raise Rejected(f"{server.url} is not Ollama: check LLM_BASE_URL, or set LLM_PROVIDER=openai") from None
        if entry(listed, self._model(server)) is None:
            raise Rejected(self._missing(server))

    def _state(self, server: Server) -> Iterator[Finding]:
        """What is worth a look, now that the model is loaded there."""
        where = f"{self._model(server)} at {server.url}"
        version = self._told_by(server, "/api/version").get("version")
        yield from too_old(server.url, str(version or ""))
        loaded = entry(self._told_by(server, "/api/ps"), self._model(server)) or {}
        trained, _ = trained_and_chosen(self._told_by(server, "/api/show", {"model": self._model(server)}))
        asked = self.context_tokens()
        yield from context(loaded, where, asked, self._settings.context_tokens or asked, trained)
        yield from placement(loaded, where)

    def _told_by(self, server: Server, path: str, body: Any = None) -> dict[str, Any]:
        """What a server says of itself; nothing where it does not, for it has just answered what matters."""
        try:
            return self._wire.ask(server, path, body)
        except BackendError:
            return {}

    def _missing(self, server: Server, wanted: str = "") -> str:
        model = self._model(server, wanted)
        return f"model not pulled: {server.url} has no {model}. Pull it with: ollama pull {model} (or set LLM_MODEL)"

    def _show(self, server: Server) -> dict[str, Any]:
        return self._wire.ask(server, "/api/show", {"model": self._model(server)})

    def _told_to_see(self) -> bool | None:
        shown = self._shown()
        return sees(shown) if self._shown.answered else None

    def _chat(self, server: Server, prompt: Prompt, limit: int, watch: Watch) -> Pieces:
        body = {
            "model": self._model(server, prompt.model),
            "messages": [_message(turn) for turn in prompt.turns],
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
            raise Rejected(self._missing(server, prompt.model)) if error.status == 404 else error from None

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
        with closing(self._wire.lines(server, "/api/chat", body, watch)) as lines:
            for line in lines:
                event = as_object(server, line)
                if "error" in event:
                    raise server.broke_off(str(event["error"]))
                said = event.get("message")
                text, thought = (said.get("content"), said.get("thinking")) if isinstance(said, dict) else ("", "")
                if text or thought:
                    watch.token()
                if text:
                    yield str(text)
                if event.get("done"):
                    watch.limited = event.get("done_reason") == "length"
                    drain(lines, watch)
                    return
        raise server.broke_off()


def _message(turn: Turn) -> dict[str, Any]:
    """A turn, with its images where it has some (docs/api.md, "Chat request (with images)")."""
    pictures = {"images": [base64_of(image) for image in turn.images]} if turn.images else {}
    return {"role": turn.role, "content": turn.prompt} | pictures
