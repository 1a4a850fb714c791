"""What Meta's Graph API says of a business account: its token, its numbers, who hears of their messages, its templates.

Shapes: https://developers.facebook.com/docs/graph-api/reference/debug_token, …/guides/secure-requests and
https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from werkzeug.wrappers import Request

from simulator.calls import Outcome
from simulator.graph import TITLES, handshake, refusal

MESSAGING: Final = "whatsapp_business_messaging"
MANAGEMENT: Final = "whatsapp_business_management"
_PATH: Final = re.compile(r"(?:/v\d+\.\d+)?/(debug_token|\d+)(/[a-z_]+)?")
_NO_PROOF: Final = "Invalid appsecret_proof provided in the API argument"


class Graph(Protocol):
    """The server whose account it is."""

    token: str
    app_secret: str
    phone_number_id: str


@dataclass
class Account:
    """One business account with one app, as Meta's dashboard would set it up.

    ``expires_at`` is when the token ends, in seconds since 1970 (0: never). ``callback`` and ``fields`` are the app's
    own webhook; ``override`` is the account's, which goes before it; ``subscribed``: the app hears of the account.
    ``reticent``: the number does not tell where its webhooks go.
    """

    graph: Graph
    id: str = "100000000000001"
    app_id: str = "400000000000004"
    name: str = "Recado"
    kind: str = "SYSTEM_USER"
    scopes: tuple[str, ...] = (MANAGEMENT, MESSAGING)
    expires_at: int = 0
    number: dict[str, Any] = field(
        default_factory=lambda: {
            "display_phone_number": "+34 600 000 000",
            "verified_name": "Recado",
            "quality_rating": "GREEN",
            "code_verification_status": "VERIFIED",
            "platform_type": "CLOUD_API",
            "throughput": {"level": "STANDARD"},
            "status": "CONNECTED",
        }
    )
    callback: str = ""
    fields: tuple[str, ...] = ()
    override: str = ""
    subscribed: bool = False
    reticent: bool = False
    templates: list[dict[str, Any]] = field(default_factory=list)

    def install(self, url: str) -> None:
        """As after a set-up in the dashboard: the app delivers to ``url``, and hears of this account."""
        self.callback, self.fields, self.subscribed = url, ("messages", "smb_message_echoes"), True

    def answer(self, request: Request, params: dict[str, Any], *, expired: bool) -> Outcome | None:
        """What Meta answers; None for what is no matter of the account."""
        found, bearer = _PATH.fullmatch(request.path), request.headers.get("Authorization", "")
        if not found or found[1] not in {"debug_token", self.graph.phone_number_id, self.id, self.app_id}:
            return None
        thing, edge = found[1], found[2] or ""
        if thing == self.graph.phone_number_id and (edge or request.method != "GET"):
            return None
        if thing == self.app_id:
            return self._app(request.method, params, bearer)
        if refused := self._refused(params, bearer, expired=expired):
            return refused
        if thing == self.id:
            return self._account(request.method, edge, params)
        return self._debug(params) if thing == "debug_token" else self._number(params)

    def _account(self, method: str, edge: str, params: dict[str, Any]) -> Outcome:
        if not edge:
            wanted = str(params.get("fields", "id")).partition(",")[0]
            words = f"Tried accessing nonexisting field ({wanted}) on node type (WhatsAppBusinessAccount)"
            return refusal(400, 100, words)
        if MANAGEMENT not in self.scopes:
            return refusal(403, 200, "You do not have the necessary permissions required to do this")
        edges = {"/phone_numbers": self._numbers, "/message_templates": self._templates}
        if edge == "/subscribed_apps":
            return self._subscribe(params) if method == "POST" else self._subscriptions()
        return edges[edge](params) if edge in edges else refusal(400, 2500, f"Unknown path components: {edge}")

    def _refused(self, params: dict[str, Any], authorization: str, *, expired: bool) -> Outcome | None:
        """Whose token it is, and whether the proof is the app secret's."""
        if not _same(authorization, f"Bearer {self.graph.token}"):
            return refusal(401, 190, "Invalid OAuth access token - Cannot parse access token")
        if expired:
            return refusal(401, 190, TITLES[190], error_subcode=463)
        given = str(params.get("appsecret_proof", ""))
        proof = hmac.new(self.graph.app_secret.encode(), self.graph.token.encode(), hashlib.sha256).hexdigest()
        return refusal(400, 100, _NO_PROOF) if given and not _same(given, proof) else None

    def _debug(self, params: dict[str, Any]) -> Outcome:
        if not _same(str(params.get("input_token", "")), self.graph.token):
            error = {"code": 190, "message": "Invalid OAuth access token."}
            return Outcome({"data": {"error": error, "is_valid": False, "scopes": []}})
        granular = [{"scope": scope, "target_ids": [self.id]} for scope in self.scopes]
        return Outcome({
            "data": {
                "app_id": self.app_id, "type": self.kind, "application": self.name, "expires_at": self.expires_at,
                "data_access_expires_at": 0, "is_valid": True, "issued_at": 0, "scopes": list(self.scopes),
                "granular_scopes": granular, "user_id": "500000000000005",
            }
        })  # fmt: skip

    def _number(self, params: dict[str, Any]) -> Outcome:
        wanted = str(params.get("fields", "display_phone_number,verified_name")).split(",")
        places = {"whatsapp_business_account": self.override, "application": self.callback}
        told = {} if self.reticent else {name: url for name, url in places.items() if url}
        known = self.number | {"webhook_configuration": told}
        return Outcome({key: known[key] for key in wanted if key in known} | {"id": self.graph.phone_number_id})

    def _numbers(self, params: dict[str, Any]) -> Outcome:
        return Outcome({"data": [self.number | {"id": self.graph.phone_number_id}]})

    def _templates(self, params: dict[str, Any]) -> Outcome:
        """Meta looks for the name anywhere in a template's name."""
        name = str(params.get("name", ""))
        return Outcome({"data": [one for one in self.templates if name in one["name"]]})

    def _subscriptions(self) -> Outcome:
        app = {"whatsapp_business_api_data": {"id": self.app_id, "name": self.name, "link": "https://example.com/"}}
        more = {"override_callback_uri": self.override} if self.override else {}
        return Outcome({"data": [app | more] if self.subscribed else []})

    def _subscribe(self, params: dict[str, Any]) -> Outcome:
        url = str(params.get("override_callback_uri", ""))
        if refused := _unverified(url, params):
            return refused
        self.subscribed, self.override = True, url
        return Outcome({"success": True})

    def _app(self, method: str, params: dict[str, Any], authorization: str) -> Outcome:
        """The app's own webhook, for whoever holds its secret."""
        if not _same(authorization, f"Bearer {self.app_id}|{self.graph.app_secret}"):
            return refusal(400, 190, "Invalid OAuth access token signature.")
        if method == "POST":
            if refused := _unverified(str(params.get("callback_url", "")), params):
                return refused
            self.callback, self.fields = params["callback_url"], tuple(str(params.get("fields", "")).split(","))
            return Outcome({"success": True})
        fields = [{"name": name, "version": "v26.0"} for name in self.fields]
        about = {"object": "whatsapp_business_account", "callback_url": self.callback, "active": True, "fields": fields}
        return Outcome({"data": [about] if self.callback else []})


def _unverified(url: str, params: dict[str, Any]) -> Outcome | None:
    """Meta tries an address before it takes it."""
    if not url or handshake(url, str(params.get("verify_token", ""))):
        return None
    reason = "Callback verification failed with the following errors: HTTP Status Code = 403; HTTP Message = Forbidden"
    return refusal(400, 2200, reason)


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())
