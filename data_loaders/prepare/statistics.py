"""`describe_posts`: the statistics of a prepared data set."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_loaders.prepare.oracle_recall import first_seen, oracle_recall
from data_loaders.prepare.post_index import Flags, Ints, Numbers, PostIndex
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepare.vocabulary import Vocabulary

SHORT_CAPTION = 50
"""Captions of at most 50 characters are short."""
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_MOST_BARS = 30
_TOP = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def describe_posts(index: PostIndex, split_ids: Ints, groups: Ints, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return counts, distributions and oracle recall of N posts as values for JSON.

    Args:
        index: the posts in the folder's order.
        split_ids: (N,) indices into `SPLITS`.
        groups: (N,) numbers of near-duplicate groups.
        vocabulary: of the train split.
    """
    counts, captions = index.tag_counts, index.caption_lengths
    without = {"caption": captions < 0, "image": ~index.has_image, "user": index.users < 0, "timestamp": ~index.dated}
    return {
        "posts": len(index),
        "posts_with_hashtags": int(index.tagged.sum()),
        "users": len(np.unique(index.users[index.users >= 0])),
        "distinct_hashtags": len(index.hashtags),
        "tags_per_post": {**_spread(counts), "histogram": _histogram(counts), "more_than_5": _share(counts > 5)},
        "by_year": _by_year(index),
        "captions": {
            "none": int((captions < 0).sum()),
            "short": int(((captions >= 0) & (captions <= SHORT_CAPTION)).sum()),
            "long": int((captions > SHORT_CAPTION).sum()),
            "short_is_at_most": SHORT_CAPTION,
            "length": _spread(captions[captions >= 0]),
            "scripts": _scripts(index),
        },
        "missing": {
            **{name: int(missing.sum()) for name, missing in without.items()},
            "caption_and_image": int((without["caption"] & without["image"]).sum()),
            "hashtags": int((~index.tagged).sum()),
        },
        "near_duplicates": _near_duplicates(groups),
        "vocabulary": {"hashtags": len(vocabulary), "minimum_frequency": vocabulary.minimum_frequency},
        "splits": _splits(index, split_ids, vocabulary),
        "top_hashtags": dict(list(zip(vocabulary.hashtags, vocabulary.frequencies, strict=True))[:_TOP]),
    }


def _spread(values: Ints | Numbers) -> dict[str, Any]:
    if not len(values):
        return {"mean": None, "quantiles": {}, "most": None}
    quantiles = np.quantile(values, _QUANTILES)
    return {
        "mean": round(float(values.mean()), 3),
        "quantiles": {f"{share:g}": round(float(value), 1) for share, value in zip(_QUANTILES, quantiles, strict=True)},
        "most": int(values.max()),
    }


def _histogram(counts: Ints) -> dict[str, int]:
    bars = np.bincount(np.minimum(counts, _MOST_BARS))
    return {str(number) if number < _MOST_BARS else f"{_MOST_BARS}+": int(bar) for number, bar in enumerate(bars)}


def _share(flags: Flags) -> float:
    return round(float(flags.mean()), 4) if len(flags) else 0.0


def to_iso(instant_us: int) -> str:
    """Return a time, given in microseconds since 1970, as ISO 8601 in UTC.

    >>> to_iso(86_400_000_000)
    '1970-01-02T00:00:00+00:00'
    """
    return (_EPOCH + timedelta(microseconds=int(instant_us))).isoformat()


def years_of(instants_us: Ints) -> Ints:
    """Return the calendar year (UTC) of each instant."""
    years: NDArray[Any] = instants_us.astype("datetime64[us]").astype("datetime64[Y]")
    return np.asarray(years.astype(np.int64) + 1970)


def _by_year(index: PostIndex) -> list[dict[str, Any]]:
    years, counts = years_of(index.instants_us[index.dated]), index.tag_counts[index.dated]
    rows = []
    for year in np.unique(years).tolist():
        of_year = counts[years == year]
        rows.append(
            {
                "year": year,
                "posts": len(of_year),
                "tags_per_post": round(float(of_year.mean()), 3),
                "more_than_5": _share(of_year > 5),
            }
        )
    return rows


def _scripts(index: PostIndex) -> dict[str, int]:
    present = index.scripts[index.caption_lengths >= 0]
    counts = Counter(
        dict(zip(index.script_names, np.bincount(present, minlength=len(index.script_names)), strict=True))
    )
    return {name: int(count) for name, count in counts.most_common() if count}


def _near_duplicates(groups: Ints) -> dict[str, int]:
    _, sizes = np.unique(groups, return_counts=True)
    repeated = sizes[sizes > 1]
    return {"groups": len(repeated), "posts": int(repeated.sum()), "largest_group": int(sizes.max(initial=0))}


def _splits(index: PostIndex, split_ids: Ints, vocabulary: Vocabulary) -> dict[str, Any]:
    recall = oracle_recall(index, split_ids, vocabulary)
    known, trained = (
        (first_seen(index.users, index.instants_us, among) < index.instants_us) & (index.users >= 0)
        for among in (np.ones(len(index), np.bool_), split_ids == 0)
    )
    described = {}
    for split_id, name in enumerate(SPLITS):
        inside = split_ids == split_id
        instants = index.instants_us[inside & index.dated]
        users = index.users[inside & (index.users >= 0)]
        distinct = np.unique(users)
        described[name] = {
            "posts": int(inside.sum()),
            "posts_with_hashtags": int((inside & index.tagged).sum()),
            "users": len(distinct),
            "from": to_iso(instants.min()) if len(instants) else None,
            "to": to_iso(instants.max()) if len(instants) else None,
            "truth": recall[name],
            "posts_with_history": _share(known[inside]),
            "posts_with_train_history": _share(trained[inside]),
            "users_seen_in_train": _share(np.isin(distinct, index.users[split_ids == 0])),
        }
    return described
