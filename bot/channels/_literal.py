"""Which marks of a Markdown text stand for themselves: in addresses, in arithmetic, in names of programs."""

from __future__ import annotations

import re

_ADDRESS = r"(?:https?://|www\.|tg://|mailto:)(?:[^\s<>()]|\([^\s<>()]*\))*[^\s<>()*_~.,;:!?'\"]"
_PRODUCT = r"(?<![\w*)\]])[\w)\]]+(?:(?:\*|(?<=\d)\*\*|\*\*(?=\d))[(\[+-]*\w+[)\]]*)+(?![\w*])"
_NAME = (
    r"(?<!\w)_{1,2}[A-Za-z]\w*?_{1,2}(?=\.[a-z]|\(\)|/\w)"
    r"|(?<=[./])_{1,2}[A-Za-z]\w*?_{1,2}(?!\w)"
    r"|(?<!\w)__(?:init|main|name|file|all|str|repr|call|new|doc|dict|version|future|pycache)__(?!\w)"
)
_LITERAL = re.compile(f"{_ADDRESS}|{_PRODUCT}|{_NAME}")


def literal_marks(text: str) -> set[int]:
    """The places of the ``*``, ``_`` and ``~`` that are no formatting, although Markdown reads them so.

    CommonMark makes ``3*4*5`` italic, ``__init__.py`` bold and changes ``https://a.b/?x=*1*``; a person
    who asked for a price or a link wants them as they are.
    """
    return {
        place
        for found in _LITERAL.finditer(text)
        for place, char in enumerate(found[0], found.start())
        if char in "*_~"
    }
