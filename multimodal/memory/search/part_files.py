"""The files of a part of the index: written whole or not at all, named by their content, checked when opened."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from data_loaders.errors import RunError
from multimodal.memory.search.time_order import Timed
from multimodal.storage.model_files import Count, Form, read_json_as

FORMAT = 1
_HEADER = "part.json"
_WHAT = "a part of the memory's index"
_SMALL_BYTES = 2**20


class PartDamaged(RunError):
    """Files of a part of the index are missing, cut or changed; the part is built again from the posts."""


class Entry(Form):
    """Size and SHA-256 of one file."""

    bytes: Count
    sha256: str


class Header(Form):
    """What `part.json` holds: the version of the format and every other file."""

    format: Count
    files: dict[str, Entry]


def part_name(posts: Timed, made_of: str, sample: bytes) -> str:
    """Return the name of a part: a hash of what it is built from.

    Args:
        posts: the posts of its span.
        made_of: its space, the encoder's fingerprint and the settings.
        sample: the rows of some of the posts.
    """
    name = hashlib.blake2b(f"{FORMAT} {made_of}".encode(), digest_size=16)
    for part in (posts.positions.tobytes(), posts.instants_us.tobytes(), sample):
        name.update(part)
    return name.hexdigest()


def save_part(folder: Path, write: Callable[[Path], None]) -> None:
    """Write a part beside its place, then move it there.

    Args:
        folder: its place.
        write: makes the folder it is given and writes the files into it.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    beside = folder.with_name(f".{folder.name}-{os.getpid()}-{threading.get_ident()}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        write(beside)
        seal_part(beside)
        beside.rename(folder)
    except OSError:
        # Another process may have been faster.
        if not (folder / _HEADER).is_file():
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def seal_part(folder: Path) -> None:
    """Note what the files of a part are, by which `check_part` knows them; all are on the disk then.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    files = {str(path.relative_to(folder)): _entry(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    header = Header(format=FORMAT, files=files).model_dump_json()
    (folder / _HEADER).write_text(header, encoding="utf-8")
    _flush(folder / _HEADER)


def _entry(path: Path) -> Entry:
    _flush(path)
    return Entry(bytes=path.stat().st_size, sha256=_hash(path))


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_SMALL_BYTES):
            digest.update(block)
    return digest.hexdigest()


def check_part(folder: Path, whole: bool = False) -> None:
    """Refuse damaged files: sizes of all and contents of small ones are compared.

    Args:
        folder: of the part.
        whole: whether large ones are read too.

    Raises:
        PartDamaged: the file is named.
    """
    header = read_json_as(folder / _HEADER, _WHAT, Header)
    if header.format != FORMAT:
        raise PartDamaged(f"{folder} ({_WHAT}) has the format {header.format}; this version reads {FORMAT}.")
    for name, entry in header.files.items():
        path = folder / name
        try:
            _check_file(path, entry, whole)
        except OSError as error:
            # Another process may have dropped it meanwhile.
            raise PartDamaged(f"{path} ({_WHAT}) cannot be read: {error.strerror or error}.") from None


def _check_file(path: Path, entry: Entry, whole: bool) -> None:
    if not path.is_file():
        raise PartDamaged(f"{path} ({_WHAT}) is missing.")
    size = path.stat().st_size
    if size != entry.bytes:
        raise PartDamaged(f"{path} ({_WHAT}) has {size:,} bytes, not {entry.bytes:,}.")
    if (whole or size <= _SMALL_BYTES) and _hash(path) != entry.sha256:
        raise PartDamaged(f"{path} ({_WHAT}) is damaged: its content has changed.")
