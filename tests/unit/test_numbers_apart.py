"""Several numbers speak through one channel: each call bears the token, the id and the template of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from werkzeug.wrappers import Request, Response

from bot.channels.whatsapp import WhatsApp
from bot.message import Attachment, Piece
from bot.numbers import Number
from simulator.server import Server
from tests.channel_server import answer

FIRST, SECOND = "555000000000001", "555000000000002"
TOKENS = {FIRST: "EAAG-first", SECOND: "EAAG-second"}
TEMPLATES = {FIRST: "hello:es", SECOND: "write_to_us:en_GB"}
SECRET = "0123456789abcdef" * 2
BYTES = b"OggS"

CALLS: dict[str, Callable[[WhatsApp, str], object]] = {
    "speak": lambda channel, who: channel.speak(who, Piece("hola"), "0123456789ab.1.0"),
    "file": lambda channel, who: channel.speak(who, Piece("", file="all", file_name="all.txt"), "0123456789ab.1.0"),
    "ask to write": lambda channel, who: channel.ask_to_write(who, "0123456789ab.1.1"),
    "typing": lambda channel, who: channel.show_typing(who, "wamid.1"),
    "fetch": lambda channel, who: channel.fetch(who, Attachment("voice", "42"), 100),
}


class Graph(Server):
    """Says yes to everything, and notes who asked for what."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str]] = []

    def respond(self, request: Request) -> Response:
        said = request.get_data(as_text=True) + request.full_path
        self.seen.append((request.headers.get("Authorization", ""), said))
        if request.path.startswith("/files"):
            return Response(BYTES)
        return answer({"messages": [{"id": "wamid.2"}], "id": "7", "url": f"{self.url}/files/1"})


@pytest.fixture
def graph() -> Iterator[Graph]:
    with Graph() as server:
        yield server


@pytest.fixture
def channel(graph: Graph) -> Iterator[WhatsApp]:
    own = {"token": TOKENS[SECOND], "template": TEMPLATES[SECOND]}
    other = Number.model_validate(own | {"app_secret": SECRET, "verify_token": "palabra-2"})
    whatsapp = WhatsApp(
        TOKENS[FIRST], FIRST, app_secret=SECRET, verify_token="palabra-1", api_url=graph.url, unknown_seconds=1,
        others={SECOND: other}, template=TEMPLATES[FIRST],
    )  # fmt: skip
    with closing(whatsapp):
        yield whatsapp


@pytest.mark.parametrize("own", [FIRST, SECOND])
@pytest.mark.parametrize("call", CALLS)
def test_every_call_is_made_by_the_number_of_its_conversation(
    call: str, own: str, channel: WhatsApp, graph: Graph
) -> None:
    CALLS[call](channel, f"whatsapp:{own}:34600000001")
    other = FIRST if own == SECOND else SECOND

    assert {token for token, _ in graph.seen} == {f"Bearer {TOKENS[own]}"}
    everything = "\n".join(said for _, said in graph.seen)
    assert own in everything
    assert other not in everything
    for number, template in TEMPLATES.items():
        name, language = template.split(":")
        assert (name in everything and language in everything) == (call == "ask to write" and number == own)


def test_each_number_is_known_to_the_platform_by_its_own_token(channel: WhatsApp) -> None:
    """A hold of one number says nothing of another."""
    known = {channel.credential(f"whatsapp:{number}:34600000001") for number in TOKENS}
    assert len(known) == len(TOKENS)
    assert not any(token in one for one in known for token in TOKENS.values())
