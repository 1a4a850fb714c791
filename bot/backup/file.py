"""A backup as a file: lines of JSON in gzip, of which the last proves that none is missing and none was changed.

The first line says what it is (``recado``: "backup"), its ``format``, when it was ``made`` (ms since 1970, Redis'
clock), by which ``version`` and from which ``server``. Each further line is a list of keys that were read at one
moment, each with its name, Redis' type, when it ends (ms since 1970; 0: never), and what it holds. Bytes that are no
UTF-8 are written as Python's surrogateescape writes them. The last line has the number of ``keys`` and the ``sha256``
of all lines before it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, cast

from bot.backup.keys import LATEST, is_key
from bot.backup.words import BROKEN, EXISTS, NEWER, NO_BACKUP, NOT_READ, NOT_WRITTEN, Unfit
from bot.stores.snapshot import Group, Kept

FORMAT: Final = 1


class Header(NamedTuple):
    """What a file says of itself; ``keys`` is how many it has."""

    made: int
    version: str
    server: str
    keys: int = 0


@contextmanager
def writing(path: Path, header: Header) -> Iterator[Callable[[Group], None]]:
    """Takes the groups of a new file, which you alone can read and which is there, whole, when the context ends.

    Raises Unfit where it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")  # in containers all have one process id
    try:
        if path.exists():
            raise Unfit(EXISTS, path=path)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
            with gzip.open(raw, "wb", compresslevel=6) as packed:
                yield from _lines(cast("IO[bytes]", packed), header)
            raw.flush()
            os.fsync(raw.fileno())
        partial.rename(path)
        _sync(path.parent)
    except OSError as error:
        raise Unfit(NOT_WRITTEN, path=path, reason=error.strerror or error) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _lines(file: IO[bytes], header: Header) -> Iterator[Callable[[Group], None]]:
    digest, keys = hashlib.sha256(), 0

    def line(data: Any) -> None:
        written = json.dumps(data, separators=(",", ":")).encode() + b"\n"
        digest.update(written)
        file.write(written)

    def write(group: Group) -> None:
        nonlocal keys
        keys += len(group)
        if group:
            line(group)

    line(
        {
            "recado": "backup",
            "format": FORMAT,
            **{name: getattr(header, name) for name in ("made", "version", "server")},
        }
    )
    yield write
    line({"keys": keys, "sha256": digest.hexdigest()})


def verify(path: Path) -> Header:
    """Read the whole file once. Raises Unfit for one that is not a whole backup, or of a newer format.

    Nor is one that names keys that are not ours: a checksum is made by whoever makes the file.
    """
    digest, keys, last = hashlib.sha256(), 0, b""
    with _reading(path) as lines:
        first = next(lines, b"")
        header = _header(path, first)
        digest.update(first)
        for line in lines:
            if last:
                digest.update(last)
                keys += _count(path, last)
            last = line
    end = _parsed(path, last) if last else {}
    if not isinstance(end, dict) or end != {"keys": keys, "sha256": digest.hexdigest()}:
        raise Unfit(BROKEN, path=path)
    return header._replace(keys=keys)


def groups(path: Path) -> Iterator[Group]:
    """What is in a file that was verified. Raises Unfit."""
    with _reading(path) as lines:
        next(lines)
        for line in lines:
            found = _parsed(path, line)
            if isinstance(found, list):
                yield [Kept(*one) for one in found]


def _header(path: Path, line: bytes) -> Header:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        raise Unfit(NO_BACKUP, path=path) from None
    if not isinstance(told, dict) or told.get("recado") != "backup":
        raise Unfit(NO_BACKUP, path=path)
    found, made = told.get("format"), told.get("made")
    if isinstance(found, int) and found > FORMAT:
        raise Unfit(NEWER, path=path, format=found, known=FORMAT)
    if found != FORMAT or not isinstance(made, int) or not 0 <= made < LATEST:
        raise Unfit(BROKEN, path=path)
    return Header(made, str(told.get("version", "")), str(told.get("server", "")))


def _count(path: Path, line: bytes) -> int:
    found = _parsed(path, line)
    if not isinstance(found, list):
        raise Unfit(BROKEN, path=path)
    if not all(map(is_key, found)):
        raise Unfit(NO_BACKUP, path=path)
    return len(found)


def _parsed(path: Path, line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise Unfit(BROKEN, path=path) from None


@contextmanager
def _reading(path: Path) -> Iterator[Iterator[bytes]]:
    try:
        with path.open("rb") as raw, gzip.open(raw, "rb") as file:
            yield iter(file)
    except gzip.BadGzipFile:
        raise Unfit(NO_BACKUP, path=path) from None
    except (EOFError, zlib.error):
        raise Unfit(BROKEN, path=path) from None
    except OSError as error:
        raise Unfit(NOT_READ, path=path, reason=error.strerror or error) from None


def _sync(folder: Path) -> None:
    """So that the name is on the disk, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
