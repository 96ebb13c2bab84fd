"""What a file that is not text really is, by its first bytes, and how its posts can be read."""

from __future__ import annotations

import re

_UNPACK = "unpack it first"
_SIGNATURES: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), what)
    for pattern, what in (
        (rb"SQLite format 3\0", "an SQLite database; export the table of posts: sqlite3 -header -csv FILE "
            "'SELECT * FROM posts' > posts.csv"),
        (rb"PK\x03\x04.{26}(?:\[Content_Types\]|xl/|mimetype|_rels/)", "a workbook of a spreadsheet; save its sheet as "
            "CSV (UTF-8)"),
        (rb"PK\x03\x04", "a zip archive, or a workbook of a spreadsheet; name an archive .zip, and save the sheet of a "
            "workbook as CSV (UTF-8)"),
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook of an old spreadsheet; save its sheet as CSV (UTF-8)"),
        (rb"\x1f\x8b\x08", "packed by gzip; add .gz to its name, or unpack it"),
        (rb"BZh[1-9]1AY&SY", f"packed by bzip2; {_UNPACK}"),
        (rb"\xfd7zXZ\0", f"packed by xz; {_UNPACK}"),
        (rb"\x28\xb5\x2f\xfd", f"packed by Zstandard; {_UNPACK}"),
        (rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07", f"an archive; {_UNPACK}, or pack it as .zip or .tar.gz"),
        (rb"PAR1\x15", "a Parquet file; name it .parquet"),
        (rb"ARROW1\0\0", "an Arrow or Feather file; write it as Parquet, for example with pandas.read_feather(FILE)"
            ".to_parquet('posts.parquet')"),
        (rb"Obj\x01|ORC[^\t\r\n -~]", "an Avro or ORC file; write it as Parquet or JSON Lines"),
        (rb"\x80[\x02-\x05].", "a pickle, which is never opened, because it can run code; write its table with "
            "to_parquet('posts.parquet')"),
        (rb"\s*<(?:!doctype\s+html|html|head)\b", "a web page; if it was downloaded, its address may need a login"),
        (rb"\s*<\?xml\s", "XML; write its posts as CSV or JSON Lines"),
    )
)  # fmt: skip


def what_it_is(head: bytes) -> str | None:
    """Return what a file is and what to do with it; None if it may be text.

    >>> what_it_is(b"%s 3%c" % (b"SQLite format", 0))[:18], what_it_is(b"post_id,caption")
    ('an SQLite database', None)

    Args:
        head: its first bytes, 60 are enough.
    """
    return next((what for pattern, what in _SIGNATURES if pattern.match(head)), None)
