"""`open_dump`: find the reader for a path; readers are registered by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from data_loaders.dump_files import FileRefused, open_file, resolve
from data_loaders.errors import DataError, nearest, some_of
from data_loaders.readers.base import Reader, ReaderOptions
from data_loaders.readers.file_reader import FileReader, only_data_file, posts_file
from data_loaders.registry import Registry

_ReaderClass = TypeVar("_ReaderClass", bound=type[Reader])
_READERS: Registry[type[Reader]] = Registry("dump format")


def register_reader(name: str) -> Callable[[_ReaderClass], _ReaderClass]:
    """Return a decorator that registers a reader under a name; detection tries readers in order of registration.

    Raises:
        ConfigError: the name is taken.
    """

    def add(reader: _ReaderClass) -> _ReaderClass:
        _READERS.register(name)(reader).name = name
        return reader

    return add


def list_readers() -> list[str]:
    """Return the names of all formats, sorted."""
    return _READERS.names()


def open_dump(path: str | Path, format: str | None = None, options: ReaderOptions | None = None) -> Reader:
    """Return the reader for a dump.

    Args:
        path: a file or a folder.
        format: one of `list_readers()`; detected from the path when None.
        options: how to read the dump.

    Raises:
        ConfigError: the format is unknown.
        DataError: the path is missing, empty or unreadable, or no reader recognises it.
    """
    path = Path(path)
    readers = [_READERS.get(format)] if format is not None else _READERS.values()
    _check_readable(path)
    if path.is_dir():
        opened = _open_folder(path, readers, options)
    else:
        opened = next((reader(path, options) for reader in readers if format is not None or reader.detect(path)), None)
    if opened is None:
        what = f"{path} is not a {format} dump" if format is not None else f"The format of {path} is unknown"
        raise DataError(f"{what}. Seen: {_seen(path)}.\n{_accepted(readers)}")
    return opened


def _open_folder(folder: Path, readers: list[type[Reader]], options: ReaderOptions | None) -> Reader | None:
    """Return the reader for a file `posts.*` in the folder, for the folder itself, or for its only data file."""
    suffixes = tuple(suffix for reader in readers if issubclass(reader, FileReader) for suffix in reader.suffixes)
    file = posts_file(folder, suffixes)
    if file is None:
        for reader in readers:
            if reader.detect(folder):
                return reader(folder, options)
        file = only_data_file(folder, suffixes)
    if file is None:
        return None
    resolve(file, folder)
    return next(reader(file, options) for reader in readers if reader.detect(file))


def _check_readable(path: Path) -> None:
    try:
        if not path.exists():
            raise DataError(f"There is no file or folder {path}.{_hint(path)}")
        if path.is_dir():
            if next(os.scandir(path), None) is None:
                raise DataError(f"The folder {path} is empty. Accepted: a dump in the format {_formats()}.")
        elif not path.is_file():
            raise DataError(f"{path} is neither a file nor a folder.")
        elif path.stat().st_size == 0:
            raise DataError(f"The file {path} is empty (0 bytes).")
        else:
            with open_file(path) as file:
                file.read(1)
    except FileRefused as problem:
        raise DataError(f"{problem} Check its permissions.") from problem
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror or problem}. Check its permissions.") from problem


def _formats() -> str:
    *names, last = list_readers()
    return f"{', '.join(names)} or {last}"


def _hint(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f" The folder {parent} does not exist either."
    return nearest(path.name, (entry.name for entry in os.scandir(parent)))


def _seen(path: Path) -> str:
    if path.is_dir():
        names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in os.scandir(path))
        return f"a folder with {some_of(names, 8)}"
    with open_file(path) as file:
        head = file.read(60)
    ending = f"ending in {path.suffix!r}" if path.suffix else "without an ending"
    return f"a file {ending} that begins with {head.decode('utf-8', 'replace')!r}"


def _accepted(readers: list[type[Reader]]) -> str:
    lines = "\n".join(f"  {reader.name}: {reader.accepts}" for reader in readers)
    return f"Accepted:\n{lines}\nIf it is one of these with another file name, name the format: --format csv."
