"""Read RecBole's atomic files: `.inter`, one row a post, with columns of `.item` and `.user` beside it.

Their header has a type behind each name (`user_id:token`); cells are separated by tabs, sequences by spaces. See
https://recbole.io/docs/user_guide/data/atomic_files.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from data_loaders.dump_files.archives import entries, is_archive, is_file
from data_loaders.dump_files.unpacking import lines
from data_loaders.errors import DataError, some_of
from data_loaders.readers.base import Reader, Record, Rejected
from data_loaders.readers.data_files import beside
from data_loaders.readers.fields import check_table, listing, unread_names
from data_loaders.readers.files import decode, estimated_lines, open_bytes
from data_loaders.readers.records import build_post
from data_loaders.readers.registry import register_reader

_COLUMN = re.compile(r"([^:\t]+):(token|token_seq|float|float_seq)")
_SUFFIXES = (".inter", ".item", ".user")

_Row: TypeAlias = dict[str, str]
_Line: TypeAlias = tuple[int, list[str], tuple[str, ...]]


@register_reader("recbole")
class RecBoleReader(Reader):
    """Reads the rows of `.inter` as posts, or of `.item` where there is no `.inter`; the others are joined by id."""

    accepts = "RecBole's atomic files: name.inter, with name.item and name.user beside it, and a header of field:type"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether the path is such a file, or a folder with some."""
        if is_file(path) and path.suffix in _SUFFIXES:
            return True
        return any(entry.suffix in _SUFFIXES[:2] and is_file(entry) for entry in entries(path))

    def count(self) -> int | None:
        """Return an estimate of the number of rows."""
        counts = [estimated_lines(path) or 0 for path in self._files()[0]]
        return sum(max(count - 1, 0) for count in counts)

    def notes(self) -> list[str]:
        """Return which files were read, and how many rows repeat a post."""
        posts, joined = self._files()
        read = f"Posts are the rows of {_names(posts)}" + (f", joined with {_names(joined)}." if joined else ".")
        return [*beside(self.path, [*posts, *joined]), read]

    def records(self) -> Iterator[Record]:
        """Yield the record of every row.

        Raises:
            DataError: the files of several data sets are there, or a header has no types.
        """
        posts, joined = self._files()
        tables = [_Joined(path) for path in joined]
        for path in posts:
            names, rows = _open(path)
            added = [name for table in tables for name in table.names if table.key in names and name not in names]
            columns = self._columns([*names, *dict.fromkeys(added)], path)
            for number, cells, warnings in rows:
                where = f"{path.name}:{number}"
                if len(cells) != len(names):
                    seen = f"The row has {len(cells)} cells, the header {len(names)}."
                    detail = f"{seen} It begins with {cells[0][:60]!r}."
                    yield Rejected(where=where, reason="malformed_row", detail=detail)
                    continue
                row = dict(zip(names, cells, strict=True))
                for table in tables:
                    row = {**table.row(row), **row}
                fields = {field: _value(field, name, row) for field, name in columns.items()}
                yield build_post(fields, where, self.root, self.options.user_id, warnings)

    def _columns(self, names: list[str], path: Path) -> dict[str, str]:
        plain = [name.partition(":")[0] for name in names]
        mapped = dict(self.options.columns)
        if "post_id" not in plain and "post_id" not in mapped and "item_id" in plain:
            mapped["post_id"] = "item_id"
        found = check_table(plain, mapped, str(path))
        self.mapping_used.update({field: name for field, name in found.items() if field != name})
        self.columns_unread.update(dict.fromkeys(unread_names(plain, found)))
        columns = {field: names[plain.index(name)] for field, name in found.items()}
        if columns.get("hashtags", "").endswith(":token") and path.suffix == ".inter":
            raise DataError(
                f"{path} has one hashtag a row, in {columns['hashtags']!r}. Accepted: one row a post, with all its "
                "hashtags in one cell, separated by spaces (hashtags:token_seq)."
            )
        return columns

    def _files(self) -> tuple[list[Path], list[Path]]:
        """Return the files whose rows are posts, and those that are joined with them."""
        if is_file(self.path) and self.path.suffix not in _SUFFIXES and not is_archive(self.path):
            return [self.path], []
        folder = self.path.parent if self.path.suffix in _SUFFIXES and is_file(self.path) else self.path
        files = [path for path in entries(folder) if path.suffix in _SUFFIXES and is_file(path)]
        if folder != self.path:
            files = [path for path in files if path.name.split(".")[0] == self.path.name.split(".")[0]]
        sets = sorted({path.name.split(".")[0] for path in files})
        if len(sets) > 1:
            raise DataError(f"{folder} holds several data sets: {some_of(sets, 8)}. Choose one: --source {files[0]}.")
        items = [path for path in files if path.suffix == ".item"]
        posts = [path for path in files if path.suffix == ".inter"] or items
        if self.path in files and self.path.suffix == ".inter":
            posts = [self.path]
        if not posts:
            raise DataError(f"{self.path} holds no {' and no '.join(_SUFFIXES[:2])} file. Accepted: {self.accepts}.")
        return posts, [path for path in files if path.suffix != ".inter" and path not in posts]


class _Joined:
    """A table of items or users in memory, by its first column.

    Attributes:
        names: its columns, with their types.
        key: the column that rows of posts are joined by.
    """

    def __init__(self, path: Path) -> None:
        self.names, rows = _open(path)
        self.key = self.names[0]
        self._rows = {cells[0]: cells for _, cells, _ in rows if len(cells) == len(self.names)}

    def row(self, of: _Row) -> _Row:
        """Return the row that belongs to a row of posts; empty without one."""
        cells = self._rows.get(of[self.key]) if of.get(self.key) else None
        return {} if cells is None else dict(zip(self.names, cells, strict=True))


def _open(path: Path) -> tuple[list[str], Iterator[_Line]]:
    """Return the columns of a file, with their types, and its rows with the numbers of their lines and warnings."""
    rows = _rows(path)
    _, header, _ = next(rows, (1, [""], ()))
    wrong = [name for name in header if not _COLUMN.fullmatch(name)]
    if wrong:
        raise DataError(
            f"{path} is not an atomic file of RecBole: its first line has {listing(wrong)}. Accepted: names with a "
            "type, token, token_seq, float or float_seq, separated by tabs, for example user_id:token."
        )
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise DataError(f"{path} has several columns named {listing(repeated)}. Rename all but one.")
    return header, rows


def _rows(path: Path) -> Iterator[_Line]:
    with open_bytes(path, path.parent) as file:
        for number, line in enumerate(lines(file), start=1):
            text, warnings = decode(b"" if line is None else line.rstrip(b"\r\n"))
            if text or line is None:
                yield number, [_unquoted(cell) for cell in text.split("\t")], warnings


def _unquoted(cell: str) -> str:
    """Return a cell without the quotes that pandas puts around one with a quote in it."""
    inner = cell[1:-1]
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' in inner and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else cell


def _value(field: str, name: str, row: _Row) -> str | float | list[str] | None:
    text = row.get(name, "").strip()
    if not text:
        return None
    if field == "hashtags" and name.endswith("_seq"):
        return text.split()
    if name.endswith(":float"):
        try:
            return float(text)
        except ValueError:
            return text
    return text


def _names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths)
