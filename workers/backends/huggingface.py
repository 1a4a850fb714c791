"""Hugging Face's inference providers, or one of its endpoints, through huggingface_hub."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Final, Self

from bot.errors import Rejected, SettingsError, Unavailable
from bot.message import Turn
from workers.backends import Backend
from workers.backends._answer import Answer, messages, spoken
from workers.backends._servers import Pieces, Server, Servers
from workers.backends._watch import Watch
from workers.backends._wire import border, client, limits

if TYPE_CHECKING:
    from bot.business import Business
    from bot.settings import Settings
    from workers.backends import Prompt

ROUTER: Final = "https://router.huggingface.co"
ENDPOINT_MODEL: Final = "tgi"
"""What an endpoint of one model is asked for, whose name it does not look at."""
CHECK_TOKENS: Final = 16


class HuggingFace(Backend):
    """A model that Hugging Face serves."""

    name = "huggingface"

    def __init__(self, settings: Settings) -> None:
        self._key = settings.huggingface_api_key.get_secret_value() or settings.llm_api_key.get_secret_value()
        if not settings.llm_base_url and not self._key:
            raise SettingsError(
                "HUGGINGFACE_API_KEY is missing. Make one at https://huggingface.co/settings/tokens, "
                "or set LLM_BASE_URL to an endpoint of your own."
            )
        if not settings.llm_base_url and not self._key.startswith("hf_"):
            raise SettingsError("HUGGINGFACE_API_KEY is no token of Hugging Face's: those begin with hf_.")
        if not settings.llm_base_url and not settings.llm_model:
            raise SettingsError("LLM_MODEL is missing: LLM_PROVIDER=huggingface needs the name of a chat model.")
        self._settings = settings
        self._hub, self._http = _library()
        urls = settings.llm_base_url or (ROUTER,)
        self._servers = Servers(tuple(Server.at(url, self._key, "HUGGINGFACE_API_KEY") for url in urls))
        self._model = settings.llm_model or ENDPOINT_MODEL

    @classmethod
    def from_settings(cls, settings: Settings, business: Business) -> Self:
        return cls(settings)

    def stream(self, prompt: Prompt) -> Answer:
        watch = Watch(self._settings.llm_first_token_timeout, self._settings.llm_timeout)

        def begin(server: Server) -> Pieces:
            return spoken(self._chat(server, prompt.turns, self._settings.reply_tokens, watch))

        return Answer(self._servers.ask(prompt.session, begin, watch), watch)

    def check(self) -> str:
        for server in self._servers.all:
            watch = Watch(self._settings.llm_first_token_timeout, self._settings.llm_timeout)
            "".join(Answer(self._chat(server, [Turn("user", "Hola")], CHECK_TOKENS, watch), watch))
        return f"{self._model} at {', '.join(server.url for server in self._servers.all)} answers"

    def close(self) -> None:
        self._hub.close_session()

    def _chat(self, server: Server, turns: Sequence[Turn], limit: int, watch: Watch) -> Pieces:
        """One client for each request: it holds the responses it began until it is closed itself."""
        where = {"model": self._model} if server.url == ROUTER else {"base_url": f"{server.url}/v1"}
        inference = self._hub.InferenceClient(**where, token=self._key or None, timeout=limits(self._http))
        complete = False
        with closing(inference), self._border(server, watch):
            for event in inference.chat_completion(
                messages(turns),
                model=self._model,
                stream=True,
                max_tokens=limit,
                temperature=self._settings.llm_temperature,
                top_p=self._settings.llm_top_p,
            ):
                for choice in event.choices or []:
                    complete = complete or bool(choice.finish_reason)
                    if text := choice.delta.content or "":
                        watch.token()
                        yield text
        if not complete:
            raise watch.verdict() or Unavailable(f"{server.broke_off()}, or LLM_BASE_URL is wrong")

    @contextmanager
    def _border(self, server: Server, watch: Watch) -> Iterator[None]:
        """The hub's errors are the HTTP library's, its own for a status, and whatever a strange body causes."""
        errors = self._hub.errors
        try:
            with border(server, watch, self._http):
                yield
        except errors.HfHubHTTPError as error:
            raise server.refuses(
                error.response.status_code, error.response.headers, str(error.server_message or "").encode()
            ) from None
        except errors.InferenceTimeoutError:
            raise watch.verdict() or Unavailable(f"{server.url} does not answer in time") from None
        except errors.ValidationError as error:
            raise Rejected(f"{server.url} does not take this request: {str(error)[:200]}") from None
        except errors.TextGenerationError as error:
            raise Unavailable(f"{server.url} broke off: {str(error)[:200]}") from None
        except OSError as error:
            raise Unavailable(f"{server.url} cannot be reached ({type(error).__name__})") from None
        except (AttributeError, KeyError, TypeError, ValueError):
            raise server.garbage() from None


@functools.cache
def _library() -> tuple[ModuleType, ModuleType]:
    """huggingface_hub, told to use connections that can be watched, and the HTTP library under it.

    That is httpx up to huggingface_hub 1 and httpx2 from 2 on. Raises SettingsError when it is not there.
    """
    try:
        hub, _ = importlib.import_module("huggingface_hub"), importlib.import_module("huggingface_hub.errors")
    except ImportError:
        raise SettingsError("LLM_PROVIDER=huggingface needs a package: make install EXTRAS=huggingface") from None
    session = hub.get_session()
    http = importlib.import_module(type(session).__module__.partition(".")[0])
    core = importlib.import_module(http.__name__.replace("httpx", "httpcore"))
    hub.set_client_factory(lambda: client(http, core, event_hooks=session.event_hooks))
    return hub, http
