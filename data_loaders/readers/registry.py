"""`open_dump`: find the reader for a path; readers are registered by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from data_loaders.dump_files.archives import entries, folders, is_archive, is_file, is_folder, open_archive, size_of
from data_loaders.dump_files.opening import FileRefused, open_file, resolve
from data_loaders.dump_files.signatures import what_it_is
from data_loaders.errors import DataError, nearest, some_of
from data_loaders.readers.base import Reader, ReaderOptions
from data_loaders.readers.data_files import Source, beside, data_files, one_format, paths_of, posts_files
from data_loaders.readers.file_reader import FileReader
from data_loaders.readers.files import ends_with
from data_loaders.readers.several_files import SeveralFiles
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


def reader_class(name: str) -> type[Reader]:
    """Return the reader of a format.

    Raises:
        ConfigError: the format is unknown.
    """
    return _READERS.get(name)


def open_dump(path: Source, format: str | None = None, options: ReaderOptions | None = None) -> Reader:
    """Return the reader for a dump.

    Args:
        path: a file, a folder, an archive, a pattern such as `days/*.jsonl`, or several of these that are one dump.
        format: one of `list_readers()`; detected from the path when None.
        options: how to read the dump.

    Raises:
        ConfigError: the format is unknown.
        DataError: the path is missing, empty or unreadable, or no reader recognises it.
    """
    readers = [reader_class(format)] if format is not None else _by_content_first(_READERS.values())
    paths = paths_of(path)
    for one in paths:
        _check_readable(one)
    if len(paths) > 1:
        shown = Path(path) if isinstance(path, (str, Path)) else _common_folder(paths)
        return _open_several(shown, paths, readers, options)
    return _open_one(paths[0], readers, format, options)


def _open_one(path: Path, readers: list[type[Reader]], format: str | None, options: ReaderOptions | None) -> Reader:
    opened = None
    if is_folder(path):
        opened = _open_folder(path, readers, options)
        if opened is None and format is not None and path.is_file() and not issubclass(readers[0], FileReader):
            opened = readers[0](path, options)
    else:
        opened = next((reader(path, options) for reader in readers if format is not None or reader.detect(path)), None)
    if opened is None:
        what = f"{path} is not a {format} dump" if format is not None else f"The format of {path} is unknown"
        raise DataError(f"{what}. Seen: {_seen(path)}.\n{_accepted(readers)}")
    return opened


def _open_folder(path: Path, readers: list[type[Reader]], options: ReaderOptions | None) -> Reader | None:
    """Return the reader for a file `posts.*` in the folder, for the folder itself, or for its data files."""
    suffixes = _suffixes(readers)
    folder = _outer_folder(path)
    files = posts_files(folder, suffixes)
    if not files:
        for place in dict.fromkeys((path, folder)):
            found = next((reader for reader in readers if reader.detect(place)), None)
            if found is not None:
                return found(place, options)
        files = data_files(folder, suffixes)
    if not files:
        return None
    for file in files:
        resolve(file, path)
    opened = _open_files(path, files, folder, readers, options)
    opened.beside = beside(folder, files)
    return opened


def _open_several(
    shown: Path,
    paths: list[Path],
    readers: list[type[Reader]],
    options: ReaderOptions | None,
) -> Reader:
    """Return the reader for files, folders and archives that are one dump."""
    for kind in readers:
        opened = kind.of_parts(shown, paths, options)
        if opened is not None:
            return opened
    for path in paths:
        found = [reader for reader in readers if not issubclass(reader, FileReader) and reader.detect(path)]
        if found:
            raise DataError(
                f"{path} is a dump of the format {found[0].name}; several of them are read from the folder that holds "
                f"them: --source {path.parent}."
            )
    suffixes = _suffixes(readers)
    files: list[Path] = []
    for path in paths:
        inside = data_files(_outer_folder(path), suffixes) if is_folder(path) else [path]
        known = [file for file in inside if ends_with(file, suffixes)]
        if not known:
            raise DataError(f"The format of {path} is unknown. Seen: {_seen(path)}.\n{_accepted(readers)}")
        files += known
    return _open_files(shown, sorted(set(files)), _common_folder(files), readers, options)


def _open_files(
    source: Path, files: list[Path], base: Path, readers: list[type[Reader]], options: ReaderOptions | None
) -> Reader:
    """Return the reader for data files with known endings, which are found in a folder."""
    if len(files) == 1:
        return next(reader(files[0], options) for reader in readers if reader.detect(files[0]))
    kinds = [reader for reader in readers if issubclass(reader, FileReader)]
    name = one_format(files, {reader.name: reader.suffixes for reader in kinds}, source)
    return SeveralFiles(source, files, next(reader for reader in kinds if reader.name == name), base, options)


def _suffixes(readers: list[type[Reader]]) -> tuple[str, ...]:
    return tuple(suffix for reader in readers if issubclass(reader, FileReader) for suffix in reader.suffixes)


def _by_content_first(readers: list[type[Reader]]) -> list[type[Reader]]:
    """Return readers with those first that look into files: others go by the ending of a name."""
    return sorted(readers, key=lambda reader: issubclass(reader, FileReader))


def _outer_folder(path: Path) -> Path:
    """Return the one outer folder of an archive, or the path itself."""
    inside = entries(path) if is_archive(path) and path.is_file() else []
    return inside[0] if len(inside) == 1 and is_folder(inside[0]) else path


def _common_folder(paths: list[Path]) -> Path:
    folders = [path if is_folder(path) and not is_archive(path) else path.parent for path in paths]
    return Path(os.path.commonpath([folder.absolute() for folder in folders]))


def _check_readable(path: Path) -> None:
    try:
        if not (path.exists() or is_file(path) or is_folder(path)):
            raise DataError(f"There is no file or folder {path}.{_hint(path)}")
        if path.is_dir():
            if next(os.scandir(path), None) is None:
                raise DataError(f"The folder {path} is empty. Accepted: a dump in the format {_formats()}.")
        elif path.exists() and not path.is_file():
            raise DataError(f"{path} is neither a file nor a folder.")
        elif is_file(path):
            if size_of(path) == 0:
                raise DataError(f"The file {path} is empty (0 bytes).")
            with open_file(path) as file:
                file.read(1)
            _check_archive(path)
    except FileRefused as problem:
        raise DataError(f"{problem} Check its permissions.") from problem
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror or problem}. Check its permissions.") from problem


def _check_archive(path: Path) -> None:
    if is_archive(path) and path.is_file():
        try:
            open_archive(path)
        except DataError as problem:
            raise DataError(f"The format of {path} is unknown. {problem}") from problem


def _formats() -> str:
    *names, last = list_readers()
    return f"{', '.join(names)} or {last}"


def _hint(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f" The folder {parent} does not exist either."
    return nearest(path.name, (entry.name for entry in os.scandir(parent)))


def _seen(path: Path) -> str:
    if is_folder(path):
        inner = folders(path)
        names = [entry.name + ("/" if entry in inner else "") for entry in entries(path)]
        return f"{'an archive' if path.is_file() else 'a folder'} with {some_of(names, 8) or 'no files'}"
    with open_file(path) as file:
        head = file.read(60)
    ending = f"ending in {path.suffix!r}" if path.suffix else "without an ending"
    what = what_it_is(head)
    seen = f"a file {ending} that begins with {head.decode('utf-8', 'replace')!r}"
    return f"{seen}. It is {what}" if what else seen


def _accepted(readers: list[type[Reader]]) -> str:
    lines = "\n".join(f"  {reader.name}: {reader.accepts}" for reader in readers)
    return f"Accepted:\n{lines}\nIf it is one of these with another file name, name the format: --format csv."
