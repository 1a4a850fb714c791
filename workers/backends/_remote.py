"""A backend whose model runs on servers: which of them there are, how long one is waited for, and how it is tried."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final, Self

from bot.message import Turn
from workers.backends import Backend, Prompt
from workers.backends._answer import Answer, spoken
from workers.backends._servers import Pieces, Server, Servers
from workers.backends._watch import Watch

if TYPE_CHECKING:
    from bot.business import Business
    from bot.settings import Settings

GREETING: Final = Prompt((Turn("user", "Hola"),), session="check")
GREETING_TOKENS: Final = 16


class Remote(Backend):
    """A model on one or several servers; each conversation has one that it asks first."""

    default_model: ClassVar[str] = ""
    """What is asked for without LLM_MODEL."""
    default_parallel: ClassVar[int] = 64
    """How many requests one server may have in flight without LLM_PARALLEL."""

    def __init__(self, settings: Settings, *servers: Server) -> None:
        self._settings = settings
        self._servers = Servers(servers)

    @classmethod
    def from_settings(cls, settings: Settings, business: Business) -> Self:
        return cls(settings)

    @abstractmethod
    def _chat(self, server: Server, prompt: Prompt, limit: int, watch: Watch) -> Pieces:
        """The answer of one server, of at most ``limit`` tokens; tells ``watch`` of each that comes.

        Raises Unavailable or Rejected.
        """

    def stream(self, prompt: Prompt) -> Answer:
        watch = self._watch()
        server = self._servers.named(prompt.server, prompt.session)
        return Answer(spoken(self._chat(server, prompt, self._settings.reply_tokens, watch)), watch)

    def servers(self, session: str) -> tuple[str, ...]:
        return tuple(server.url for server in self._servers.order(session))

    @property
    def parallel(self) -> int:
        return self._settings.llm_parallel or self.default_parallel

    def check(self) -> str:
        for server in self._servers.all:
            self._try(replace(server, quotes=True))
        where = ", ".join(server.url for server in self._servers.all)
        size = self.context_tokens() or "not known"
        return f"{self._model(self._servers.all[0])} at {where} answers (context tokens: {size})"

    def _try(self, server: Server) -> str:
        """A short answer to a greeting."""
        watch = self._watch()
        return "".join(Answer(self._chat(server, GREETING, GREETING_TOKENS, watch), watch))

    def _model(self, server: Server) -> str:
        """The model that ``server`` is asked for."""
        return self._settings.llm_model or self.default_model

    def _watch(self) -> Watch:
        return Watch(self._settings.llm_first_token_timeout, self._settings.llm_timeout)
