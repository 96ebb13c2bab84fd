"""The order of posts in a prepared folder: by split and time, of one instant by id, whatever the order of the dump."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_loaders.prepare.post_index import Ints
from data_loaders.prepare.reading.staged_posts import StagedPosts

# Of more posts ids are not in memory at once, unless so many are of one instant.
_ROWS_AT_ONCE = 1 << 18


def folder_order(staged: StagedPosts, instants_us: Ints, split_ids: Ints) -> Ints:
    """Return the positions in the dump of the first, second, … post of the folder.

    Undated posts, no two of which have the same instant, keep the order of the dump.

    Args:
        staged: N posts in dump order.
        instants_us: (N,) see `PostIndex`.
        split_ids: (N,) indices into `SPLITS`.
    """
    order = np.lexsort((np.arange(len(instants_us)), instants_us, split_ids))
    instants, splits = instants_us[order], split_ids[order]
    same = (instants[1:] == instants[:-1]) & (splits[1:] == splits[:-1])
    tied = np.flatnonzero(np.r_[same, False] | np.r_[False, same])
    begins = np.flatnonzero(~np.r_[False, same][tied])
    for rows in _blocks(begins, len(tied)):
        of_instant = np.searchsorted(begins, np.arange(rows.start, rows.stop), side="right")
        places = tied[rows]
        order[places] = order[places][_by_id(of_instant, staged.ids(order[places]))]
    return np.asarray(order, np.int64)


def _blocks(begins: NDArray[np.int64], count: int) -> Iterator[slice]:
    """Yield ranges of about `_ROWS_AT_ONCE` rows, each from the first post of an instant to the last of one."""
    start = 0
    while start < count:
        after = int(np.searchsorted(begins, start + _ROWS_AT_ONCE))
        stop = int(begins[after]) if after < len(begins) else count
        yield slice(start, stop)
        start = stop


def _by_id(of_instant: NDArray[np.int64], ids: pa.Array) -> NDArray[np.int64]:
    table = pa.table({"instant": pa.array(of_instant), "id": ids})
    keys = [("instant", "ascending"), ("id", "ascending")]
    return np.asarray(pc.sort_indices(table, sort_keys=keys).to_numpy(), np.int64)
