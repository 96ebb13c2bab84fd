"""The files of the archives that Twitter and X let their users download, unpacked or as `.zip`, in all layouts.

Every file is a JavaScript assignment of JSON. The layouts, newest first: `data/tweets.js` and `data/tweets-part1.js` …
(`window.YTD.tweets.part0 = […]`), `data/tweet.js`, `tweet.js` without a folder, and by month
`data/js/tweets/2013_01.js` (`Grailbird.data.tweets_2013_01 = […]`). Variable names changed often and are ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from data_loaders.dump_files.archives import entries, folders, is_archive, is_file, is_folder
from data_loaders.dump_files.opening import read_at_most, resolve
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


class Archive:
    """One person's archive, a folder or packed, where all files may be in one outer folder.

    Attributes:
        path: the folder or the packed file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = path
        if is_archive(path) and not self.tweet_files():
            roots = (inner for inner in folders(path) if Archive(inner).tweet_files())
            self._root = next(roots, path)

    def scripts(self, folder: str) -> list[str]:
        """Return the sorted names of the `.js` files directly in a folder of the archive; `""` is the outermost."""
        return [path.name for path in entries(self._root / folder) if path.name.endswith(".js") and is_file(path)]

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file of the archive.

        Raises:
            DataError: the file cannot be read.
        """
        return open_bytes(self._root / name, self._root)

    def picture(self, root: str, name: str) -> Path | None:
        """Return the path of a tweet's picture, or None if the archive does not hold it.

        Args:
            root: one of `ROOTS`.
            name: name of the file.
        """
        paths = (self._root / root / folder / name for folder in _MEDIA)
        return next((path for path in paths if is_file(path)), None)

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

    def items(self, name: str) -> Iterator[tuple[Any, tuple[str, ...]]]:
        """Yield each item of a file that contains an array, with warnings about damage in it.

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
            content = read_at_most(file, _LARGEST_VALUE + 1)
        if len(content) > _LARGEST_VALUE:
            raise DataError(f"{self.path}/{name} is larger than {_LARGEST_VALUE >> 20} MiB.")
        try:
            return json.loads(content.decode("utf-8", "replace").strip().removesuffix(";"))
        except (ValueError, RecursionError) as problem:
            raise DataError(f"{self.path}/{name} is malformed: {problem}. {_REMEDY}") from problem


def find_archives(path: Path) -> tuple[list[Archive], list[str]]:
    """Return the archives at a path, and the names beside them that are not archives.

    The path can be an archive, unpacked or not, or a folder with the archives of several people.

    Raises:
        DataError: the path is a damaged archive.
    """
    archive = _archive(path)
    if archive is not None:
        return [archive], []
    archives, others = [], []
    for entry in entries(path) if path.is_dir() else []:
        try:
            resolve(entry, path)
            # A packed tar would be unpacked only to see what it is.
            archive = _archive(entry) if entry.is_dir() or entry.suffix.lower() == ".zip" else None
        except DataError:
            # Listed with what is not read: a folder may contain other .zip files, even damaged ones.
            archive = None
        if archive is None:
            others.append(entry.name)
        else:
            archives.append(archive)
    return archives, others


def _archive(path: Path) -> Archive | None:
    archive = Archive(path) if is_folder(path) else None
    return archive if archive is not None and archive.tweet_files() else None


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
