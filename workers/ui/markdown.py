"""What people and models write, as the page may show it: people's words as they are, a model's Markdown without HTML.

The browser cleans what it shows of Markdown again, and the page's Content-Security-Policy loads nothing from outside;
here is only seen to it that nobody sees other words than were said.
"""

from __future__ import annotations

import re
from typing import Final

_MARKS: Final = re.compile(r"([!-/:-@\[-`{-~])")
"""Every ASCII punctuation character may stand behind a backslash (https://spec.commonmark.org/0.31.2/#backslash-escapes)."""
_INDENT: Final = re.compile(r"^[ \t]+", re.MULTILINE)
_TAG: Final = re.compile(r"<(?!https?://[^\s<>]*>)(?=[A-Za-z/!?])")
"""What begins HTML; without such a letter behind it, a bracket is a bracket to every reader of Markdown
(https://spec.commonmark.org/0.31.2/#html-blocks, #raw-html)."""
_PICTURE: Final = re.compile(r"!(?=\[)")
_DIAGRAM: Final = re.compile(r"^(.*(?:`{3}|~{3}).*?)mermaid", re.MULTILINE)
"""A language in which code would be run."""
JOINER: Final = "\N{WORD JOINER}"
"""Nobody sees it, and static/page.js takes it out of what is copied."""
NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def literal(text: str) -> str:
    """Markdown that reads as ``text`` does, letter by letter."""
    spaced = _INDENT.sub(lambda found: NO_BREAK * len(found[0].expandtabs(4)), text)
    return _MARKS.sub(r"\\\1", spaced)


def without_html(text: str) -> str:
    """A model's Markdown that reads as it did; what would be HTML is words, and a picture is a link to it.

    In code, too: what is code to one reader of Markdown is none to another, and a model may have been told so.
    """
    return _DIAGRAM.sub(r"\1text", _PICTURE.sub(f"!{JOINER}", _TAG.sub(f"<{JOINER}", text)))
