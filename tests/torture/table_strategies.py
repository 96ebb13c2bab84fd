"""Hypothesis strategies: tables as programs write them, and tables that a stray quote or an escape damages."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from hypothesis import strategies as st

COLUMNS = ("post_id", "user_id", "timestamp", "caption", "hashtags")
DELIMITERS = (",", ";", "\t")
MISSING = ("", "nan", "NaN", "None", "null", "NaT", "<NA>")

captions = st.text(st.sampled_from('ab é#\n\r",;\t\\😀'), max_size=30)
"""Captions of what means something to a table."""

users = st.sampled_from(["ann", "bob", "77", "77.0", "O'Neil, J.", 'say "hi"', *MISSING])
numbered = st.integers(1, 10**18).map(str)


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes:
        text: what the file holds.
        delimiter: between its cells.
        rows: the cells of its rows, with the header.
    """

    text: str
    delimiter: str
    rows: list[list[str]]


@st.composite
def written_tables(draw: st.DrawFn, cells: st.SearchStrategy[str] = captions) -> Table:
    """Return a table that Python's csv module writes, with ids that differ."""
    ids = draw(st.lists(numbered, max_size=6, unique=True))
    rows = [list(COLUMNS)]
    rows += [
        [post_id, draw(users), "2024-05-01", draw(cells), draw(st.sampled_from(["", "a|b", "[]"]))] for post_id in ids
    ]
    delimiter = draw(st.sampled_from(DELIMITERS))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter, quoting=quoting, lineterminator="\r\n").writerows(rows)
    return Table(written.getvalue(), delimiter, rows)


@st.composite
def tables_with_a_stray_quote(draw: st.DrawFn) -> tuple[Table, int]:
    """Return a table of plain rows, one of whose cells begins with a quote that is never closed, and that row's number.

    Rows are counted from 1, below the header.
    """
    count = draw(st.integers(1, 40))
    delimiter = draw(st.sampled_from(DELIMITERS))
    rows = [
        list(COLUMNS),
        *([str(n), f"u{n % 3}", "2024-05-01", f"harbour {n} #gull", ""] for n in range(1, count + 1)),
    ]
    struck, cell = draw(st.integers(1, count)), draw(st.integers(0, len(COLUMNS) - 2))
    rows[struck][cell] = '"' + rows[struck][cell]
    text = "".join(delimiter.join(row) + "\n" for row in rows)
    return Table(text, delimiter, rows), struck


@st.composite
def escaped_tables(draw: st.DrawFn) -> Table:
    r"""Return a table as MySQL writes it: cells in quotes, backslashes before what means something; `\N` is null."""
    cells = st.text(st.sampled_from('ab é#\n",;\t\\'), max_size=20) | st.none()
    ids = draw(st.lists(numbered, min_size=1, max_size=6, unique=True))
    delimiter = draw(st.sampled_from(DELIMITERS))
    # The first row shows which escapes the table has.
    values = [["post_id", "caption"], *([post_id, draw(cells)] for post_id in ids)]
    values.insert(1, ["0", 'say "hi"'])
    text = "".join(delimiter.join(map(_escaped, row)) + "\n" for row in values)
    return Table(text, delimiter, [[cell or "" for cell in row] for row in values])


def _escaped(cell: str | None) -> str:
    if cell is None:
        return "\\N"
    text = cell.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\\n")
    return f'"{text}"'


bytes_of_tables = st.one_of(
    st.binary(max_size=300),
    st.text(st.sampled_from('ab1,;\t"\n\r\\N\0é'), max_size=200).map(str.encode),
    written_tables().map(lambda table: table.text.encode("latin-1", "replace")),
).map(lambda body: b"post_id,caption\n" + body)
"""Bytes behind a header, of which nothing is promised but that each is kept or refused."""
