"""A Redis that strangers can read, or that drops keys, is refused at the start, in words that say the way out."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from bot import safety, web
from bot.doctor import Finding, examine
from bot.errors import SettingsError
from bot.settings import Settings, load_settings
from bot.stores.connection import Store, connect
from simulator.ports import free_port
from tests.servers import serving

ROOT = Path(__file__).parents[2]
BUSINESS = ROOT / "business.example.toml"
GOOD = "f3b1c0d29e8a47d6"
SECRET = "k7Qm2xVr9Tz4Wp8Ls1Nd6Bf3Hc5Jg0Ya"
TOKEN = "7123456:AAHk3mZ9wQ2rT5yU8iO1pL4sD7fG0hJ6xCv"


def looked_at(url: str) -> None:
    """Judge an address; nothing is connected."""
    safety.vet_address(connect(url, Path(), 1))


@pytest.mark.parametrize(
    "url",
    ["", "redis://localhost", "redis://127.0.0.1:6380/2", "redis://127.8.8.8", "redis://[::1]:6379", "unix:///run/r.sock",
     f"redis://:{GOOD}@redis:6379/0", f"rediss://me:{GOOD}@cache.my-shop.com", f"redis://10.0.0.5?password={GOOD}",
     "redis://:correct-horse-battery@db"],
)  # fmt: skip
def test_this_machine_or_a_good_password_will_do(url: str) -> None:
    looked_at(url)


@pytest.mark.parametrize(
    "host", ["redis", "10.0.0.5", "0.0.0.0", "cache.my-shop.com", "[2001:db8::1]", "localhost.shop"]
)
def test_every_other_address_is_another_machine(host: str) -> None:
    with pytest.raises(SettingsError, match="missing"):
        looked_at(f"redis://{host}:6379")


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short7ab", "8 characters"), ("change-me-please", "example"), ("your-password1", "example"),
        ("aaaaaaaaaaaaaaaa", "example"), ("RedisPassword123", "easy to guess"), ("123456789012", "easy to guess"),
        ("contraseñasecreta", "easy to guess"), ("mysecretpassword!", "easy to guess"),
    ],
)  # fmt: skip
def test_another_machine_without_a_good_password_is_refused(password: str, words: str) -> None:
    """The way out is said, the password is not."""
    with pytest.raises(SettingsError, match=words) as error:
        looked_at(f"redis://:{password}@redis:6379")
    assert "openssl rand -hex 24" in str(error.value)
    assert password not in str(error.value)


def test_no_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that hangs cannot delay the start."""

    def refuse(*_: object) -> None:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    looked_at(f"redis://:{GOOD}@redis:6379")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--maxmemory-policy", "allkeys-lru"), "maxmemory-policy is allkeys-lru.*noeviction"),
        (("--cluster-enabled", "yes"), "Cluster"),
    ],
)
def test_a_server_that_drops_or_scatters_keys_is_refused(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    with serving(tmp_path, *options) as url, pytest.raises(SettingsError, match=words):
        safety.vet_server(connect(url, tmp_path, 5))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), []),
        (("--appendonly", "no"), ["appendonly is off"]),
        (("--appendfsync", "everysec"), ["appendfsync is everysec"]),
        (("--protected-mode", "no", "--bind", "127.0.0.1", "-192.0.2.1"), ["asks for no password"]),
        (("--protected-mode", "no", "--bind", "127.0.0.1", "-::1"), []),
    ],
)
def test_what_a_safe_server_costs_is_said(tmp_path: Path, options: tuple[str, ...], words: list[str]) -> None:
    with serving(tmp_path, "--port", str(free_port()), *options) as url:
        warnings = safety.vet_server(connect(url, tmp_path, 5))
    assert [found in warning for found, warning in zip(words, warnings, strict=True)] == [True] * len(words)


def test_what_a_host_hides_is_a_warning(store: Store) -> None:
    """CONFIG refused: the policy is told by INFO too, the rest is to be asked of the host."""
    store.client.execute_command("ACL", "SETUSER", "guest", "on", "nopass", "~*", "&*", "+@all", "-config")
    guest = connect(f"unix://guest:@{store.client.connection_pool.connection_kwargs['path']}", Path(), 5)
    try:
        (warning,) = safety.vet_server(guest)
    finally:
        guest.close()
        store.client.execute_command("ACL", "DELUSER", "guest")
    assert "ask its host" in warning


def settings(url: str, **more: object) -> Settings:
    known = {"telegram_bot_token": SecretStr(TOKEN), "telegram_webhook_secret": SecretStr(SECRET)}
    return load_settings(redis_url=url, **(known | more))


def test_a_redis_that_comes_later_is_vetted_before_the_first_message(tmp_path: Path) -> None:
    """Not ready, and nothing accepted, until it is safe: then without a restart of the receiver."""
    url = f"unix://{tmp_path / 'redis.sock'}"
    client = web.create_app(settings(url)).test_client()
    update = {"update_id": 1, "message": {
        "message_id": 1, "date": 1, "chat": {"id": 5, "type": "private"}, "from": {"id": 5}, "text": "hola",
    }}  # fmt: skip

    def post(body: object = update) -> int:
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        return client.post("/webhook/telegram", json=body, headers=headers).status_code

    assert (client.get("/readyz").status_code, post()) == (503, 503)
    with serving(tmp_path, "--maxmemory-policy", "allkeys-lru") as found:
        assert found == url
        answer = client.get("/readyz")
        assert (answer.status_code, post(), post([])) == (503, 503, 503)
        assert "noeviction" in answer.text
        store = connect(url, tmp_path, 5)
        assert store.client.dbsize() == 0
        store.client.config_set("maxmemory-policy", "noeviction")
        assert (client.get("/readyz").status_code, post(), post([])) == (200, 200, 200)
        store.close()


@pytest.mark.parametrize("command", [("bot", "serve"), ("workers", "run")])
@pytest.mark.parametrize("case", ["another machine", "evicting"])
def test_neither_side_starts(tmp_path: Path, clean_env: dict[str, str], command: tuple[str, str], case: str) -> None:
    """Exit code 2, and words on what to do."""
    with serving(tmp_path, "--maxmemory-policy", "volatile-lru") as unsafe:
        url, words = (unsafe, "noeviction") if case == "evicting" else ("redis://redis:6379", "openssl rand -hex 24")
        env = {"REDIS_URL": url, "TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_WEBHOOK_SECRET": SECRET, "LLM_PROVIDER": "faq",
               "PORT": str(free_port()), "BUSINESS_FILE": str(BUSINESS)}  # fmt: skip
        run = [sys.executable, "-m", *command]
        ended = subprocess.run(run, env=clean_env | env, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2, ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def finding(found: list[Finding], what: str) -> Finding:
    return next(one for one in found if one.what == what)


@pytest.mark.parametrize(
    ("policy", "ok", "words"), [("allkeys-lru", False, "noeviction"), ("noeviction", True, "disk")]
)
def test_the_doctor_looks_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, ok: bool, words: str
) -> None:
    """What a start would refuse, the doctor says too."""
    monkeypatch.setenv("LLM_PROVIDER", "faq")
    monkeypatch.setenv("BUSINESS_FILE", str(BUSINESS))
    with serving(tmp_path, "--maxmemory-policy", policy) as url:
        monkeypatch.setenv("REDIS_URL", url)
        found = list(examine(load_settings()))
    assert (finding(found, "Redis' safety").ok, finding(found, "dead letters").ok) == (ok, True)
    assert words in finding(found, "Redis' safety").words


def test_compose_gives_its_redis_a_password_or_stops_with_words() -> None:
    """Every place that needs it says what to set when it is empty, and no dump.rdb outlives an erasure."""
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    places = re.findall(r"\$\{REDIS_PASSWORD([^}]*)\}", compose)
    assert len(places) == 3
    assert all(re.fullmatch(r":\?set it in \.env, .*openssl rand -hex 24", place) for place in places)

    found = yaml.safe_load(compose)
    assert "${REDIS_PASSWORD:?" in found["x-recado"]["environment"]["REDIS_URL"]
    command = found["services"]["redis"]["command"]
    assert command[command.index("--save") + 1] == ""
