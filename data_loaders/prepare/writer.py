"""The second pass of `prepare`: write the staged posts to `posts.parquet`, in the folder's order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data_loaders.bulk.progress import progress_bar
from data_loaders.prepare.folder_format import POSTS_SCHEMA, TAGS
from data_loaders.prepare.reading.staged_posts import StagedPosts
from data_loaders.prepare.splits import SPLITS


def write_posts(
    path: Path,
    staged: StagedPosts,
    order: NDArray[np.int64],
    split_ids: NDArray[np.int64],
    groups: NDArray[np.int64],
    hashtags: frozenset[str] | None = None,
) -> None:
    """Write posts in a new order.

    Args:
        path: the Parquet file, overwritten if it exists.
        staged: posts in dump order.
        order: (N,) positions in the dump of the first, second, … post, whose `sequence` counts from 0; other posts are
            not written.
        split_ids: (N,) indices into `SPLITS`, in the new order.
        groups: (N,) numbers of near-duplicate groups, in the new order.
        hashtags: the hashtags to keep in the posts; None for all.
    """
    names = pa.array(SPLITS)
    with (
        progress_bar("Writing posts", len(order)) as bar,
        pq.ParquetWriter(path, POSTS_SCHEMA, compression="zstd") as writer,
    ):
        for first, table in staged.in_order(order):
            rows = slice(first, first + len(table))
            added = {
                **({} if hashtags is None else _reduced(table, hashtags)),
                "sequence": pa.array(np.arange(rows.start, rows.stop)),
                "duplicate_group": pa.array(groups[rows]),
                "split": names.take(pa.array(split_ids[rows])),
            }
            columns = [added[name] if name in added else table.column(name) for name in POSTS_SCHEMA.names]
            writer.write_table(pa.Table.from_arrays(columns, schema=POSTS_SCHEMA))
            bar.advance(len(table))


def _reduced(table: pa.Table, kept: frozenset[str]) -> dict[str, pa.Array]:
    names = ("hashtags", "hashtags_surface")
    rows = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    pairs = [[pair for pair in zip(tags, surfaces, strict=True) if pair[0] in kept] for tags, surfaces in rows]
    return {name: pa.array([[pair[index] for pair in row] for row in pairs], TAGS) for index, name in enumerate(names)}
