"""Does a ranking depend on the order of the posts, or on the other posts of the same call?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multimodal.audit.context import AuditContext, differing
from multimodal.audit.finding import Finding, shown
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.serialization import concatenate

_SMALL_BATCH = 7


def order_and_batches_change_nothing(context: AuditContext) -> Finding:
    """Rank the posts in another order and in other batches: nothing may change."""
    total = len(context.posts)
    shuffled = np.random.default_rng(context.seed).permutation(total)
    by_order = set(differing(context.rankings, _rank(context, shuffled, total)))
    by_batch = set(differing(context.rankings, _rank(context, shuffled, _SMALL_BATCH)))
    examples = [post.post_id for post in context.posts if post.post_id in by_order | by_batch]
    tried = f"In another order, and {_SMALL_BATCH} at a time instead of all at once"
    return Finding.check(
        "order_and_batches_change_nothing",
        bool(examples),
        good=f"{tried}, all {total:,} rankings stay the same.",
        bad=f"{tried}, {len(examples):,} of {total:,} rankings change ({shown(examples)}).",
        remedy="The posts of one call must not see each other: no batch statistics, no padding that counts, no state "
        "kept from one call to the next.",
        numbers={"posts": total, "changed_by_order": len(by_order), "changed_by_batch": len(by_batch)},
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
