"""What a scrape of /metrics takes, with how many conversations: python bench/scrape.py

The receiver's own /metrics on an embedded server as it is shipped: first with nobody, then with 100,000 conversations
of 20 messages each, of which 10,000 wait for an answer (every tenth of these in its burst), 2,000 were handed over to
a person, 1,000 stand in the line for a model and 500 have dead letters; with 20 workers, 8 model servers and 5 numbers.
Both are scraped by turns in rounds, each as often as a dozen Prometheus servers would in the time.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Final

from _installation import started
from _report import SHORT, Figure, percentile, run, spread

from bot import web
from bot.message import Message, Turn
from bot.settings import Settings, load_settings
from bot.stores import embedded, history
from bot.stores.bell import WORKERS_KEY
from bot.stores.connection import PAUSED, PREFIX, Store, connect
from bot.stores.handovers import HANDOVERS
from bot.stores.line import MODELS
from bot.stores.mailbox import DEAD, Mailbox
from bot.stores.roster import Card, Roster
from simulator.processes import wait_until

EVERYBODY: Final = 10_000 if SHORT else 100_000
WAITING, LISTENED, PAUSES, IN_LINE, DEAD_ONES = EVERYBODY // 10, EVERYBODY // 100, 2_000, 1_000, 500
WORKERS, SERVERS, NUMBERS = 20, 8, 5
ROUNDS, SCRAPES = (3, 20) if SHORT else (10, 50)
BOUND_MS: Final = 50
BOUND_TIMES: Final = 2.5
"""Of a scrape with nobody there: on a fast machine one that reads every conversation might keep to the other bound."""
AT_ONCE: Final = 1_000
ASKED: Final = "¿A qué hora abrís mañana, y hacéis tartas por encargo para el sábado? " * 2
ACCOUNT: Final = "telegram:7123456"

FILL: Final = """
for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local start = 'recado:{' .. ARGV[3] .. ':' .. number .. '}:'
  for i = 4, #ARGV do redis.call('RPUSH', start .. 'history', ARGV[i]) end
  redis.call('HSET', start .. 'state', 'number', 10, 'committed', 10, 'language', 'es', 'noticed', '1')
  redis.call('SET', start .. 'turn', 10)
  for _, part in ipairs({'history', 'state', 'turn'}) do redis.call('PEXPIRE', start .. part, 2592000000) end
end
"""


def fill(store: Store) -> None:
    """An installation in the middle of a bad day."""
    said = [history.pack(Turn("user" if i % 2 == 0 else "assistant", ASKED, 30, i // 2 + 1)) for i in range(20)]
    for first in range(1, EVERYBODY + 1, AT_ONCE):
        store.client.eval(FILL, 0, str(first), str(min(EVERYBODY, first + AT_ONCE - 1)), ACCOUNT, *said)
    mailbox = Mailbox(store, lease=15, quiet=3600, cap=3600, days=30)
    for first in range(0, WAITING, 100):
        who = [f"{ACCOUNT}:{number + 1}" for number in range(first, first + 100)]
        mailbox.accept([Message(f"{one}/1", one, ASKED) for one in who])
    for number in range(LISTENED):
        mailbox.take(f"{ACCOUNT}:{number + 1}", "anybody")
    now = time.time()
    names = [f"{ACCOUNT}:{number + 1}" for number in range(PAUSES)]
    handed = {name: json.dumps({"ref": f"R{i:04}", "owner": "telegram:7:1", "at": now}) for i, name in enumerate(names)}
    store.client.hset(HANDOVERS, mapping=handed)
    store.client.zadd(PAUSED, dict.fromkeys(names, (now + 3600) * 1000))
    store.client.zadd(f"{PREFIX}line:{MODELS}", {name: i for i, name in enumerate(names[:IN_LINE])})
    store.client.zadd(DEAD, dict.fromkeys(names[:DEAD_ONES], now * 1000))
    servers = [f"http://gpu{number}:11434" for number in range(SERVERS)]
    store.client.hset(f"{PREFIX}line:{MODELS}:state", mapping={f"failures:{one}": 6 for one in servers})


def sign(store: Store) -> None:
    """Every worker lives."""
    for number in range(WORKERS):
        name = f"worker{number}"
        store.client.sadd(WORKERS_KEY, f"rq:worker:{name}")
        store.client.hset(f"rq:worker:{name}", "birth", "now")
        Roster(store).sign(Card(name, "host", number, time.time(), "1", "ollama", "mistral:7b", 16, 8, 2, 150 << 20))


def settings_of(folder: Path, data: Path) -> Settings:
    numbers = folder / "numbers.toml"
    numbers.write_text("".join(f"[numbers.2065403522429{number:02}]\n" for number in range(1, NUMBERS)), "utf-8")
    return load_settings(
        "", data_dir=data, redis_url=f"unix://{embedded.socket_path(data)}", telegram_bot_token="7123456:" + "a" * 35,
        whatsapp_token="EAAGm0PX4ZCpsBAHello", whatsapp_app_secret="0123456789abcdef0123456789abcdef",
        whatsapp_verify_token="quien-sabe-42", whatsapp_phone_number_id="106540352242922",
        whatsapp_numbers_file=numbers,
    )  # fmt: skip


def scraper(settings: Settings) -> Callable[[], float]:
    """Scrapes once; returns the ms that it took."""
    client = web.create_app(settings).test_client()

    def scrape() -> float:
        began = time.perf_counter()
        answer = client.get("/metrics")
        took = (time.perf_counter() - began) * 1000
        if "recado_redis_up 1.0" not in answer.text:
            raise SystemExit(f"no metrics: {answer.text}")
        return took

    return scrape


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="recado-bench-") as name:
        nobody, many = (Path(name) / which for which in ("nobody", "many"))
        for folder in (nobody, many):
            folder.mkdir()
        with started(embedded.command(nobody, 0), quiet=True), started(embedded.command(many, 0), quiet=True):
            if not wait_until(lambda: embedded.is_running(nobody) and embedded.is_running(many), 30):
                raise SystemExit("Redis does not come up")
            yield from compared(*(settings_of(Path(name), data) for data in (nobody, many)))


def compared(nobody: Settings, many: Settings) -> Iterator[Figure]:
    store = connect(many.redis_url, many.data_dir, 60)
    fill(store)
    scrapes = {"nobody": scraper(nobody), "many": scraper(many)}
    took: dict[str, list[list[float]]] = {name: [] for name in scrapes}
    for _ in range(ROUNDS):
        sign(store)
        for name, scrape in scrapes.items():
            took[name].append([scrape() for _ in range(SCRAPES)])
    medians = {name: [median(rounds) for rounds in found] for name, found in took.items()}
    yield spread("a scrape with nobody there", medians["nobody"], "ms", key="nobody")
    what = f"with {EVERYBODY:,} conversations, {WAITING:,} of them waiting"
    yield spread(what, medians["many"], "ms", key="many", most=BOUND_MS)
    worst = [percentile(rounds, 0.95) for rounds in took["many"]]
    yield spread("  the slowest of twenty", worst, "ms", key="slow")
    ratios = [many / nobody for many, nobody in zip(medians["many"], medians["nobody"], strict=True)]
    yield spread("  of one with nobody", ratios, "times", key="ratio", most=BOUND_TIMES)
    store.close()


if __name__ == "__main__":
    run(f"a scrape of /metrics: {ROUNDS} rounds of {SCRAPES}", measure)
