"""What readers of one data file share: they are told by the file's name."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from data_loaders.errors import DataError
from data_loaders.readers.base import Reader
from data_loaders.readers.fields import listing
from data_loaders.readers.files import ends_with

_PREFERRED_STEM = "posts"


class FileReader(Reader):
    """Reads a single file; image paths are relative to its folder."""

    suffixes: ClassVar[tuple[str, ...]]

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether the path is a file whose name ends in one of `suffixes`."""
        return path.is_file() and ends_with(path, cls.suffixes)


def posts_file(folder: Path, suffixes: tuple[str, ...]) -> Path | None:
    """Return the file `posts.*` of a folder, if there is one.

    Raises:
        DataError: if there are several.
    """
    files = [path for path in _data_files(folder, suffixes) if path.name.split(".")[0].lower() == _PREFERRED_STEM]
    return _only(files, folder)


def only_data_file(folder: Path, suffixes: tuple[str, ...]) -> Path | None:
    """Return the one data file of a folder, if there is one; `.json` counts only where nothing else is there.

    Raises:
        DataError: if there are several.
    """
    files = _data_files(folder, suffixes)
    tables = [path for path in files if not ends_with(path, (".json",))]
    return _only(tables or files, folder)


def _data_files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not suffixes:
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and ends_with(path, suffixes) and path.is_file()
    )


def _only(files: list[Path], folder: Path) -> Path | None:
    if len(files) > 1:
        raise DataError(
            f"The folder {folder} holds several data files: {listing([path.name for path in files])}. "
            f"Name the one to read, for instance --source {files[0]}."
        )
    return files[0] if files else None
