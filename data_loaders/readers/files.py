"""Open dump files, plain or gzip, and tell damaged files from damaged records."""

from __future__ import annotations

import codecs
import gzip
import json
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from data_loaders.dump_files.archives import is_packed, size_of
from data_loaders.dump_files.opening import open_file, read_at_most
from data_loaders.dump_files.signatures import what_it_is
from data_loaders.dump_files.unpacking import unpacking
from data_loaders.errors import DataError
from data_loaders.readers.encodings import evident_encoding, not_utf8, reads, recoded

_ESTIMATE_FROM_BYTES = 1 << 20
_LARGEST_JSON = 1 << 26
_LOOKED_AT_BYTES = 1 << 14


def ends_with(path: Path, suffixes: tuple[str, ...]) -> bool:
    """Return whether the file name ends in one of the suffixes, optionally followed by `.gz`.

    >>> ends_with(Path("Posts.JSONL.gz"), (".jsonl", ".json"))
    True
    """
    return path.name.lower().removesuffix(".gz").endswith(suffixes)


@contextmanager
def open_bytes(path: Path, root: Path | None = None, encoding: str | None = None) -> Iterator[IO[bytes]]:
    """Open a file for reading, after its byte order mark, and decompress it if its name ends in `.gz`.

    Args:
        path: the file.
        root: the folder that it must be in, see `dump_files.opening.open_file`.
        encoding: of its text, which is then read as UTF-8; None for UTF-8.

    Raises:
        DataError: the file cannot be opened or decompressed, unpacks to far more than its size, or is not text
            or text in another encoding.
    """
    try:
        with _unpacked(path, root) if path.suffix.lower() == ".gz" else open_file(path, root) as file:
            head = file.read(_LOOKED_AT_BYTES)
            if what := what_it_is(head):
                raise DataError(f"{path} is not text, but {what}.")
            seen = evident_encoding(head)
            if seen is not None and not (encoding and reads(encoding, seen)):
                raise DataError(
                    f"{path} is encoded in {seen.upper()}. Accepted: UTF-8. Read it with --encoding {seen}, or save it "
                    "as UTF-8."
                )
            is_marked = head.startswith(codecs.BOM_UTF8)
            file.seek(3 if is_marked else 0)
            yield file if encoding is None or is_marked else recoded(file, encoding, str(path))
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise DataError(
            f"{path} cannot be decompressed: {problem}. The file is truncated or damaged; copy it again."
        ) from problem
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror or problem}.") from problem


@contextmanager
def _unpacked(path: Path, root: Path | None) -> Iterator[IO[bytes]]:
    with open_file(path, root) as packed, gzip.GzipFile(fileobj=packed) as file:
        yield unpacking(file, str(path), size_of(path))


def file_identity(path: Path) -> list[Any]:
    """Return what tells whether a file is still the same: its place, size and time, those of its archive in one."""
    outer = next(one for one in (path, *path.parents) if one.exists())
    status = outer.stat()
    return [str(path.absolute()), status.st_size, status.st_mtime_ns]


def seekable(path: Path, root: Path) -> Path | BinaryIO:
    """Return what reads a file in any order: its path, or, for one in an archive, a temporary copy without a name.

    Raises:
        DataError: the file is outside of `root`, or cannot be unpacked.
    """
    with open_file(path, root) as file:
        if not is_packed(path):
            return path
        copy = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115  # the caller closes it
        try:
            shutil.copyfileobj(file, copy, _ESTIMATE_FROM_BYTES)
        except OSError as problem:
            copy.close()
            raise DataError(f"{path} cannot be read: {problem.strerror or problem}.") from problem
    copy.seek(0)
    return copy


def load_json(path: Path, root: Path, remedy: str) -> tuple[Any, str | None]:
    """Return the content of a JSON file that is read whole, and a warning if it is not valid UTF-8.

    Args:
        path: the file.
        root: the folder that it must be in, see `dump_files.opening.open_file`.
        remedy: advice for a malformed file, for the message.

    Raises:
        DataError: the file cannot be opened, is too large or malformed.
    """
    with open_bytes(path, root) as file:
        content = read_at_most(file, _LARGEST_JSON + 1)
    if len(content) > _LARGEST_JSON:
        raise DataError(f"{path} is larger than {_LARGEST_JSON >> 20} MiB.")
    try:
        text, damage = content.decode("utf-8"), None
    except UnicodeDecodeError as problem:
        text, damage = content.decode("utf-8", "replace"), not_utf8(content[problem.start : problem.start + 60])
    try:
        return json.loads(text), damage
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{path} is malformed: {problem}. {remedy}") from problem


def damage_in(item: Any, damage: str | None) -> tuple[str, ...]:
    """Return the warning about a file for those of its items that have U+FFFD in place of bytes."""
    return (damage,) if damage is not None and "\ufffd" in json.dumps(item, ensure_ascii=False) else ()


def decode(line: bytes) -> tuple[str, tuple[str, ...]]:
    """Return a line as text, and a warning if it is not valid UTF-8; invalid bytes become U+FFFD.

    >>> decode(b"\\xc3\\xa9t\\xc3\\xa9")
    ('été', ())
    """
    try:
        return line.decode("utf-8"), ()
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace"), (not_utf8(line),)


def estimated_lines(path: Path, encoding: str | None = None) -> int | None:
    """Return an estimate of a plain file's number of lines, from its size and first megabyte; None for `.gz`."""
    if path.suffix.lower() == ".gz":
        return None
    with open_bytes(path, encoding=encoding) as file:
        head = file.read(_ESTIMATE_FROM_BYTES)
    lines = head.count(b"\n") + (not head.endswith(b"\n"))
    return lines if len(head) < _ESTIMATE_FROM_BYTES else round(size_of(path) / len(head) * lines)
