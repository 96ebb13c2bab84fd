"""Archives read in place: their regular files, by path; nothing is unpacked beside them.

A `.zip` is read member by member. A compressed `.tar` can only be read from its beginning, so it is decompressed once
into a temporary file without a name, which disappears with the process.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, BinaryIO, TypeAlias, cast

from data_loaders.dump_files.file_slice import FileSlice
from data_loaders.dump_files.unpacking import MOST_UNPACKED_PER_BYTE, most_unpacked
from data_loaders.errors import DataError

_PACKED_TAR: dict[str, Callable[[BinaryIO], IO[bytes]]] = {
    ".tar.gz": lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file)),
    ".tgz": lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file)),
    ".tar.bz2": lambda file: cast("IO[bytes]", bz2.BZ2File(file)),
    ".tar.xz": lambda file: cast("IO[bytes]", lzma.open(file)),  # noqa: SIM115
    ".txz": lambda file: cast("IO[bytes]", lzma.open(file)),  # noqa: SIM115
}
SUFFIXES = (".zip", ".tar", *_PACKED_TAR)
"""File name endings of the archives that are read."""
_DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, RuntimeError, OverflowError, ValueError, OSError),
)
"""What the packages for archives raise for damaged, unsupported and encrypted ones."""
_MOST_FILES = 2_000_000
_DEEPEST = 32
_CHUNK_BYTES = 1 << 20

_Place: TypeAlias = "zipfile.ZipInfo | tuple[int, int]"


class Archive(ABC):
    """The regular files of an archive; links, devices, hidden files and names that lead outside are left out.

    Attributes:
        left_out: number of links, devices and files with an unusable name.
    """

    def __init__(self, name: str) -> None:
        self.left_out = 0
        self._name = name
        self._files: dict[str, _Place] = {}
        self._folders: dict[str, set[str]] = {"": set()}
        self._ambiguous: set[str] = set()

    @abstractmethod
    def size(self, name: str) -> int:
        """Return the unpacked size of a file, in bytes."""

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """Open a file; reading raises OSError where it is damaged.

        Raises:
            OSError: the file cannot be unpacked.
        """

    def holds(self, name: str) -> bool:
        """Return whether there is a file of that path."""
        return _normal(name) in self._files

    def entries(self, folder: str) -> list[str] | None:
        """Return the sorted names in a folder, `""` for the outermost; None where there is no such folder."""
        names = self._folders.get(_normal(folder))
        return None if names is None else sorted(names)

    def _add(self, name: str, regular: bool, place: _Place) -> None:
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in parts):
            return
        unusable = name.startswith(("/", "\\")) or ".." in parts or ":" in (parts or [""])[0] or "\0" in name
        if not regular or unusable or not parts or len(parts) > _DEEPEST:
            self.left_out += 1
            return
        if len(self._files) >= _MOST_FILES:
            raise DataError(f"{self._name} holds more than {_MOST_FILES:,} files; unpack it and give the folder.")
        whole = _normal("/".join(parts))
        if whole in self._files and self._differ(self._files[whole], place):
            self._ambiguous.add(whole)
        self._files[whole] = place
        for depth, part in enumerate(parts):
            folder = self._folders.setdefault(_normal("/".join(parts[:depth])), set())
            folder.add(_normal(part))

    def _differ(self, before: _Place, now: _Place) -> bool:
        """Return whether two files of one name are two, not the later state of the former."""
        return False

    def _find(self, name: str) -> _Place:
        return self._files[_normal(name)]


class _ZipArchive(Archive):
    def __init__(self, file: BinaryIO, name: str) -> None:
        super().__init__(name)
        # Pools of processes fork after this: the place of a file that is open is the same for all of them.
        whole = FileSlice(file, 0, os.fstat(file.fileno()).st_size)
        self._zip = zipfile.ZipFile(io.BufferedReader(whole))
        for info in self._zip.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if not info.is_dir():
                self._add(info.filename, kind in (0, stat.S_IFREG), info)

    def size(self, name: str) -> int:
        return self._info(name).file_size

    def open(self, name: str) -> BinaryIO:
        info = self._info(name)
        if _normal(name) in self._ambiguous:
            raise OSError(
                0, f"{self._name} holds several files of that name; unpack it, rename them and give the folder"
            )
        if info.file_size > most_unpacked(info.compress_size):
            raise OSError(0, _bomb(info.file_size))
        try:
            return _guarded(self._zip.open(info))
        except _DAMAGED as problem:
            raise OSError(0, f"it cannot be unpacked ({problem}); unpack {self._name} and give the folder") from problem

    def _differ(self, before: _Place, now: _Place) -> bool:
        one, other = cast("tuple[zipfile.ZipInfo, zipfile.ZipInfo]", (before, now))
        return (one.CRC, one.file_size) != (other.CRC, other.file_size)

    def _info(self, name: str) -> zipfile.ZipInfo:
        return cast("zipfile.ZipInfo", self._find(name))


class _TarArchive(Archive):
    def __init__(self, file: BinaryIO, name: str) -> None:
        super().__init__(name)
        self._file = file
        with tarfile.open(fileobj=file, mode="r:") as packed:
            for info in packed:
                if not info.isdir():
                    regular = info.isreg() and not info.issparse()
                    self._add(info.name, regular, (info.offset_data, info.size))
                packed.members = []  # type: ignore[attr-defined]  # not to keep them all
            # tarfile takes anything that is not a header for the end.
            file.seek(packed.offset)
            if file.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
                raise tarfile.ReadError("it ends early, or is damaged in the middle")

    def size(self, name: str) -> int:
        return self._slice(name)[1]

    def open(self, name: str) -> BinaryIO:
        return _guarded(FileSlice(self._file, *self._slice(name)))

    def _slice(self, name: str) -> tuple[int, int]:
        return cast("tuple[int, int]", self._find(name))


class _Guarded(io.RawIOBase):
    """A file of an archive whose damage is an OSError, as that of other files is."""

    def __init__(self, file: io.RawIOBase | IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._try(lambda: self._file.seek(offset, whence))

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        return self._try(lambda: cast("io.RawIOBase", self._file).readinto(buffer) or 0)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _try(self, action: Callable[[], int]) -> int:
        try:
            return action()
        except _DAMAGED as problem:
            raise OSError(0, f"it cannot be unpacked ({problem}); copy the archive again") from problem


def is_archive(path: Path) -> bool:
    """Return whether the name of a path is that of an archive.

    >>> is_archive(Path("dump.tar.gz")), is_archive(Path("posts.csv.gz"))
    (True, False)
    """
    return path.name.lower().endswith(SUFFIXES)


def open_archive(path: Path) -> Archive:
    """Return the archive at a path; one that was opened before and has not changed is returned again.

    Raises:
        DataError: it is damaged, holds too many files, or unpacks to far more than its size.
        OSError: it cannot be opened.
    """
    status = path.stat()
    return _opened(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _opened(path: Path, modified: int, size: int) -> Archive:
    file = path.open("rb")
    try:
        if path.name.lower().endswith(".zip"):
            return _ZipArchive(file, str(path))
        return _TarArchive(_decompressed(file, path, size), str(path))
    except _DAMAGED as problem:
        file.close()
        if isinstance(problem, DataError):
            raise
        raise DataError(f"{path} cannot be read as an archive: {problem}. Copy it again.") from problem


def _decompressed(file: BinaryIO, path: Path, size: int) -> BinaryIO:
    unpack = next((unpack for suffix, unpack in _PACKED_TAR.items() if path.name.lower().endswith(suffix)), None)
    if unpack is None:
        return file
    most, unpacked = most_unpacked(size), 0
    spool = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115  # lives as long as the archive
    with file:
        for chunk in _chunks(unpack(file)):
            unpacked += len(chunk)
            if unpacked > most:
                raise DataError(f"{path} cannot be read: {_bomb(unpacked)}.")
            spool.write(chunk)
    spool.seek(0)
    return spool


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


def _guarded(file: io.RawIOBase | IO[bytes]) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(_Guarded(file), 1 << 16))


def _bomb(size: int) -> str:
    return (
        f"it unpacks to more than {size >> 20:,} MiB, over {MOST_UNPACKED_PER_BYTE} times its size; if it is what you "
        "want, unpack it and give the folder"
    )


def _normal(name: str) -> str:
    # macOS stores names decomposed, the data files that name them composed.
    return unicodedata.normalize("NFC", name)


def find_archive(path: Path) -> tuple[Archive, str] | None:
    """Return the archive that a path leads to or through, and the path inside of it; None for any other path.

    Raises:
        DataError: see `open_archive`.
    """
    for parent in (path, *path.parents):
        if is_archive(parent) and _on_disk(parent, Path.is_file):
            inside = path.relative_to(parent).as_posix()
            return open_archive(parent), "" if inside == "." else inside
    return None


def is_packed(path: Path) -> bool:
    """Return whether a path leads into an archive, so that there is nothing of that path on disk."""
    return not _on_disk(path, Path.exists) and find_archive(path) is not None


def is_file(path: Path) -> bool:
    """Return whether a path leads to a file, on disk or in an archive; an archive is a file too."""
    if _on_disk(path, Path.is_file):
        return True
    found = find_archive(path)
    return found is not None and found[0].holds(found[1])


def is_folder(path: Path) -> bool:
    """Return whether a path leads to a folder, on disk or in an archive; an archive is a folder too."""
    if _on_disk(path, Path.is_dir):
        return True
    found = find_archive(path)
    return found is not None and found[0].entries(found[1]) is not None


def entries(folder: Path) -> list[Path]:
    """Return the files and folders in a folder or archive, sorted by name, without hidden ones; none for a file.

    Raises:
        DataError: the folder cannot be listed, or the archive is damaged.
    """
    if _on_disk(folder, Path.is_dir):
        try:
            return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        except OSError as problem:
            raise DataError(f"The folder {folder} cannot be read: {problem.strerror or problem}.") from problem
    found = find_archive(folder)
    names = found[0].entries(found[1]) if found is not None else None
    return [folder / name for name in names or []]


def folders(folder: Path) -> list[Path]:
    """Return the folders in a folder or archive, sorted by name, without archives and links, which can make circles.

    Raises:
        DataError: see `entries`.
    """
    if not _on_disk(folder, Path.is_dir):
        return [path for path in entries(folder) if is_folder(path)]
    return [path for path in entries(folder) if _on_disk(path, Path.is_dir) and not _on_disk(path, Path.is_symlink)]


def walk(folder: Path) -> Iterator[tuple[Path, frozenset[str]]]:
    """Yield every folder below a folder or archive, itself first, with the names of its files; hidden folders and links
    to folders are left out.

    Raises:
        DataError: see `entries`.
    """
    if _on_disk(folder, Path.is_dir):
        for current, inner, files in os.walk(folder):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            yield Path(current), frozenset(files)
        return
    inside = folders(folder)
    yield folder, frozenset(path.name for path in entries(folder) if is_file(path))
    for path in inside:
        yield from walk(path)


def size_of(path: Path) -> int:
    """Return the size of a file, on disk or unpacked, in bytes.

    Raises:
        OSError: there is no such file.
    """
    found = find_archive(path) if is_packed(path) else None
    return path.stat().st_size if found is None else found[0].size(found[1])


def _on_disk(path: Path, question: Callable[[Path], bool]) -> bool:
    """Return the answer to a question about a path that may not be a possible path."""
    try:
        return question(path)
    except (OSError, ValueError):
        return False
