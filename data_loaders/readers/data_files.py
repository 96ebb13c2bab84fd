"""Find the data files of a folder, an archive or a pattern, and name what lies beside them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from data_loaders.dump_files.archives import entries, find_archive, folders, is_file
from data_loaders.errors import DataError, some_of
from data_loaders.readers.fields import listing
from data_loaders.readers.files import ends_with

Source: TypeAlias = "str | Path | Sequence[str | Path]"
"""A file, a folder, an archive, a pattern, or several of these that are one dump."""
PREFERRED_STEM = "posts"
"""A file of this name is read alone, whatever else there is."""
# Files that describe a data set, next to its data.
_DESCRIPTIONS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif", ".gif", ".bmp", ".tif", ".tiff")
"""File name endings of pictures."""
_MOST_FILES = 100_000


def paths_of(source: Source) -> list[Path]:
    """Return the paths that make up a dump, with those that a pattern such as `days/*.jsonl` names, sorted.

    Raises:
        DataError: there is no path, or a pattern names nothing.
    """
    given = [Path(source)] if isinstance(source, (str, Path)) else [Path(path) for path in source]
    if not given:
        raise DataError(
            "No path is given. Accepted: a file, a folder, an archive, or a pattern such as 'days/*.jsonl'."
        )
    return [path for one in given for path in _matches(one)]


def _matches(path: Path) -> list[Path]:
    if os.path.lexists(path) or not glob.has_magic(str(path)):
        return [path]
    found = sorted(Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207  # from any root
    if not found:
        raise DataError(f"No file matches {path}. Accepted: a file, a folder, or a pattern such as 'days/*.jsonl'.")
    return found


def posts_files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the files `posts.*` of a folder."""
    return [path for path in _files(folder, suffixes) if path.name.split(".")[0].lower() == PREFERRED_STEM]


def data_files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the data files in a folder, or, if there are none, those in the folders below it, sorted by name.

    `.json` files count only if there are no others.
    """
    direct = _files(folder, suffixes)
    return _without_json(direct or sorted(_below(folder, suffixes)))


def one_format(files: Sequence[Path], suffixes: dict[str, tuple[str, ...]], source: Path) -> str:
    """Return the name of the format that all files have.

    Args:
        files: at least one file.
        suffixes: file name endings by name of the format.
        source: where the files were found, for messages.

    Raises:
        DataError: they have several formats, or two are the same file, plain and packed.
    """
    names = [next(name for name, endings in suffixes.items() if ends_with(path, endings)) for path in files]
    plain = {str(path).lower().removesuffix(".gz") for path in files}
    if len(set(names)) > 1 or len(plain) < len(files):
        raise DataError(
            f"The folder {source} contains several data files: {listing([path.name for path in files])}. Choose the "
            f"one to read, for example --source {files[0]}, or those that belong together: --source "
            f"'{files[0].parent}/*{files[0].suffix}'."
        )
    return names[0]


def beside(folder: Path, read: Iterable[Path]) -> list[str]:
    """Return a remark that names the files in a folder that are not read, other than pictures; none if all are."""
    kept, inner_folders = set(read), set(folders(folder))
    inner = {parent for path in kept for parent in path.parents}
    left = [
        path.name + ("/" if path in inner_folders else "")
        for path in entries(folder)
        if path not in kept
        and path not in inner
        and not path.name.lower().endswith(PICTURES)
        and not (path in inner_folders and _pictured(path))
    ]
    return [*([f"Not read: {some_of(left, 8)}."] if left else []), *unusable(folder)]


def unusable(*paths: Path) -> list[str]:
    """Return a remark that counts entries of archives that are not regular files or have an unusable name, if any."""
    archives = {id(found[0]): found[0] for path in paths if (found := find_archive(path)) is not None}
    left_out = sum(archive.left_out for archive in archives.values())
    return (
        [f"Links, devices and names that lead outside of the archive are not read: {left_out:,}."] if left_out else []
    )


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not suffixes:
        return []
    named = (path for path in entries(folder) if ends_with(path, suffixes) and path.name.lower() not in _DESCRIPTIONS)
    return [path for path in named if is_file(path)]


def _below(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    found = 0
    for inner in folders(folder):
        for path in [*_files(inner, suffixes), *_below(inner, suffixes)]:
            found += 1
            if found > _MOST_FILES:
                raise DataError(f"{folder} contains more than {_MOST_FILES:,} data files; join them first.")
            yield path


def _without_json(files: list[Path]) -> list[Path]:
    return [path for path in files if not ends_with(path, (".json",))] or files


def _pictured(folder: Path) -> bool:
    """Return whether this is a folder that begins with a picture or a folder."""
    first = next(iter(entries(folder)), None)
    return first is not None and (first.name.lower().endswith(PICTURES) or first in folders(folder))
