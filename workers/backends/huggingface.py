"""Hugging Face's inference providers, or one of its endpoints, through huggingface_hub."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Final

from bot.errors import SettingsError, Unavailable
from workers.backends._answer import messages
from workers.backends._remote import Remote
from workers.backends._servers import BROKEN, Pieces, Server
from workers.backends._watch import Watch
from workers.backends._wire import border, client, limits

if TYPE_CHECKING:
    from bot.settings import Settings
    from workers.backends import Prompt

ROUTER: Final = "https://router.huggingface.co"


class HuggingFace(Remote):
    """A model that Hugging Face serves."""

    name = "huggingface"
    default_model = "tgi"
    """For an endpoint, which has one model and does not look at its name."""

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
        urls = settings.llm_base_url or (ROUTER,)
        super().__init__(settings, *(Server.at(url, self._key, "HUGGINGFACE_API_KEY") for url in urls))
        self._hub, self._http, self._core = _library()

    def close(self) -> None:
        """Close the connections of everything in this process that uses huggingface_hub: it has one session.

        It opens a new one when it is used again.
        """
        self._hub.close_session()

    def _chat(self, server: Server, prompt: Prompt, limit: int, watch: Watch) -> Pieces:
        """One client for each request: it holds the responses it began until it is closed itself."""
        model = self._model(server, prompt.model)
        where = {"model": model} if server.url == ROUTER else {"base_url": f"{server.url}/v1"}
        inference = self._hub.InferenceClient(**where, token=self._key or None, timeout=limits(self._http))
        complete = False
        with closing(inference), self._border(server, watch):
            for event in inference.chat_completion(
                messages(prompt.turns),
                model=model,
                stream=True,
                max_tokens=limit,
                temperature=self._settings.llm_temperature,
                top_p=self._settings.llm_top_p,
            ):
                for choice in event.choices or []:
                    if choice.finish_reason in BROKEN:
                        raise server.broke_off()
                    complete = complete or bool(choice.finish_reason)
                    watch.limited = watch.limited or choice.finish_reason == "length"
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
            with border(server, watch, self._http, self._core):
                yield
        except errors.HfHubHTTPError as error:
            raise server.refuses(
                error.response.status_code, error.response.headers, str(error.server_message or "").encode()
            ) from None
        except errors.ValidationError as error:
            raise server.refuses(400, {}, str(error).encode()) from None
        except errors.TextGenerationError as error:
            raise server.broke_off(str(error)) from None
        except OSError as error:
            raise server.unreachable(type(error).__name__) from None
        except (AttributeError, KeyError, TypeError, ValueError):
            raise server.garbage() from None


@functools.cache
def _library() -> tuple[ModuleType, ModuleType, ModuleType]:
    """huggingface_hub, the HTTP library under it, and that one's core.

    Those are httpx and httpcore up to huggingface_hub 1, httpx2 and httpcore2 from 2 on. From here on,
    everything in this process that uses huggingface_hub has connections that can be watched. Raises
    SettingsError when it is not there.
    """
    try:
        hub, _ = importlib.import_module("huggingface_hub"), importlib.import_module("huggingface_hub.errors")
    except ImportError:
        raise SettingsError("LLM_PROVIDER=huggingface needs a package: make install EXTRAS=huggingface") from None
    session = hub.get_session()
    http = importlib.import_module(type(session).__module__.partition(".")[0])
    core = importlib.import_module(http.__name__.replace("httpx", "httpcore"))
    hub.set_client_factory(lambda: client(http, core, event_hooks=session.event_hooks))
    return hub, http, core
