"""The files of the archives that Twitter and X let their users download, unpacked or as `.zip`, in all layouts.

Every file is one assignment of JSON in JavaScript. Newest first: `data/tweets.js` and `data/tweets-part1.js` …
(`window.YTD.tweets.part0 = […]`), `data/tweet.js`, `tweet.js` without a folder, and by month
`data/js/tweets/2013_01.js` (`Grailbird.data.tweets_2013_01 = […]`). Names of variables are not looked at: they changed.
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

from data_loaders.errors import DataError
from data_loaders.readers.files import open_bytes
from data_loaders.readers.json_array import iterate_array

PLACES = ("data/", "")
"""Folders of an archive that may hold its files; the second also where `data` itself is given."""
_MONTHS = "js/tweets/"
_TWEETS = re.compile(r"tweets?(?:-part(?P<part>\d+))?\.js")
_MONTH = re.compile(r"\d{4}_\d{2}\.js")
_MEDIA = ("tweets_media", "tweet_media")
_ASSIGNMENT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:(?:var\s+)?[\w.$]{1,200}\s*=\s*)?(?=[\[{])")
_HEAD_BYTES = 1_024
_LARGEST_VALUE = 1 << 26
_REMEDY = "Unpack the archive again, or ask Twitter for a new one."


class Archive(ABC):
    """One person's archive.

    Attributes:
        path: the folder or the `.zip` file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def scripts(self, folder: str) -> list[str]:
        """Return the names of the `.js` files directly in a folder of the archive, `""` for the outermost; sorted."""

    @abstractmethod
    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file of the archive.

        Raises:
            DataError: if it cannot be read.
        """

    def picture(self, place: str, name: str) -> Path | None:
        """Return where a picture of a tweet lies on the disk; None where it does not.

        Args:
            place: one of `PLACES`.
            name: of the file.
        """
        return None

    def tweet_files(self) -> list[tuple[str, str]]:
        """Return (place, name) of the files that hold tweets, in the order of their parts, then of months."""
        found = []
        for place in PLACES:
            parts = [(match, name) for name in self.scripts(place) if (match := _TWEETS.fullmatch(name))]
            parts.sort(key=lambda pair: int(pair[0]["part"] or 0))
            found += [(place, place + name) for _, name in parts]
            months = place + _MONTHS
            found += [(place, months + name) for name in self.scripts(months) if _MONTH.fullmatch(name)]
        return found

    def items(self, name: str) -> Iterator[tuple[Any, bool]]:
        """Yield each item of a file that holds an array, and whether bytes of it were no UTF-8.

        Raises:
            DataError: if the file is no array, or is malformed; the rest of it cannot be told apart.
        """
        with self.open(name) as file:
            _skip_assignment(file, f"{self.path}/{name}", (b"[",))
            yield from iterate_array(file, f"{self.path}/{name}", _REMEDY)

    def value(self, name: str) -> Any:
        """Return the value of a small file.

        Raises:
            DataError: if it is too large or malformed.
        """
        with self.open(name) as file:
            _skip_assignment(file, f"{self.path}/{name}", (b"[", b"{"))
            content = file.read(_LARGEST_VALUE + 1)
        if len(content) > _LARGEST_VALUE:
            raise DataError(f"{self.path}/{name} holds more than {_LARGEST_VALUE >> 20} MiB.")
        try:
            return json.loads(content.decode("utf-8", "replace").strip().removesuffix(";"))
        except (ValueError, RecursionError) as problem:
            raise DataError(f"{self.path}/{name} is malformed: {problem}. {_REMEDY}") from problem


class UnpackedArchive(Archive):
    """An archive as a folder."""

    def scripts(self, folder: str) -> list[str]:
        """Return the names of the `.js` files directly in a folder of the archive; sorted."""
        try:
            with os.scandir(self.path / folder) as entries:
                return sorted(entry.name for entry in entries if entry.name.endswith(".js") and entry.is_file())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file of the archive."""
        return open_bytes(self.path / name)

    def picture(self, place: str, name: str) -> Path | None:
        """Return where a picture of a tweet lies."""
        paths = (self.path / place / folder / name for folder in _MEDIA)
        return next((path for path in paths if path.is_file()), None)


class ZippedArchive(Archive):
    """An archive as a `.zip` file, also with all in one folder; its pictures have no path and are not read.

    Raises:
        DataError: if the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            with zipfile.ZipFile(path) as packed:
                self._names = frozenset(name for name in packed.namelist() if name.endswith(".js"))
        except (zipfile.BadZipFile, OSError) as problem:
            raise DataError(f"{path} cannot be read as .zip: {problem}. Copy it once more.") from problem
        self._outer = ""
        outermost = sorted({name.partition("/")[0] + "/" for name in self._names if "/" in name})
        self._outer = next((outer for outer in ("", *outermost) if self._holds_tweets(outer)), "")

    def _holds_tweets(self, outer: str) -> bool:
        self._outer = outer
        return bool(self.tweet_files())

    def scripts(self, folder: str) -> list[str]:
        """Return the names of the `.js` files directly in a folder of the archive; sorted."""
        begin = self._outer + folder
        inside = (name.removeprefix(begin) for name in self._names if name.startswith(begin))
        return sorted(name for name in inside if "/" not in name)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file of the archive."""
        where = f"{self.path}/{name}"
        try:
            with zipfile.ZipFile(self.path) as packed, _member(packed, self._outer + name, where) as file:
                yield file
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as problem:
            raise DataError(f"{where} cannot be unpacked: {problem}. Copy the .zip file once more.") from problem


def find_archives(path: Path) -> tuple[list[Archive], list[str]]:
    """Return the archives that a path holds, and the names beside them that are none.

    The path may be an archive, unpacked or not, or a folder whose files and folders are archives of several people.

    Raises:
        DataError: if the path is a damaged `.zip` file.
    """
    archive = _archive(path)
    if archive is not None:
        return [archive], []
    archives, others = [], []
    for entry in sorted(path.iterdir()) if path.is_dir() else []:
        if entry.name.startswith("."):
            continue
        try:
            archive = _archive(entry)
        except DataError:
            # Named among what is not read: a folder may hold other .zip files, damaged ones too.
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
    elif path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
        archive = ZippedArchive(path)
    return archive if archive is not None and archive.tweet_files() else None


def _member(packed: zipfile.ZipFile, name: str, where: str) -> IO[bytes]:
    try:
        return packed.open(name)
    except (RuntimeError, NotImplementedError) as problem:
        remedy = "Unpack the .zip file and give the folder."
        raise DataError(f"{where} cannot be unpacked: {problem}. {remedy}") from problem


def _skip_assignment(file: IO[bytes], where: str, brackets: tuple[bytes, ...]) -> None:
    start = file.tell()
    head = file.read(_HEAD_BYTES)
    match = _ASSIGNMENT.match(head)
    if match is None or not head.startswith(brackets, match.end()):
        raise DataError(
            f"{where} is no file of a Twitter archive. It begins with {head[:60].decode('utf-8', 'replace')!r}; "
            f"accepted: an assignment such as window.YTD.tweets.part0 = [. {_REMEDY}"
        )
    file.seek(start + match.end())
