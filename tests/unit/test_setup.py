"""The setup: a few questions, each answer proved by a real call, and files that everybody reads alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values
from typer.testing import CliRunner, Result

from bot.__main__ import app
from bot.business import load_business
from bot.settings import ENV_FILE, Settings
from simulator.models import ModelServer
from simulator.ports import free_port
from simulator.telegram import TelegramServer
from tests.unit.polling import TOKEN, telegram

__all__ = ["telegram"]

ROOT = Path(__file__).parents[2]
BASICS = ("--name", "La Espiga", "--hours", "9 a 17", "--contact", "hola@laespiga.es")
Typed = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the example in it, as a fresh checkout has it."""
    (tmp_path / ".env.example").write_bytes((ROOT / ".env.example").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(ENV_FILE, str(tmp_path / ".env"))
    return tmp_path


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def setup(folder: Path, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Types ``python -m bot setup …`` with answers, a line each; Telegram is the simulator's."""
    monkeypatch.setenv("TELEGRAM_API_URL", telegram.url)

    def typed(*words: str, answers: str = "") -> Result:
        return CliRunner().invoke(app, ["setup", *words], input=answers)

    return typed


def written(folder: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(folder / ".env").items()}


def test_without_a_question_the_defaults_and_what_is_given_are_written(
    setup: Typed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token comes from the environment, for a command line can be seen."""
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    done = setup("--yes", "--language", "en", "--provider", "faq", "--admins", "telegram:555, 34600111222", *BASICS)
    found = written(folder)

    assert done.exit_code == 0, done.output
    assert (found["TELEGRAM_BOT_TOKEN"], found["DEFAULT_LANGUAGE"], found["LLM_PROVIDER"]) == (TOKEN, "en", "faq")
    assert found["ADMINS"] == "telegram:555,34600111222"
    assert found["PUBLIC_URL"] == ""
    assert "@recado_bot" in done.output
    assert "make run" in done.output
    assert "python -m workers ui" in done.output
    assert "python -m bot whatsapp setup" in done.output
    assert TOKEN not in done.output


def test_the_file_is_private_explained_and_has_fresh_secrets(
    setup: Typed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line of the example is still there, and two installations share no secret."""
    secrets = []
    for _ in range(2):
        (folder / ".env").unlink(missing_ok=True)
        assert setup("--yes", "--provider", "faq", *BASICS).exit_code == 0
        found = written(folder)
        secrets += [found[name] for name in ("TELEGRAM_WEBHOOK_SECRET", "WHATSAPP_VERIFY_TOKEN", "REDIS_PASSWORD")]
    text = (folder / ".env").read_text()

    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    assert len(set(secrets)) == 6
    assert min(map(len, secrets)) >= 32
    comments = [line for line in (ROOT / ".env.example").read_text().splitlines() if line.startswith("#")]
    assert [line for line in text.splitlines() if line.startswith("#")] == comments
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    Settings(_env_file=folder / ".env")


def test_a_second_time_keeps_what_was_there(setup: Typed, folder: Path) -> None:
    """Secrets, the operator's own lines and the business file stay; a copy of the settings is kept."""
    assert setup("--yes", "--provider", "faq", *BASICS).exit_code == 0
    with (folder / ".env").open("a") as file:
        file.write("# my own\nREPLY_TOKENS=99\n")
    before, business = written(folder), (folder / "business.toml").read_bytes()
    assert setup("--yes", "--public-url", "https://chat.my-shop.com", "--name", "Otra").exit_code == 0

    assert written(folder) == before | {"PUBLIC_URL": "https://chat.my-shop.com"}
    assert "# my own" in (folder / ".env").read_text()
    assert (folder / "business.toml").read_bytes() == business
    assert dotenv_values(folder / ".env.bak") == before
    assert (folder / ".env.bak").stat().st_mode & 0o777 == 0o600


def test_the_business_file_holds_what_was_said_and_can_be_read(setup: Typed, folder: Path) -> None:
    odd = 'La "Espiga" de C:\\pan\x07 #1'
    assert setup("--yes", "--provider", "faq", "--name", odd, "--hours", "9 a 17").exit_code == 0
    found = load_business(folder / written(folder)["BUSINESS_FILE"])

    assert (found.name, found.hours, found.contact) == ('La "Espiga" de C:\\pan #1', "9 a 17", "")
    assert {question.language for question in found.faq} == {"es", "en"}
    assert all("9 a 17" in question.answer for question in found.faq)


def test_the_business_file_can_be_read_by_composes_containers(setup: Typed, folder: Path) -> None:
    """They are another user's; the settings, which hold the secrets, are read by docker itself."""
    assert setup("--yes", "--provider", "faq", *BASICS).exit_code == 0

    assert (folder / "business.toml").stat().st_mode & 0o777 == 0o644
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600


def test_secrets_with_which_nothing_would_start_are_made_anew(setup: Typed, folder: Path) -> None:
    """A short one, an example's; one that does stays."""
    kept = "TELEGRAM_WEBHOOK_SECRET=" + "a1b2" * 8
    (folder / ".env").write_text(f"WHATSAPP_VERIFY_TOKEN=verify-token\nREDIS_PASSWORD=short\n{kept}\n")
    assert setup("--yes", "--provider", "faq", *BASICS).exit_code == 0
    found = written(folder)

    assert "verify" not in found["WHATSAPP_VERIFY_TOKEN"]
    assert len(found["REDIS_PASSWORD"]) >= 12
    assert found["TELEGRAM_WEBHOOK_SECRET"] == "a1b2" * 8


def test_another_setting_that_is_wrong_is_not_the_tokens_fault(
    setup: Typed, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """A secret in the environment that is too short says nothing of the token."""
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("TELEGRAM_WEBHOOK_SECRET", "short")
    done = setup("--yes", "--provider", "faq", *BASICS)
    assert done.exit_code == 0, done.exception
    monkeypatch.setenv("PORT", "many")
    assert "PORT" in str(setup("--yes", "--provider", "faq", *BASICS).exception)


def test_a_password_in_an_address_is_not_shown_again(
    setup: Typed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("redis://:a-secret-word@10.0.0.1:1/0", "redis://10.0.0.1:1/0?password=a-secret-word"):
        monkeypatch.setenv("REDIS_URL", address)
        done = setup(answers="\n".join(["en", *BASICS[1::2], "", "", "", "faq", "redis://127.0.0.1:1"]) + "\n")

        assert "(Enter: the one from before)" in done.output
        assert "a-secret-word" not in done.output


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--language", "fr"), "en"),
        (("--provider", "chatgpt"), "ollama"),
        (("--admins", "me and you!"), "ADMINS"),
        (("--redis-url", "redis://127.0.0.1:1"), "Redis"),
        (("--redis-url", "redis://10.0.0.1"), "password"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    setup: Typed, folder: Path, words: tuple[str, ...], reason: str
) -> None:
    done = setup("--yes", *BASICS, *words, *(() if "--provider" in words else ("--provider", "faq")))

    assert done.exit_code != 0
    assert reason in str(done.exception)
    assert not (folder / ".env").exists()
    assert not (folder / "business.toml").exists()


def test_an_address_to_which_telegram_would_not_deliver_is_refused(
    setup: Typed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TELEGRAM_API_URL")
    done = setup("--yes", "--provider", "faq", "--public-url", "https://my-shop.com:8080")

    assert "8080" in str(done.exception)


def test_a_wrong_token_is_asked_for_again_with_the_reason(setup: Typed, folder: Path, telegram: TelegramServer) -> None:
    """In the language that was chosen first; no answer that is secret is ever shown."""
    wrong = TOKEN[:-1] + "X"
    answers = ["en", *BASICS[1::2], "no token at all", wrong, TOKEN, "", "", "faq", ""]
    done = setup(answers="\n".join(answers) + "\n")

    assert done.exit_code == 0, done.output
    assert done.output.count("Telegram does not know this token") == 2
    assert wrong not in done.output
    assert TOKEN not in done.output
    assert written(folder)["TELEGRAM_BOT_TOKEN"] == TOKEN


def test_who_has_written_to_the_bot_is_shown_and_not_taken(
    setup: Typed, folder: Path, telegram: TelegramServer
) -> None:
    """So that an owner finds their own id; the message is still there for the installation."""
    telegram.say(555, "hola", name="Ana\x1b[2J 666,")
    done = setup(answers="\n".join(["es", *BASICS[1::2], TOKEN, "", "?", "555", "faq", ""]) + "\n")

    assert done.exit_code == 0, done.output
    assert "555 (Ana J)" in done.output.partition("Han escrito")[2]
    assert "666" not in done.output
    assert "\x1b[2J" not in done.output
    assert written(folder)["ADMINS"] == "555"
    assert telegram.said[0].accepted is None


def test_an_ollama_on_this_machine_is_found_with_its_models_and_proved(
    setup: Typed, folder: Path, model: ModelServer, capfd: pytest.CaptureFixture[str]
) -> None:
    done = setup("--yes", "--provider", "ollama", "--base-url", model.url, "--model", "mistral:7b")

    assert done.exit_code == 0, done.output
    assert f"{model.url}, con: mistral:7b" in done.output
    assert "mistral:7b" in capfd.readouterr().out
    assert model.requests
    assert written(folder)["LLM_BASE_URL"] == model.url


def test_a_model_that_does_not_answer_is_told_and_everything_else_is_kept(setup: Typed, folder: Path) -> None:
    """Exit code 1; messages would wait."""
    done = setup("--yes", "--provider", "ollama", "--base-url", f"http://127.0.0.1:{free_port()}", "--language", "en")

    assert done.exit_code == 1
    assert "does not answer yet" in done.output
    assert written(folder)["LLM_PROVIDER"] == "ollama"


def test_other_answers_may_be_tried_when_the_model_does_not_answer(setup: Typed, folder: Path) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    answers = ["en", *BASICS[1::2], "", "", "", "ollama", away, "llama9", "y", "faq", ""]
    done = setup(answers="\n".join(answers) + "\n")

    assert done.exit_code == 0, done.output
    assert "Try other answers?" in done.output
    assert written(folder)["LLM_PROVIDER"] == "faq"
    assert written(folder)["LLM_BASE_URL"] == ""


def test_a_business_file_is_written_anew_only_when_told_and_copied_first(setup: Typed, folder: Path) -> None:
    (folder / "business.toml").write_text('name = "Antes"\nhours = "9 a 17"\n')
    no = ["en", "n", "", "", "", "faq", ""]
    assert setup(answers="\n".join(no) + "\n").exit_code == 0
    assert load_business(folder / "business.toml").name == "Antes"
    yes = ["en", "y", "Ahora", "9 a 17", "", "", "", "", "faq", ""]
    done = setup(answers="\n".join(yes) + "\n")

    assert done.exit_code == 0, done.output
    assert load_business(folder / "business.toml").name == "Ahora"
    assert load_business(folder / "business.toml.bak").name == "Antes"


def test_ending_it_in_the_middle_writes_nothing(setup: Typed, folder: Path) -> None:
    assert setup(answers="en\nLa Espiga\n").exit_code == 1
    assert sorted(path.name for path in folder.iterdir()) == [".env.example"]
