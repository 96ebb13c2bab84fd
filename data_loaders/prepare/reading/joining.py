"""`join`: the columns of all parts of a dump ▶ one index; of posts with the same id, the first is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_loaders.images.fingerprints import NO_COLOURS, NO_KEY
from data_loaders.posts import UNDATED_EPOCH_US
from data_loaders.prepare.post_index import Fingerprints, Flags, Numbers, PostIndex
from data_loaders.prepare.reading.columns import ID_BYTES, Columns, names_of


@dataclass(frozen=True, kw_only=True)
class Joined:
    """The posts of all parts, one part after the other.

    Attributes:
        index: the posts that are kept.
        prints: their fingerprints.
        kept: for each part, which of its posts these are.
    """

    index: PostIndex
    prints: Fingerprints
    kept: Sequence[Flags]


def join(parts: Sequence[Columns]) -> Joined:
    """Return what several parts of a dump hold together, with the posts of every part in its order.

    Args:
        parts: see `ColumnsBuilder.columns`; they are read column by column.
    """
    kept = _first_of_each_id(parts)

    def column(name: str) -> NDArray[Any]:
        return np.concatenate([_rows(part[name], rows) for part, rows in zip(parts, kept, strict=True)])

    counts, dated = column("tag_counts"), column("dated")
    tags, hashtags = _renumbered(parts, kept, "hashtags", _tags)
    scripts, script_names = _renumbered(parts, kept, "script_names", _scripts)
    instants = column("instants_us")
    undated = np.flatnonzero(~dated)
    instants[undated] = UNDATED_EPOCH_US + undated
    index = PostIndex(
        instants_us=instants,
        dated=dated,
        users=_users(parts, kept),
        caption_lengths=column("caption_lengths"),
        scripts=scripts.astype(np.int8),
        has_image=column("has_image"),
        tags=tags,
        tag_ends=np.cumsum(counts, dtype=np.int64),
        hashtags=tuple(hashtags),
        script_names=tuple(script_names),
    )
    image_keys = column("image_keys")
    prints = Fingerprints(
        caption_keys=column("caption_keys"), image_keys=image_keys, image_colours=_colours(parts, kept, image_keys)
    )
    return Joined(index=index, prints=prints, kept=kept)


def _rows(values: NDArray[Any], rows: Flags) -> NDArray[Any]:
    return values if rows.all() else values[rows]


def _first_of_each_id(parts: Sequence[Columns]) -> list[Flags]:
    staged = [len(part["dated"]) for part in parts]
    if len(parts) == 1:
        return [np.ones(staged[0], np.bool_)]
    ids_of_parts = [np.concatenate([part["post_ids"], part["lost_ids"]]) for part in parts]
    sizes = [len(ids) for ids in ids_of_parts]
    first_of_all = _first_of_each(np.concatenate(ids_of_parts))
    return [rows[:count] for rows, count in zip(np.split(first_of_all, np.cumsum(sizes)[:-1]), staged, strict=True)]


def _first_of_each(ids: NDArray[np.uint8]) -> Flags:
    kept = np.ones(len(ids), np.bool_)
    if len(ids):
        halves = np.ascontiguousarray(ids[:, : ID_BYTES // 2]).view(np.uint64).ravel()
        order = np.argsort(halves, kind="stable")
        same = halves[order[1:]] == halves[order[:-1]]
        doubtful = np.sort(order[np.r_[same, False] | np.r_[False, same]])
        _, first = np.unique(ids[doubtful].view(f"V{ID_BYTES}").ravel(), return_index=True)
        kept[doubtful] = False
        kept[doubtful[first]] = True
    return kept


def _users(parts: Sequence[Columns], kept: Sequence[Flags]) -> Numbers:
    ids = [part["user_ids"] for part in parts]
    _, numbers = np.unique(np.concatenate(ids).view(f"V{ID_BYTES}").ravel(), return_inverse=True)
    of_parts = np.split(numbers.astype(np.int32).ravel(), np.cumsum(list(map(len, ids)))[:-1])
    users = []
    for part, rows, of_part in zip(parts, kept, of_parts, strict=True):
        local = _rows(part["users"], rows)
        users.append(np.where(local < 0, np.int32(-1), np.r_[of_part, np.int32(-1)][local]))
    return np.concatenate(users)


def _tags(part: Columns, rows: Flags) -> NDArray[Any]:
    return _rows(part["tags"], rows.repeat(part["tag_counts"]))


def _scripts(part: Columns, rows: Flags) -> NDArray[Any]:
    return _rows(part["scripts"], rows)


def _renumbered(
    parts: Sequence[Columns], kept: Sequence[Flags], name: str, values_of: Callable[[Columns, Flags], NDArray[Any]]
) -> tuple[Numbers, list[str]]:
    """Return values with the same number for the same name in all parts, and the names by number.

    Names are numbered in the order in which posts that are kept first have them.
    """
    numbers: dict[str, int] = {}
    renumbered = []
    for part, rows in zip(parts, kept, strict=True):
        values, names = values_of(part, rows), names_of(part, name)
        used = np.flatnonzero(np.bincount(values, minlength=len(names)))
        new = np.zeros(len(names), np.int32)
        new[used] = [numbers.setdefault(names[number], len(numbers)) for number in used.tolist()]
        renumbered.append(new[values])
    return np.concatenate(renumbered), list(numbers)


def _colours(parts: Sequence[Columns], kept: Sequence[Flags], image_keys: NDArray[np.uint64]) -> NDArray[np.uint8]:
    width = len(NO_COLOURS)
    pictured = image_keys != NO_KEY
    colours = np.broadcast_to(np.zeros(width, np.uint8), (len(image_keys), width))
    if not pictured.any():
        return colours
    colours = colours.copy()
    colours[pictured] = np.concatenate(
        [part["image_colours"][rows[part["image_keys"] != NO_KEY]] for part, rows in zip(parts, kept, strict=True)]
    )
    return colours
