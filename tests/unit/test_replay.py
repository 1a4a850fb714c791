"""python -m bot replay: what could not be read when it came is read again, and nobody is answered twice."""

from __future__ import annotations

import hmac
import json
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from bot import __main__ as cli
from bot import replay as again
from bot import wiring
from bot.channels import Channel
from bot.errors import StoreUnavailable
from bot.settings import ENV_FILE, Settings, load_settings
from bot.stores import embedded, kept
from bot.stores.connection import Store, key
from bot.stores.mailbox import COUNTS, QUARANTINE, UNSERVED, Mailbox
from bot.stores.outbox import Outbox
from bot.web import create_app

NUMBER, OTHER = "555000000000001", "555000000000002"
SECRET, OTHER_SECRET = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
DAY = 86_400


def whatsapp_settings(redis_dir: Path) -> Settings:
    return load_settings(
        redis_url=f"unix://{embedded.socket_path(redis_dir)}",
        whatsapp_token=SecretStr("EAAGm0PX4ZCpsBAHello"),
        whatsapp_phone_number_id=NUMBER,
        whatsapp_app_secret=SecretStr(SECRET),
        whatsapp_verify_token=SecretStr("quien-sabe-42"),
    )


def said(key: str, *, ago: float = 60, **parts: Any) -> dict[str, Any]:
    stamp = str(int(time.time() - ago))
    return {"id": key, "from": "34600000001", "timestamp": stamp, "type": "text", "text": {"body": key}} | parts


def body(*messages: Any, field: str = "messages") -> bytes:
    value = {"metadata": {"phone_number_id": NUMBER}, "messages": list(messages)}
    return json.dumps({"entry": [{"changes": [{"field": field, "value": value}]}]}).encode()


class World:
    """An installation on a real Redis, with bodies that an older version kept aside."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self.mailbox = wiring.open_mailbox(settings, store, silent=True)
        self.channels: dict[str, Channel] = dict(wiring.open_channels(settings))

    def replay(self, mailbox: Mailbox | None = None) -> again.Replay:
        """One run over everything."""
        found = again.Replay(self.store, self.channels, mailbox or self.mailbox, Outbox(self.store))
        self.outcomes = {place: dict(found.place(place)) for place in kept.PLACES}
        return found

    def waiting(self) -> list[str]:
        """The ids of all messages that wait to be answered, in order."""
        client = self.store.client
        entries = [one for name in client.scan_iter("recado:*:in") for one in client.lrange(name, 0, -1)]
        return [str(json.loads(one.split(b"|", 4)[4].partition(b"\n")[0])["id"]) for one in entries]

    def sizes(self) -> tuple[int, int]:
        return self.store.client.llen(QUARANTINE), self.store.client.llen(UNSERVED)


@pytest.fixture
def world(redis_dir: Path, store: Store) -> World:
    return World(whatsapp_settings(redis_dir), store)


def test_what_can_be_read_now_is_accepted_in_its_order_and_leaves(world: World) -> None:
    for identity in ("a", "b", "c"):
        world.mailbox.quarantine("whatsapp", body(said(identity)))
    world.mailbox.keep("whatsapp", body(said("d")))

    assert world.replay().accepted == 4
    assert world.waiting() == ["a", "b", "c", "d"]
    assert world.sizes() == (0, 0)
    assert int(world.store.client.hget(COUNTS, "quarantine_bytes") or 0) == 0


def test_what_was_accepted_then_is_not_answered_again(world: World) -> None:
    """A body with one message that could be read and one that could not went both ways."""
    both = body(said("good"), said("late"))
    world.mailbox.accept(world.channels["whatsapp"].read(body(said("good"))).messages, seen_hours=8 * 24)
    world.mailbox.quarantine("whatsapp", both)

    assert world.replay().accepted == 1
    assert world.waiting() == ["good", "late"]
    assert world.replay().accepted == 0
    assert world.waiting() == ["good", "late"]


def test_what_still_says_nothing_stays_with_its_reason(world: World) -> None:
    world.mailbox.quarantine("whatsapp", b"{")
    world.mailbox.quarantine("whatsapp", body({"type": "text"}, said("beside")))
    world.mailbox.quarantine("telegram", b'{"update_id":1}')
    world.mailbox.keep("whatsapp", body(said("x"), field="standby"))

    assert world.replay().accepted == 1
    assert world.outcomes == {
        "quarantine": {"not readable yet": 2, "of a channel that is off": 1},
        "unserved": {"not served yet": 1},
    }
    assert world.sizes() == (3, 1)


@pytest.mark.parametrize("parts", [{"ago": 8 * DAY}, {"ago": -2 * DAY}, {"timestamp": None}])
def test_what_may_have_been_answered_long_ago_stays(world: World, parts: dict[str, Any]) -> None:
    """Its id is forgotten by then, or nobody can tell: answering it twice would be worse than keeping it."""
    world.mailbox.quarantine("whatsapp", body(said("old", **parts)))

    assert world.replay().accepted == 0
    assert world.waiting() == []
    assert world.outcomes["quarantine"] == {"too old to know whether it was answered": 1}


class DiesAfter(Mailbox):
    """A mailbox whose process is killed after some messages were accepted, and before anything else."""

    left = 2

    def accept(self, *args: Any, **more: Any) -> int:
        new = super().accept(*args, **more)
        self.left -= 1
        if not self.left:
            raise StoreUnavailable("killed")
        return new


def test_whoever_is_killed_in_between_loses_and_doubles_nothing(world: World) -> None:
    for identity in ("a", "b", "c"):
        world.mailbox.quarantine("whatsapp", body(said(identity)))
    dying = DiesAfter(world.store, lease=15, quiet=0, cap=0, days=30)

    with pytest.raises(StoreUnavailable):
        world.replay(dying)
    assert world.sizes() == (2, 0)
    assert world.replay().accepted == 1
    assert world.waiting() == ["a", "b", "c"]
    assert world.sizes() == (0, 0)


def test_two_at_once_while_receivers_run_accept_everything_once(world: World) -> None:
    for number in range(60):
        world.mailbox.quarantine("whatsapp", body(said(f"old{number}")) if number % 3 else f"{{{number}".encode())
    done = threading.Event()

    def receive() -> None:
        for number in range(40):
            world.mailbox.accept(world.channels["whatsapp"].read(body(said(f"new{number}"))).messages, seen_hours=192)
            world.mailbox.quarantine("whatsapp", f"[{number}".encode())
        done.set()

    def run() -> None:
        while not done.is_set():
            again.Replay(world.store, world.channels, world.mailbox, Outbox(world.store)).place("quarantine")

    threads = [threading.Thread(target=one) for one in (receive, run, run)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    world.replay()
    waiting = world.waiting()

    assert sorted(waiting) == sorted([f"old{n}" for n in range(60) if n % 3] + [f"new{n}" for n in range(40)])
    assert world.sizes() == (20 + 40, 0)


@pytest.fixture
def tenants(redis_dir: Path, store: Store, tmp_path: Path) -> World:
    """Two businesses, each with a number and an app of its own."""
    file = tmp_path / "numbers.toml"
    file.write_text(f'[numbers.{OTHER}]\ntoken = "EAAGother"\napp_secret = "{OTHER_SECRET}"\n', encoding="utf-8")
    return World(whatsapp_settings(redis_dir).changed(whatsapp_numbers_file=file), store)


def test_what_one_app_signed_never_becomes_a_message_to_another_ones_number(tenants: World) -> None:
    """It is kept, for nobody knows the number there; whoever reads it again remembers who signed it."""
    web = create_app(tenants.settings).test_client()
    for secret in (OTHER_SECRET, SECRET):
        forged = body(said(f"for {NUMBER} by {secret}"))
        signature = f"sha256={hmac.new(secret.encode(), forged, sha256).hexdigest()}"
        answer = web.post("/webhook/whatsapp", data=forged, headers={"X-Hub-Signature-256": signature})
        assert answer.status_code == 200

    assert tenants.replay().accepted == 0
    assert tenants.waiting() == [f"for {NUMBER} by {SECRET}"]
    assert tenants.outcomes["unserved"] == {"not served yet": 1}


def test_the_platforms_own_words_of_what_is_read_again_are_kept_as_of_any_other(world: World) -> None:
    world.mailbox.quarantine("whatsapp", body(said("a")))
    world.replay()

    assert world.store.client.xlen(key(f"whatsapp:{NUMBER}:34600000001", "raw")) == 1


def test_a_change_of_number_is_followed_when_it_can_be_read(world: World) -> None:
    """The person who wrote from the old number is known under the new one."""
    system = {"type": "user_changed_number", "wa_id": "34600000002"}
    moved = said("move", type="system", system=system) | {"text": None}
    world.mailbox.accept(world.channels["whatsapp"].read(body(said("first", ago=90))).messages, seen_hours=192)
    world.mailbox.quarantine("whatsapp", body(moved))
    world.replay()
    world.mailbox.accept(
        world.channels["whatsapp"].read(body(said("next", **{"from": "34600000002"}, ago=5))).messages, seen_hours=192
    )

    assert world.sizes() == (0, 0)
    assert world.waiting() == ["first", "next"]  # one mailbox, for there is an order
    assert len(list(world.store.client.scan_iter("recado:*:in"))) == 1


def test_the_command_says_what_it_did(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redis_dir: Path
) -> None:
    world.mailbox.quarantine("whatsapp", body(said("a")))
    world.mailbox.quarantine("whatsapp", b"{")
    for name, value in {
        "REDIS_URL": f"unix://{embedded.socket_path(redis_dir)}", "WHATSAPP_TOKEN": "EAAGm0PX4ZCpsBAHello",
        "WHATSAPP_PHONE_NUMBER_ID": NUMBER, "WHATSAPP_APP_SECRET": SECRET,
        "WHATSAPP_VERIFY_TOKEN": "quien-sabe-42", ENV_FILE: "",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(cli.app, ["replay"])

    assert result.exit_code == 0, result.output
    assert "quarantine: bodies read and gone: 1; messages accepted: 1" in result.output
    assert "stay: 1, not readable yet" in result.output
    assert "unserved: bodies read and gone: 0; messages accepted: 0" in result.output
