"""Write hostile records as dumps of every format."""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hostile_records import HostileRecord, broken_json, hostile_records
from hostile_values import FIELDS


@dataclass
class Dump:
    """A dump as it was written.

    Attributes:
        path: what a reader is given.
        count: how many records it holds; None where its damage leaves that open.
        good: what posts must hold, by id, as far as their fields are as they should be.
        whole: ids of posts that must be kept.
        format: name of the format; None to have it detected.
        may_be_refused: whether it is damaged so that nothing of it can be told apart.
    """

    path: Path
    count: int | None
    good: dict[str, dict[str, Any]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    format: str | None = None
    may_be_refused: bool = False


def _of(path: Path, records: list[HostileRecord], **others: Any) -> Dump:
    good = {record.good["post_id"]: record.good for record in records if record.good}
    return Dump(path, len(records), good, {key for key, value in good.items() if len(value) == len(FIELDS)}, **others)


def encoded(text: str) -> bytes:
    """Return text as UTF-8, halves of surrogate pairs included."""
    return text.encode("utf-8", "surrogatepass")


def beyond_json(text: str) -> bool:
    """Return whether Python does not read JSON: it is nested too deep, or has numbers of thousands of digits."""
    return "[" * 500 in text or '{"a":' * 500 in text or "9" * 4_000 in text


def json_lines(draw: random.Random, folder: Path) -> Dump:
    """JSON Lines, some of which are not JSON, with all ends of lines, with or without a mark, packed or not."""
    records = hostile_records(draw, 40)
    lines, two_in_one = [], False
    for record in records:
        if draw.random() < 0.1:
            lines.append(broken_json(draw, record))
            two_in_one |= lines[-1] == record.json() * 2
            record.good.clear()
        else:
            lines.append(record.json())
    data = encoded(draw.choice(("\n", "\r\n", "\n\n")).join(lines) + draw.choice(("", "\n")))
    if draw.random() < 0.2:
        data = b"\xef\xbb\xbf" + data
    if draw.random() < 0.3:
        path, data = folder / "posts.jsonl.gz", gzip.compress(data, 1)
    else:
        path = folder / draw.choice(("posts.jsonl", "posts.ndjson", "POSTS.JSONL"))
    path.write_bytes(data)
    dump = _of(path, records)
    return replace(dump, count=None) if two_in_one else dump  # two records, or one that is refused


def json_array(draw: random.Random, folder: Path) -> Dump:
    """One array of objects."""
    records = hostile_records(draw, 40)
    joined = draw.choice((",", ",\n", " , ")).join(record.json() for record in records)
    path = folder / "posts.json"
    path.write_bytes(encoded("[" + joined + "]" + draw.choice(("", "\n", " "))))
    return _of(path, records, may_be_refused=beyond_json(joined))


def _table(draw: random.Random, records: list[HostileRecord], delimiter: str) -> bytes:
    columns = [name for name in FIELDS if name in ("post_id", "caption") or draw.random() < 0.9]
    draw.shuffle(columns)
    for record in records:
        record.good = {key: value for key, value in record.good.items() if key in columns and key in record.cells}
        if "post_id" not in record.good:
            record.good.clear()
    text = io.StringIO()
    # Without quotes Python leaves a lone carriage return bare, which ends a line.
    writer = csv.writer(text, delimiter=delimiter, lineterminator=draw.choice(("\n", "\r\n")), quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    writer.writerows([[in_one_dialect(record.cells.get(name, "")) for name in columns] for record in records])
    return text.getvalue().encode("utf-8", "replace")


def in_one_dialect(cell: str) -> str:
    r"""Return a cell without `\"` and a backslash at its end, which two dialects of tables understand differently."""
    return cell.replace("\0", "").replace('\\"', '"').rstrip("\\")


def table(draw: random.Random, folder: Path) -> Dump:
    """CSV or TSV as Python writes it, with all delimiters that are detected, packed or not."""
    records = hostile_records(draw, 40, 0.2)
    name, delimiter = draw.choice((("posts.csv", ","), ("posts.csv", ";"), ("posts.csv", "\t"), ("posts.tsv", "\t")))
    data = _table(draw, records, delimiter)
    if draw.random() < 0.2:
        data = b"\xef\xbb\xbf" + data
    if draw.random() < 0.3:
        name, data = name + ".gz", gzip.compress(data, 1)
    (folder / name).write_bytes(data)
    return _of(folder / name, records)


def parquet(draw: random.Random, folder: Path) -> Dump:
    """Parquet with text in some columns and something else in others."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    records = hostile_records(draw, 40, 0.15)
    columns: dict[str, Any] = {}
    for name in FIELDS:
        values = [record.cells.get(name) for record in records]
        odd = odd_column(draw, len(records)) if name != "post_id" and draw.random() < 0.15 else None
        columns[name] = (
            pa.array([value and value.encode("utf-8", "replace").decode() for value in values]) if odd is None else odd
        )
        for record in records:
            if odd is not None:
                record.good.pop(name, None)
    path = folder / draw.choice(("posts.parquet", "posts.pq"))
    pq.write_table(pa.table(columns), path, row_group_size=draw.choice((7, 1_000)))
    return _of(path, records)


def odd_column(draw: random.Random, rows: int) -> Any:
    """Return a column of a type that no field has."""
    import datetime as dt
    from decimal import Decimal

    import pyarrow as pa

    whole = pa.array([draw.randrange(-(2**62), 2**62) for _ in range(rows)])
    makers: tuple[Callable[[], Any], ...] = (
        lambda: whole,
        lambda: whole.cast(pa.timestamp("ns")),
        lambda: pa.array([draw.randrange(-(2**53), 2**53) for _ in range(rows)], pa.timestamp("s")),
        lambda: pa.array(
            [1_700_000_000] * rows, pa.timestamp("s", tz=draw.choice(("Asia/Tokyo", "Nowhere/Land", "+14:00")))
        ),
        lambda: pa.array([2**30] * rows, pa.int32()).cast(pa.date32()),
        lambda: pa.array([2**50] * rows).cast(pa.timestamp("ms")).cast(pa.date64(), safe=False),
        lambda: whole.cast(pa.duration("us")),
        lambda: pa.array([float("inf"), 1e300, float("nan"), -1e300] * rows)[:rows],
        lambda: pa.array([{"a": 1, "text": "fog"}] * rows),
        lambda: pa.array([{"bytes": b"\xff", "path": "x.jpg"}] * rows),
        lambda: pa.array([[1, None]] * rows),
        lambda: pa.array([["fog", None, ""]] * rows),
        lambda: pa.array([["fog sun"]] * rows, pa.large_list(pa.large_string())),
        lambda: pa.array([[("a", 1)]] * rows, pa.map_(pa.string(), pa.int64())),
        lambda: pa.array([draw.random() < 0.5 for _ in range(rows)]),
        lambda: pa.array([b"\xff\x00\xfe"] * rows, draw.choice((pa.binary(), pa.binary(3), pa.large_binary()))),
        lambda: pa.array([Decimal("1e30")] * rows),
        lambda: pa.array([dt.time(1)] * rows),
        lambda: pa.nulls(rows),
        lambda: pa.array([f"t{row}" for row in range(rows)]).dictionary_encode(),
        lambda: pa.array([2**64 - 1 - row for row in range(rows)], pa.uint64()),
    )
    return draw.choice(makers)()
