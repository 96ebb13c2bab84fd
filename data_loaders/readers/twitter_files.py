"""The files of the archives that Twitter and X let their users download, unpacked or as `.zip`, in all layouts.

Every file is a JavaScript assignment of JSON. The layouts, newest first: `data/tweets.js` and `data/tweets-part1.js` …
(`window.YTD.tweets.part0 = […]`), `data/tweet.js`, `tweet.js` without a folder, and by month
`data/js/tweets/2013_01.js` (`Grailbird.data.tweets_2013_01 = […]`). Variable names changed often and are ignored.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

from data_loaders.dump_files import open_file, resolve, unpacking
from data_loaders.errors import DataError
from data_loaders.readers.files import open_bytes
from data_loaders.readers.json_array import iterate_array

ROOTS = ("data/", "")
"""Folders of an archive that may contain its files; the second also applies if `data` itself is given."""
_MONTHS = "js/tweets/"
_TWEETS = re.compile(r"tweets?(?:-part(?P<part>\d+))?\.js")
_MONTH = re.compile(r"\d{4}_\d{2}\.js")
_MEDIA = ("tweets_media", "tweet_media")
_ASSIGNMENT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:(?:var\s+)?[\w.$]{1,200}\s*=\s*)?(?=[\[{])")
_HEAD_BYTES = 1_024
_LARGEST_VALUE = 1 << 25
_REMEDY = "Unpack the archive again, or request a new one from Twitter."


class Archive(ABC):
    """One person's archive.

    Attributes:
        path: the folder or the `.zip` file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def scripts(self, folder: str) -> list[str]:
        """Return the sorted names of the `.js` files directly in a folder of the archive; `""` is the outermost."""

    @abstractmethod
    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file of the archive.

        Raises:
            DataError: the file cannot be read.
        """

    def picture(self, root: str, name: str) -> Path | None:
        """Return the path of a tweet's picture, or None if it does not exist on disk.

        Args:
            root: one of `ROOTS`.
            name: name of the file.
        """
        return None

    def tweet_files(self) -> list[tuple[str, str]]:
        """Return (root, name) of the files with tweets, ordered by part, then by month."""
        files = []
        for root in ROOTS:
            parts = [(match, name) for name in self.scripts(root) if (match := _TWEETS.fullmatch(name))]
            parts.sort(key=lambda pair: int(pair[0]["part"] or 0))
            files += [(root, root + name) for _, name in parts]
            months = root + _MONTHS
            files += [(root, months + name) for name in self.scripts(months) if _MONTH.fullmatch(name)]
        return files

    def items(self, name: str) -> Iterator[tuple[Any, bool]]:
        """Yield each item of a file that contains an array, and whether invalid UTF-8 in it was replaced.

        Raises:
            DataError: the file is not an array, or is malformed, so that its remaining items cannot be separated.
        """
        with self.open(name) as file:
            _skip_assignment(file, f"{self.path}/{name}", (b"[",))
            yield from iterate_array(file, f"{self.path}/{name}", _REMEDY)

    def value(self, name: str) -> Any:
        """Return the content of a small file.

        Raises:
            DataError: the file is too large or malformed.
        """
        with self.open(name) as file:
            _skip_assignment(file, f"{self.path}/{name}", (b"[", b"{"))
            content = file.read(_LARGEST_VALUE + 1)
        if len(content) > _LARGEST_VALUE:
            raise DataError(f"{self.path}/{name} is larger than {_LARGEST_VALUE >> 20} MiB.")
        try:
            return json.loads(content.decode("utf-8", "replace").strip().removesuffix(";"))
        except (ValueError, RecursionError) as problem:
            raise DataError(f"{self.path}/{name} is malformed: {problem}. {_REMEDY}") from problem


class UnpackedArchive(Archive):
    """An unpacked archive, as a folder."""

    def scripts(self, folder: str) -> list[str]:
        """Return the sorted names of the `.js` files directly in a folder of the archive."""
        try:
            with os.scandir(self.path / folder) as entries:
                return sorted(entry.name for entry in entries if entry.name.endswith(".js") and entry.is_file())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file of the archive."""
        return open_bytes(self.path / name, self.path)

    def picture(self, root: str, name: str) -> Path | None:
        """Return the path of a tweet's picture, or None."""
        paths = (self.path / root / folder / name for folder in _MEDIA)
        return next((path for path in paths if path.is_file()), None)


class ZippedArchive(Archive):
    """An archive as a `.zip` file, whose content may be in one outer folder; its pictures are not read.

    Raises:
        DataError: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            with open_file(path) as file, zipfile.ZipFile(file) as packed:
                self._names = frozenset(name for name in packed.namelist() if name.endswith(".js"))
        except (zipfile.BadZipFile, OSError) as problem:
            raise DataError(f"{path} cannot be read as .zip: {problem}. Copy it again.") from problem
        self._outer = ""
        outermost = sorted({name.partition("/")[0] + "/" for name in self._names if "/" in name})
        self._outer = next((outer for outer in ("", *outermost) if self._holds_tweets(outer)), "")

    def _holds_tweets(self, outer: str) -> bool:
        self._outer = outer
        return bool(self.tweet_files())

    def scripts(self, folder: str) -> list[str]:
        """Return the sorted names of the `.js` files directly in a folder of the archive."""
        begin = self._outer + folder
        inside = (name.removeprefix(begin) for name in self._names if name.startswith(begin))
        return sorted(name for name in inside if "/" not in name)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file of the archive."""
        where = f"{self.path}/{name}"
        try:
            with open_file(self.path) as whole, zipfile.ZipFile(whole) as packed:
                size = min(packed.getinfo(self._outer + name).compress_size, self.path.stat().st_size)
                with _member(packed, self._outer + name, where) as file:
                    yield unpacking(file, where, size)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as problem:
            raise DataError(f"{where} cannot be unpacked: {problem}. Copy the .zip file again.") from problem


def find_archives(path: Path) -> tuple[list[Archive], list[str]]:
    """Return the archives at a path, and the names beside them that are not archives.

    The path can be an archive, unpacked or not, or a folder with the archives of several people.

    Raises:
        DataError: the path is a damaged `.zip` file.
    """
    archive = _archive(path)
    if archive is not None:
        return [archive], []
    archives, others = [], []
    for entry in sorted(path.iterdir()) if path.is_dir() else []:
        if entry.name.startswith("."):
            continue
        try:
            resolve(entry, path)
            archive = _archive(entry)
        except DataError:
            # Listed with what is not read: a folder may contain other .zip files, even damaged ones.
            archive = None
        if archive is None:
            others.append(entry.name)
        else:
            archives.append(archive)
    return archives, others


def _archive(path: Path) -> Archive | None:
    archive: Archive | None = None
    if path.is_dir():
        archive = UnpackedArchive(path)
    elif path.suffix.lower() == ".zip" and path.is_file() and zipfile.is_zipfile(path):
        archive = ZippedArchive(path)
    return archive if archive is not None and archive.tweet_files() else None


def _member(packed: zipfile.ZipFile, name: str, where: str) -> IO[bytes]:
    try:
        return packed.open(name)
    except (RuntimeError, NotImplementedError) as problem:
        remedy = "Unpack the .zip file and use the folder."
        raise DataError(f"{where} cannot be unpacked: {problem}. {remedy}") from problem


def _skip_assignment(file: IO[bytes], where: str, brackets: tuple[bytes, ...]) -> None:
    start = file.tell()
    head = file.read(_HEAD_BYTES)
    match = _ASSIGNMENT.match(head)
    if match is None or not head.startswith(brackets, match.end()):
        raise DataError(
            f"{where} is not a file of a Twitter archive. It begins with {head[:60].decode('utf-8', 'replace')!r}; "
            f"accepted: an assignment such as window.YTD.tweets.part0 = [. {_REMEDY}"
        )
    file.seek(start + match.end())
