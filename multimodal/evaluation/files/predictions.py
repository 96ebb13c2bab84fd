"""`predictions.parquet`: a ranking as a table that any tool reads (post_id, rank, hashtag, score); other files too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data_loaders.errors import DataError, UserError, short_repr
from multimodal.evaluation.files.prediction_formats import read_prediction_table
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

    def write(temporary: Path) -> None:
        with pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer:
            for rows in chunks(len(rankings), _POSTS_PER_GROUP, "Writing predictions"):
                writer.write_table(prediction_table(rankings, rows))

    write_atomically(path, write)


def prediction_table(rankings: Rankings, chunk: slice) -> pa.Table:
    """Return some posts of a ranking as a table with the columns of `SCHEMA`."""
    indices = rankings.indices[chunk]
    rows, ranks = np.nonzero(indices >= 0)
    post_ids = pa.array(rankings.post_ids[chunk], pa.string())
    columns = [
        post_ids.take(pa.array(rows)),
        pa.array((ranks + 1).astype(np.int32)),
        pa.array(rankings.names, pa.string()).take(pa.array(indices[rows, ranks])),
        pa.array(rankings.scores[chunk][rows, ranks]),
    ]
    return pa.table(columns, schema=SCHEMA)


def read_predictions(
    path: str | Path, post_ids: Sequence[str] | None = None, *, file_format: str | None = None
) -> Rankings:
    """Read a ranking, whatever wrote it: Parquet, CSV, JSON Lines, TREC run, ranx's Run; rows may be in any order.

    Where the file has both ranks and scores they must agree, but for a TREC run, whose scores decide. Without ranks
    scores order each list, equal ones as the file does; without scores a hashtag gets minus its rank.

    Args:
        post_ids: the posts it may speak of: the answer has them all, in this order, and those without a
            prediction have an empty list. Without it, the posts of the file in the order of their first row.
        file_format: one of `FORMATS`; by default the ending of the name decides.

    Raises:
        DataError: a column is missing or of another kind, a value is missing, a post is unknown, a rank is given
            twice, left out or below 1, a list repeats a hashtag, a hashtag is not canonical, a score is NaN or
            infinite, or scores rise along a list. The message names the first such post.
        UserError: an argument is of another type, or the format is unknown.
    """
    if not isinstance(path, (str, Path)):
        raise UserError(f"path: {short_repr(path)} is not the path of a file of predictions.")
    if isinstance(post_ids, (str, bytes)):
        raise UserError(f"post_ids: {short_repr(post_ids)} is one text; give a list of ids.")
    rows = read_rows(Path(path), file_format)
    check_names(rows.path, rows.names)
    return rows.rankings(post_ids)


@dataclass(frozen=True)
class PredictionRows:
    """M rows of a file of predictions.

    Attributes:
        posts: (M,) index in `post_ids`.
        post_ids: the posts of the file, in the order of their first row.
        tags: (M,) index in `names`.
        names: the hashtags of the file.
        ranks: (M,) from 1 on; None if scores order the lists.
        scores: (M,) finite.
    """

    path: Path
    posts: NDArray[np.int64]
    post_ids: Sequence[str]
    tags: NDArray[np.int64]
    names: Sequence[str]
    ranks: NDArray[np.int64] | None
    scores: NDArray[np.float64]

    def rankings(self, post_ids: Sequence[str] | None = None) -> Rankings:
        """Check the lists and return them; see `read_predictions`.

        Raises:
            DataError: a list is not one.
        """
        ids = self.post_ids if post_ids is None else post_ids
        row, tag, score = self._of_posts(post_ids), self.tags, self.scores
        order = _order(row, -score if self.ranks is None else self.ranks)
        if order is not None:
            row, tag, score = row[order], tag[order], score[order]
        given = self.ranks if self.ranks is None or order is None else self.ranks[order]
        rank = _numbered(row) if given is None else given
        _check_lists(self.path, ids, self.names, row, tag, rank, score)
        shape = (len(ids), int(rank.max(initial=0)))
        indices, scores = np.full(shape, -1, np.int64), np.full(shape, np.nan)
        indices[row, rank - 1], scores[row, rank - 1] = tag, score
        return Rankings(ids, indices, scores, self.names)

    def only(self, post_ids: Sequence[str]) -> PredictionRows:
        """Return the rows of some posts."""
        wanted = set(post_ids)
        kept = np.array([post_id in wanted for post_id in self.post_ids], np.bool_)
        if kept.all():
            return self
        number, chosen = np.cumsum(kept) - 1, kept[self.posts]
        ids = [post_id for post_id in self.post_ids if post_id in wanted]
        ranks = None if self.ranks is None else self.ranks[chosen]
        return PredictionRows(
            self.path, number[self.posts[chosen]], ids, self.tags[chosen], self.names, ranks, self.scores[chosen]
        )

    def _of_posts(self, post_ids: Sequence[str] | None) -> NDArray[np.int64]:
        if post_ids is None:
            return self.posts
        index = {post_id: number for number, post_id in enumerate(post_ids)}
        unknown = [post_id for post_id in self.post_ids if post_id not in index]
        if unknown:
            shown = ", ".join(map(repr, unknown[:_SHOWN]))
            raise DataError(
                f"{self.path}: {len(unknown):,} of {len(self.post_ids):,} posts are not among the {len(index):,} that "
                f"are evaluated ({shown}{', …' if len(unknown) > _SHOWN else ''}); is it the same split of the same "
                "folder?"
            )
        return np.fromiter((index[post_id] for post_id in self.post_ids), np.int64, len(self.post_ids))[self.posts]


def read_rows(path: Path, file_format: str | None = None) -> PredictionRows:
    """Read the rows of a file of predictions, whose lists and hashtags are not checked yet.

    Raises:
        DataError: it is damaged, or a column or a value is missing or of another kind.
        UserError: the format is unknown.
    """
    read = read_prediction_table(path, file_format)
    has_rank, has_score = (name in read.table.column_names for name in ("rank", "score"))
    needed = ["post_id", *([] if has_score else ["rank"]), "hashtag"]
    missing = [name for name in needed if name not in read.table.column_names]
    if missing:
        raise DataError(
            f"{path}: the column {missing[0]!r} is missing; predictions have {', '.join(SCHEMA.names)}, "
            f"this file has {', '.join(read.table.column_names) or 'none'}."
        )
    cast = {field.name: _cast(path, read.table, field) for field in SCHEMA if field.name in read.table.column_names}
    posts, post_ids = _coded(cast["post_id"])
    tags, names = _coded(cast["hashtag"])
    ranks = cast["rank"].to_numpy().astype(np.int64) if has_rank else None
    scores = cast["score"].to_numpy() if has_score else -cast["rank"].to_numpy().astype(np.float64)
    bad = ~np.isfinite(scores)
    if bad.any():
        at = int(np.argmax(bad))
        place = f"rank {ranks[at]}" if ranks is not None else f"hashtag {names[tags[at]]!r}"
        raise DataError(
            f"{path}: post {post_ids[posts[at]]!r}, {place}: the score is {scores[at]}; scores must be finite numbers."
        )
    if read.by_score and ranks is not None and (order := _order(posts, ranks)) is not None:
        # Scores decide; between equal ones, ranks.
        posts, tags, scores = posts[order], tags[order], scores[order]
    return PredictionRows(path, posts, post_ids, tags, names, None if read.by_score else ranks, scores)


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


def _order(row: NDArray[np.int64], key: NDArray[Any]) -> NDArray[np.int64] | None:
    """Return the order by row, then key, of equal ones the first; None where the rows are in it already."""
    later, same = row[1:] > row[:-1], row[1:] == row[:-1]
    if bool((later | (same & (key[1:] >= key[:-1]))).all()):
        return None
    return np.lexsort((key, row))


def _numbered(row: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 1, 2, 3, … for the entries of each row; rows rise."""
    if not len(row):
        return row
    first = np.append(True, row[1:] != row[:-1])
    numbers = np.arange(len(row))
    counted: NDArray[np.int64] = numbers - np.maximum.accumulate(np.where(first, numbers, 0)) + 1
    return counted


def check_names(path: Path, names: Sequence[str]) -> None:
    """Check that hashtags are canonical.

    Raises:
        DataError: one is not.
    """
    from data_loaders.text.hashtags import normalise

    for name in names:
        canonical = normalise(name)
        if canonical != name:
            accepted = f"write {canonical!r}" if canonical else "it has no letter, and a hashtag has at least one"
            raise DataError(f"{path}: the hashtag {name!r} is not in its canonical form; {accepted}.")


def _check_lists(path: Path, ids: Sequence[str], names: Sequence[str], *columns: NDArray[Any]) -> None:
    row, tag, rank, score = columns  # sorted by row, then rank
    if not len(row):
        return
    same = row[1:] == row[:-1]
    expected = _numbered(row)
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
