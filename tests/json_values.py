"""Values of every shape that JSON has, and bodies that are none, for the tests of both channels."""

from __future__ import annotations

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)

NO_OBJECTS = {
    "empty": b"",
    "no json": b"hola",
    "a list": b"[]",
    "a number": b"1",
    "cut": b'{"entry":',
    "not UTF-8": b'{"x":"\xff"}',
    "UTF-16": '{"update_id":1}'.encode("utf-16"),
    "NaN": b'{"update_id":NaN}',
    "a number beyond reading": b'{"update_id":' + b"9" * 5000 + b"}",
    "deep": b'{"update_id":1,"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
}
