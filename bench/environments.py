"""Each peer in an environment of its own, so that nothing of theirs meets anything of ours: .bench/<peer>/

bench/peers/<peer>.txt says what is in it, with exact versions, the peer itself in the first line. An environment is
made when it is first asked for, and again when that file or this Python changes. Our own side runs from the
environment that runs the bench. By hand, for example before going offline: python bench/environments.py [PEER …]
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEERS, MADE = ROOT / "bench" / "peers", ROOT / ".bench"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q", "-q")
INSTALL_SECONDS = 600


def python(peer: str) -> Path:
    """The Python that has this peer. Raises SystemExit, in words, when it cannot be installed."""
    wanted = requirements(peer)
    folder = MADE / peer
    with _alone(peer):
        stamp = folder / "made-of"
        if not stamp.exists() or stamp.read_text() != _recipe(wanted):
            _make(folder, wanted)
            stamp.write_text(_recipe(wanted))
    return folder / "bin" / "python"


def version(peer: str) -> str:
    """The version that is pinned, as ``name 1.2.3``."""
    first = requirements(peer).read_text(encoding="utf-8").split("\n", 1)[0]
    name, _, number = first.partition("==")
    return f"{name.partition('[')[0]} {number.split()[0]}"


def requirements(peer: str) -> Path:
    found = PEERS / f"{peer}.txt"
    if not found.exists():
        raise SystemExit(f"There is no peer called {peer}; there are {', '.join(all_peers())}.")
    return found


def all_peers() -> list[str]:
    return sorted(file.stem for file in PEERS.glob("*.txt"))


def _make(folder: Path, wanted: Path) -> None:
    """Our own pip installs into it: an environment without a pip is made in a tenth of the time."""
    print(f"Installing {wanted.stem} into {folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True)
    command = [*PIP, "--python", str(folder / "bin" / "python"), "install", "--requirement", str(wanted)]
    try:
        subprocess.run(command, check=True, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise SystemExit(
            f"{wanted.stem} cannot be installed from PyPI. Is this machine online? Once it is installed, "
            "no bench needs the network."
        ) from None


def _recipe(wanted: Path) -> str:
    return f"{sys.version.split()[0]} {hashlib.sha256(wanted.read_bytes()).hexdigest()}\n"


@contextmanager
def _alone(peer: str) -> Iterator[None]:
    """Two benches that start together make an environment once."""
    MADE.mkdir(exist_ok=True)
    with (MADE / f"{peer}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    for name in sys.argv[1:] or all_peers():
        python(name)
        print(version(name))
