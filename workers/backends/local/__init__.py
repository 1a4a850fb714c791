"""A model in this worker's own process, shared by all its turns: LLM_PROVIDER=local."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import TYPE_CHECKING, Final, Self

from bot.message import Turn
from workers.backends import Backend, Prompt
from workers.backends._answer import Answer, spoken
from workers.backends.local import loading
from workers.backends.local.choice import open_engine
from workers.backends.local.job import Engine, Job, Knobs, too_long
from workers.backends.local.loading import Loaded
from workers.backends.local.prompts import Prompts
from workers.backends.local.speech import Wait, words

if TYPE_CHECKING:
    from bot.business import Business
    from bot.settings import Settings

GREETING: Final = Prompt((Turn("user", "Hola"),))
GREETING_TOKENS: Final = 16

log = logging.getLogger("recado.local")


class Local(Backend):
    """One model, one engine, many turns. Before it stands no line: each worker has a model of its own."""

    name = "local"

    def __init__(self, settings: Settings, loaded: Loaded, engine: Engine, prompts: Prompts) -> None:
        self._settings, self._loaded, self._prompts = settings, loaded, prompts
        self.engine = engine

    @classmethod
    def from_settings(cls, settings: Settings, business: Business) -> Self:
        """Load the model and prove that it runs: this takes seconds to minutes. Raises SettingsError."""
        return cls.of(settings, loading.load(settings, progress=True))

    @classmethod
    def of(cls, settings: Settings, loaded: Loaded) -> Self:
        """The backend for a model that is in memory. Raises SettingsError."""
        prompts = Prompts(loaded.tokenizer)
        engine = open_engine(settings, loaded, prompts)
        log.info("ready: the %s engine, %d tokens for a prompt and its answer", engine.name, engine.most)
        return cls(settings, loaded, engine, prompts)

    def stream(self, prompt: Prompt) -> Answer:
        wait = self._wait()
        return Answer(spoken(self._words(prompt, self._settings.reply_tokens, wait)), wait)

    @property
    def parallel(self) -> int:
        return self._settings.llm_parallel or self.engine.parallel

    def context_tokens(self) -> int:
        return self.engine.most

    def count_tokens(self, text: str) -> int:
        return self._prompts.count(text)

    def check(self) -> str:
        wait = self._wait()
        "".join(Answer(self._words(GREETING, GREETING_TOKENS, wait), wait))
        return f"{self._loaded.report}; the {self.engine.name} engine answers (context tokens: {self.engine.most})"

    def close(self) -> None:
        self.engine.close()

    def _words(self, prompt: Prompt, limit: int, wait: Wait) -> Generator[str, None, None]:
        ids = self._prompts.ids(prompt.turns, prompt.session, self.engine.most - limit)
        room = self.engine.most - len(ids)
        if room < 1:
            raise too_long(len(ids), self.engine.most)
        knobs = Knobs(self._settings.llm_temperature, self._settings.llm_top_p)
        job = Job(ids, min(limit, room), knobs, prompt.session, wait.box)
        yield from words(self.engine, self._prompts, job, wait, (*self._settings.llm_stop, *self._prompts.stops))

    def _wait(self) -> Wait:
        return Wait(self._settings.llm_first_token_timeout, self._settings.llm_timeout)
