"""The answers of a dump as one file: Parquet, CSV or JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data_loaders.errors import UserError
from multimodal.serving.dumps.answering import Line
from multimodal.serving.dumps.rejected_lists import is_list, lists_beside

SCHEMA = pa.schema(
    [
        ("post_id", pa.string()),
        ("rank", pa.int32()),
        ("hashtag", pa.string()),
        ("score", pa.float64()),
        ("probability", pa.float64()),
    ]
)
"""The columns of Parquet and CSV: a row for each hashtag, ranks from 1 on."""
_POSTS_AT_ONCE = 16_384


def check_output(output: Path, sources: Sequence[Path]) -> None:
    """Refuse an output that cannot be written, or whose writing would change the dump.

    Args:
        output: of the answers; the lists beside it are checked too.
        sources: files and folders of the dump.

    Raises:
        UserError: its ending is that of no format, or of a list; or it is a folder, the dump, or inside of the dump.
    """
    if output.suffix.lower() not in _WRITERS:
        accepted = ", ".join(_WRITERS)
        raise UserError(f"output {output}: the ending {output.suffix!r} names no format; accepted: {accepted}.")
    if is_list(output):
        raise UserError(f"output {output}: files with such names list refused records; choose another --output.")
    if output.is_dir():
        raise UserError(f"output {output} is a folder; give a file, for instance {output / 'recommendations.parquet'}.")
    for written in output, *lists_beside(output):
        for source in sources:
            if written.resolve().is_relative_to(source.resolve()):
                listed = f": {written}, where refused records are listed," if written != output else ""
                told = f"output {output}{listed}"
                raise UserError(f"{told} belongs to the dump {source}, which is only read; choose another --output.")


def write_output(path: Path, ending: str, answered: Iterable[Line]) -> None:
    """Write answers.

    Args:
        path: of the file.
        ending: that of its final name, which says the format.
        answered: lines with hashtags.
    """
    _WRITERS[ending.lower()](path, answered)


def _tables(answered: Iterable[Line]) -> Iterator[pa.Table]:
    lines = iter(answered)
    while block := list(islice(lines, _POSTS_AT_ONCE)):
        rows: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
        for line in block:
            length = len(line["hashtags"])
            rows["post_id"] += [line["post_id"]] * length
            rows["rank"] += range(1, length + 1)
            rows["hashtag"] += line["hashtags"]
            rows["score"] += line["scores"]
            rows["probability"] += line["probabilities"]
        yield pa.table(rows, schema=SCHEMA)


def _parquet(path: Path, answered: Iterable[Line]) -> None:
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for table in _tables(answered):
            writer.write_table(table)


def _csv(path: Path, answered: Iterable[Line]) -> None:
    from pyarrow import csv

    with csv.CSVWriter(path, SCHEMA) as writer:
        for table in _tables(answered):
            writer.write_table(table)


def _json_lines(path: Path, answered: Iterable[Line]) -> None:
    names = ("post_id", "hashtags", "scores", "probabilities")
    with path.open("w", encoding="utf-8") as file:
        for line in answered:
            file.write(json.dumps({name: line[name] for name in names}, ensure_ascii=False) + "\n")


_WRITERS: Mapping[str, Callable[[Path, Iterable[Line]], None]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _json_lines,
}
ENDINGS = tuple(_WRITERS)
"""Of the formats."""
