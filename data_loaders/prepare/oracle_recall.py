"""`oracle_recall`: the highest recall that a source of hashtags allows."""

from __future__ import annotations

import numpy as np

from data_loaders.prepare.post_index import Flags, Ints, Numbers, PostIndex
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepare.vocabulary import Vocabulary

_NEVER = 2**62
_ENTRIES_AT_ONCE = 1 << 22


def first_seen(keys: Ints | Numbers, instants_us: Ints, among: Flags) -> Ints:
    """Return the time at which each entry's key first occurs.

    Args:
        keys: (N,) any numbers; equal keys belong together.
        instants_us: (N,) time of each entry.
        among: (N,) which entries count as occurrences.

    Returns:
        (N,) the earliest time of the entry's key among those, or a time after all others.
    """
    unique, key_of = np.unique(keys, return_inverse=True)
    first = np.full(len(unique), _NEVER, np.int64)
    np.minimum.at(first, key_of[among], instants_us[among])
    return np.asarray(first[key_of])


def oracle_recall(index: PostIndex, split_ids: Ints, vocabulary: Vocabulary) -> dict[str, dict[str, float]]:
    """Return, by split, the recall of an oracle that recommends every true hashtag found in a source.

    The sources are `vocabulary` (the train vocabulary), `own_history` (what the user posted strictly earlier),
    `either` of these, and `earlier_posts` (what anyone posted strictly earlier).

    Args:
        index: N posts in the folder's order.
        split_ids: (N,) indices into `SPLITS`.
        vocabulary: of the train split.
    """
    posts = index.posts_of_tags()
    in_vocabulary = np.array([hashtag in vocabulary for hashtag in index.hashtags], np.bool_)[index.tags]
    own, anyone = _posted_by_user_before(index, posts), _posted_before(index, posts)
    flags = {"vocabulary": in_vocabulary, "own_history": own, "either": in_vocabulary | own, "earlier_posts": anyone}
    recall = {}
    for split_id, name in enumerate(SPLITS):
        in_split = split_ids[posts] == split_id
        recall[name] = {
            source: round(float(flag[in_split].mean()), 4) if in_split.any() else 0.0 for source, flag in flags.items()
        }
    return recall


def _posted_before(index: PostIndex, posts: Numbers) -> Flags:
    """Return (M,) whether anyone posted the hashtag of an entry of `tags` before."""
    first = np.full(len(index.hashtags), _NEVER, np.int64)
    before = np.zeros(len(posts), np.bool_)
    blocks = [slice(start, start + _ENTRIES_AT_ONCE) for start in range(0, len(posts), _ENTRIES_AT_ONCE)]
    for block in blocks:
        np.minimum.at(first, index.tags[block], index.instants_us[posts[block]])
    for block in blocks:
        before[block] = first[index.tags[block]] < index.instants_us[posts[block]]
    return before


def _posted_by_user_before(index: PostIndex, posts: Numbers) -> Flags:
    """Return (M,) whether the same user posted the hashtag of an entry of `tags` before; some users at a time."""
    before = np.zeros(len(posts), np.bool_)
    parts = 1 + len(posts) // _ENTRIES_AT_ONCE
    for part in range(parts):
        chosen = (index.users >= 0) & (index.users % parts == part)
        entries = np.flatnonzero(chosen[posts])
        instants = index.instants_us[posts[entries]]
        pairs = index.users[posts[entries]].astype(np.int64) * max(len(index.hashtags), 1) + index.tags[entries]
        before[entries] = first_seen(pairs, instants, np.ones(len(entries), np.bool_)) < instants
    return before
