"""Does a ranking depend on the post's own hashtags, or on its id, by which they could be looked up?"""

from __future__ import annotations

from dataclasses import replace

from multimodal.audit.context import AuditContext, differing
from multimodal.audit.finding import Finding, shown
from multimodal.ranking.rankings import Rankings


def own_hashtags_unread(context: AuditContext) -> Finding:
    """Rank with the true hashtags in the query, with none, and with those of another post: nothing may change."""
    truth = context.truth
    without = context.rank([() for _ in truth])
    changed = set(differing(without, context.rank(truth)))
    changed |= set(differing(without, context.rank([*truth[1:], truth[0]])))
    examples = [post.post_id for post in context.posts if post.post_id in changed]
    tried = "Queried with a post's true hashtags, with none and with another post's"
    return Finding.check(
        "own_hashtags_unread",
        bool(examples),
        good=f"{tried}: all {len(truth):,} rankings stay the same.",
        bad=f"{tried}: {len(examples):,} of {len(truth):,} rankings change ({shown(examples)}).",
        remedy="System.rank must not read Post.hashtags: they are the truth. Pass it the posts of to_queries.",
        numbers={"posts": len(truth), "answers_changed": len(examples)},
    )


def post_ids_unread(context: AuditContext) -> Finding:
    """Rank the same posts under other ids: nothing may change."""
    renamed = [replace(post, post_id=f"\0audit {row}") for row, post in enumerate(context.queries)]
    ranked = context.system.rank(renamed, context.memory, context.k, context.excluded)
    back = Rankings(context.rankings.post_ids, ranked.indices, ranked.scores, ranked.names)
    examples = differing(context.rankings, back)
    return Finding.check(
        "post_ids_unread",
        bool(examples),
        good=f"With ids never seen before, all {len(renamed):,} rankings stay the same.",
        bad=f"With ids never seen before, {len(examples):,} of {len(renamed):,} rankings change ({shown(examples)}).",
        remedy="The System knows these posts by their id, and so their hashtags. A ranking may depend only on a post's "
        "content, user and instant.",
        numbers={"posts": len(renamed), "answers_changed": len(examples)},
    )
