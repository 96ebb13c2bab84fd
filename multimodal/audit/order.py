"""Does an answer depend on the order of the posts or on those it is asked together with?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from multimodal.audit.context import AuditContext, differing
from multimodal.audit.finding import Finding, shown
from multimodal.ranking.joining import join_lists, portable_lists
from multimodal.ranking.rankings import Rankings

_SMALL_BATCH = 7


def order_and_batches_change_nothing(context: AuditContext) -> Finding:
    """Ask about the posts in another order and in other batches: the answers must be the same."""
    total = len(context.posts)
    shuffled = np.random.default_rng(context.seed).permutation(total)
    by_order = set(differing(context.answers, _ask(context, shuffled, total)))
    by_batch = set(differing(context.answers, _ask(context, shuffled, _SMALL_BATCH)))
    examples = [post.post_id for post in context.posts if post.post_id in by_order | by_batch]
    numbers = {"posts": total, "changed_by_order": len(by_order), "changed_by_batch": len(by_batch)}
    tried = f"Asked in another order, and {_SMALL_BATCH} at a time instead of all at once"
    if not examples:
        return Finding(
            name="order_and_batches_change_nothing",
            status="passed",
            measured=f"{tried}: {total:,} answers stay the same.",
            numbers=numbers,
        )
    return Finding(
        name="order_and_batches_change_nothing",
        status="failed",
        measured=f"{tried}: {len(examples):,} of {total:,} answers change ({shown(examples)}).",
        numbers=numbers,
        remedy="The posts of one call must not see each other: no batch statistics, no padding that counts, no state "
        "that is kept from one call to the next.",
    )


def _ask(context: AuditContext, order: NDArray[np.int64], size: int) -> Rankings:
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    answers = [
        context.system.rank(
            [context.questions[row] for row in part], context.memory, context.k, [context.excluded[row] for row in part]
        )
        for part in parts
    ]
    lists = [one for answer in answers for one in portable_lists(answer, context.memory.id_map)]
    post_ids = [post_id for answer in answers for post_id in answer.post_ids]
    return join_lists(post_ids, lists, context.k, context.memory.id_map)
