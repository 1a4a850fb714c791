"""A demo's page for tests: both phones, and a product in a few lines that answers, or loses, or repeats."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx
from werkzeug.wrappers import Request, Response

from simulator.page.bags import ANSWERS
from simulator.page.inside import Standing
from simulator.page.phones import Phone
from simulator.page.staff import Killed
from simulator.server import Server
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

TOKEN, NUMBER = "7123:AAE-test-token", "106540352242922"
ANA, LUIS = f"telegram:7123:{34611}", f"whatsapp:{NUMBER}:34600111222"


class Product(Server):
    """Takes webhooks and answers each question about a bag at once; the bag's number says what else becomes of it.

    ``loses`` are those that it takes and never answers, ``repeats`` those that it answers twice, ``delays`` those that
    it answers only behind the next one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loses, self.repeats, self.delays = set[int](), set[int](), set[int]()
        self.histories: dict[str, list[tuple[str, str]]] = {"telegram": [], "whatsapp": []}
        self.phones: dict[str, Phone] = {}
        self._late: dict[str, int] = {}
        self._one = threading.Lock()

    def respond(self, request: Request) -> Response:
        key = request.path.rpartition("/")[2]
        with self._one:
            self._hear(key, request.get_json())
        return Response(status=200)

    def _hear(self, key: str, body: dict[str, Any]) -> None:
        found = re.search(r"bolsa (\d+)", json.dumps(body))
        if found is None:
            return
        bag = int(found[1])
        self.histories[key].append(("user", f"¿Está lista la bolsa {bag}?"))
        if bag in self.delays:
            self._late[key] = bag
            return
        if bag not in self.loses:
            for _ in range(1 + (bag in self.repeats)):
                self._say(key, bag)
        if late := self._late.pop(key, 0):
            self._say(key, late)

    def _say(self, key: str, bag: int) -> None:
        text, phone = ANSWERS["es"].format(bag), self.phones[key]
        self.histories[key].append(("assistant", text))
        if key == "telegram":
            url = f"{phone.platform.url}/bot{TOKEN}/sendMessage"
            body: dict[str, Any] = {"chat_id": phone.chat_id, "text": text}
        else:
            url = f"{phone.platform.url}/{NUMBER}/messages"
            body = {"messaging_product": "whatsapp", "to": phone.chat_id, "type": "text", "text": {"body": text}}
        httpx.post(url, json=body, headers={"Authorization": "Bearer bearer"}).raise_for_status()


class FakeInside:
    """Where the product of these tests is; ``open`` is how many conversations are not at rest."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self.open = 0
        self.holder = 4711

    def standings(self) -> dict[str, Standing]:
        return dict.fromkeys((ANA, LUIS), Standing("speaking", 0, 1, 3.0, self.holder))

    def cards(self) -> dict[int, dict[str, Any]]:
        return {4711: {"pid": 4711, "slots": 16, "memory": 90 << 20}}

    def due(self) -> int:
        return self.open

    def history(self, conversation: str, records: int) -> list[tuple[str, str]]:
        return self._product.histories[conversation.partition(":")[0]][-records:]


class FakeStaff:
    """One worker that can be killed once."""

    def __init__(self) -> None:
        self.killed: list[Killed] = []
        self.holds: Callable[[int], tuple[str, ...]] = lambda _: ()

    def pids(self) -> dict[str, int]:
        return {} if self.killed else {"worker": 4711}

    def kill(self, name: str) -> Killed | None:
        if name not in self.pids():
            return None
        self.killed.append(Killed(name, 4711, 1.0, self.holds(4711)))
        return self.killed[-1]


class Small:
    """Both platforms, their phones and the product, up together."""

    def __init__(self) -> None:
        self.product = Product()
        self.telegram = TelegramServer(TOKEN, f"{self.product.url}/webhook/telegram", "secret")
        self.whatsapp = WhatsAppServer("bearer", NUMBER, "s", "verify-me", f"{self.product.url}/webhook/whatsapp")
        self.ana = Phone("Ana", self.telegram, "34611", ANA)
        self.luis = Phone("Luis", self.whatsapp, "34600111222", LUIS)
        self.product.phones = {"telegram": self.ana, "whatsapp": self.luis}
        self.inside, self.staff = FakeInside(self.product), FakeStaff()

    def __enter__(self) -> Self:
        for server in (self.product, self.telegram, self.whatsapp):
            server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for server in (self.telegram, self.whatsapp, self.product):
            server.close()
