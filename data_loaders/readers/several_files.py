"""Several files of one format as one dump: shards, days, what a pattern or a folder names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from data_loaders.dump_files.archives import size_of
from data_loaders.errors import DataError, some_of
from data_loaders.readers.base import FIELDS, Findings, RawPost, Reader, ReaderOptions, Record
from data_loaders.readers.file_reader import FileReader
from data_loaders.readers.files import file_identity

_LOOKED_INTO = 20
_MOST_COUNTED = 1_000
_MOST_NOTES = 10
_PART_BYTES = 1 << 24
_DIGITS = re.compile(r"\d+")
_CONTENT = ("caption", "image", "hashtags")


class SeveralFiles(Reader):
    """Reads files one after the other, in order of their names; image paths are relative to each file.

    Args:
        path: what was asked for, for messages.
        files: the files, at least two, all of the format of `reader`.
        reader: reads one file.
        base: folder that names of files are relative to in messages and in ids made of row numbers.
        options: how to read the dump.

    Raises:
        DataError: the files do not hold the same kind of records.
    """

    def __init__(
        self,
        path: Path,
        files: Sequence[Path],
        reader: type[FileReader],
        base: Path,
        options: ReaderOptions | None = None,
    ) -> None:
        super().__init__(path, options)
        self.name = reader.name  # type: ignore[misc]
        self.accepts = reader.accepts  # type: ignore[misc]
        self._empty = [file for file in files if not size_of(file)]
        self._reader, self._base = reader, base
        self._files = [file for file in files if file not in set(self._empty)]
        self._notes: Counter[str] = Counter()
        self._numbered = 0
        self._check_alike()

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return False: `open_dump` decides which files make one dump."""
        return False

    def count(self) -> int | None:
        """Return the sum of the files' estimates; None if one has none."""
        if len(self._files) > _MOST_COUNTED:
            return None
        counts = [self._open(file).count() for file in self._files]
        return None if None in counts else sum(count or 0 for count in counts)

    def notes(self) -> list[str]:
        """Return which files were read and in what order, and each remark about one of them once."""
        shown = [self._shown(file) for file in self._files]
        notes = [f"{len(shown):,} files are read as one dump, in order of their names: {_ends_of(shown)}."][
            : len(shown) - 1
        ]
        if self._empty:
            notes.append(f"Empty, with no record: {some_of([self._shown(file) for file in self._empty])}.")
        distinct = [note if count == 1 else f"{note} (in {count:,} files)" for note, count in self._notes.items()]
        more = len(distinct) - _MOST_NOTES
        return [*self.beside, *notes, *distinct[:_MOST_NOTES], *([f"… and {more:,} more notes."] if more > 0 else [])]

    def parts(self) -> list[SeveralFiles]:
        """Return readers of neighbouring files, of about 16 MB each."""
        parts = [self._part([])]
        size = 0
        for file in self._files:
            if size >= _PART_BYTES:
                parts.append(self._part([]))
                size = 0
            parts[-1]._files.append(file)
            size += size_of(file)
        return parts

    def _part(self, files: list[Path]) -> SeveralFiles:
        part = copy(self)
        part.mapping_used, part.columns_unread, part._notes, part._files = {}, {}, Counter(), files
        return part

    def sources(self) -> list[Path]:
        """Return what was asked for, and the files, which a pattern does not hold as a folder does."""
        return [self.path, *self._empty, *self._files]

    def identity(self) -> list[Any]:
        """Return what tells whether the records are still the same: of each file, its size and time."""
        return [*super().identity(), str(self._base.absolute()), *map(file_identity, self._files)]

    def findings(self) -> Findings:
        """Return what was found out in these files, with each remark as often as it was made."""
        return replace(super().findings(), notes=tuple(self._notes.elements()))

    def joined(self, parts: Sequence[Findings]) -> Findings:
        """Return what was found out in all files, with each remark once."""
        self._notes.clear()
        for part in parts:
            self.mapping_used = {**part.mapping_used, **self.mapping_used}
            self.columns_unread.update(dict.fromkeys(part.columns_unread))
            self._notes.update(part.notes)
        return Reader.findings(self)

    def records(self) -> Iterator[Record]:
        """Yield the records of all files.

        Raises:
            DataError: a file is damaged.
        """
        self._notes.clear()
        for file in self._files:
            reader = self._open(file)
            for record in reader.records():
                yield self._placed(record, file)
            for field, name in reader.mapping_used.items():
                self.mapping_used.setdefault(field, name)
            self.columns_unread.update(reader.columns_unread)
            self._notes.update(reader.notes())

    def _open(self, file: Path) -> FileReader:
        reader = self._reader(file, self.options)
        reader.shown = self._shown(file)
        return reader

    def _placed(self, record: Record, file: Path) -> Record:
        shown = self._shown(file)
        if shown == file.name or not record.where.startswith(file.name):
            return record
        return replace(record, where=shown + record.where.removeprefix(file.name))

    def _shown(self, file: Path) -> str:
        return file.relative_to(self._base).as_posix() if file.is_relative_to(self._base) else str(file)

    def _check_alike(self) -> None:
        """Refuse files whose first records are not posts, or have a field under different names.

        Names may differ where the files' names say that they belong together, as those of days do.
        """
        seen: dict[str, tuple[str, Path]] = {}
        series = len({_DIGITS.sub("", file.name) for file in self._files}) == 1
        for file in self._files:
            reader = self._open(file)
            records = [record for record in islice(reader.records(), _LOOKED_INTO) if isinstance(record, RawPost)]
            if records and not any(_has(record, field) for record in records for field in _CONTENT):
                raise self._different(file, "its first records have neither a caption nor an image nor hashtags")
            for field in FIELDS:
                if not any(_has(record, field) for record in records):
                    continue
                name = reader.mapping_used.get(field, field)
                before, other = seen.setdefault(field, (name, file))
                if before != name and not series:
                    cause = f"its {field} is in {name!r}, that of {self._shown(other)} in {before!r}"
                    raise self._different(file, cause)

    def _different(self, file: Path, cause: str) -> DataError:
        return DataError(
            f"The files of {self.path} are not parts of one dump: {self._shown(file)} differs, {cause}. Name those "
            f"that belong together, for example --source '{self._base}/part-*{''.join(file.suffixes[-2:])}', or one "
            f"of them: --source {self._files[0]}."
        )


def _has(record: RawPost, field: str) -> bool:
    return record.hashtags_given if field == "hashtags" else getattr(record.post, field) is not None


def _ends_of(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{names[0]}, {names[1]} … {names[-1]}"
