"""The configurations of `python -m workers bench`, and its rows as a person reads them."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from rich.console import Console as Terminal

from bot.errors import SettingsError
from bot.settings import Settings, load_settings
from workers.bench import memory, table
from workers.bench.configurations import LOCAL, Job, choose, overrides
from workers.bench.memory import Memory
from workers.bench.questions import QUESTIONS, prompt
from workers.bench.rows import Round, Row, figures, growth

ROUNDS = (Round(0.4, 2.0, 24.0, 60), Round(0.2, 1.0, 16.0, 64), Round(0.3, 9.0, 20.0, 64))
MEASURED = Row(
    "base",
    16,
    answers="tiny on CPU answers",
    device="CPU, 2 threads",
    **figures(ROUNDS),
    before=100,
    peak=123456,
    after=5,
)
REFUSED = Row("4bit", 1, reason="bitsandbytes is not installed: make install EXTRAS=local")


def changed(configuration: str, own: dict[str, Any], **options: Any) -> list[Settings]:
    """The settings that a configuration is measured with where ``own`` are the installation's, as they are tried."""
    wishes = overrides(Job(configuration, (1, 32), **options), load_settings(**own))
    return [load_settings(**own | wish) for wish in wishes]


def printed(*rows: Row, width: int = 80) -> str:
    output = io.StringIO()
    table.show(rows, Terminal(file=output, width=width), repeat=3, tokens=64)
    return output.getvalue()


# configurations


@pytest.mark.parametrize(
    ("provider", "names"), [("local", LOCAL), ("ollama", ("ollama",)), ("openai", ("openai",)), ("faq", ("faq",))]
)
def test_unasked_it_measures_what_the_installation_uses(provider: str, names: tuple[str, ...]) -> None:
    assert choose("", load_settings(llm_provider=provider)) == names


def test_each_configuration_is_asked_for_once_in_the_order_given() -> None:
    assert choose("openai, 4BIT,base,4bit", load_settings()) == ("openai", "4bit", "base")
    with pytest.raises(SettingsError, match=r"'5bit'.*base, 4bit.*ollama"):
        choose("5bit", load_settings())


def test_each_configuration_is_its_setting_and_no_other() -> None:
    """On top of the installation's own; what an installation quantizes, base measures unquantized."""
    own = {"llm_provider": "local", "llm_model": "mine", "llm_quantization": "8bit", "llm_dtype": "float32"}
    (base,), (four,), (eight,), (window,), (dynamic,) = (changed(name, own) for name in LOCAL[:-1])

    assert [one.llm_quantization for one in (base, four, eight, window, dynamic)] == [
        "none", "4bit", "8bit", "none", "int8",
    ]  # fmt: skip
    assert [one.llm_sliding_window for one in (base, four, eight, window, dynamic)] == [None, None, None, 512, None]
    assert {(one.llm_model, one.llm_dtype, one.llm_provider) for one in (base, four, eight, window, dynamic)} == {
        ("mine", "float32", "local")
    }


def test_all_is_everything_that_the_model_can_do() -> None:
    """Four bits and the installation's window; for a model without a window, four bits."""
    both, without = changed("all", {"llm_provider": "local", "llm_sliding_window": 128, "llm_attention": "eager"})

    assert (both.llm_quantization, both.llm_sliding_window, both.llm_attention) == ("4bit", 128, "auto")
    assert (without.llm_quantization, without.llm_sliding_window, without.llm_attention) == ("4bit", None, "auto")


def test_a_worker_takes_as_many_turns_as_are_measured() -> None:
    (found,) = changed("base", {"llm_provider": "local", "worker_concurrency": 2}, tokens=7)
    assert (found.worker_concurrency, found.reply_tokens) == (32, 7)


def test_an_adapter_and_a_revision_belong_to_their_model() -> None:
    own = {"llm_provider": "local", "llm_model": "mine", "llm_revision": "abc", "llm_adapter": "adapter"}
    (kept,), (other,) = changed("base", own), changed("base", own, model="yours")

    assert (kept.llm_model, kept.llm_revision, str(kept.llm_adapter)) == ("mine", "abc", "adapter")
    assert (other.llm_model, other.llm_revision, other.llm_adapter) == ("yours", "", None)


# questions and figures


def test_prompts_differ_from_the_first_words_of_the_person() -> None:
    prompts = [prompt(number) for number in range(2 * len(QUESTIONS) + 2)]

    assert len({one.turns[-1].text[:10] for one in prompts}) == len(prompts) == len({one.session for one in prompts})
    assert {one.turns[0].text for one in prompts if one.language == "es"} == {prompts[0].turns[0].text}
    assert {one.language for one in prompts} == {"es", "en"}


def test_a_row_is_the_medians_of_its_rounds() -> None:
    assert (MEASURED.first, MEASURED.reply, MEASURED.rate, MEASURED.tokens) == (0.3, 2.0, 20.0, 64)
    assert Row.read(json.loads(json.dumps(MEASURED.write()))) == MEASURED


def test_memory_grows_from_before_the_model() -> None:
    """A GPU that nobody had touched before had nothing of ours."""
    found = growth(Memory(10, 12, None, None), Memory(30, 50, 7, 9))
    assert found == {"before": 10, "peak": 50, "after": 30, "gpu_before": 0, "gpu_peak": 9, "gpu_after": 7}


def test_memory_taken_and_given_back_stays_in_the_peak() -> None:
    before = memory.now()
    taken = bytearray(200 * memory.MIB)
    taken[::4096] = b"x" * len(taken[::4096])
    del taken
    after = memory.now()

    assert before.resident
    assert after.resident
    assert after.resident_peak
    assert after.resident_peak >= before.resident + 190
    assert after.resident < after.resident_peak - 100


# the table


def test_columns_are_aligned_and_say_their_units() -> None:
    lines = printed(MEASURED, REFUSED).splitlines()

    assert lines[2].split() == ["configuration", "once", "s", "tokens/s", "s", "tokens", "MiB", "MiB", "MiB"]
    assert lines[3].split() == ["base", "16", "0.30", "20.0", "2.00", "64", "100", "123456", "5"]
    assert lines[4].split() == ["4bit", "*", "1", *["n/a"] * 7]
    ends = [[cell.end() for cell in re.finditer(r"\S+", line)] for line in lines[2:4]]
    assert ends[0][1:] == ends[1][1:]


def test_a_narrow_terminal_cuts_no_number() -> None:
    assert "123456" in printed(MEASURED, width=30)


def test_a_gpu_has_columns_where_there_is_one() -> None:
    gpu = Row("base", 1, **figures(ROUNDS), gpu_before=0, gpu_peak=777, gpu_after=5)

    assert "GPU" not in printed(MEASURED)
    assert "777" in printed(MEASURED, gpu)


def test_a_reason_stands_below_the_table_once() -> None:
    words = printed(MEASURED, REFUSED, Row("4bit", 4, reason=REFUSED.reason)).replace("\n", " ")

    assert words.count(REFUSED.reason) == 1
    assert f"* 4bit (1, 4 at once) not measured: {REFUSED.reason}" in words
    assert "base: tiny on CPU answers" in words


def test_rounds_that_are_far_apart_are_remarked_on() -> None:
    """Medians of a busy machine look like any others."""
    apart = Row("8bit", 1, **figures((Round(1, 1, 31.0, 64), Round(1, 1, 20.0, 64))))
    words = printed(MEASURED, apart)

    assert "* 8bit (1 at once) one round was much faster" in words
    assert "* base" not in words
    assert [line[:6] for line in words.splitlines()[3:5]] == ["base  ", "8bit *"]


def test_the_last_line_says_what_was_measured_on_which_device() -> None:
    last = printed(MEASURED, REFUSED).splitlines()[-1]

    assert last.startswith("Measured on CPU, 2 threads (")
    assert "medians of 3 rounds" in last
    assert "at most 64 tokens" in last
    assert printed(REFUSED).splitlines()[-1] == "Nothing could be measured."
