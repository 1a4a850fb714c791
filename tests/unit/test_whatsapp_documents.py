"""What we send as a file on WhatsApp: uploaded first, then sent with its words, once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.channels.whatsapp import WhatsApp
from bot.errors import Undelivered
from bot.message import Piece, Reply
from bot.received import Status
from bot.stores.bell import QUEUE_KEY
from bot.stores.connection import Store, key
from bot.stores.outbox import Outbox
from bot.stores.taken import Speak
from simulator.server import Cut
from tests.channel_server import answer
from tests.unit.mailboxes import said
from tests.unit.test_whatsapp_files import Graph
from tests.unit.test_whatsapp_speaking import ANA, NUMBER, SENT, connect, refusal
from tests.unit.worlds import World


@pytest.fixture
def graph() -> Iterator[Graph]:
    with Graph() as server:
        yield server


@pytest.fixture
def channel(graph: Graph) -> Iterator[WhatsApp]:
    channel = connect(graph.url)
    yield channel
    channel.close()


EXPORT = Piece("Tus datos, en un archivo.", file='{"año": 2026}', file_name="recado.json")


def test_a_file_is_uploaded_and_then_sent_with_its_words(channel: WhatsApp, graph: Graph) -> None:
    graph.told = [answer({"id": "777"}), answer(SENT)]
    assert channel.speak(ANA, EXPORT, "r1") == "wamid.9"
    assert [path for path, _ in graph.seen] == [f"/{NUMBER}/media", f"/{NUMBER}/messages"]
    form, *file = graph.posted[0]
    assert form == {"messaging_product": "whatsapp", "type": "text/plain"}
    assert file == ["recado.json", "text/plain", '{"año": 2026}'.encode()]
    assert graph.posted[1]["document"] == {"id": "777", "filename": "recado.json", "caption": EXPORT.text}
    assert (graph.posted[1]["type"], graph.posted[1]["biz_opaque_callback_data"]) == ("document", "r1")
    assert "text" not in graph.posted[1]


@pytest.mark.parametrize("told", [Cut, answer("x", 502), answer({}), refusal(500, 131000)], ids=str)
def test_an_upload_in_doubt_leaves_no_bubble_in_doubt(channel: WhatsApp, graph: Graph, told: Any) -> None:
    """Nobody has seen it: it is uploaded again, and the words are not lost."""
    graph.told = [told, {}]
    with pytest.raises(Undelivered):
        channel.speak(ANA, EXPORT, "r1")
    assert [path for path, _ in graph.seen] == [f"/{NUMBER}/media"]


def test_words_too_long_to_go_with_a_file_are_shortened_to_what_meta_takes(channel: WhatsApp, graph: Graph) -> None:
    graph.told = [answer({"id": "777"}), answer(SENT)]
    channel.speak(ANA, Piece("x" * 2000, file="x", file_name="x.txt"), "r1")
    assert graph.posted[1]["document"]["caption"] == "x" * 1023 + "…"


def committed(world: World, piece: Piece) -> None:
    """Its person was answered with this; the answer waits in the outbox."""
    world.mailbox.accept([said(1, conversation=ANA)])
    world.mailbox.take(ANA, "a")
    world.mailbox.commit(ANA, "a", 1, Reply(1, (piece,)))
    world.mailbox.release(ANA, "a")
    world.store.client.delete(QUEUE_KEY)


def test_a_document_in_doubt_waits_for_its_status_and_is_sent_once(
    store: Store, channel: WhatsApp, graph: Graph
) -> None:
    """The connection broke after the upload: nobody knows whether the person sees it until a status tells."""
    world = World(store)
    committed(world, EXPORT)
    world.channels["whatsapp"] = channel
    graph.told = [answer({"id": "777"}), Cut]
    world.answerer.answer(ANA)
    reference = graph.posted[1]["biz_opaque_callback_data"]
    assert Outbox(store).settle(Status(ANA, reference, "sent", bubble="wamid.9"))
    world.answerer.answer(ANA)
    assert len(graph.posted) == 2
    assert store.client.exists(key(ANA, "out")) == 0


def test_a_document_whose_worker_died_between_upload_and_sending_is_uploaded_again(
    store: Store, channel: WhatsApp, graph: Graph
) -> None:
    world = World(store)
    committed(world, EXPORT)
    world.channels["whatsapp"] = channel
    token = "dead"
    assert isinstance(world.mailbox.take(ANA, token), Speak)
    assert Outbox(store).begin(ANA, token, 1, 0, ()).permission == "go"
    store.client.delete(key(ANA, "lease"))
    for _ in range(2):
        store.client.hdel(key(ANA, "state"), "speak_at")
        graph.told = [answer({"id": "778"}), answer(SENT)]
        world.answerer.answer(ANA)
    assert [path for path, _ in graph.seen] == [f"/{NUMBER}/media", f"/{NUMBER}/messages"]
    assert store.client.exists(key(ANA, "out")) == 0
