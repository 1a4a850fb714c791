"""The own webhook tried as Meta would, and what is pasted judged before anybody is asked."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from werkzeug.wrappers import Response

from bot.meta.checks import Number, id_in
from bot.meta.graph import GraphApi, Wrong
from bot.meta.own_webhook import local_address, try_both, try_webhook
from bot.meta.subscription import url_in
from bot.texts import LANGUAGES
from simulator.ports import free_port
from simulator.whatsapp import WhatsAppServer
from tests.unit.receivers import ACCOUNT, NUMBER, SECRET, VERIFY, Receiver, graph, receiver

__all__ = ["graph", "receiver"]


def tried(answer: Response, *, local: bool = False) -> tuple[bool | None, str]:
    with Receiver(answer=answer) as other:
        found = try_webhook(other.url, SECRET, VERIFY, local=local)
    return found.ok, found.words.en


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (301, "Meta does not follow"),
        (403, "does not know this WHATSAPP_VERIFY_TOKEN"),
        (404, "the receiver has no WHATSAPP_TOKEN, or it is another program"),
        (502, "the proxy or tunnel before the receiver does not find it"),
        (503, "cannot write to Redis"),
        (200, "a tunnel's warning page"),
    ],
)
def test_what_answers_in_the_receivers_place_is_explained(status: int, words: str) -> None:
    ok, said = tried(Response("<html>", status))

    assert (ok, words in said) == (False, True)


def test_a_receiver_with_other_secrets_is_told_which(receiver: Receiver) -> None:
    said = [
        try_webhook(receiver.url, secret, verify, local=True).words.en
        for secret, verify in ((SECRET, "another-verify-token"), (SECRET[::-1], VERIFY), (SECRET, VERIFY))
    ]

    assert "does not know this WHATSAPP_VERIFY_TOKEN" in said[0]
    assert "refuses what this WHATSAPP_APP_SECRET signs" in said[1]
    assert "takes what is signed and refuses what is forged" in said[2]


def test_trying_leaves_nothing_behind(receiver: Receiver) -> None:
    """No message, no quarantine: the body is genuine, and about nothing."""
    before = metrics(receiver)
    assert try_webhook(receiver.url, SECRET, VERIFY, local=True).ok
    changed = [line for line in metrics(receiver) if line not in before]

    assert [line for line in changed if "accepted" in line or "quarantine" in line or "unserved" in line] == []


def metrics(receiver: Receiver) -> list[str]:
    return [line for line in httpx.get(f"{receiver.url}/metrics").text.splitlines() if not line.startswith("#")]


def test_a_receiver_that_takes_what_is_forged_is_told(receiver: Receiver) -> None:
    """Something that says yes to everything is not the receiver."""

    class Yes(Receiver):
        def respond(self, request: Any) -> Response:
            return Response(request.args.get("hub.challenge", "ok"))

    with Yes() as yes:
        found = try_webhook(yes.url, SECRET, VERIFY, local=True)

    assert (found.ok, "takes what is forged (HTTP 200)" in found.words.en) == (False, True)


def test_one_that_answers_makes_the_others_silence_worth_a_look(receiver: Receiver) -> None:
    """A receiver elsewhere, and a router that leads nobody back in; where nobody answers at all, it is bad."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    pair = SECRET, VERIFY

    assert [one.ok for one in try_both(nowhere, receiver.url, *pair)] == [None, True]
    assert [one.ok for one in try_both(receiver.url, nowhere, *pair)] == [True, None]
    assert [one.ok for one in try_both(nowhere, nowhere, *pair)] == [False, None]


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "http://127.0.0.1:80"), ("::", "http://[::1]:80"), ("10.0.0.1", "http://10.0.0.1:80")]
)
def test_a_receiver_that_listens_everywhere_is_tried_here(host: str, url: str) -> None:
    assert local_address(host, 80) == url


def test_an_id_is_told_from_a_phone_number() -> None:
    known = [Number(NUMBER, "+34 600 000 000", "Recado"), Number("9876543", "+57 300 1112233", "Corto")]

    assert id_in(f" {NUMBER} ", known) == NUMBER
    assert id_in("9876543", known) == "9876543"
    assert id_in("106540352242923") == "106540352242923"
    for pasted in ("+34600111222", "34600111222", "0034 600 11 12 22", "573001112233", "34-600-111-222"):
        with pytest.raises(Wrong, match="phone number"):
            id_in(pasted, known)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://chat.my-shop.com", "https://"),
        ("https://localhost", "not on the internet"),
        ("https://192.168.1.7", "not on the internet"),
        ("https://chat.my-shop.com/?key=1", "not on the internet"),
    ],
)
def test_an_address_to_which_meta_would_not_deliver_is_refused(url: str, words: str) -> None:
    with pytest.raises(Wrong, match=words):
        url_in(url, "https://graph.facebook.com/v26.0")
    assert (
        url_in("https://chat.my-shop.com:8443/", "https://graph.facebook.com/v26.0") == "https://chat.my-shop.com:8443"
    )
    assert url_in(url, "http://127.0.0.1:1") == url


def test_a_refusal_is_worded_in_both_languages(graph: WhatsAppServer) -> None:
    with GraphApi("EAAanother", graph.url) as api, pytest.raises(Wrong) as caught:
        api.get(ACCOUNT)
    said = [caught.value.words.to(language) for language in LANGUAGES]

    assert said[0].startswith("Meta no conoce este token")
    assert said[1].startswith("Meta does not know this token")
