"""`.env` as the setup writes it: python-dotenv, docker compose and the operator read the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import RecadoError
from bot.setup.env_file import back_up, changed, quoted, read, write

VALUES = ["", "plain", "7123:AAE-x_y", "https://a.b/c?d=e&f=%20", "redis://:p@h:1/0", "two words", "#1", "a # b",
          "$HOME", "it's", 'say "hi"', "*", "~/x", "a=b", " lead and trail ", "ñandú 🥖"]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_read_as_it_was_written(value: str, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    write(file, changed("A=1\nSECRET=old\nZ=2\n", {"SECRET": value}))

    assert dotenv_values(file) == {"A": "1", "SECRET": value, "Z": "2"}
    assert read(file)["SECRET"] == value


@given(st.text(max_size=30))
def test_any_value_is_read_as_it_was_written_or_refused(value: str) -> None:
    """Never changed in silence, and never another line."""
    import io

    try:
        text = changed("A=1\nX=0\nZ=2\n", {"X": value})
    except RecadoError:
        return
    assert dotenv_values(stream=io.StringIO(text)) == {"A": "1", "X": value, "Z": "2"}


@pytest.mark.parametrize("value", ["two\nlines", "back\\slash", "${HOME}", 'it\'s "both"', "it's $5", "nul\0"])
def test_what_readers_differ_on_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(RecadoError, match="LLM_API_KEY") as error:
        quoted("LLM_API_KEY", value)

    assert value not in str(error.value)


def test_only_the_lines_of_the_names_change() -> None:
    text = "# A=1 explains A.\nA=1\nexport B = 2\nAA=3\nA=4\n"

    assert changed(text, {"A": "x", "B": "y", "C": "z"}) == "# A=1 explains A.\nA=x\nB=y\nAA=3\nA=x\nC=z\n"


def test_a_file_appears_whole_and_private(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("old")
    file.chmod(0o644)
    write(file, "new")

    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecadoError, match="nowhere"):
        write(tmp_path / "nowhere" / ".env", "x")


def test_each_copy_has_a_name_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    assert back_up(file) is None
    for text in ("one", "two"):
        file.write_text(text)
        back_up(file)

    assert (tmp_path / ".env.bak").read_text() == "one"
    assert (tmp_path / ".env.bak1").read_text() == "two"
