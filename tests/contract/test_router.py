"""Model servers behind a router: by what each kind of router looks for, a conversation stays at one of them."""

from __future__ import annotations

import http.client
import itertools
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from urllib.parse import urlsplit

import pytest
from werkzeug.wrappers import Request, Response

from bot.message import Turn
from bot.settings import load_settings
from simulator.models import ModelServer
from simulator.server import Server
from workers.backends import Prompt
from workers.backends.openai import SESSION_HEADERS, OpenAI

SESSIONS = [f"{number:04x}" for number in range(15)]
TURNS = 4


class Router(Server):
    """Sends each request to the model server that its session's hash names, as routers with affinity do.

    The session is what the header ``key`` says, else the field of that name in the body; without one, the servers take
    turns (https://github.com/vllm-project/production-stack/blob/main/src/vllm_router/routers/routing_logic.py).
    """

    def __init__(self, key: str, models: list[ModelServer]) -> None:
        super().__init__()
        self.key, self.models = key, models
        self.turns = itertools.cycle(range(len(models)))

    def respond(self, request: Request) -> Response:
        body = request.get_json(silent=True) or {}
        session = request.headers.get(self.key) or body.get(self.key) or ""
        place = int(sha256(session.encode()).hexdigest(), 16) % len(self.models) if session else next(self.turns)
        connection = http.client.HTTPConnection(urlsplit(self.models[place].url).netloc, timeout=10)
        try:
            connection.request(request.method, request.path, request.get_data(), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return Response(answer.read(), answer.status, content_type=answer.headers["Content-Type"])
        finally:
            connection.close()


@contextmanager
def behind(key: str) -> Iterator[tuple[OpenAI, list[ModelServer]]]:
    """A backend that knows only a router, and the two model servers behind that."""
    with ExitStack() as stack:
        models = [stack.enter_context(ModelServer(models=["m"])) for _ in range(2)]
        router = stack.enter_context(Router(key, models))
        backend = OpenAI(load_settings(llm_provider="openai", llm_base_url=router.url, llm_model="m"))
        stack.callback(backend.close)
        yield backend, models


def places(key: str, *, named: bool = True) -> dict[str, set[int]]:
    """At which servers each conversation was, after some turns of all in any order."""
    order = random.Random(1)
    with behind(key) as (backend, models):
        for _, session in itertools.product(range(TURNS), order.sample(SESSIONS, len(SESSIONS))):
            said = (Turn("user", f"{session} dice algo"),)
            assert "".join(backend.stream(Prompt(said, session=session if named else ""))).startswith("re: ")
        found: dict[str, set[int]] = {session: set() for session in SESSIONS}
        for place, model in enumerate(models):
            for asked in model.requests:
                found[asked.said[-1][1].split()[0]].add(place)
    return found


@pytest.mark.parametrize("key", [*SESSION_HEADERS, "x-session-id", "user"])
def test_a_router_keeps_each_conversation_at_one_server_and_spreads_them(key: str) -> None:
    """Whichever header it looks for, in whatever case, or the field ``user`` of the request."""
    found = places(key)

    assert {len(one) for one in found.values()} == {1}
    assert set().union(*found.values()) == {0, 1}


def test_without_a_name_for_the_conversation_the_router_scatters_it() -> None:
    """So that it is the name that keeps a conversation together, and not chance."""
    assert any(len(one) > 1 for one in places("X-Session-ID", named=False).values())


def test_a_router_that_looks_for_something_else_scatters_it_too() -> None:
    assert any(len(one) > 1 for one in places("X-Something-Else").values())
