"""The optional hooks: what a collector of errors and one of traces are told, and that both do without people."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from importlib.util import find_spec

import pytest
from pydantic import SecretStr

from bot.errors import RateLimited, SettingsError
from bot.settings import Settings, load_settings
from bot.telemetry import open_traces, report_errors
from tests.collectors import Collector, collecting
from tests.unit.mailboxes import until
from tests.unit.test_turn_log import ANSWER, PERSON, UNSAID, WORDS
from tests.unit.worlds import World

TOKEN = "7123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


def run(code: str, env: Mapping[str, str], **settings: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: whoever reports errors does so for all of a process, and for good."""
    script = "from bot.cli import begin\nfrom bot.telemetry import report_errors\nimport logging\n"
    script += textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-c", script], env={**env, "RECADO_ENV_FILE": "", **settings},
        capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip


def test_an_error_is_reported_with_its_place_and_nobodys_words(collector: Collector, clean_env: dict[str, str]) -> None:
    """Neither in the message, nor in the exception, nor among the variables or what was logged before."""
    code = f"""
        report_errors(begin(), "worker")
        log = logging.getLogger("recado.turn")

        def think(text, person):
            said = text * 2
            log.info("thinking about %s of %s", text, person)
            logging.getLogger("a.library").error("no good: %s", text)
            raise ValueError(f"cannot think about {{said}} of {{person}}") from KeyError({ANSWER!r})

        try:
            think({WORDS!r}, {PERSON!r})
        except ValueError:
            log.exception("a turn failed at bot{TOKEN}/getMe", extra={{"conversation": "0123abcd"}})
    """
    done = run(code, clean_env, SENTRY_DSN=collector.dsn, LOG_LEVEL="INFO")
    assert done.returncode == 0, done.stderr
    library, ours = collector.errors

    assert ours["logentry"] == {"formatted": "a turn failed at ***/getMe"}
    assert ours["tags"] == {"process": "worker", "conversation": "0123abcd"}
    kinds = [one["type"] for one in ours["exception"]["values"]]
    assert kinds == ["KeyError", "ValueError"]
    assert ours["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "think"
    assert library["logentry"] == {"formatted": "a.library: an error"}
    told = collector.raw.decode()
    assert [words for words in (*UNSAID, TOKEN) if words in told] == []
    assert os.uname().nodename not in told


def test_only_errors_are_reported(collector: Collector, clean_env: dict[str, str]) -> None:
    code = """
        report_errors(begin(), "poller")
        for level in ("info", "warning", "error"):
            getattr(logging.getLogger("recado.poller"), level)("it is %s", level)
    """
    run(code, clean_env, SENTRY_DSN=collector.dsn)

    assert [one["logentry"]["formatted"] for one in collector.errors] == ["it is error"]


def test_what_ends_a_process_is_reported(collector: Collector, clean_env: dict[str, str]) -> None:
    done = run('report_errors(begin(), "receiver")\nint("x")\n', clean_env, SENTRY_DSN=collector.dsn)

    assert done.returncode == 1
    [one] = collector.errors
    assert one["exception"]["values"][0]["type"] == "ValueError"
    assert one["tags"] == {"process": "receiver"}


def test_a_collector_that_is_away_delays_and_breaks_nothing(clean_env: dict[str, str]) -> None:
    code = 'report_errors(begin(), "worker")\nlogging.getLogger("recado").error("bad")\nprint("done")\n'
    done = run(code, clean_env, SENTRY_DSN="http://0123456789abcdef0123456789abcdef@127.0.0.1:9/42")

    assert (done.returncode, done.stdout) == (0, "done\n")


# -- traces ----------------------------------------------------------------------------------------


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans are sent as soon as they are there, and not every five seconds."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")


@pytest.mark.usefixtures("_at_once")
def test_a_turn_is_one_span_that_lasts_as_long_as_it_took(collector: Collector) -> None:
    trace = open_traces(load_settings(otel_exporter_otlp_endpoint=collector.url))
    assert trace is not None
    trace(2.5, {"turn": 3, "channel": "telegram", "think_ms": 1200})
    until(lambda: collector.spans)
    [(span, attributes)] = collector.spans

    assert span.name == "turn"
    assert (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9 == pytest.approx(2.5)
    assert attributes == {"recado.turn": 3, "recado.channel": "telegram", "recado.think_ms": 1200}


@pytest.mark.usefixtures("_at_once")
def test_whole_turns_are_traced_without_a_word(collector: Collector, world: World) -> None:
    """With the times of listening, thinking and speaking, as far as they are known when the worker lets go."""
    trace = open_traces(load_settings(otel_exporter_otlp_endpoint=collector.url))
    assert trace is not None
    world.answerer.trace = lambda figures: trace(*figures.span)
    world.backend.answers = [ANSWER, ANSWER]
    world.channel.fail = [None, RateLimited("slow down", 0.05)]
    world.answer(WORDS)
    world.answer(WORDS)
    world.come_back()
    until(lambda: len(collector.spans) >= 2)
    spoken, waiting = (attributes for _, attributes in collector.spans)

    assert (spoken["recado.turn"], spoken["recado.outcome"], spoken["recado.backend"]) == (1, "answered", "fake")
    assert {"recado.waited_ms", "recado.think_ms", "recado.speak_ms", "recado.tokens_in"} <= set(spoken)
    assert waiting["recado.turn"] == 2
    assert "recado.speak_ms" not in waiting
    raw = collector.raw.decode("utf-8", "replace")
    assert [words for words in UNSAID if words in raw] == []


# -- settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("package", "extra", "settings"),
    [
        ("sentry_sdk", "sentry", {"sentry_dsn": SecretStr("http://a@127.0.0.1:9/1")}),
        ("opentelemetry.sdk.trace", "otel", {"otel_exporter_otlp_endpoint": "http://127.0.0.1:9"}),
    ],
)
def test_a_setting_without_its_package_says_how_to_get_it(
    package: str, extra: str, settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingsError, match=f"make install EXTRAS={extra}"):
        begun(load_settings(**settings))


def begun(settings: Settings) -> None:
    report_errors(settings, "worker")
    open_traces(settings)


@pytest.mark.parametrize("dsn", ["http://127.0.0.1/1", "ftp://a@127.0.0.1/1", "http://a@127.0.0.1/", "hunter2hunter2"])
def test_a_dsn_that_is_none_is_named_and_not_repeated(dsn: str) -> None:
    with pytest.raises(SettingsError, match="SENTRY_DSN") as caught:
        report_errors(load_settings(sentry_dsn=SecretStr(dsn)), "worker")
    assert dsn not in str(caught.value)


def test_without_a_setting_nothing_is_loaded(clean_env: dict[str, str]) -> None:
    code = """
        import sys
        from bot.telemetry import open_traces
        assert report_errors(settings := begin(), "worker") is open_traces(settings) is None
        print([name for name in sys.modules if name.startswith(("sentry_sdk", "opentelemetry"))])
    """
    assert run(code, clean_env).stdout == "[]\n"


@pytest.mark.parametrize("command", ["bot serve", "bot poll", "workers run", "workers ui"])
def test_every_process_reports_its_errors(command: str, clean_env: dict[str, str]) -> None:
    """Each reads the setting at its start: with one that is wrong it does not start, and says which."""
    if command == "workers ui" and find_spec("gradio") is None:
        pytest.skip("make install EXTRAS=ui")
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], env={**clean_env, "SENTRY_DSN": "hunter2hunter2"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 2
    assert "SENTRY_DSN" in done.stderr
    assert "hunter2" not in done.stderr
