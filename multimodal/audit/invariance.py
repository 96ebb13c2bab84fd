"""Do rankings depend on what they must not: a post's own hashtags, its id, the other posts of a call?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from multimodal.audit.context import AuditContext, differing
from multimodal.audit.finding import Finding
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.serialization import concatenate

_SMALL_BATCH = 7


def own_hashtags_unread(context: AuditContext) -> Finding:
    """Rank with the true hashtags in the query, with none, and with those of another post: nothing may change."""
    truth = context.truth
    without = context.rank([() for _ in truth])
    changed = set(differing(without, context.rank(truth)))
    changed |= set(differing(without, context.rank([*truth[1:], truth[0]])))
    examples = [post.post_id for post in context.posts if post.post_id in changed]
    return Finding.unchanged(
        "own_hashtags_unread",
        "Queried with a post's true hashtags, with none and with another post's:",
        examples,
        len(truth),
        "System.rank must not read Post.hashtags: they are the truth. Pass it the posts of to_queries.",
        {"answers_changed": len(examples)},
    )


def post_ids_unread(context: AuditContext) -> Finding:
    """Rank the same posts under other ids: nothing may change."""
    renamed = [replace(post, post_id=f"\0audit {row}") for row, post in enumerate(context.queries)]
    ranked = context.system.rank(renamed, context.memory, context.k, context.excluded)
    back = Rankings(context.rankings.post_ids, ranked.indices, ranked.scores, ranked.names)
    examples = differing(context.rankings, back)
    return Finding.unchanged(
        "post_ids_unread",
        "With ids never seen before,",
        examples,
        len(renamed),
        "The System knows these posts by their id, and so their hashtags. A ranking may depend only on a post's "
        "content, user and instant.",
        {"answers_changed": len(examples)},
    )


def order_and_batches_change_nothing(context: AuditContext) -> Finding:
    """Rank the posts in another order and in other batches: nothing may change."""
    total = len(context.posts)
    shuffled = np.random.default_rng(context.seed).permutation(total)
    by_order = set(differing(context.rankings, _rank(context, shuffled, total)))
    by_batch = set(differing(context.rankings, _rank(context, shuffled, _SMALL_BATCH)))
    examples = [post.post_id for post in context.posts if post.post_id in by_order | by_batch]
    return Finding.unchanged(
        "order_and_batches_change_nothing",
        f"In another order, and {_SMALL_BATCH} at a time instead of all at once,",
        examples,
        total,
        "The posts of one call must not see each other: no batch statistics, no padding that counts, no state kept "
        "from one call to the next.",
        {"changed_by_order": len(by_order), "changed_by_batch": len(by_batch)},
    )


def _rank(context: AuditContext, order: NDArray[np.int64], size: int) -> Rankings:
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    rankings = [
        context.system.rank(
            [context.queries[row] for row in part], context.memory, context.k, [context.excluded[row] for row in part]
        )
        for part in parts
    ]
    return concatenate(rankings, context.k, context.memory.id_map)
