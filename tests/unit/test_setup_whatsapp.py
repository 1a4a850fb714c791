"""WhatsApp's setup: every credential proved as it is pasted, the own webhook tried, and Meta asked to deliver to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dotenv import dotenv_values
from typer.testing import CliRunner, Result

from bot.__main__ import app
from bot.settings import ENV_FILE
from simulator.ports import free_port
from simulator.whatsapp import WhatsAppServer
from tests.unit.receivers import ACCOUNT, NUMBER, SECRET, TOKEN, VERIFY, Receiver, graph, place, receiver

__all__ = ["graph", "receiver"]

ROOT = Path(__file__).parents[2]
Typed = Callable[..., Result]
SECRETS = (TOKEN, SECRET, VERIFY)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the example in it, as a fresh checkout has it."""
    (tmp_path / ".env.example").write_bytes((ROOT / ".env.example").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(ENV_FILE, str(tmp_path / ".env"))
    return tmp_path


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No receiver runs."""
    monkeypatch.setenv("PORT", str(free_port()))


@pytest.fixture
def setup(folder: Path, graph: WhatsAppServer, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Types ``python -m bot whatsapp setup …`` with answers, a line each; Meta is the simulator's."""
    monkeypatch.setenv("WHATSAPP_API_URL", f"{graph.url}/v26.0")

    def typed(*words: str, answers: tuple[str, ...] = ()) -> Result:
        return CliRunner().invoke(app, ["whatsapp", "setup", *words], input="\n".join(answers) + "\n")

    return typed


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secrets as a machine gives them: in the environment."""
    monkeypatch.setenv("WHATSAPP_TOKEN", TOKEN)
    monkeypatch.setenv("WHATSAPP_APP_SECRET", SECRET)
    monkeypatch.setenv("WHATSAPP_VERIFY_TOKEN", VERIFY)


@pytest.fixture
def running(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """The receiver runs where HOST and PORT say."""
    for name, value in place(receiver).items():
        monkeypatch.setenv(name, value)
    return receiver


def written(folder: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(folder / ".env").items()}


def reason(done: Result) -> str:
    """Why it ended, and what was seen before."""
    return f"{done.exception}\n{done.output}"


def test_without_a_question_everything_is_proved_written_and_subscribed(
    setup: Typed, folder: Path, graph: WhatsAppServer, running: Receiver, secrets: None
) -> None:
    """The account and the number are found by the token; Meta itself tries the address before it takes it."""
    done = setup("--yes", "--language", "en", "--public-url", running.url, "--subscribe")
    found = written(folder)

    assert done.exit_code == 0, reason(done)
    assert (found["WHATSAPP_PHONE_NUMBER_ID"], found["WHATSAPP_BUSINESS_ACCOUNT_ID"]) == (NUMBER, ACCOUNT)
    assert (found["WHATSAPP_TOKEN"], found["WHATSAPP_APP_SECRET"], found["WHATSAPP_VERIFY_TOKEN"]) == SECRETS
    assert graph.account.subscribed
    assert graph.account.override == graph.account.callback == f"{running.url}/webhook/whatsapp"
    assert graph.account.fields == ("messages", "smb_message_echoes")
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    assert "Write to +34 600 000 000" in done.output
    assert not any(secret in done.output for secret in SECRETS)


def test_without_a_yes_nothing_is_changed_at_meta_and_the_clicks_are_named(
    setup: Typed, folder: Path, graph: WhatsAppServer, running: Receiver, secrets: None
) -> None:
    done = setup("--yes", "--language", "en", "--public-url", running.url)

    assert done.exit_code == 1, reason(done)
    assert not graph.account.subscribed
    assert graph.account.callback == ""
    assert f"Callback URL: {running.url}/webhook/whatsapp" in done.output
    assert "subscribe to messages, smb_message_echoes" in done.output
    assert VERIFY not in done.output


def test_each_answer_is_judged_as_it_is_pasted_and_asked_for_again(
    setup: Typed, folder: Path, graph: WhatsAppServer, running: Receiver
) -> None:
    """By a person who makes every mistake, in Spanish; the verify token that is made does not fit the receiver yet."""
    tries = (
        "es", "", "no es un token", "EAAotro", TOKEN, "abc", ACCOUNT,
        "+34 600 000 000", "600000000", ACCOUNT, "106540352242923", "", "corta", SECRET[::-1], SECRET, running.url, "n",
    )  # fmt: skip
    done = setup(answers=tries)

    assert "hace falta un token" in done.output
    assert "un token no tiene espacios" in done.output
    assert "Meta no conoce este token" in done.output
    assert "un identificador solo tiene cifras" in done.output
    assert f"El de +34 600 000 000 es {NUMBER}" in done.output
    assert f"La cuenta tiene: {NUMBER} (+34 600 000 000)" in done.output
    assert "ese es el identificador de la cuenta" in done.output
    assert "Meta no conoce este identificador" in done.output
    assert "32 cifras hexadecimales" in done.output
    assert "esta no es la clave secreta" in done.output
    assert "no conoce este WHATSAPP_VERIFY_TOKEN" in done.output
    assert written(folder)["WHATSAPP_PHONE_NUMBER_ID"] == NUMBER
    assert len(written(folder)["WHATSAPP_VERIFY_TOKEN"]) == 32
    assert TOKEN not in done.output


@pytest.mark.parametrize("answer", ["+34 600 000 000", "34600000000", "+34600000000", "(34) 600-000-000"])
def test_a_phone_number_in_the_place_of_its_id_is_noticed_and_answered_with_the_id(
    setup: Typed, folder: Path, secrets: None, nobody: None, answer: str
) -> None:
    done = setup("--yes", "--language", "en", "--phone-number-id", answer)

    assert "that is a phone number; what is needed is its id, of about 15 digits" in reason(done)
    assert f"That of +34 600 000 000 is {NUMBER}." in reason(done)
    assert not (folder / ".env").exists()


def test_a_token_that_has_expired_says_how_to_make_one_that_does_not(
    setup: Typed, folder: Path, graph: WhatsAppServer, secrets: None
) -> None:
    graph.revoke_token()
    done = setup("--yes", "--language", "en")

    assert "the token has expired" in reason(done)
    assert "expiration: never" in reason(done)
    assert not (folder / ".env").exists()


def test_a_token_for_a_day_is_noticed(setup: Typed, graph: WhatsAppServer, secrets: None, nobody: None) -> None:
    """It is taken, for trying; one that lives for two months is well."""
    graph.account.expires_at = int(time.time()) + 86_000
    assert "the token expires in 24 h: it is the one for trying" in setup("--yes", "--language", "en").output
    graph.account.expires_at = int(time.time()) + 60 * 86_400
    assert "[ok] the token is Recado's and expires on " in setup("--yes", "--language", "en").output


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ("whatsapp_business_management", "whatsapp_business_messaging"),
        ("whatsapp_business_messaging", "whatsapp_business_management"),
    ],
)
def test_a_missing_permission_is_named(
    setup: Typed, folder: Path, graph: WhatsAppServer, secrets: None, nobody: None, *, there: str, missing: str
) -> None:
    """Without the one nothing can be sent, and it ends; without the other the rest is clicked by hand."""
    graph.account.scopes = (there,)
    done = setup("--yes", "--language", "en", "--business-account-id", "", "--phone-number-id", NUMBER)

    assert f"the token lacks the permission {missing}" in reason(done)
    assert (folder / ".env").exists() is (missing == "whatsapp_business_management")


def test_a_receiver_that_does_not_run_is_told_and_everything_else_is_kept(
    setup: Typed, folder: Path, secrets: None, nobody: None, graph: WhatsAppServer
) -> None:
    """Exit code 1, and nothing is asked of Meta that could not work."""
    done = setup("--yes", "--language", "en", "--public-url", "https://chat.my-shop.com", "--subscribe")

    assert done.exit_code == 1
    assert "start the receiver with `make run`" in done.output
    assert "`python -m bot whatsapp setup` again" in done.output
    assert not graph.account.subscribed
    assert written(folder)["WHATSAPP_TOKEN"] == TOKEN


def test_the_receiver_may_be_started_in_the_meantime(
    setup: Typed, graph: WhatsAppServer, receiver: Receiver, secrets: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody answers at first; whoever says "try again" starts it first."""
    from bot.setup import whatsapp

    real, tries = whatsapp.try_both, []

    def late(local: str, *rest: str) -> list[object]:
        tries.append(local)
        return list(real(local if len(tries) == 1 else receiver.url, *rest))

    monkeypatch.setenv("PORT", str(free_port()))
    monkeypatch.setattr(whatsapp, "try_both", late)
    done = setup(answers=("en", "", "", "", "", receiver.url, "y", "y"))

    assert done.exit_code == 0, reason(done)
    assert graph.account.override == f"{receiver.url}/webhook/whatsapp"


def test_another_apps_webhook_is_left_as_it_is(
    setup: Typed, graph: WhatsAppServer, running: Receiver, secrets: None
) -> None:
    """The account's goes before it; its fields are to be clicked, for they are the app's."""
    graph.account.callback, graph.account.fields = "https://other.my-shop.com/hook", ("account_alerts",)
    done = setup("--yes", "--language", "en", "--public-url", running.url, "--subscribe")

    assert (graph.account.callback, graph.account.fields) == ("https://other.my-shop.com/hook", ("account_alerts",))
    assert graph.account.override == f"{running.url}/webhook/whatsapp"
    assert done.exit_code == 1
    assert "the app does not ask for messages: developers.facebook.com >" in done.output


def test_a_refusal_of_meta_is_explained(setup: Typed, graph: WhatsAppServer, running: Receiver, secrets: None) -> None:
    """Meta does not reach the address that this machine reaches."""
    done = setup("--yes", "--language", "en", "--public-url", f"http://localhost:{free_port()}", "--subscribe")

    assert done.exit_code == 1
    assert "Meta tried the webhook's address and did not get what it expected" in done.output
    assert not graph.account.subscribed


def test_a_second_time_keeps_everything_and_copies_nothing(
    setup: Typed, folder: Path, running: Receiver, secrets: None
) -> None:
    """Enter to everything; the operator's own lines stay."""
    setup("--yes", "--public-url", running.url, "--subscribe")
    with (folder / ".env").open("a") as file:
        file.write("REPLY_TOKENS=99\n")
    before = (folder / ".env").read_bytes()
    done = setup(answers=("", "", "", "", "", "", ""))

    assert done.exit_code == 0, reason(done)
    assert (folder / ".env").read_bytes() == before
    assert not list(folder.glob(".env.bak*"))
