"""A small installation in the middle of its work, whose Redis becomes a backup: what the next version must read.

Run it in a folder with the sources whose state is wanted; the backup is made by those beside this file, and its texts
are marks, nobody's words. For an older version:

    git archive edcd37c | tar -x -C /tmp/older
    cd /tmp/older && PYTHONPATH=. python …/tests/upgrade/make.py …/tests/upgrade/edcd37c.backup
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from simulator.installation import Installation
from simulator.models import ModelServer
from simulator.processes import wait_until

HISTORY, HALF, WAITING, PAUSED, DEAD, OWED = 101, 102, 103, 104, 105, 106
CLOSED = "34600000107"
WINDOW_CLOSED = 131047
PATIENCE = 60.0
ROOT = Path(__file__).parents[2]


def mark(chat: int | str, number: int) -> str:
    """What a message reads: as the simulator's people write, but the same each time."""
    return f"c{str(chat)[-3:]} n{number} {int(str(chat)[-3:]) * 1000 + number:08x}"


class Scene:
    """The steps that lead there; ``said`` counts each chat's messages."""

    def __init__(self, one: Installation) -> None:
        self.one, self.said, self.workers = one, dict[int, int](), 0

    def hire(self) -> None:
        self.workers += 1
        self.one.start(f"{self.workers} worker")

    def fire(self) -> None:
        """kill -9."""
        self.one.kill(f"{self.workers} worker")
        self.one.processes.running.pop(f"{self.workers} worker")

    def say(self, chat: int, text: str = "") -> None:
        self.said[chat] = self.said.get(chat, 0) + 1
        heard = len([one for one in self.one.telegram.said if one.accepted])
        self.one.telegram.say(chat, text or mark(chat, self.said[chat]), name="")
        until(lambda: len([one for one in self.one.telegram.said if one.accepted]) > heard or bool(text))

    def rest(self) -> None:
        until(lambda: not self.one.due() and self.one.model.running == 0)

    def talk(self) -> None:
        """What is remembered: two answers, and somebody who wants none any more."""
        for chat in (HISTORY, HISTORY, PAUSED):
            self.say(chat)
            self.rest()
        self.say(PAUSED, "/baja")
        self.rest()

    def die(self) -> None:
        """A message that kills whoever thinks it, until it is put aside."""
        self.one.model.hang_next(times=7)
        self.say(DEAD)
        while not self.one.redis.zcard("recado:dead"):
            if wait_until(lambda: self.one.model.running > 0 or bool(self.one.redis.zcard("recado:dead")), 8):
                self.fire()
                self.hire()
                until(lambda: self.one.model.running == 0)
        self.rest()

    def owe(self) -> None:
        """Answers that no platform takes now."""
        self.one.whatsapp.refuse_next(WINDOW_CLOSED)
        self.one.whatsapp.say(CLOSED, mark(CLOSED, 1), name="")
        until(
            lambda: bool(self.one.redis.llen(f"recado:{{whatsapp:{self.one.whatsapp.phone_number_id}:{CLOSED}}}:out"))
        )
        later = {"ok": False, "error_code": 429, "description": "later", "parameters": {"retry_after": 600}}
        self.one.telegram.fail_next("sendMessage", 429, later)
        self.say(OWED)
        until(lambda: bool(self.one.redis.llen(f"recado:{{telegram:7123456:{OWED}}}:out")))

    def stop_half(self) -> None:
        """One is half answered, others wait; then everything is killed."""
        self.one.model.pace = 0.4
        self.one.model.reply = lambda body: [f"{word} " for word in str(body["messages"][-1]["content"]).split()] * 9
        self.say(HALF)
        begun = f"recado:{{telegram:7123456:{HALF}}}:state"
        until(lambda: any(value.startswith(b"open:") for value in self.one.redis.hvals(begun)))
        self.fire()
        for chat in (HALF, WAITING, WAITING, PAUSED):
            self.say(chat)
        self.one.kill("receiver")


def until(true: Callable[[], bool]) -> None:
    if not wait_until(true, PATIENCE):
        raise AssertionError("it did not come to that")


def main(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one = Installation(Path(folder) / "i", ModelServer()).open()
        try:
            scene = Scene(one)
            one.start("receiver")
            scene.hire()
            for step in (scene.talk, scene.die, scene.owe, scene.stop_half):
                step()
            environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            environment |= {"REDIS_URL": f"unix://{one.socket}", "RECADO_ENV_FILE": ""}
            backup = [sys.executable, "-m", "bot", "backup", "--to", str(path.resolve())]
            subprocess.run(backup, env=environment, check=True, cwd=ROOT)
        finally:
            one.abandon()
            if one.redis_answers():
                one.kill_redis()
            one.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
