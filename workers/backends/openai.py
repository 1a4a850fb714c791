"""Any server that speaks OpenAI's chat completions: vLLM, llama-server, LiteLLM, OpenAI itself."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from bot.errors import Rejected, SettingsError
from workers.backends._answer import messages
from workers.backends._remote import Remote
from workers.backends._servers import BROKEN, Pieces, Recall, Refusal, Server
from workers.backends._watch import Watch
from workers.backends._wire import Wire, as_object, drain

if TYPE_CHECKING:
    from bot.settings import Settings
    from workers.backends import Prompt

NICETIES: Final = ("stream_options", "user", "top_p", "temperature")
"""What an answer can do without: left out for a server that refuses it."""
SESSION_HEADERS: Final = ("X-Session-ID", "X-User-ID", "X-SMG-Routing-Key")
"""By these names routers look for what keeps a conversation at one server: vLLM's router
(https://github.com/vllm-project/router), its production stack's examples
(https://github.com/vllm-project/production-stack), and SGLang's (https://github.com/lightseekorg/smg)."""
_TOO_LONG = re.compile(r"exceed_context_size|context_length_exceeded|context (length|size|window)", re.IGNORECASE)


class OpenAI(Remote):
    """A model behind one or several compatible servers, each conversation always at the same one."""

    name = "openai"

    def __init__(self, settings: Settings) -> None:
        if not settings.llm_base_url:
            raise SettingsError(
                "LLM_BASE_URL is missing: LLM_PROVIDER=openai needs a server's address, such as http://localhost:8000."
            )
        key = settings.llm_api_key.get_secret_value()
        super().__init__(settings, *(Server.at(url, key) for url in settings.llm_base_url))
        self._wire = Wire()
        self._models: Recall[list[dict[str, Any]]] = Recall(lambda: self._servers.learn(self._list), [])
        self._refused: frozenset[str] = frozenset()

    def context_tokens(self) -> int | None:
        """vLLM says ``max_model_len``, llama-server ``meta.n_ctx``, others nothing."""
        entry = self._entry(self._models())
        meta = entry.get("meta")
        size = entry.get("max_model_len") or (meta.get("n_ctx") if isinstance(meta, dict) else None)
        return size if isinstance(size, int) and size > 0 else None

    def close(self) -> None:
        self._wire.close()

    def _told_to_see(self) -> bool | None:
        listed = self._models()
        return _sees(self._entry(listed)) if self._models.answered else None

    def _entry(self, listed: list[dict[str, Any]]) -> dict[str, Any]:
        """What the list of models says of ours; nothing: it is not in it."""
        return next((entry for entry in listed if self._settings.llm_model in ("", entry.get("id"))), {})

    def _list(self, server: Server) -> list[dict[str, Any]]:
        data = self._wire.ask(server, "/v1/models").get("data")
        return [entry for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []

    def models(self) -> tuple[str, ...]:
        return tuple(str(entry["id"]) for entry in self._servers.learn(self._list) if entry.get("id"))

    def _model(self, server: Server, wanted: str = "") -> str:
        if known := wanted or self._settings.llm_model:
            return known
        for entry in self._models() or self._list(server):
            return str(entry.get("id"))
        raise Rejected(f"{server.url} lists no model: set LLM_MODEL")

    def _body(self, server: Server, prompt: Prompt, limit: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model(server, prompt.model),
            "messages": messages(prompt.turns),
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": limit,
            "temperature": self._settings.llm_temperature,
            "top_p": self._settings.llm_top_p,
            "user": prompt.session,
        }
        if "max_tokens" in self._refused:  # OpenAI's newer models want the longer name
            body["max_completion_tokens"] = body["max_tokens"]
        return {name: value for name, value in body.items() if name not in self._refused and value != ""}

    def _chat(self, server: Server, prompt: Prompt, limit: int, watch: Watch) -> Pieces:
        headers = dict.fromkeys(SESSION_HEADERS, prompt.session) if prompt.session else {}
        while True:
            body = self._body(server, prompt, limit)
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
        with closing(self._wire.lines(server, "/v1/chat/completions", body, watch, headers)) as lines:
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
                complete = complete or bool(ends)
                watch.limited = watch.limited or ends == "length"
                if text or thought:
                    watch.token()
                if text:
                    yield text
        if not complete:
            raise server.broke_off()


def _sees(entry: dict[str, Any]) -> bool:
    """Whether a model's entry says that it takes images; most servers say nothing.

    Mistral has ``capabilities.vision`` (https://docs.mistral.ai/api/#tag/models), OpenRouter
    ``architecture.input_modalities`` (https://openrouter.ai/docs/api-reference/list-available-models).
    """
    can, built = entry.get("capabilities"), entry.get("architecture")
    takes = built.get("input_modalities") if isinstance(built, dict) else None
    return (isinstance(can, dict) and can.get("vision") is True) or (isinstance(takes, list) and "image" in takes)


def _read(event: dict[str, Any], server: Server) -> tuple[str, bool, str]:
    """The text of an event, whether it is a thought instead, and why the answer ends with it, if it does."""
    if event.get("error"):
        raise server.broke_off(_reason(event["error"]))
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else {}
    if not isinstance(choice, dict):
        raise server.garbage()
    delta = choice.get("delta")
    said = delta if isinstance(delta, dict) else {}
    if (reason := choice.get("finish_reason")) == "content_filter":
        raise Rejected(f"{server.url} holds this answer back (content_filter)")
    if reason in BROKEN:
        raise server.broke_off()
    thought = bool(said.get("reasoning_content") or said.get("reasoning"))
    return str(said.get("content") or ""), thought, str(reason or "")


def _reason(error: Any) -> str:
    return str(error.get("message", "") if isinstance(error, dict) else error)
