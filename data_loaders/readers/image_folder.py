"""Read Hugging Face's `imagefolder`: pictures, and a table `metadata` that names each in its column `file_name`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from data_loaders.dump_files.archives import entries, folders, is_file
from data_loaders.errors import DataError
from data_loaders.readers.base import RawPost, Reader, ReaderOptions, Record
from data_loaders.readers.data_files import PICTURES, beside
from data_loaders.readers.file_reader import FileReader
from data_loaders.readers.json_lines import JsonLinesReader
from data_loaders.readers.parquet import ParquetReader
from data_loaders.readers.registry import register_reader
from data_loaders.readers.several_files import SeveralFiles
from data_loaders.readers.tabular import CsvReader

_TABLES: dict[str, type[FileReader]] = {
    "metadata.csv": CsvReader,
    "metadata.jsonl": JsonLinesReader,
    "metadata.parquet": ParquetReader,
}
_DEEPEST = 2
_COLUMN = "file_name"


@register_reader("image_folder")
class ImageFolderReader(Reader):
    """Reads the tables of all splits; a post without an id gets the path of its picture as one."""

    accepts = "Hugging Face's imagefolder: a folder with metadata.csv, .jsonl or .parquet and its column file_name"

    def __init__(self, path: Path, options: ReaderOptions | None = None) -> None:
        super().__init__(path, options)
        self._inner: Reader | None = None
        self._pictured = 0

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether a folder, or one of its splits, has a table with the column `file_name`."""
        return bool(_tables(path))

    def count(self) -> int | None:
        """Return an estimate of the number of rows."""
        return self._open().count()

    def notes(self) -> list[str]:
        """Return the remarks about the tables, and how many pictures are in none of them."""
        notes = [*beside(self.path, _tables(self.path)), *(self._inner.notes() if self._inner is not None else [])]
        if (without := _count_pictures(self.path) - self._pictured) > 0:
            notes.append(f"{without:,} pictures are in no row of the metadata and are not read.")
        return notes

    def records(self) -> Iterator[Record]:
        """Yield the record of every row, table by table.

        Raises:
            DataError: there is no such table, they have several formats, or one is damaged.
        """
        self._inner, self._pictured = self._open(), 0
        for record in self._inner.records():
            self._pictured += isinstance(record, RawPost) and record.post.image is not None
            yield record
        self.mapping_used.update(self._inner.mapping_used)
        self.columns_unread.update(self._inner.columns_unread)

    def _open(self) -> Reader:
        tables = _tables(self.path)
        kinds = {_TABLES[table.name] for table in tables}
        if len(kinds) != 1:
            seen = ", ".join(table.relative_to(self.path).as_posix() for table in tables) or "none"
            accepted = "tables with a column file_name, all named metadata.csv, metadata.jsonl or metadata.parquet"
            raise DataError(f"{self.path} is not an imagefolder. Accepted: {accepted}. Seen: {seen}.")
        reader, options = kinds.pop(), replace(self.options, number_rows=True, picture_ids=True)
        if len(tables) == 1 and self.path in (tables[0], tables[0].parent):
            return reader(tables[0], options)
        return SeveralFiles(self.path, tables, reader, self.path, options)


def _tables(folder: Path, depth: int = _DEEPEST) -> list[Path]:
    """Return the tables in a folder, or in the folders below it; or the one that is given."""
    if folder.name in _TABLES and is_file(folder):
        return [folder] if _names_pictures(folder) else []
    found = [folder / name for name in _TABLES if is_file(folder / name) and _names_pictures(folder / name)]
    if not found and depth:
        found = [table for inner in folders(folder) for table in _tables(inner, depth - 1)]
    return found


def _names_pictures(table: Path) -> bool:
    reader = _TABLES[table.name](table, ReaderOptions(number_rows=True))
    try:
        next(reader.records(), None)
    except DataError:
        return False
    return reader.mapping_used.get("image") == _COLUMN


def _count_pictures(folder: Path) -> int:
    direct = sum(path.name.lower().endswith(PICTURES) for path in entries(folder))
    return direct + sum(_count_pictures(inner) for inner in folders(folder))
