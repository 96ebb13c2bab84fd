r"""`TableRows`: the rows of text tables, read so that a stray quote costs its own row and never swallows others.

Quotes follow RFC 4180, as in spreadsheets and pandas. Rows that are not right that way are tried with the backslash
escapes of MySQL and PostgreSQL (`\"`, `\n`, `\N` for null). A quote that opens a cell which is closed in another row,
or never, costs the row it stands in; reading goes on with the next line. So does a line that is too long.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Literal, TypeAlias

from data_loaders.text.timestamps import read_timestamp

_Quoting: TypeAlias = Literal[0, 3]  # csv.QUOTE_MINIMAL, csv.QUOTE_NONE
# Escaped characters are hidden from the csv module as halves of surrogate pairs, which decoded text does not hold.
_HIDDEN = 0xDC00
_ESCAPE = re.compile(r"\\(\r\n|[\0-\x7f])")
_HIDDEN_CHARACTER = re.compile("[\udc00-\udc7f]")
_HIDDEN_NEWLINES = ("\udc0a", "\udc0d")
_HIDDEN_NULL = "\udc4e"
_MEANINGS = {"n": "\n", "r": "\r", "t": "\t", "0": ""}
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")
_LEAST_COLUMNS = 3
_SHORTEST_RANDOM_ID = 8
_MANY_LINES = 50
# Millions of empty lines take far more memory than their characters.
_MOST_LINES_OF_A_ROW = 100_000
# Characters of a row inside of the lines that a quote without end would take in: they are not read to their end again.
_LONGEST_INSIDE = 1 << 13
# In the place of a line that is too long; other lines hold no NUL.
_TOO_LONG = "\0"


@dataclass(frozen=True, slots=True)
class Row:
    r"""One row of a table.

    Attributes:
        line: its first line, from 1.
        cells: its cells; None for `\N`.
        problem: why it cannot be read; empty if it can.
    """

    line: int
    cells: Sequence[str | None]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A row as one dialect reads it.

    Attributes:
        lines: what it took.
        cells: what they hold.
        clean: whether every quote that opens a cell is closed in this row.
        strict: whether every quote is where it should be.
    """

    lines: list[str]
    cells: list[str]
    clean: bool
    strict: bool


class _RowTooLongError(csv.Error):
    """A row is longer than may be."""


class TableRows:
    """Iterates over the rows of a table, header included; blank lines are passed over.

    Args:
        text: the table, positioned behind its first lines.
        first_lines: these.
        delimiter: between cells.
        longest: characters of the longest row; a longer one is refused.
        escaped: whether backslashes escape; found out on the way otherwise.

    Attributes:
        line: number of the last line that was read.
        escaped: whether backslashes escape, as far as is known.
    """

    def __init__(
        self, text: IO[str], first_lines: Sequence[str], delimiter: str, longest: int, escaped: bool = False
    ) -> None:
        self.line = 0
        self.escaped = escaped
        self._text, self._delimiter, self._longest = text, delimiter, longest
        self._ahead = deque(first_lines)
        edge = re.escape(delimiter) + r'"\r\n'
        self._null = re.compile(rf"(?:^|[{edge}])\\N(?:[{edge}]|$)")
        self._width: int | None = None
        self._id = self._time = -1
        self._known_id = ""
        self._doubtful_until = self._plain_until = self._inside_until = 0

    def expect(self, width: int, post_id: int | None, timestamp: int | None) -> None:
        """Say what the rows hold, so that rows inside of a cell are recognised.

        Args:
            width: number of columns.
            post_id: position of the ids; None for none.
            timestamp: position of the times; None for none.
        """
        self._width = width
        self._id, self._time = (-1 if index is None else index for index in (post_id, timestamp))

    def __iter__(self) -> Iterator[Row]:
        while (first := self._take()) is not None:
            if first == _TOO_LONG:
                yield Row(self.line, [], f"The line has more than {self._longest >> 20} MiB.")
                continue
            row = self._read(first, self.line)
            if row.cells or row.problem:
                yield row

    def _take(self) -> str | None:
        line = self._ahead.popleft() if self._ahead else self._text.readline(self._longest)
        self.line += bool(line)
        if line == _TOO_LONG or len(line) >= self._longest:
            while line and line != _TOO_LONG and not line.endswith(("\n", "\r")):
                line = self._text.readline(self._longest)
            return _TOO_LONG
        # Before Python 3.11, csv refuses NUL.
        return line.replace("\0", "") if line else None

    def _put_back(self, lines: Sequence[str]) -> None:
        self._ahead.extendleft(reversed(lines))
        self.line -= len(lines)

    def _read(self, first: str, line: int) -> Row:
        self.escaped = self.escaped or ("\\N" in first and self._null.search(first) is not None)
        plain: _Attempt | None = None
        failed: _Attempt | None = None
        loose: _Attempt | None = None
        for escaped, quoting in self._dialects():
            if escaped and plain is not None and not any("\\" in text for text in plain.lines):
                break
            if escaped and line <= self._plain_until:
                continue
            attempt = self._attempt(first, escaped, quoting)
            if self._is_good(attempt, line):
                if escaped or attempt.strict or '\\"' not in first:
                    return self._accepted(attempt, line, escaped)
                loose = attempt  # one line, whose quotes are right if backslashes escape
            self._put_back(attempt.lines[1:])
            if escaped and len(attempt.lines) > _MANY_LINES:
                # Trying this again at each of these lines would take for ever.
                self._plain_until = line + len(attempt.lines) - 1
            plain, failed = (plain, attempt) if escaped else (attempt, attempt)
        if loose is not None:
            return self._accepted(loose, line, escaped=False)
        return self._refused(plain or failed or _Attempt([first], [], clean=False, strict=False), line)

    def _dialects(self) -> list[tuple[bool, _Quoting]]:
        escaping: list[tuple[bool, _Quoting]] = [(True, csv.QUOTE_MINIMAL)]
        if self._delimiter == "\t":
            escaping.append((True, csv.QUOTE_NONE))  # PostgreSQL's text format has no quotes
        plain: list[tuple[bool, _Quoting]] = [(False, csv.QUOTE_MINIMAL)]
        return escaping + plain if self.escaped else plain + escaping

    def _attempt(self, first: str, escaped: bool, quoting: _Quoting) -> _Attempt:
        lines: list[str] = []
        fed: list[tuple[str, int]] = []
        number = self.line
        longest = _LONGEST_INSIDE if number <= self._inside_until else self._longest
        try:
            feed = self._feed(first, escaped, longest, lines, fed)
            cells = next(csv.reader(feed, delimiter=self._delimiter, quoting=quoting, strict=True), [])
            return _Attempt(lines, cells, clean=True, strict=True)
        except _RowTooLongError:
            self._inside_until = max(self._inside_until, number + len(lines) - 1)
            return _Attempt(lines, _cells_of_line(first, self._delimiter, quoting), clean=False, strict=False)
        except csv.Error:
            # Quotes in odd places do no harm within one line, which csv and pandas read alike.
            text, count = fed[0]
            rows = list(csv.reader([text, ""], delimiter=self._delimiter, quoting=quoting))
            if len(rows) == 1:
                return _Attempt(lines, rows[0], clean=False, strict=False)
            self._put_back(lines[count:])
            return _Attempt(lines[:count], rows[0], clean=True, strict=False)

    def _feed(
        self, first: str, escaped: bool, longest: int, lines: list[str], fed: list[tuple[str, int]]
    ) -> Iterator[str]:
        """Yield one line after the other, as long as a row asks for more; an escaped line break joins two.

        Args:
            first: the first line.
            escaped: whether backslashes escape.
            longest: characters of the longest row.
            lines: receives the lines as they are.
            fed: receives each text that is yielded, and the number of lines up to it.
        """
        line: str | None = first
        size = 0
        while line is not None:
            lines.append(line)
            text = _hidden(line) if escaped else line
            while escaped and text.endswith(_HIDDEN_NEWLINES) and (more := self._take()) is not None:
                lines.append(more)
                text += _hidden(more)
            fed.append((text, len(lines)))
            size += len(text)
            if size >= longest or len(lines) > _MOST_LINES_OF_A_ROW or _TOO_LONG in lines[-1]:
                raise _RowTooLongError
            yield text
            line = self._take()

    def _is_good(self, attempt: _Attempt, line: int) -> bool:
        if not attempt.clean or self._width is None or not attempt.cells:
            return attempt.clean
        if len(attempt.cells) != self._width or self._holds_rows(attempt):
            return False
        return line > self._doubtful_until or self._fits(attempt.cells, self._known_id)

    def _holds_rows(self, attempt: _Attempt) -> bool:
        """Return whether lines inside of a cell look like rows of the table."""
        if len(attempt.lines) == 1:
            return False
        own = attempt.cells[self._id] if 0 <= self._id < len(attempt.cells) else ""
        lines = list(csv.reader(attempt.lines[1:], delimiter=self._delimiter, quoting=csv.QUOTE_NONE))
        # The last line ends with the row's own cells; only what stands before the broken cell can be another row's.
        broken = max((index for index, cell in enumerate(attempt.cells) if "\n" in cell or "\r" in cell), default=0)
        fitting = [self._fits(row, own or self._known_id) for row in lines[:-1] if row]
        if any(0 <= index < broken for index in (self._id, self._time)):
            fitting.append(self._fits(lines[-1], own or self._known_id, broken))
        return any(fitting) and 2 * sum(fitting) >= len(fitting)

    def _fits(self, cells: Sequence[str], known_id: str, before: int | None = None) -> bool:
        """Return whether cells look like a row of the table, by their number and by the id or the time.

        Args:
            cells: of a line.
            known_id: an id of the table, empty for none.
            before: the position that the id and the time must be before to count; None for any.
        """
        if len(cells) != self._width:
            return False
        has_id, has_time = (0 <= index < (before or len(cells)) for index in (self._id, self._time))
        if has_time and _is_time(cells[self._time].strip('" ')):
            return True
        if has_id and known_id:
            return _are_alike(cells[self._id].strip('" '), known_id.strip())
        return before is None and not has_time and len(cells) >= _LEAST_COLUMNS

    def _accepted(self, attempt: _Attempt, line: int, escaped: bool) -> Row:
        self.escaped = escaped or self.escaped
        if not attempt.strict:
            self._doubtful_until = max(self._doubtful_until, self.line + 1)
        if self._width is not None and 0 <= self._id < len(attempt.cells):
            self._known_id = attempt.cells[self._id]
        return Row(line, [_shown(cell) for cell in attempt.cells] if escaped else attempt.cells)

    def _refused(self, attempt: _Attempt, line: int) -> Row:
        """Return a row with its problem; what a stray quote would take in is read again, line by line."""
        begins = f"It begins with {attempt.lines[0].strip()[:60]!r}."
        if attempt.clean and len(attempt.cells) == self._width and not self._holds_rows(attempt):
            self._doubtful_until = max(self._doubtful_until, line + 1)
            problem = f"The line may be the rest of a cell of a row above, whose quotes are not right. {begins}"
            return Row(line, attempt.cells, problem)
        if attempt.clean and not self._holds_rows(attempt):
            for _ in attempt.lines[1:]:
                self._take()
            return Row(line, attempt.cells)
        if not self._known_id and 0 <= self._id < len(attempt.cells):
            self._known_id = attempt.cells[self._id]
        last = line + len(attempt.lines) - 1
        self._doubtful_until = max(self._doubtful_until, last)
        up_to = f"it would take in the text up to line {last:,}" if last > line else "it is never closed"
        return Row(
            line,
            attempt.cells,
            f"A quote opens a cell that is not closed as it should be: {up_to}. Accepted: a cell that holds a quote, a "
            f"delimiter or a line break stands in quotes, with its own quotes doubled. {begins}",
        )


def _cells_of_line(line: str, delimiter: str, quoting: _Quoting) -> list[str]:
    return next(csv.reader([line, ""], delimiter=delimiter, quoting=quoting), [])


def _hidden(line: str) -> str:
    return _ESCAPE.sub(lambda match: chr(_HIDDEN + ord(match[1][-1])), line)


def _shown(cell: str) -> str | None:
    if cell == _HIDDEN_NULL:
        return None
    return _HIDDEN_CHARACTER.sub(lambda match: _meaning(chr(ord(match[0]) - _HIDDEN)), cell)


def _meaning(character: str) -> str:
    return _MEANINGS.get(character, character)


def _is_time(text: str) -> bool:
    try:
        read_timestamp(text)
    except (ValueError, OverflowError):
        return False
    return True


def _are_alike(one: str, other: str) -> bool:
    """Return whether two texts may be ids of one kind: numbers both, made up alike, or random and of one length."""
    if not one or any(character.isspace() for character in one):
        return False
    return _shape(one) == _shape(other) or (len(one) == len(other) >= _SHORTEST_RANDOM_ID)


def _shape(text: str) -> str:
    return _DIGITS.sub("0", _LETTERS.sub("a", text))
