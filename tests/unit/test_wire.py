"""What comes over the wire from a model server is read or Unavailable, whatever it is."""

from __future__ import annotations

import pytest

from bot.errors import Unavailable
from workers.backends._servers import Server
from workers.backends._wire import as_object


@pytest.mark.parametrize("line", [b'{"a":' * 100_000, b"[1]", b"nonsense", b"\xff"], ids=["deep", "list", "no", "byte"])
def test_a_line_that_no_model_server_sends_is_unavailable(line: bytes) -> None:
    """However deep it is nested: the turn waits and is thought again; it is no failure of the turn."""
    with pytest.raises(Unavailable, match="LLM_BASE_URL"):
        as_object(Server.at("http://localhost:11434"), line)
