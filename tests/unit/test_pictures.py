"""The pictures of the pages: each README shows its language's, and they are small."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_BYTES = 120_000


@pytest.mark.parametrize("page", ["page", "demo"])
@pytest.mark.parametrize(("readme", "language"), [("README.md", "en"), ("README.es.md", "es")])
def test_each_readme_shows_both_pages_in_its_language(readme: str, language: str, page: str) -> None:
    """Made by python -m tests.browser.screens."""
    name = f"docs/screens/{page}.{language}.png"
    picture = (ROOT / name).read_bytes()

    assert f"]({name})" in (ROOT / readme).read_text(encoding="utf-8")
    assert picture.startswith(b"\x89PNG\r\n")
    assert len(picture) < MOST_BYTES
