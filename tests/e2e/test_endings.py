"""Whatever is told to end, or loses its terminal, takes with it everything that it has started."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

from bot.settings import ENV_FILE
from bot.stores import embedded
from simulator.demo import BUSINESS
from simulator.ports import free_port
from simulator.processes import settings_for, wait_until
from tests.e2e.conftest import COMMANDS, Installation

ROOT = Path(__file__).parents[2]
IN_ITS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@contextmanager
def terminal(command: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Python in a terminal of its own: its pid, and the terminal's other end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_ITS_TERMINAL, *command], cwd=folder, env=environment,
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        yield process.pid, ours
        process.wait(30)
    finally:
        for pid in (process.pid, *descendants(process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(10)


def read_until(terminal: int, *words: str) -> None:
    """Read what is shown there until all these words were."""
    shown, until = "", monotonic() + 40
    while not all(word in shown for word in words):
        assert monotonic() < until, shown
        if select.select([terminal], [], [], 0.1)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")


def descendants(pid: int) -> list[int]:
    """The processes that this one has started, and theirs."""
    with suppress(OSError):
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        return [found for child in children for found in (child, *descendants(child))]
    return []


def left_when_closed(pid: int, terminal: int) -> list[int]:
    """Close the terminal; whoever still runs 30 s later, which is then killed."""
    started = [pid, *descendants(pid)]
    os.close(terminal)
    wait_until(lambda: not running(started), 30)
    left = running(started)
    for one in left:
        os.kill(one, signal.SIGKILL)
    return left


def running(pids: list[int]) -> list[int]:
    """Those of the processes that still run; who has ended and waits for its parent does not."""
    states = {}
    for pid in pids:
        with suppress(OSError):
            states[pid] = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return [pid for pid, state in states.items() if state != "Z"]


@pytest.fixture
def environment(clean_env: dict[str, str]) -> dict[str, str]:
    del clean_env[ENV_FILE]
    return clean_env | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def write_env(one: Installation, folder: Path) -> None:
    """A folder as an operator has it: the Procfile and a `.env`."""
    settings = settings_for(one.telegram, one.whatsapp, Path("data"))
    settings |= {"LLM_PROVIDER": "faq", "BUSINESS_FILE": str(BUSINESS), "PORT": str(free_port())}
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    shutil.copy(ROOT / "Procfile", folder)


def test_closing_the_terminal_of_make_run_ends_everything(
    install: Callable[..., Installation], tmp_path: Path, environment: dict[str, str]
) -> None:
    """Receiver, worker, the embedded server and honcho's own helpers."""
    write_env(install(), tmp_path)
    with terminal([str(ROOT / "deploy" / "run.py")], tmp_path, environment) as (pid, shown):
        read_until(shown, "listening on", "answering with")
        assert len(descendants(pid)) >= 5
        assert not left_when_closed(pid, shown)


def test_closing_the_terminal_of_the_demo_ends_everything(tmp_path: Path, environment: dict[str, str]) -> None:
    """Receiver, worker and the embedded server, however far the conversation is."""
    with terminal(["-m", "simulator", "demo"], tmp_path, environment) as (pid, shown):
        read_until(shown, "Starting the receiver and a worker")
        assert wait_until(lambda: len(descendants(pid)) >= 3, 20)
        assert not left_when_closed(pid, shown)


@pytest.mark.parametrize("name", COMMANDS)
def test_who_is_told_to_end_in_the_first_moments_leaves_no_server(
    install: Callable[..., Installation], name: str
) -> None:
    """SIGTERM so many milliseconds after the embedded server's socket is there: before it answers, and after."""
    one, folders, ending = install(), {}, []
    for ms in (0, 10, 20, 35, 50):
        folders[ms] = one.folder / f"data{ms}"
        one.processes.environment |= {"DATA_DIR": str(folders[ms]), "PORT": str(free_port())}
        ending.append(end_early(one, name, folders[ms], ms / 1000))
    for process in ending:
        process.wait(25)
    left = [ms for ms, data in folders.items() if not wait_until(lambda data=data: not lives(data), 3)]
    for ms in left:
        embedded._shut_down(folders[ms])
    assert not left, f"a server was left behind after so many ms: {left}"


def end_early(one: Installation, name: str, data: Path, seconds: float) -> subprocess.Popen[bytes]:
    """Start it, let it start its server, and tell it to end so long afterwards."""
    process = one.processes.start(f"{name} {seconds}", *COMMANDS[name])
    with ExitStack() as stack:
        if name == "receiver":  # which needs its server when it is asked something
            port = int(one.processes.environment["PORT"])
            assert wait_until(lambda: listens(port), 15), one.processes.log_tails()
            asking = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            asking.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
        assert wait_until(embedded.socket_path(data).exists, 15), one.processes.log_tails()
        sleep(seconds)
        process.terminate()
    return process


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def lives(data: Path) -> bool:
    """Whether a server lives on this folder, listening or not: it holds a lock for as long."""
    with (data / "redis.server").open("r+") as claim:
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


@pytest.mark.parametrize("name", ["receiver", "worker"])
def test_who_seems_to_hang_says_where_its_threads_stand_and_goes_on(fresh: Installation, name: str) -> None:
    """SIGUSR1 by itself would end it; whoever wrote is answered afterwards."""
    process = fresh.processes.running[name]
    assert wait_until(lambda: "recado" in fresh.processes.log(name).read_text(), 20)
    process.send_signal(signal.SIGUSR1)
    assert wait_until(lambda: "most recent call first" in fresh.processes.log(name).read_text(), 10)
    fresh.telegram.say(555, "hola")
    assert wait_until(lambda: len(fresh.telegram.answers(555)) == 1, 20)
    assert process.poll() is None
