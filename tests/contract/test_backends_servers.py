"""Several model servers: the backend names them in order, and asks the one that it is told to ask, and no other."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager

import pytest

from bot.business import Business
from bot.errors import Unavailable
from bot.message import Turn
from bot.settings import load_settings
from tests.contract.scripted import OPENAI, Dialect, Exchange, Script, ScriptedServer, each_dialect, nowhere
from workers.backends import Backend, Prompt, _servers
from workers.backends._servers import Recall
from workers.backends.faq import Faq

TURNS = (Turn("user", "Hola"),)


def busy(exchange: Exchange) -> None:
    exchange.whole(503, b"{}")


@contextmanager
def several(dialect: Dialect, *scripts: Script) -> Iterator[tuple[Backend, dict[str, ScriptedServer]]]:
    """A backend with one server for each script, and these by the names that the backend gives them."""
    with ExitStack() as stack:
        servers = [stack.enter_context(ScriptedServer(script)) for script in scripts]
        backend = dialect.backend(*(server.url for server in servers))
        stack.callback(backend.close)
        yield backend, {server.url: server for server in servers}


@each_dialect
def test_a_conversation_keeps_its_first_server_and_conversations_spread(dialect: Dialect) -> None:
    """Its old turns are in that server's cache."""
    with several(dialect, *[dialect.says("Sí")] * 3) as (backend, servers):
        orders = {session: backend.servers(session) for session in map(str, range(60))}
        for session, order in orders.items():
            assert backend.servers(session) == order
            assert set(order) == set(servers)
        for session in ("1", "2", "3"):
            list(backend.stream(Prompt(TURNS, session=session)))

        asked = [url for url, server in servers.items() for _ in server.prompts]
    assert Counter(asked) == Counter(orders[session][0] for session in ("1", "2", "3"))
    assert set(Counter(order[0] for order in orders.values())) == set(servers)


@each_dialect
def test_a_server_that_goes_moves_only_its_own_conversations(dialect: Dialect) -> None:
    urls = [f"http://127.0.0.1:{port}" for port in (1, 2, 3)]
    before, after = dialect.backend(*urls), dialect.backend(*urls[:2])
    for session in map(str, range(60)):
        order = before.servers(session)
        assert after.servers(session) == tuple(url for url in order if url != urls[2])
    before.close()
    after.close()


@each_dialect
def test_the_named_server_is_asked_and_no_other(dialect: Dialect) -> None:
    with several(dialect, *[dialect.says("Sí")] * 3) as (backend, servers):
        for name in servers:
            assert "".join(backend.stream(Prompt(TURNS, session="s", server=name))) == "Sí"

        assert [len(server.prompts) for server in servers.values()] == [1, 1, 1]


@each_dialect
def test_a_name_that_is_not_ours_any_more_means_the_first(dialect: Dialect) -> None:
    """LLM_BASE_URL may have changed since the name was written down."""
    with several(dialect, dialect.says("Sí"), dialect.says("Sí")) as (backend, servers):
        list(backend.stream(Prompt(TURNS, session="s", server="http://127.0.0.1:1")))

        assert len(servers[backend.servers("s")[0]].prompts) == 1


@each_dialect
def test_a_server_that_is_away_is_not_replaced_behind_the_lines_back(dialect: Dialect) -> None:
    """Whoever counts the places of each server decides who is asked next."""
    cut = dialect.begins("Ho", then=lambda exchange, _: exchange.drop())
    for ill in (busy, Exchange.drop, cut):
        with several(dialect, dialect.says("Sí"), ill) as (backend, servers):
            well, away = servers
            with pytest.raises(Unavailable):
                list(backend.stream(Prompt(TURNS, session="s", server=away)))

            assert not servers[well].prompts
            assert servers[away].prompts
            assert "".join(backend.stream(Prompt(TURNS, session="s", server=well))) == "Sí"


@each_dialect
def test_check_tries_every_server(dialect: Dialect) -> None:
    with several(dialect, dialect.says("Sí"), dialect.says("Sí"), busy) as (backend, servers):
        for server in servers.values():
            server.pages["/api/tags"] = 200, {"models": [{"name": "tiny:latest"}]}
        *_, away = servers
        with pytest.raises(Unavailable, match=away):
            backend.check()
        servers[away].always = dialect.says("Sí")

        assert all(url in backend.check() for url in servers)


@each_dialect
def test_a_server_has_as_many_places_as_is_set_or_as_is_usual(dialect: Dialect) -> None:
    usual, chosen = dialect.backend(nowhere()), dialect.backend(nowhere(), llm_parallel=3)
    assert usual.parallel == (4 if dialect.provider == "ollama" else 64)
    assert chosen.parallel == 3
    usual.close()
    chosen.close()


def test_faq_has_no_servers_and_so_no_line() -> None:
    assert Faq.from_settings(load_settings(), Business()).servers("s") == ()


@each_dialect
def test_a_server_named_twice_has_its_places_once(dialect: Dialect) -> None:
    backend = dialect.backend("http://127.0.0.1:1", "http://127.0.0.1:1/v1")
    assert backend.servers("s") == ("http://127.0.0.1:1",)
    backend.close()


def test_a_login_in_the_address_is_used_and_not_shown() -> None:
    """Neither in an error nor in the server's name, which goes to Redis and into logs."""
    with ScriptedServer(busy) as server:
        backend = OPENAI.backend(server.url.replace("http://", "http://lola:pass%20word@"))
        with pytest.raises(Unavailable) as caught:
            list(backend.stream(Prompt(TURNS)))
        backend.close()

        assert server.prompts[0].headers["Authorization"] == "Basic bG9sYTpwYXNzIHdvcmQ="
        assert "lola" not in str(caught.value)
        assert backend.servers("s") == (server.url,)


def test_a_server_that_will_not_say_what_it_has_holds_up_one_turn_and_not_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_servers, "KEEP_SECONDS", 0)
    hanging, let_go = threading.Event(), threading.Event()

    def ask() -> int:
        if hanging.is_set():
            let_go.wait(10)
        return 8192

    recall = Recall(ask, 0)
    assert recall() == 8192
    hanging.set()
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(recall), pool.submit(recall)
        try:
            assert next(as_completed([first, second], timeout=5)).result() == 8192
            assert not (first.done() and second.done())
        finally:
            let_go.set()
        assert (first.result(5), second.result(5)) == (8192, 8192)
