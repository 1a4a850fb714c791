"""Room for a local model: what does not fit is refused in words, what fits is shared among the conversations."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.errors import SettingsError
from bot.settings import load_settings
from tests.local.loads import loaded, small_machine, words
from tests.local.models import NEEDS
from workers.backends.local import loading, memory
from workers.backends.local.loading import Loaded

torch: Any = pytest.importorskip("torch", reason=NEEDS)


@pytest.fixture(scope="module")
def base(tiny: Path) -> Loaded:
    return loaded(tiny)


def test_what_does_not_fit_into_memory_is_read_from_files(
    base: Loaded, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The layers beyond the room lie on the disk, and the answer is the same."""
    small_machine(monkeypatch, tmp_path, 300_000)
    spread = loaded(tiny, llm_offload="disk", data_dir=tmp_path)

    assert "disk" in spread.model.hf_device_map.values()
    assert words(spread) == words(base)
    assert "offload to disk" in spread.report


def test_a_model_too_large_for_the_machine_is_refused_before_it_is_read(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux would kill the process without a word. What to set, and how large it is then, is said."""
    copy = Path(shutil.copytree(tiny, tmp_path / "copy"))
    small_machine(monkeypatch, tmp_path, 250_000)
    (copy / "config.json").write_text("[]")  # whoever reads it fails otherwise
    with pytest.raises(SettingsError, match=r"not enough memory on cpu.*0\.4 MB, and 0\.2 MB are free.*LLM_DTYPE="):
        loaded(copy)


def test_running_out_of_memory_while_loading_says_what_to_change(tiny: Path) -> None:
    """The real words of torch's allocator, and Python's own error."""
    source, settings = loading.find_model(load_settings(llm_model=str(tiny))), load_settings(llm_quantization="8bit")
    for hungry in (lambda: torch.empty(1 << 50), lambda: bytearray(1 << 60)):
        with pytest.raises(SettingsError, match=r"not enough memory.*LLM_QUANTIZATION=4bit.*docs/models\.md"):  # noqa: SIM117 - one raises for the other
            with loading._border(source, settings, "cpu", 4):
                hungry()


def test_conversations_get_a_quarter_of_what_is_free(
    base: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token of this model takes 2 (keys, values) x 2 layers x 2 heads x 16 numbers x 4 bytes."""
    assert memory.kv_bytes(base.model) == 512
    small_machine(monkeypatch, tmp_path, 512 * 4 * 2000)
    assert memory.kv_tokens(base, load_settings(llm_device="cpu")) == 2000


def test_one_whole_conversation_fits_always_or_it_says_so(
    base: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into half of what is free, for the other half is needed to compute with."""
    small_machine(monkeypatch, tmp_path, 512 * 2100)
    assert memory.kv_tokens(base, load_settings()) == 1024
    small_machine(monkeypatch, tmp_path, 512 * 2000)
    assert memory.kv_tokens(base, load_settings(context_tokens=512)) == 512
    with pytest.raises(SettingsError, match=r"conversation of 1024 tokens.*CONTEXT_TOKENS lower"):
        memory.kv_tokens(base, load_settings())


def test_there_is_not_more_than_what_all_turns_can_use(base: Loaded) -> None:
    assert memory.kv_tokens(base, load_settings(worker_concurrency=2)) == 2 * 2 * 1024
    assert memory.kv_tokens(base, load_settings(llm_kv_tokens=77)) == 77
