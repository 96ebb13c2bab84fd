"""Is `posts.parquet` as `prepare` wrote it? What is cheap to see of a prepared folder that was edited."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_loaders.errors import short_repr
from data_loaders.post_table import PostTable
from data_loaders.prepare.folder_format import POSTS_SCHEMA
from data_loaders.prepare.splits import SPLITS
from data_loaders.text.hashtags import find_hashtags, normalise

_PLAINLY_CANONICAL = "^[0-9_]*[a-z][a-z0-9_]*$"
_CAPTIONS_LOOKED_AT = 2_000
# Earlier versions may have left a hashtag in a caption; where captions are those of the dump, most posts have theirs.
_MOST_WITH_OWN_HASHTAGS = 0.25
_FIRST_US, _LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999  # the years 1 to 9999


def schema_problem(schema: pa.Schema) -> str | None:
    """Return what is wrong with the columns of `posts.parquet`; None where nothing is.

    Columns that are not known are passed over, and text may have long or short offsets.
    """
    missing = [name for name in POSTS_SCHEMA.names if name not in schema.names]
    if missing:
        return f"lacks the columns {', '.join(missing)}"
    for field in POSTS_SCHEMA:
        places = schema.get_all_field_indices(field.name)
        if len(places) > 1:
            return f"has the column {field.name!r} {len(places)} times"
        seen = schema.field(places[0]).type
        if not _is_same(seen, field.type):
            return f"has the column {field.name!r} as {seen}; expected: {field.type}"
    return None


def _is_same(seen: pa.DataType, expected: pa.DataType) -> bool:
    if pa.types.is_list(expected):
        return (pa.types.is_list(seen) or pa.types.is_large_list(seen)) and _is_same(seen.value_type, pa.string())
    if pa.types.is_string(expected) or pa.types.is_large_string(expected):
        return bool(pa.types.is_string(seen) or pa.types.is_large_string(seen))
    return bool(seen == expected)


def posts_problem(posts: PostTable) -> str | None:
    """Return what is wrong with all posts of a folder, whose columns have the right types; None where nothing is.

    All ids, splits, times and different hashtags are looked at, and about 2,000 captions.
    """
    return next(_problems(posts), None)


def _problems(posts: PostTable) -> Iterator[str]:
    for name in ("post_id", "split", "sequence", "hashtags", "duplicate_group"):
        nulls = posts.column(name).null_count
        if nulls:
            yield f"has no {name} in {nulls:,} of {len(posts):,} rows"
    yield from _of_ids(posts.column("post_id"))
    splits = pc.index_in(posts.column("split"), pa.array(SPLITS))
    yield from _of_splits(posts, splits)
    yield from _of_order(posts, splits.to_numpy())
    yield from _of_hashtags(posts)
    yield from _of_captions(posts)


def _of_ids(ids: pa.ChunkedArray) -> Iterator[str]:
    different = pc.unique(ids)
    if len(different) < len(ids):
        counts = pc.value_counts(ids)
        place = pc.index(pc.greater(counts.field("counts"), 1), True).as_py()
        repeated = counts[place].as_py()
        yield f"has the post id {short_repr(repeated['values'])} {repeated['counts']:,} times"
    if pc.index(different, "").as_py() >= 0:
        yield "has a post whose id is empty"


def _of_splits(posts: PostTable, splits: pa.ChunkedArray) -> Iterator[str]:
    if splits.null_count:
        row = pc.index(pc.is_null(splits), True).as_py()
        name = posts.column("split")[row].as_py()
        yield f"has post {_id(posts, row)} in the split {short_repr(name)} (accepted: {', '.join(SPLITS)})"


def _of_order(posts: PostTable, splits: NDArray[np.int64]) -> Iterator[str]:
    sequence = posts.column("sequence").to_numpy()
    if not np.array_equal(sequence, np.arange(len(posts))):
        row = int(np.argmax(sequence != np.arange(len(posts))))
        yield f"has post {_id(posts, row)} in row {row:,} and sequence {sequence[row]:,}; they must be the same"
    dated = pc.min_max(posts.column("timestamp").cast(pa.int64())).as_py()
    if dated["min"] is not None and not _FIRST_US <= dated["min"] <= dated["max"] <= _LAST_US:
        yield "has a timestamp outside of the years 1 to 9999"
    wrong = _falls(splits, posts.instants_us)
    if wrong.any():
        row = int(np.argmax(wrong)) + 1
        order = f"posts are in order of split ({', '.join(SPLITS)}) and time"
        yield f"has post {_id(posts, row)} behind a later one; {order}"


def _falls(splits: NDArray[np.int64], instants_us: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return for all posts but the first whether they belong before the post that precedes them."""
    earlier: NDArray[np.bool_] = instants_us[1:] < instants_us[:-1]
    falls: NDArray[np.bool_] = (splits[1:] < splits[:-1]) | ((splits[1:] == splits[:-1]) & earlier)
    return falls


def _of_hashtags(posts: PostTable) -> Iterator[str]:
    hashtags = pc.list_flatten(posts.column("hashtags"))
    if hashtags.null_count:
        row = _first_with(posts, pc.is_null(hashtags))
        yield f"has a null among the hashtags of post {_id(posts, row)}"
    for hashtag in _unsure(pc.unique(hashtags)).to_pylist():
        canonical = normalise(hashtag)
        if canonical != hashtag or not canonical:
            row = _first_with(posts, pc.equal(hashtags, hashtag))
            form = f"whose canonical form is {canonical!r}" if canonical else "which is none: it has no letter"
            yield f"has the hashtag {short_repr(hashtag)} in post {_id(posts, row)}, {form}"


def _unsure(hashtags: pa.Array) -> pa.Array:
    """Return those among different hashtags that may not be canonical; few, and all that are not, or nearly."""
    rest = hashtags.filter(pc.invert(pc.match_substring_regex(hashtags, _PLAINLY_CANONICAL)))
    unscored = pc.replace_substring(rest, "_", "")
    words = pc.and_not(pc.utf8_is_alnum(unscored), pc.utf8_is_numeric(unscored))
    folded = pc.and_(pc.equal(pc.utf8_lower(rest), rest), pc.equal(pc.utf8_normalize(rest, "NFKC"), rest))
    return rest.filter(pc.invert(pc.and_(words, folded)))


def _of_captions(posts: PostTable) -> Iterator[str]:
    some = posts[:: -(-len(posts) // _CAPTIONS_LOOKED_AT) or 1]
    signed = pc.fill_null(pc.match_substring_regex(some.column("caption"), "[#＃]"), False).to_numpy()
    tagged = int(pc.sum(pc.greater(pc.list_value_length(some.column("hashtags")), 0)).as_py() or 0)
    if signed.sum() <= _MOST_WITH_OWN_HASHTAGS * tagged:
        return
    holding = [post for post in some.take(np.flatnonzero(signed)) if _own(post.caption or "", post.hashtags)]
    if len(holding) > _MOST_WITH_OWN_HASHTAGS * tagged:
        yield (
            f"has captions that hold the hashtags of their posts, as that of post {short_repr(holding[0].post_id)}: "
            f"{len(holding):,} of {tagged:,} that were looked at"
        )


def _own(caption: str, hashtags: tuple[str, ...]) -> bool:
    return any(normalise(found.surface) in hashtags for found in find_hashtags(caption))


def _first_with(posts: PostTable, of_hashtags: pa.ChunkedArray) -> int:
    """Return the row of the first hashtag, among all in order, that is true here."""
    ends = np.cumsum(pc.list_value_length(posts.column("hashtags")).to_numpy())
    return int(np.searchsorted(ends, pc.index(of_hashtags, True).as_py(), side="right"))


def _id(posts: PostTable, row: int) -> str:
    return short_repr(posts.column("post_id")[row].as_py())
