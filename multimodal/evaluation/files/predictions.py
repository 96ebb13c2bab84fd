"""`predictions.parquet`: a ranking as a table that any tool reads (post_id, rank, hashtag, score)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data_loaders.errors import DataError
from multimodal.evaluation.metrics.chunks import chunks
from multimodal.ranking.rankings import Rankings
from multimodal.storage.run_folder import write_atomically

SCHEMA = pa.schema([("post_id", pa.string()), ("rank", pa.int32()), ("hashtag", pa.string()), ("score", pa.float64())])
_POSTS_PER_GROUP = 32_768
_SHOWN = 3


def write_predictions(path: Path, rankings: Rankings) -> None:
    """Write a ranking, best first within each post; a post with an empty list has no row.

    Args:
        path: of the Parquet file; replaced in one step.
        rankings: of posts whose ids differ.
    """
    names = pa.array(rankings.names, pa.string())

    def write(temporary: Path) -> None:
        with pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer:
            for rows in chunks(len(rankings), _POSTS_PER_GROUP, "Writing predictions"):
                writer.write_table(_table(rankings, names, rows))

    write_atomically(path, write)


def _table(rankings: Rankings, names: pa.Array, chunk: slice) -> pa.Table:
    indices = rankings.indices[chunk]
    rows, ranks = np.nonzero(indices >= 0)
    post_ids = pa.array(rankings.post_ids[chunk], pa.string())
    columns = [
        post_ids.take(pa.array(rows)),
        pa.array((ranks + 1).astype(np.int32)),
        names.take(pa.array(indices[rows, ranks])),
        pa.array(rankings.scores[chunk][rows, ranks]),
    ]
    return pa.table(columns, schema=SCHEMA)


def read_predictions(path: Path, post_ids: Sequence[str] | None = None) -> Rankings:
    """Read a ranking from Parquet (or CSV with the same columns), whatever wrote it; the rows may be in any order.

    Args:
        post_ids: the posts it may speak of: the answer has them all, in this order, and those without a
            prediction have an empty list. Without it, the posts of the file in the order of their first row.

    Raises:
        DataError: a column is missing or of another kind, a value is missing, a post is unknown, a rank is given
            twice, left out or below 1, a list repeats a hashtag, a hashtag is not canonical, a score is NaN or
            infinite, or scores rise along a list. The message names the first such post.
    """
    table = _read_table(path)
    row, ids = _rows(path, table, post_ids)
    tag, names = _coded(table["hashtag"])
    rank = table["rank"].to_numpy().astype(np.int64)
    score = table["score"].to_numpy()
    _check_names(path, names)
    bad = ~np.isfinite(score)
    if bad.any():
        at = int(np.argmax(bad))
        raise DataError(
            f"{path}: post {ids[row[at]]!r}, rank {rank[at]}: the score is {score[at]}; scores must be finite numbers."
        )
    order = np.lexsort((rank, row))
    row, tag, rank, score = row[order], tag[order], rank[order], score[order]
    _check_lists(path, ids, names, row, tag, rank, score)
    shape = (len(ids), int(rank.max(initial=0)))
    indices, scores = np.full(shape, -1, np.int64), np.full(shape, np.nan)
    indices[row, rank - 1], scores[row, rank - 1] = tag, score
    return Rankings(ids, indices, scores, names)


def read_parquet(
    path: Path, content: str, read: Callable[[Path], pa.Table] = pq.read_table, missing: str = ""
) -> pa.Table:
    """Read a table of an evaluation.

    Args:
        content: what the file holds, for messages.
        read: reads the file.
        missing: the same where the file is missing.

    Raises:
        DataError: missing or damaged.
    """
    try:
        return read(path)
    except FileNotFoundError:
        how = "make it: multimodal-hashtags evaluate --run … --data …"
        raise DataError(f"{path} ({missing or content}) is missing; {how}") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} cannot be read as {content}: {error}") from error


def _read_csv(path: Path) -> pa.Table:
    from pyarrow import csv

    # Everything else stays text: a post id such as 0012 is not a number, a hashtag "null" not a missing one.
    types = {"post_id": pa.string(), "hashtag": pa.string()}
    return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types, strings_can_be_null=False))


def _read_table(path: Path) -> pa.Table:
    table = read_parquet(path, "predictions", _read_csv if path.suffix.lower() == ".csv" else pq.read_table)
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise DataError(
            f"{path}: the column {missing[0]!r} is missing; predictions have {', '.join(SCHEMA.names)}, "
            f"this file has {', '.join(table.column_names) or 'none'}."
        )
    columns = [_cast(path, table, field) for field in SCHEMA]
    return pa.table(columns, schema=SCHEMA)


def _cast(path: Path, table: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    column = table[field.name]
    try:
        column = column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"{path}: the column {field.name!r} holds {column.type}, which is not {field.type}: {error}"
        ) from error
    if column.null_count:
        raise DataError(f"{path}: {column.null_count:,} rows have no {field.name}; every prediction needs one.")
    return column


def _coded(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _rows(path: Path, table: pa.Table, post_ids: Sequence[str] | None) -> tuple[NDArray[np.int64], Sequence[str]]:
    code, in_file = _coded(table["post_id"])
    if post_ids is None:
        return code, in_file
    index = {post_id: number for number, post_id in enumerate(post_ids)}
    unknown = [post_id for post_id in in_file if post_id not in index]
    if unknown:
        shown = ", ".join(map(repr, unknown[:_SHOWN]))
        raise DataError(
            f"{path}: {len(unknown):,} of {len(in_file):,} posts are not among the {len(index):,} that are "
            f"evaluated ({shown}{', …' if len(unknown) > _SHOWN else ''}); is it the same split of the same folder?"
        )
    row_of = np.fromiter((index[post_id] for post_id in in_file), np.int64, len(in_file))
    return row_of[code], post_ids


def _check_names(path: Path, names: Sequence[str]) -> None:
    from data_loaders.text.hashtags import normalise

    for name in names:
        canonical = normalise(name)
        if canonical != name:
            accepted = f"write {canonical!r}" if canonical else "it has no letter, mark, number or underscore"
            raise DataError(f"{path}: the hashtag {name!r} is not in its canonical form; {accepted}.")


def _check_lists(path: Path, ids: Sequence[str], names: Sequence[str], *columns: NDArray[Any]) -> None:
    row, tag, rank, score = columns  # sorted by row, then rank
    if not len(row):
        return
    same = row[1:] == row[:-1]
    expected = np.arange(len(row)) - np.maximum.accumulate(np.where(np.append(False, same), 0, np.arange(len(row)))) + 1
    if (wrong := rank != expected).any():
        at = int(np.argmax(wrong))
        what = f"rank {rank[at]} is given twice" if rank[at] < expected[at] else f"rank {expected[at]} is missing"
        what = f"rank {rank[at]} is below 1" if rank[at] < 1 else what
        raise DataError(f"{path}: post {ids[row[at]]!r}: {what}; ranks run 1, 2, 3, … without a gap.")
    if (rising := same & (score[1:] > score[:-1])).any():
        at = int(np.argmax(rising)) + 1
        raise DataError(
            f"{path}: post {ids[row[at]]!r}: rank {rank[at]} has a higher score ({score[at]}) than rank "
            f"{rank[at - 1]} ({score[at - 1]}); rank 1 must be the best."
        )
    keys = np.sort(row * np.int64(len(names)) + tag)
    if (repeated := keys[1:] == keys[:-1]).any():
        post, name = divmod(int(keys[int(np.argmax(repeated))]), len(names))
        raise DataError(f"{path}: post {ids[post]!r} names the hashtag {names[name]!r} twice.")
