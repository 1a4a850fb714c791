#!/usr/bin/env bash
# Installs a pinned Ollama on this Linux machine, bound to loopback, and pulls the model of LLM_MODEL.
#
#   ./install_ollama.sh [--dry-run]
#
# LLM_MODEL      the model to pull; else the one in .env, else mistral:7b
# OLLAMA_PREFIX  where bin/ and lib/ go (default /usr/local)
# OLLAMA_SHA256  the tarball's checksum as you know it from elsewhere (optional)
#
# The tarball is checked against the sha256sum.txt that its own release publishes. That finds a damaged
# or mixed-up download; it cannot find a release that was itself replaced, since both files come from one
# place. OLLAMA_SHA256 can: set it to a checksum that you got in another way, and it is checked as well.
set -euo pipefail

readonly VERSION=0.32.15
readonly MINIMUM=0.17.1 # older ones leak memory to strangers: CVE-2026-7482
readonly RELEASE=https://github.com/ollama/ollama/releases/download/v$VERSION
readonly ADDRESS=127.0.0.1:11434
readonly PREFIX=${OLLAMA_PREFIX:-/usr/local}
readonly UNIT=/etc/systemd/system/ollama.service

dry_run=
sudo=
work=
server=

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

run() {
    if [ -n "$dry_run" ]; then say "would run: $*"; else "$@"; fi
}

clean_up() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
    if [ -n "$work" ]; then rm -rf "$work"; fi
}

model_name() {
    local model=${LLM_MODEL:-}
    if [ -z "$model" ] && [ -f .env ]; then
        model=$(sed -n 's/^LLM_MODEL=//p' .env | tail -n 1 | sed "s/[[:space:]]*#.*//; s/[\"'[:space:]]//g")
    fi
    model=${model:-mistral:7b}
    case $model in
        -* | *[!A-Za-z0-9._:/-]*) fail "LLM_MODEL is not the name of a model: $model" ;;
    esac
    printf '%s' "$model"
}

architecture() {
    [ "$(uname -s)" = Linux ] || fail "This script is for Linux. Elsewhere, get Ollama $MINIMUM or newer from https://ollama.com/download"
    case $(uname -m) in
        x86_64) printf amd64 ;;
        aarch64 | arm64) printf arm64 ;;
        *) fail "There is no Ollama release for $(uname -m)." ;;
    esac
}

older() { [ "$1" != "$2" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# The program and a server that is already running may be of different versions; the older one counts.
installed_version() {
    ollama --version 2>&1 | grep -Eo '[0-9]+\.[0-9]+\.[0-9]+' | sort -V | head -n 1
}

already_installed() {
    command -v ollama >/dev/null || return 1
    local found
    found=$(installed_version) || fail "The installed Ollama does not tell its version. Remove $(command -v ollama) and run this again."
    if older "$found" "$MINIMUM"; then
        fail "Ollama $found is installed or running here; versions before $MINIMUM can leak memory to strangers (CVE-2026-7482)." \
            "Stop it (sudo systemctl stop ollama), remove the old program and its libraries" \
            "(sudo rm -rf $(command -v ollama) /usr/lib/ollama /usr/local/lib/ollama) and run this script again." \
            "The models that it has pulled stay where they are."
    fi
    say "Ollama $found is already installed; it is new enough."
}

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || fail "$tool is needed. On Debian and Ubuntu: sudo apt install curl tar zstd coreutils"
    done
}

download() { run curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 --output "$2" "$RELEASE/$1"; }

verify() {
    local file=$1 expected
    expected=$(awk -v name="$file" '$2 == name || $2 == "./" name { print $1 }' "$work/sha256sum.txt")
    [ -n "$expected" ] || fail "The release's sha256sum.txt does not name $file; nothing was installed."
    printf '%s  %s\n' "$expected" "$work/$file" | sha256sum --check --status ||
        fail "The checksum of $file is not the one that its release publishes; nothing was installed."
    if [ -n "${OLLAMA_SHA256:-}" ] && [ "$OLLAMA_SHA256" != "$expected" ]; then
        fail "The checksum of $file is not OLLAMA_SHA256 ($OLLAMA_SHA256 was expected, $expected came); nothing was installed."
    fi
    say "The checksum of $file is right."
}

install_release() {
    local file
    file=ollama-linux-$(architecture).tar.zst
    [ -n "$dry_run" ] || need curl tar zstd sha256sum
    say "Installing Ollama $VERSION into $PREFIX"
    download sha256sum.txt "$work/sha256sum.txt"
    download "$file" "$work/$file"
    if [ -n "$dry_run" ]; then say "would check: $file against sha256sum.txt${OLLAMA_SHA256:+ and OLLAMA_SHA256}"; else verify "$file"; fi
    run $sudo mkdir -p "$PREFIX"
    run $sudo tar --zstd -xf "$work/$file" -C "$PREFIX"
    hash -r
}

unit() {
    cat <<END
[Unit]
Description=Ollama
After=network-online.target

[Service]
ExecStart=$1 serve
User=ollama
Group=ollama
Restart=always
RestartSec=3
NoNewPrivileges=true
PrivateTmp=true

[Install]
WantedBy=multi-user.target
END
}

write() {
    if [ -n "$dry_run" ]; then cat >/dev/null && say "would write: $1"; else $sudo tee "$1" >/dev/null; fi
}

serve_by_systemd() {
    if [ ! -e "$UNIT" ]; then
        id ollama >/dev/null 2>&1 || run $sudo useradd --system --user-group --create-home --home-dir /usr/share/ollama --shell /bin/false ollama
        unit "$(command -v ollama || echo "$PREFIX/bin/ollama")" | write "$UNIT"
    fi
    run $sudo mkdir -p "$UNIT.d"
    printf '[Service]\nEnvironment=OLLAMA_HOST=%s\n' "$ADDRESS" | write "$UNIT.d/recado.conf"
    run $sudo systemctl daemon-reload
    run $sudo systemctl enable --now ollama
    run $sudo systemctl restart ollama
    say "Ollama listens on $ADDRESS only."
}

# Without systemd, the server runs only for as long as the model is being pulled.
serve_for_now() {
    if [ -z "$dry_run" ] && ollama list >/dev/null 2>&1; then return; fi
    say "There is no systemd here. To run Ollama:  OLLAMA_HOST=$ADDRESS ollama serve"
    if [ -n "$dry_run" ]; then return; fi
    ollama serve >"$work/serve.log" 2>&1 &
    server=$!
}

wait_for_server() {
    local left
    for left in {29..0}; do
        if ollama list >/dev/null 2>&1; then return; fi
        [ "$left" -gt 0 ] && sleep 1
    done
    fail "Ollama does not answer on $ADDRESS. Look at: journalctl -u ollama (or the output of ollama serve)."
}

main() {
    case ${1:-} in
        --dry-run) dry_run=yes ;;
        '') ;;
        *) printf 'Usage: %s [--dry-run]\n' "$0" >&2 && exit 2 ;;
    esac
    local model
    model=$(model_name)
    if [ "$(id -u)" -ne 0 ]; then sudo=sudo; fi
    export PATH=$PREFIX/bin:$PATH OLLAMA_HOST=$ADDRESS
    trap clean_up EXIT
    work=$(mktemp -d)
    already_installed || install_release
    if systemctl list-units >/dev/null 2>&1; then serve_by_systemd; else serve_for_now; fi
    [ -n "$dry_run" ] || wait_for_server
    run ollama pull "$model"
    say "${dry_run:+After a real run, this holds. }In .env: LLM_PROVIDER=ollama and LLM_MODEL=$model"
}

main "$@"
