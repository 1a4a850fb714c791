"""Read and typing are one call to Meta: made when a turn begins, and again as long as it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from bot.channels.whatsapp import WhatsApp
from bot.stores.connection import Store
from simulator.whatsapp import WhatsAppServer
from tests.unit.backgrounds import NEVER, Worker
from tests.unit.mailboxes import until
from workers import background

NUMBER = "106540352242922"
ANA = f"whatsapp:{NUMBER}:34600111222"
PERIOD = 0.3


@pytest.fixture
def platform() -> Iterator[WhatsAppServer]:
    with WhatsAppServer("EAAG-token", NUMBER, "s" * 32, "verify-me") as server:
        yield server


@pytest.fixture
def worker(store: Store, platform: WhatsAppServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(WhatsApp, "typing_seconds", PERIOD)
    monkeypatch.setattr(background, "RENEW_SECONDS", 0.02)
    channel = WhatsApp(
        platform.token, NUMBER, app_secret="s" * 32, verify_token="verify-me", api_url=platform.url, unknown_seconds=1
    )
    one = Worker(store)
    one.channels["whatsapp"] = channel
    yield one.start()
    one.stop()
    channel.close()


def reads(platform: WhatsAppServer) -> list[float]:
    return [call.time for call in platform.calls if call.method == "read"]


def test_typing_is_shown_at_once_and_again_while_the_model_thinks(worker: Worker, platform: WhatsAppServer) -> None:
    """Meta lets it go after 25 seconds; a call marks as read and shows typing, of the message that is answered."""
    worker.say("hola", conversation=ANA)
    worker.backend.pace = NEVER
    worker.threads.append(threading.Thread(target=worker.answerer.answer, args=(ANA,), daemon=True))
    begun = time.monotonic()
    worker.threads[-1].start()
    until(lambda: len(reads(platform)) >= 4)

    assert reads(platform)[3] - begun >= 3 * PERIOD
    assert [call.params for call in platform.calls] == len(platform.calls) * [
        {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": "1",
            "typing_indicator": {"type": "text"},
        }
    ]


def test_whoever_has_been_answered_sees_no_typing_any_more(worker: Worker, platform: WhatsAppServer) -> None:
    worker.say("hola", conversation=ANA)
    worker.answerer.answer(ANA)
    until(lambda: len(platform.answers("34600111222")) == len(reads(platform)) == 1)
    renewals = worker.watched.renewals
    until(lambda: worker.watched.renewals > renewals + 3 * PERIOD / 0.02)

    assert len(reads(platform)) == 1
