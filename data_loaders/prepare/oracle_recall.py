"""`oracle_recall`: the highest recall that a source of hashtags allows."""

from __future__ import annotations

import numpy as np

from data_loaders.prepare.post_index import Flags, Ints, PostIndex
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepare.vocabulary import Vocabulary

_NEVER = 2**62


def first_seen(keys: Ints, instants_us: Ints, among: Flags) -> Ints:
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
    instants, users = index.instants_us[posts], index.users[posts]
    everyone = np.ones(len(posts), np.bool_)
    in_vocabulary = np.array([hashtag in vocabulary for hashtag in index.hashtags], np.bool_)[index.tags]
    owners = users * max(len(index.hashtags), 1) + index.tags
    own = (users >= 0) & (first_seen(owners, instants, users >= 0) < instants)
    anyone = first_seen(index.tags, instants, everyone) < instants
    flags = {"vocabulary": in_vocabulary, "own_history": own, "either": in_vocabulary | own, "earlier_posts": anyone}
    recall = {}
    for split_id, name in enumerate(SPLITS):
        in_split = split_ids[posts] == split_id
        recall[name] = {
            source: round(float(flag[in_split].mean()), 4) if in_split.any() else 0.0 for source, flag in flags.items()
        }
    return recall
