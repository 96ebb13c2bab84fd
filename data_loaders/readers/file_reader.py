"""`FileReader`: the base of readers of a single data file, recognised by its suffix."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, ClassVar

from data_loaders.dump_files.archives import is_file
from data_loaders.readers.base import Findings, Reader, ReaderOptions, Record
from data_loaders.readers.fields import check_table, has_no_ids, unread_names
from data_loaders.readers.files import ends_with, file_identity, open_bytes
from data_loaders.readers.mastodon import are_statuses, status_text
from data_loaders.readers.plausibility import Plausibility
from data_loaders.readers.records import build_post
from data_loaders.readers.split_times import time_names


class FileReader(Reader):
    """Reads a single file; image paths are relative to its folder.

    Attributes:
        suffixes: file name endings of the format; each may be followed by `.gz`.
        shown: name of the file in ids made of row numbers.
    """

    suffixes: ClassVar[tuple[str, ...]]

    def __init__(self, path: Path, options: ReaderOptions | None = None) -> None:
        super().__init__(path, options)
        self._numbers_rows = self.options.number_rows
        self._numbered = 0
        self.shown = self.path.name
        self._plausibility = Plausibility()
        self._times: tuple[str, ...] = ()
        self._are_statuses = False

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether the path is a file whose name has one of the suffixes."""
        return ends_with(path, cls.suffixes) and is_file(path)

    def read(self) -> Iterator[Record]:
        """Yield every record, see `Reader.read`."""
        self._numbered, self._plausibility = 0, Plausibility()
        yield from super().read()

    def notes(self) -> list[str]:
        """Return what the values suggest, and the number of records that got an id from their row number."""
        if not self._numbered:
            return [*self.beside, *self._plausibility.notes()]
        return [
            *self.beside,
            f"{self._numbered:,} records have no id and got one from the file name and the row number, such as "
            f"{self._row_id(1)!r}. The same file gives the same ids, but rows that move get new ones, and a repeated "
            "post counts as two posts.",
            *self._plausibility.notes(),
        ]

    def identity(self) -> list[Any]:
        """Return what tells whether the records are still the same: of the file, its size and time."""
        return [*super().identity(), self.shown, *file_identity(self.path)]

    def findings(self) -> Findings:
        """Return what was found out, with what the remarks are made of."""
        tallies = {"numbered": self._numbered, "plausibility": self._plausibility.tallies()}
        return replace(super().findings(), tallies=tallies)

    def joined(self, parts: Sequence[Findings]) -> Findings:
        """Return what the readers of parts of the file have found out together."""
        self._numbered, self._plausibility = 0, Plausibility()
        for part in parts:
            self._numbered += part.tallies["numbered"]
            self._plausibility.add(part.tallies["plausibility"])
        return replace(parts[0], notes=self.notes())

    def _open_bytes(self) -> AbstractContextManager[IO[bytes]]:
        """Open the file, whose text is read as UTF-8 whatever its encoding is."""
        return open_bytes(self.path, encoding=self.options.encoding)

    def _columns_of_fields(self, names: list[str]) -> dict[str, str]:
        """Return the column of each field of a table, whose columns are known before the first row.

        Those that complete a date are noted, and count as read.
        """
        self._numbers_rows = self._numbers_rows or has_no_ids(names)
        columns = check_table(names, self.options.columns, str(self.path), self._numbers_rows)
        self.mapping_used.update({field: name for field, name in columns.items() if field != name})
        self._are_statuses = are_statuses(names, columns)
        self._times = time_names(names, columns)
        if self._times:
            self.mapping_used["timestamp"] = " + ".join((columns["timestamp"], *self._times))
        unread = unread_names(names, columns)
        self.columns_unread.update(dict.fromkeys(name for name in unread if name not in self._times))
        return columns

    def _build(self, fields: dict[str, Any], number: int, where: str, warnings: tuple[str, ...]) -> Record:
        """Build the post of record `number` (from 1), with an added id if it has none and rows are numbered."""
        fields = self._plausibility.look(fields)
        if self._are_statuses:
            fields["caption"] = status_text(fields.get("caption"))
        if self._numbers_rows and _is_blank(fields.get("post_id")):
            fields = {**fields, "post_id": self._picture_id(fields.get("image")) or self._added_id(number)}
        return build_post(fields, where, self.root, self.options.user_id, warnings)

    def _picture_id(self, image: object) -> str | None:
        if not self.options.picture_ids or not isinstance(image, str) or not image.strip():
            return None
        return posixpath.join(posixpath.dirname(self.shown), image.strip())

    def _added_id(self, number: int) -> str:
        self._numbered += 1
        return self._row_id(number)

    def _row_id(self, number: int) -> str:
        return f"{self.shown.removesuffix('.gz')}:{number}"


def _is_blank(value: object) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())
