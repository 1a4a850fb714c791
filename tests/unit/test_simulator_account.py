"""The stand-in for Meta knows an account as Meta does: whose token, whose secret, and who hears of its messages."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import httpx
import pytest

from simulator.whatsapp import WhatsAppServer
from tests.unit.receivers import ACCOUNT, APP, NUMBER, SECRET, TOKEN, VERIFY, Receiver, graph, receiver

__all__ = ["graph", "receiver"]


def ask(graph: WhatsAppServer, path: str, token: str = TOKEN, **params: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    found: dict[str, Any] = httpx.get(f"{graph.url}/v26.0/{path}", params=params, headers=headers).json()
    return found


def order(graph: WhatsAppServer, path: str, token: str = TOKEN, **params: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    found: dict[str, Any] = httpx.post(f"{graph.url}/v26.0/{path}", json=params, headers=headers).json()
    return found


def proof(secret: str) -> str:
    return hmac.new(secret.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()


def test_a_proof_by_another_secret_is_refused_as_meta_words_it(graph: WhatsAppServer) -> None:
    refused = ask(graph, NUMBER, fields="id", appsecret_proof=proof("f" * 32))["error"]

    assert refused["code"] == 100
    assert "Invalid appsecret_proof provided in the API argument" in refused["message"]
    assert ask(graph, NUMBER, fields="id", appsecret_proof=proof(SECRET)) == {"id": NUMBER}


def test_a_token_is_told_of_by_itself(graph: WhatsAppServer) -> None:
    graph.account.expires_at = 1_800_000_000
    known = ask(graph, "debug_token", input_token=TOKEN)["data"]

    assert (known["is_valid"], known["app_id"], known["expires_at"]) == (True, APP, 1_800_000_000)
    assert known["granular_scopes"][0]["target_ids"] == [ACCOUNT]
    assert ask(graph, "debug_token", input_token="EAAother")["data"]["is_valid"] is False
    assert ask(graph, "debug_token", token="EAAother", input_token=TOKEN)["error"]["code"] == 190


def test_an_address_is_tried_before_it_is_taken(graph: WhatsAppServer, receiver: Receiver) -> None:
    """By the account and by the app; the wrong verify token is refused with Meta's code."""
    url = f"{receiver.url}/webhook/whatsapp"
    override = {"override_callback_uri": url, "verify_token": "another-word"}
    assert order(graph, f"{ACCOUNT}/subscribed_apps", **override)["error"]["code"] == 2200
    assert ask(graph, f"{ACCOUNT}/subscribed_apps") == {"data": []}
    override["verify_token"] = VERIFY
    assert order(graph, f"{ACCOUNT}/subscribed_apps", **override) == {"success": True}

    (app,) = ask(graph, f"{ACCOUNT}/subscribed_apps")["data"]
    assert (app["whatsapp_business_api_data"]["id"], app["override_callback_uri"]) == (APP, url)
    configured = ask(graph, NUMBER, fields="webhook_configuration")["webhook_configuration"]
    assert configured == {"whatsapp_business_account": url}


@pytest.mark.parametrize("secret", [SECRET, "f" * 32])
def test_the_apps_own_webhook_is_for_whoever_has_its_secret(
    graph: WhatsAppServer, receiver: Receiver, secret: str
) -> None:
    url = f"{receiver.url}/webhook/whatsapp"
    told = order(
        graph, f"{APP}/subscriptions", token=f"{APP}|{secret}", object="whatsapp_business_account", callback_url=url,
        verify_token=VERIFY, fields="messages",
    )  # fmt: skip

    assert ("success" in told) is (secret == SECRET)
    assert graph.account.fields == (("messages",) if secret == SECRET else ())


def test_numbers_and_templates_are_for_whoever_may_manage(graph: WhatsAppServer) -> None:
    assert [one["id"] for one in ask(graph, f"{ACCOUNT}/phone_numbers")["data"]] == [NUMBER]
    graph.account.scopes = ("whatsapp_business_messaging",)

    assert ask(graph, f"{ACCOUNT}/message_templates")["error"]["code"] == 200
