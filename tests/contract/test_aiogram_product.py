"""Whatever the product's own processes ask of the Bot API, aiogram's models know it, field by field.

Every end-to-end test is judged in the same way (tests/e2e/conftest.py); these flows are here so that each kind of
request is made at least once.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from simulator.installation import FREE_OF_LIMITS
from tests import oracle
from tests.e2e.conftest import Installation, installation

OWNER, GROUP, SUPERGROUP = 1001, -555, -1_001_234_567_890
PUBLIC = "https://bot.example.com"
RICH = (
    "# Hoy\n\n**lunes** _a_ `martes`\n\n> cita\n\n```python\nx = 1\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n[web](https://a.es) "
)

Flow = Callable[[Installation], None]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    limits = FREE_OF_LIMITS | {"ADMINS": str(OWNER), "PUBLIC_URL": PUBLIC}
    one = installation(tmp_path_factory.mktemp("judged") / "installation", **limits)
    one.telegram.ways = {PUBLIC: one.processes.url}
    one.model.pace = 0.02
    try:
        one.start("receiver", "worker")
        yield one
    finally:
        one.close()


def answered(one: Installation, chat: int, times: int = 1) -> None:
    """So many bubbles of ours have come below what was there, and nothing is to come any more."""
    assert one.telegram.wait_until(lambda: len(one.telegram.answers(chat)) >= times, 30), one.processes.log_tails()
    assert one.telegram.wait_until(lambda: not one.due(), 30)


def an_answer_that_grows(one: Installation) -> None:
    one.telegram.say(2001, RICH + "palabra " * 60)
    answered(one, 2001)


def an_answer_that_is_stopped(one: Installation) -> None:
    one.telegram.say(2002, "palabra " * 400)
    assert one.telegram.wait_until(lambda: bool(one.telegram.answers(2002)), 30), one.processes.log_tails()
    one.telegram.press(2002, int(one.telegram.answers(2002)[0].id), "stop")
    answered(one, 2002)


def an_answer_of_several_bubbles(one: Installation) -> None:
    reply, one.model.reply = one.model.reply, lambda _: [f"{RICH}\n\n{'palabra ' * 700}"]
    one.telegram.say(2003, "hola")
    answered(one, 2003, 2)
    one.model.reply = reply


def every_command(one: Installation) -> None:
    for command in ("start", "help", "language en", "model", "stats", "retry", "privacy", "stop", "reset", "nonsense"):
        one.telegram.say(OWNER, f"/{command}")
    answered(one, OWNER, 9)


def everything_that_is_kept(one: Installation) -> None:
    one.telegram.say(2004, "hola")
    answered(one, 2004)
    one.telegram.say(2004, "/privacy export")
    answered(one, 2004, 2)


def groups_and_topics(one: Installation) -> None:
    one.telegram.say(GROUP, "@recado_bot ¿abrís hoy?", sender=77)
    one.telegram.say(SUPERGROUP, "/help@recado_bot", sender=77, thread=40)
    for chat in (GROUP, SUPERGROUP):
        answered(one, chat)


def a_group_that_moves(one: Installation) -> None:
    one.telegram.say(-556, "@recado_bot hola", sender=77)
    answered(one, -556)
    new = one.telegram.migrate(-556)
    one.telegram.say(new, "@recado_bot ¿sigues ahí?", sender=77)
    answered(one, new)


def somebody_who_blocks_us(one: Installation) -> None:
    one.telegram.say(2005, "palabra " * 200)
    assert one.telegram.wait_until(lambda: bool(one.telegram.answers(2005)), 30), one.processes.log_tails()
    one.telegram.block(2005)
    answered(one, 2005)


def files(one: Installation) -> None:
    one.telegram.send_file(2006, "photo", b"\xff\xd8\xff\xe0", caption="¿qué es?", album="a")
    one.telegram.send_file(2006, "document", "qué tal".encode(), mime="text/plain", name="a.txt", album="a")
    answered(one, 2006)
    one.telegram.send_file(2006, "voice", b"OggS")
    answered(one, 2006, 2)


def an_edited_message(one: Installation) -> None:
    number = one.telegram.say(2007, "palabra " * 100)["message"]["message_id"]
    one.telegram.edit_said(2007, number, "hola")
    answered(one, 2007)


def the_webhook(one: Installation) -> None:
    for command in (("webhook", "set"), ("webhook", "info"), ("doctor",), ("webhook", "delete")):
        done = subprocess.run(
            [sys.executable, "-m", "bot", *command], env=one.processes.environment, timeout=60, check=False
        )
        assert done.returncode in (0, 1), command  # what they find is their own tests' matter


def a_poller(one: Installation) -> None:
    one.telegram.webhook_url = ""
    one.processes.start("poller", "bot", "poll", settings={"PUBLIC_URL": ""})
    one.telegram.say(2008, "hola")
    answered(one, 2008)
    one.kill("poller")


FLOWS: dict[Flow, set[str]] = {
    an_answer_that_grows: {"sendMessage", "editMessageText", "sendChatAction"},
    an_answer_that_is_stopped: {"sendMessage", "answerCallbackQuery"},
    an_answer_of_several_bubbles: {"sendMessage"},
    every_command: {"sendMessage"},
    everything_that_is_kept: {"sendDocument"},
    groups_and_topics: {"sendMessage"},
    a_group_that_moves: {"sendMessage"},
    somebody_who_blocks_us: {"sendMessage"},
    files: {"getFile", "file"},
    an_edited_message: {"sendMessage"},
    the_webhook: {"getMe", "setWebhook", "getWebhookInfo", "deleteWebhook"},
    a_poller: {"getUpdates"},
}


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.__name__)
def test_aiogram_knows_every_request_and_every_answer(started: Installation, flow: Flow) -> None:
    before = len(started.telegram.calls)
    flow(started)

    calls = started.telegram.calls[before:]
    assert oracle.faults_in(calls) == []
    assert {call.method for call in calls} >= FLOWS[flow]


def test_aiogram_knows_what_the_processes_ask_at_their_start(started: Installation) -> None:
    """The menu of commands and the webhook are registered before anybody writes."""
    asked = {"setMyCommands", "setWebhook"}
    assert started.telegram.wait_until(lambda: asked <= {call.method for call in started.telegram.calls}, 20)
    assert oracle.faults_in(started.telegram.calls) == []
