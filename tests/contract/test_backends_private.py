"""What goes to a model server stays between it and us: over TLS that proves itself, and out of errors and logs."""

from __future__ import annotations

import ssl
import subprocess
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import BackendError, Rejected, Unavailable
from bot.message import Turn
from tests.contract.scripted import OLLAMA, OPENAI, Dialect, Exchange, Script, ScriptedServer, each_dialect
from workers.backends import Prompt
from workers.backends._wire import _trust

KEY = "sk-very-secret-key"
WORDS = "my diagnosis is nobody's business"
ASKED = Prompt((Turn("user", WORDS),), session="s1")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for this machine that nobody but itself has signed."""
    file = tmp_path_factory.mktemp("tls") / "self-signed.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", file, "-out", f"{file}.crt"],
        check=True, capture_output=True, timeout=20,
    )  # fmt: skip
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


def encrypt(server: ScriptedServer, certificate: Path) -> str:
    """Serve HTTPS from now on; returns the address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server.url.replace("http://", "https://")


@each_dialect
def test_a_server_that_cannot_prove_who_it_is_gets_no_request(dialect: Dialect, certificate: Path) -> None:
    """Neither the person's words nor the key go to whoever stands in the way."""
    server = ScriptedServer(dialect.says("Sí"))
    url = encrypt(server, certificate)
    with server:
        backend = dialect.backend(url, llm_api_key=KEY)
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            list(backend.stream(ASKED))
        with pytest.raises(BackendError, match="CERTIFICATE_VERIFY_FAILED"):
            backend.check()
        backend.close()

        assert server.seen == []


@pytest.fixture
def _trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    _trust.cache_clear()
    yield
    _trust.cache_clear()


@pytest.mark.usefixtures("_trusted")
@each_dialect
def test_a_certificate_that_this_machine_trusts_is_enough(dialect: Dialect, certificate: Path) -> None:
    server = ScriptedServer(dialect.says("Sí"))
    url = encrypt(server, certificate)
    with server:
        backend = dialect.backend(url)
        assert "".join(backend.stream(ASKED)) == "Sí"
        backend.close()


def quotes(status: int) -> Script:
    """A refusal that repeats what was asked, and the key, as some servers do."""

    def script(exchange: Exchange) -> None:
        asked = exchange.body["messages"][-1]["content"]
        exchange.whole(status, f'{{"error": {{"message": "no: {asked}, {KEY}", "code": "bad_words"}}}}'.encode())

    return script


def breaks_off(dialect: Dialect) -> Script:
    return dialect.begins("Ho", then=lambda e, d: e.chunk(d.trouble.replace(b"out of memory", WORDS.encode())))


@each_dialect
@pytest.mark.parametrize("status", [302, 400, 401, 404, 413, 422, 429, 500])
def test_a_turns_error_holds_nothing_that_the_server_quotes(dialect: Dialect, status: int) -> None:
    with dialect.served(quotes(status), llm_api_key=KEY) as (backend, _):
        with pytest.raises(BackendError) as caught:
            list(backend.stream(ASKED))

        logged = "".join(traceback.format_exception(caught.value))
        assert "diagnosis" not in logged
        assert KEY not in logged


@each_dialect
def test_an_error_in_mid_answer_holds_nothing_that_the_server_quotes(dialect: Dialect) -> None:
    with dialect.served(breaks_off(dialect)) as (backend, _):
        with pytest.raises(Unavailable, match="broke off") as caught:
            list(backend.stream(ASKED))

        assert "diagnosis" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("dialect", [OLLAMA, OPENAI], ids=lambda dialect: dialect.provider)
def test_the_kind_of_a_refusal_is_told(dialect: Dialect) -> None:
    with dialect.served(quotes(400)) as (backend, _), pytest.raises(Rejected, match=r"HTTP 400 \(bad_words\)"):
        list(backend.stream(ASKED))


@each_dialect
def test_check_tells_the_servers_own_words_without_the_key(dialect: Dialect) -> None:
    """Nobody's words are in its question, and the operator needs the reason."""
    refused = pytest.raises(Rejected, match=r"no: Hola, \*\*\*")
    with dialect.served(quotes(400), llm_api_key=KEY) as (backend, _), refused:
        backend.check()

    broken = pytest.raises(Unavailable, match="diagnosis")
    with dialect.served(breaks_off(dialect)) as (backend, _), broken:
        backend.check()


@each_dialect
def test_an_unreachable_server_names_the_proxy_that_does_not_apply(
    dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    backend = dialect.backend("http://127.0.0.1:1")
    with pytest.raises(Unavailable, match=r"LLM_BASE_URL$"):
        list(backend.stream(ASKED))

    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="https_proxy is not used for model servers"):
        list(backend.stream(ASKED))
    backend.close()
