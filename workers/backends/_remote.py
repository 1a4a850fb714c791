"""A backend whose model runs on servers: which of them there are, how long one is waited for, and how it is tried."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final, Self

from bot.errors import BackendError, Unavailable
from bot.message import Turn
from workers.backends import Backend, Finding, Prompt
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

    chooses: ClassVar[bool] = True
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

    @property
    def sees(self) -> bool:
        if (known := self._eyes()) is None:
            raise Unavailable("no server has said yet whether its model can see; LLM_VISION=on or off would")
        return known

    def _eyes(self) -> bool | None:
        return self._told_to_see() if self._settings.llm_vision == "auto" else self._settings.llm_vision == "on"

    def _told_to_see(self) -> bool | None:
        """What the servers say of their model's eyes; None: none of them has answered yet."""
        return False

    def check(self) -> str:
        found = [finding for server in self._servers.all for finding in self._look(server)]
        return "\n".join(finding.words for finding in found)

    def examine(self) -> Iterator[Finding]:
        """Each server by itself and all at once: one that is down or slow holds up nothing about the others."""
        with ThreadPoolExecutor(len(self._servers.all)) as pool:
            for found in pool.map(self._told, self._servers.all):
                yield from found

    def _told(self, server: Server) -> list[Finding]:
        try:
            return self._look(server)
        except BackendError as error:
            return [Finding(str(error), ok=False)]

    def _look(self, server: Server) -> list[Finding]:
        """That the model answers there, and what is worth a look. Raises Unavailable or Rejected."""
        self._try(replace(server, quotes=True))
        size = self.context_tokens() or "not known"
        eyes = "; sees photos" if self._eyes() else ""
        return [Finding(f"{self._model(server)} at {server.url} answers (context tokens: {size}{eyes})")]

    def _try(self, server: Server) -> str:
        """A short answer to a greeting."""
        watch = self._watch()
        return "".join(Answer(self._chat(server, GREETING, GREETING_TOKENS, watch), watch))

    def _model(self, server: Server, wanted: str = "") -> str:
        """The model that ``server`` is asked for; the one that is ``wanted`` instead of the usual one."""
        return wanted or self._settings.llm_model or self.default_model

    def _watch(self) -> Watch:
        return Watch(self._settings.llm_first_token_timeout, self._settings.llm_timeout)
