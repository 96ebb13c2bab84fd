"""Dumps that are damaged, or hold something else than their name says."""

from __future__ import annotations

import random
from pathlib import Path

from dumps import Dump, encoded, json_array, json_lines, parquet, table


def damaged(draw: random.Random, folder: Path) -> Dump:
    """Any of the files above with flipped, lost or doubled bytes, or in another encoding."""
    dump = draw.choice((json_lines, json_array, table, parquet))(draw, folder)
    data = bytearray(dump.path.read_bytes())
    for _ in range(draw.choice((1, 5, 50))):
        data[draw.randrange(len(data))] = draw.choice(
            (0, 0xFF, 0xC0, 0x80, 0x85, 0x0B, 0x1E, 0x22, 0x0A, draw.randrange(256))
        )
    cut = draw.randrange(len(data))
    how = draw.randrange(6)
    if how == 0:
        data = data[:cut]
    elif how == 1:
        data += data[cut:]
    elif how == 2:
        data = bytearray(
            bytes(data)
            .decode("utf-8", "replace")
            .encode(draw.choice(("utf-16", "utf-32", "utf-16-le", "latin-1", "cp037")), "replace")
        )
    dump.path.write_bytes(bytes(data))
    return Dump(dump.path, None)


def odd_text(draw: random.Random, folder: Path) -> Dump:
    """Files of the right name that hold something else."""
    name, content = draw.choice(_ODD_FILES)
    path = folder / name
    path.write_bytes(encoded(content))
    return Dump(path, None)


_POST = '{"post_id":%d,"user_id":1,"caption":"a #b"}'
_ODD_JSON = (
    *("[,,,{}]", "[" * 200_000, "[", f"[{_POST % 1}{_POST % 2}]", f"[{_POST % 1}] garbage"),
    f"[{_POST % 1}][{_POST % 2}]",
    *('{"posts":[1]}', f'{{"data":[{_POST % 1}]}}', " " * 100_000, "12", "]", "{}", "[]", "null", "[NaN]"),
    "\ufeff\ufeff[]",
    *(f"[{_POST % 1},]", f"[{_POST % 1}", f"{_POST % 1}\n]", _POST % 1, f"<html>{_POST % 1}</html>"),
    "{" + '"a":1,' * 50_000 + '"b":2}',
)  # fmt: skip
_HEADER = "post_id,caption\n"
_ODD_TABLES = (
    *(_HEADER, f'{_HEADER}1,"open\n2,b\n', f"{_HEADER}1,a\0b #c\n", "post_id,post_id,caption\n1,2,a #b\n"),
    "1,2,3\n4,5,6\n",
    *(f"\ufeff{_HEADER}1,a #b\n2,b #c\n", f"{_HEADER}1,{'x' * 17_000_000}\n2,b #c\n"),
    ",".join(map(str, range(50_000))),
    *("sep=;\npost_id;caption\n1;a #b\n", ",,,\n,,,\n", f"\n\n{_HEADER}1,a #b\n", "post_id\tcaption\n1\ta #b\n"),
    '"\n' * 1_000,
    *("post_id,caption\r1,a #b\r2,b #c\r", _HEADER + "1,a #b,,,\n" * 5, f'{_HEADER}1,"a\\"b, c #d"\n2,\\N\n'),
    *(f'{_HEADER}1,a "b" #c\n2,"a"b #c\n3,a""b #c\n', _HEADER + "1,a #b\n" * 9 + '9,"'),
)  # fmt: skip
_ODD_FILES = (*(("posts.json", text) for text in _ODD_JSON), *(("posts.csv", text) for text in _ODD_TABLES))
