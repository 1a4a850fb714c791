"""install_ollama.sh, run against a release, an Ollama and a curl that are small but real programs."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = (
    "bash sh env uname sed awk grep sort head tail tr mktemp rm mkdir tar sha256sum id cp cat dirname sleep tee kill"
)
OLLAMA = """
echo "ollama $*  host=$OLLAMA_HOST" >> "$LOG"
case "$1" in --version) echo "ollama version is ${FOUND:-0.32.15}" ;; esac
"""
CURL = """
while [ $# -gt 1 ]; do case "$1" in --output) to=$2 ;; esac; shift; done
echo "curl $1" >> "$LOG"
cp "$SHELF/${1##*/}" "$to"
"""


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


class Machine:
    """A machine with the usual tools, a curl that reaches only our release, and no systemd."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin, self.release = folder, folder / "tools", folder / "release"
        self.log, self.ollama = folder / "log", folder / "prefix" / "bin" / "ollama"
        self.release.mkdir()
        self.log.touch()
        program(self.bin / "curl", CURL)
        program(self.bin / "zstd", "exec cat")
        program(self.bin / "sudo", 'exec "$@"')
        for tool in TOOLS.split():
            if found := shutil.which(tool):
                (self.bin / tool).symlink_to(found)
        self._publish()

    def _publish(self) -> None:
        program(self.folder / "ollama", OLLAMA)
        machine = {"x86_64": "amd64"}.get(os.uname().machine, "arm64")
        tarball = self.release / f"ollama-linux-{machine}.tar.zst"
        with tarfile.open(tarball, "w") as tar:
            tar.add(self.folder / "ollama", "bin/ollama")
        self.tarball, self.checksum = tarball, hashlib.sha256(tarball.read_bytes()).hexdigest()
        (self.release / "sha256sum.txt").write_text(f"{'0' * 64}  ./other.zip\n{self.checksum}  ./{tarball.name}\n")

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        own = {"LOG": self.log, "SHELF": self.release, "OLLAMA_PREFIX": self.folder / "prefix"}
        return subprocess.run(
            ["bash", str(ROOT / "install_ollama.sh"), *words],
            cwd=self.folder,
            env={"PATH": str(self.bin), **{name: str(path) for name, path in own.items()}, **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def calls(self) -> str:
        return self.log.read_text(encoding="utf-8")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_it_installs_the_release_and_pulls_the_model_over_loopback(machine: Machine) -> None:
    result = machine.run()

    assert result.returncode == 0, result.stderr
    assert machine.ollama.exists()
    assert "https://github.com/ollama/ollama/releases/download/v0.32.15/sha256sum.txt" in machine.calls()
    assert "ollama pull mistral:7b  host=127.0.0.1:11434" in machine.calls()


def test_a_second_run_installs_nothing(machine: Machine) -> None:
    machine.run()
    machine.log.write_text("")
    result = machine.run()

    assert result.returncode == 0, result.stderr
    assert "already installed" in result.stdout
    assert "curl" not in machine.calls()


def test_a_dry_run_changes_nothing_and_fetches_nothing(machine: Machine) -> None:
    result = machine.run("--dry-run", OLLAMA_SHA256="0" * 64)

    assert result.returncode == 0, result.stderr
    assert "would check" in result.stdout
    assert "would run: ollama pull mistral:7b" in result.stdout
    assert machine.calls() == ""
    assert not machine.ollama.exists()


def test_where_systemd_runs_the_service_is_bound_to_loopback(machine: Machine) -> None:
    program(machine.bin / "systemctl", "exit 0")
    result = machine.run("--dry-run")

    assert result.returncode == 0, result.stderr
    assert "would write: /etc/systemd/system/ollama.service.d/recado.conf" in result.stdout
    assert "systemctl restart ollama" in result.stdout
    assert "listens on 127.0.0.1:11434 only" in result.stdout


def test_where_systemd_does_not_run_it_says_how_to_serve(machine: Machine) -> None:
    program(machine.bin / "systemctl", "exit 1")

    assert "OLLAMA_HOST=127.0.0.1:11434 ollama serve" in machine.run("--dry-run").stdout


def test_a_damaged_download_is_refused(machine: Machine) -> None:
    machine.tarball.write_bytes(machine.tarball.read_bytes() + b"!")
    result = machine.run()

    assert result.returncode == 1
    assert "nothing was installed" in result.stderr
    assert not machine.ollama.exists()


def test_a_release_without_a_checksum_is_refused(machine: Machine) -> None:
    (machine.release / "sha256sum.txt").write_text(f"{machine.checksum}  ./x{machine.tarball.name}\n")
    result = machine.run()

    assert result.returncode == 1
    assert not machine.ollama.exists()


def test_the_operators_own_checksum_counts_too(machine: Machine) -> None:
    refused = machine.run(OLLAMA_SHA256="0" * 64)
    assert refused.returncode == 1
    assert not machine.ollama.exists()

    assert machine.run(OLLAMA_SHA256=machine.checksum).returncode == 0
    assert machine.ollama.exists()


def test_an_older_ollama_is_refused_with_the_way_out(machine: Machine) -> None:
    program(machine.ollama, OLLAMA)
    result = machine.run(FOUND="0.9.6")

    assert result.returncode == 1
    assert "CVE-2026-7482" in result.stderr
    assert "run this script again" in result.stderr
    assert "pull" not in machine.calls()


def test_an_older_server_is_refused_though_the_program_is_new(machine: Machine) -> None:
    program(machine.ollama, OLLAMA)
    result = machine.run(FOUND="0.17.0\nWarning: client version is 0.32.15")

    assert result.returncode == 1
    assert "Ollama 0.17.0" in result.stderr


@pytest.mark.parametrize(
    ("line", "model"),
    [("LLM_MODEL=qwen3:4b", "qwen3:4b"), ('LLM_MODEL="qwen3:8b"  # new', "qwen3:8b"), ("LLM_MODEL=", "mistral:7b")],
)
def test_the_model_comes_from_the_env_file(machine: Machine, line: str, model: str) -> None:
    (machine.folder / ".env").write_text(f"PORT=1\n{line}\n")

    assert f"pull {model}\n" in machine.run("--dry-run").stdout
    assert "pull phi4\n" in machine.run("--dry-run", LLM_MODEL="phi4").stdout


@pytest.mark.parametrize("model", ["--help", "a b", "x;reboot", "$(reboot)"])
def test_what_is_no_model_name_is_refused(machine: Machine, model: str) -> None:
    result = machine.run(LLM_MODEL=model)

    assert result.returncode == 1
    assert machine.calls() == ""


def test_nothing_downloaded_is_ever_piped_into_a_shell() -> None:
    script = (ROOT / "install_ollama.sh").read_text(encoding="utf-8")
    code = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("#"))

    assert code.count("curl --") == 1
    assert "--proto '=https'" in code
    assert re.findall(r"\|\s*(?:sh|bash|\$sudo)\b|\beval\b|<\(", code) == []
