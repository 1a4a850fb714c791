"""The demo: the whole product on this machine, talking to simulated platforms, with no account, key or model."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from select import select
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from simulator.page.bags import business
from simulator.page.phones import Phone
from simulator.page.staff import FIRST, SECOND, SETTINGS, Staff
from simulator.platforms import Bubble, Platform
from simulator.processes import NotReady, Processes, redis_socket, settings_for
from simulator.telegram import TelegramServer
from simulator.whatsapp import WhatsAppServer

if TYPE_CHECKING:
    from simulator.page.show import PageServer

FOLDER: Final = Path(".demo")
DATA: Final = FOLDER / f"data-{os.getpid()}"
"""A demo that was killed may have left a worker; it must not answer for the next one."""
BUSINESS: Final = Path(__file__).with_name("demo.toml")
ANSWER_SECONDS: Final = 20.0
QUIET_SECONDS: Final = 0.7
"""A bubble that has not changed for so long, and does not say that more is to come, is final."""
TELEGRAM_CHAT: Final = 34_611
WHATSAPP_CHAT: Final = "34600111222"
TELEGRAM_LINES: Final = ("/start", "a que hora abris los domingos?", "¿Vendéis bicicletas?")
WHATSAPP_LINES: Final = ("/help", "teneis pan sin gluten?", "¿Me arregláis el ordenador?")
GOING_LIVE: Final = """
[bold]To go live[/bold]:
  .venv/bin/python -m bot setup   asks for what it needs, and proves it
  make run                        then starts everything
  .venv/bin/python -m bot doctor  says what is missing
"""


class Exchange(NamedTuple):
    """A line, the bubbles that answered it (none: no answer) and how many seconds that took."""

    bubbles: list[Bubble]
    seconds: float


@dataclass
class Voice:
    """A person with a chat on one of the platforms."""

    name: str
    platform: Platform
    chat_id: str
    write: Callable[[str], str]
    alive: Callable[[], bool] = lambda: True
    """Whether an answer can still come."""

    def ask(self, text: str) -> Exchange:
        """Write and wait for the answer, until it has stopped changing."""
        start = monotonic()
        message_id = self.write(text)
        while monotonic() < start + ANSWER_SECONDS and self.alive():
            bubbles = self.platform.answers(self.chat_id, since=message_id)
            changed = max((bubble.changed for bubble in bubbles), default=monotonic())
            if bubbles and not bubbles[-1].text.endswith("…") and monotonic() - changed > QUIET_SECONDS:
                return Exchange(bubbles, changed - start)
            sleep(0.05)
        return Exchange([], monotonic() - start)


class Demo:
    """Both platforms, the product's processes, and a terminal that shows what people see; ``page``: a browser too."""

    def __init__(self, console: Console, *, page: bool = False) -> None:
        """Raises OSError when there is no business file."""
        self.console = console
        token = f"{secrets.randbelow(9 * 10**9) + 10**9}:{secrets.token_urlsafe(26)}"
        self.telegram = TelegramServer(token, webhook_secret=secrets.token_urlsafe(32))
        number = str(secrets.randbelow(9 * 10**14) + 10**14)
        self.whatsapp = WhatsAppServer(
            secrets.token_urlsafe(48), number, secrets.token_hex(32), secrets.token_urlsafe(24)
        )
        settings = settings_for(self.telegram, self.whatsapp, DATA)
        settings |= {"LLM_PROVIDER": "faq", "BUSINESS_FILE": str(BUSINESS)} | (_for_the_page() if page else {})
        self.processes = Processes(settings, FOLDER)
        self.staff = Staff(self.processes)
        self.telegram.webhook_url = f"{self.processes.url}/webhook/telegram"
        self.whatsapp.webhook_url = f"{self.processes.url}/webhook/whatsapp"
        bot, chat = self.telegram.me["id"], str(TELEGRAM_CHAT)
        self.phones = (
            Phone("Ana", self.telegram, chat, f"telegram:{bot}:{chat}"),
            Phone("Luis", self.whatsapp, WHATSAPP_CHAT, f"whatsapp:{number}:{WHATSAPP_CHAT}"),
        )
        self.ana, self.luis = (
            Voice(f"{called} · {phone.name}", phone.platform, phone.chat_id, phone.say, self._alive)
            for called, phone in zip(("Telegram", "WhatsApp"), self.phones, strict=True)
        )

    def _alive(self) -> bool:
        return not self.staff.ended()

    def play(self) -> bool:
        """Both conversations at once; whether every message was answered."""
        missing: list[str] = []

        def talk(voice: Voice, lines: tuple[str, ...]) -> None:
            missing.extend(line for line in lines if not self.show(voice, line))

        talks = [
            threading.Thread(target=talk, args=(self.ana, TELEGRAM_LINES), daemon=True),
            threading.Thread(target=talk, args=(self.luis, WHATSAPP_LINES), daemon=True),
        ]
        for thread in talks:
            thread.start()
        for thread in talks:
            thread.join()
        return not missing

    def show(self, voice: Voice, line: str) -> bool:
        """One exchange on the terminal; whether there was an answer."""
        self._row(voice, "▸", line, "cyan")
        bubbles, seconds = voice.ask(line)
        for bubble in bubbles:
            self._row(voice, "◂", bubble.text, "green", f"{seconds:.1f} s")
        if not bubbles:
            self._row(voice, "✗", f"no answer to {line!r}", "red", f"{seconds:.0f} s")
        return bool(bubbles)

    def _row(self, voice: Voice, sign: str, text: str, colour: str, took: str = "") -> None:
        """One bubble: who, what, and how long it took, in columns that stay in line however long the text."""
        row = Table.grid(Column(width=15), Column(width=1), Column(ratio=1), Column(width=6, justify="right"))
        row.expand, row.padding = True, (0, 1)
        row.add_row(f"[{colour}]{voice.name}[/{colour}]", sign, escape(text), f"[dim]{took}[/dim]")
        self.console.print(row, highlight=False)

    def page(self) -> PageServer:
        """The page, not yet open; to be opened when the processes run."""
        from simulator.page.show import PageServer  # noqa: PLC0415 - only a demo that stays pays for Flask

        logs = [self.processes.log(name) for name in (FIRST, SECOND)]
        return PageServer(self.phones, self.staff, redis_socket(DATA), logs)

    def stay(self) -> None:
        """Until Ctrl-C (or the end of the input); what is typed is said by the Telegram person."""
        with self.page() as page:
            self.console.print(f"[bold]See it in a browser:[/bold] {page.url}/", highlight=False)
            self._stay()

    def _stay(self) -> None:
        typing = sys.stdin is not None and sys.stdin.isatty()
        self.console.print("Up until Ctrl-C." + (" Type a line to write to the bot as Ana." if typing else ""))
        while True:
            if ended := self.staff.ended():
                raise NotReady(f"The {ended[0]} ended by itself.")
            if not typing:
                sleep(0.5)
            elif select([sys.stdin], [], [], 0.5)[0]:
                line = sys.stdin.readline()
                if not line:
                    return
                if line.strip():
                    self.show(self.ana, line.strip())


def run(*, once: bool) -> int:
    """Play the demo; the exit code: 0 when every message was answered."""
    console = Console()
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print(f"[red]A demo is already running in {FOLDER.resolve()}; end that one first.[/red]")
            return 1
        _clear()
        try:
            return _run(Demo(console, page=not once), console, once=once)
        finally:
            _end_redis(DATA)


def _run(demo: Demo, console: Console, *, once: bool) -> int:
    with demo.telegram, demo.whatsapp, demo.processes:
        try:
            return _perform(demo, once=once)
        except NotReady as error:
            console.print(f"[red]{error}[/red]", highlight=False)
        except KeyboardInterrupt:
            console.print("\nStopping.")
            return 1 if once else 0
        console.print(demo.processes.log_tails(), markup=False, highlight=False)
        return 1


def _for_the_page() -> dict[str, str]:
    """The settings of a demo with a page; its business answers numbered questions, too. Raises OSError."""
    file = FOLDER / "business.toml"
    file.write_text(business(BUSINESS), encoding="utf-8")
    return SETTINGS | {"BUSINESS_FILE": str(file)}


def _clear() -> None:
    """Nothing is left of an earlier demo."""
    for data in FOLDER.glob("data-*"):
        _end_redis(data)
        shutil.rmtree(data, ignore_errors=True)
    for log in FOLDER.glob("*.log"):
        log.unlink()


def _end_redis(data: Path) -> None:
    """End a demo's own embedded Redis, should a killed process have left it behind."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.settimeout(5)
        if left.connect_ex(str(redis_socket(data))) == 0:
            left.sendall(b"SHUTDOWN NOSAVE\r\n")
            with contextlib.suppress(OSError):
                left.recv(64)


def _perform(demo: Demo, *, once: bool) -> int:
    demo.console.print(f"Starting the receiver and a worker; their logs are in {FOLDER}/ …", highlight=False)
    demo.processes.wait_ready()
    if not demo.whatsapp.verify():
        raise NotReady("The receiver does not pass WhatsApp's verification.")
    if not demo.play():
        raise NotReady("Not every message was answered.")
    demo.console.print(GOING_LIVE, highlight=False)
    if not once:
        demo.stay()
    return 0
