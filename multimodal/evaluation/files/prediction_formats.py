"""Rankings as files of this and of other programs, each read as one table: post_id, hashtag, rank, score.

A file orders its lists by `rank`, or by `score` where it has no ranks or, as TREC's tools and ranx do, ignores them.
"""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_loaders.errors import DataError, UserError, nearest

FORMATS = {
    "parquet": "Parquet: post_id, hashtag, and rank or score or both; also ranx's: q_id, doc_id, score",
    "csv": "CSV with the same columns",
    "jsonl": "JSON Lines: such a row a line, or a post a line: post_id, hashtags, and scores if there are any",
    "trec": "TREC run: post Q0 hashtag rank score name",
    "ranx": "ranx's Run as JSON: {post: {hashtag: score}}",
}
_ENDINGS = {
    "parquet": "parquet", "parq": "parquet", "csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl",
    "trec": "trec", "run": "trec", "txt": "trec", "json": "ranx",
}  # fmt: skip
_RANX_COLUMNS = {"q_id": "post_id", "doc_id": "hashtag"}
_COLUMNS = ("post_id", "hashtag", "rank", "score")
_TREC_COLUMNS = ("post_id", "q0", "hashtag", "rank", "score", "name")
# Everything else stays text: a post id such as 0012 is not a number, a hashtag "null" not a missing one.
_TEXT = {"post_id": pa.string(), "hashtag": pa.string(), "q_id": pa.string(), "doc_id": pa.string()}
_BLOCK_BYTES = 2**25


@dataclass(frozen=True)
class PredictionTable:
    """What a file says, not yet checked.

    Attributes:
        table: its rows.
        by_score: whether scores order the lists, equal ones in the order of ranks or rows.
    """

    table: pa.Table
    by_score: bool


def find_format(path: Path, given: str | None = None) -> str:
    """Return the format of a file of predictions: the one that is given, else by the ending of its name.

    Raises:
        UserError: it is not one of `FORMATS`, or the ending says nothing.
    """
    if given is not None:
        if given not in FORMATS:
            raise UserError(f"format: {given!r} is unknown.{nearest(given, FORMATS)} Accepted: {', '.join(FORMATS)}.")
        return given
    ending = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if ending not in _ENDINGS:
        raise UserError(
            f"{path}: the name does not tell what format its predictions are in; give one of {', '.join(FORMATS)}, or "
            f"rename the file to end in {', '.join(f'.{name}' for name in _ENDINGS)}."
        )
    return _ENDINGS[ending]


def read_prediction_table(path: Path, given: str | None = None) -> PredictionTable:
    """Read a file of predictions, without checking its lists.

    Args:
        given: one of `FORMATS`; by default the ending of the name decides.

    Raises:
        UserError: an unknown format.
        DataError: the file is missing, damaged, or not of this format.
    """
    chosen = find_format(path, given)
    try:
        read = _READERS[chosen](path)
    except FileNotFoundError:
        how = "make it: multimodal-hashtags evaluate --run … --data …"
        raise DataError(f"{path} (predictions) is missing; {how}") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as predictions ({FORMATS[chosen]}): {error}") from error
    _check_columns(path, read.column_names)
    if set(_RANX_COLUMNS) <= set(read.column_names):
        read = read.rename_columns([_RANX_COLUMNS.get(name, name) for name in read.column_names])
    return PredictionTable(read, chosen in {"trec", "ranx"} or "rank" not in read.column_names)


def _check_columns(path: Path, names: Sequence[str]) -> None:
    renamed = [_RANX_COLUMNS.get(name, name) for name in names] if set(_RANX_COLUMNS) <= set(names) else names
    for column in _COLUMNS:
        given = [name for name, new in zip(names, renamed, strict=True) if new == column]
        if len(given) > 1:
            raise DataError(f"{path}: {len(given)} columns give the {column} ({', '.join(given)}); keep one of them.")


def _read_parquet(path: Path) -> pa.Table:
    # A column may be there twice, which `read_table` refuses without its name.
    return pq.ParquetFile(path).read() if path.is_file() else pq.read_table(path)


def _read_csv(path: Path) -> pa.Table:
    from pyarrow import csv

    return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=_TEXT, strings_can_be_null=False))


def _read_json_lines(path: Path) -> pa.Table:
    from pyarrow import json as arrow_json

    table = arrow_json.read_json(path, arrow_json.ReadOptions(block_size=_BLOCK_BYTES))
    return _unfolded(table) if "hashtags" in table.column_names else table


def _unfolded(table: pa.Table) -> pa.Table:
    """Return a row for each hashtag of a table with a list of hashtags per post."""
    table = table.combine_chunks()
    if "post_id" not in table.column_names or not pa.types.is_list(table["hashtags"].type):
        raise ValueError("a line needs post_id and hashtags, a list")
    lists = _one(table["hashtags"])
    sizes = lists.value_lengths().fill_null(0).to_numpy()
    ends = np.cumsum(sizes)
    columns = {
        "post_id": _one(table["post_id"]).take(pa.array(np.repeat(np.arange(len(sizes)), sizes))),
        "hashtag": lists.flatten(),
        "rank": pa.array(np.arange(int(sizes.sum())) - np.repeat(ends - sizes, sizes) + 1),
    }
    if "scores" in table.column_names:
        scores = _one(table["scores"])
        if not pa.types.is_list(scores.type) or not np.array_equal(scores.value_lengths().fill_null(0), sizes):
            raise ValueError("scores must be a list, as long as that of hashtags")
        columns["score"] = scores.flatten()
    return pa.table(columns)


def _one(column: pa.ChunkedArray) -> Any:
    chunks = column.combine_chunks()
    return pa.concat_arrays(chunks.chunks) if isinstance(chunks, pa.ChunkedArray) else chunks


def _read_trec(path: Path) -> pa.Table:
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    first = content[: content.find(b"\n") + 1] or content
    if re.search(rb"[ \t]{2}|^[ \t]|[ \t]\r?$", first) or (b" " in first and b"\t" in first):
        content = re.sub(rb"[ \t]+", b" ", content)
        content = re.sub(rb"(?m)^ | (?=\r?$)", b"", content)
    try:
        return _parse_trec(content, "\t" if b"\t" in first and b" " not in first else " ")
    except pa.ArrowInvalid:
        spaced = b"\n".join(b" ".join(line.split()) for line in content.splitlines())
        return _parse_trec(spaced, " ")


def _parse_trec(content: bytes, delimiter: str) -> pa.Table:
    from pyarrow import csv

    return csv.read_csv(
        io.BytesIO(content),
        read_options=csv.ReadOptions(column_names=list(_TREC_COLUMNS)),
        parse_options=csv.ParseOptions(delimiter=delimiter, quote_char=False),
        convert_options=csv.ConvertOptions(
            column_types={**_TEXT, "score": pa.float64()},
            include_columns=["post_id", "hashtag", "rank", "score"],
            strings_can_be_null=False,
        ),
    )


def _read_ranx(path: Path) -> pa.Table:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        run = json.load(file, object_pairs_hook=_unique)
    if not isinstance(run, Mapping) or not all(isinstance(scored, Mapping) for scored in run.values()):
        raise ValueError("it is not an object of objects")
    post_ids = pa.array(list(run), pa.string())
    sizes = np.fromiter(map(len, run.values()), np.int64, len(run))
    rows = pa.array(np.repeat(np.arange(len(run)), sizes))
    hashtags = pa.array((hashtag for scored in run.values() for hashtag in scored), pa.string(), size=int(sizes.sum()))
    scores = [score for scored in run.values() for score in scored.values()]
    return pa.table({"post_id": post_ids.take(rows), "hashtag": hashtags, "score": pa.array(scores)})


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the post or hashtag {key!r} is given twice in one object")
        found[key] = value
    return found


_READERS: Mapping[str, Callable[[Path], pa.Table]] = {
    "parquet": _read_parquet,
    "csv": _read_csv,
    "jsonl": _read_json_lines,
    "trec": _read_trec,
    "ranx": _read_ranx,
}
