"""Does a ranking depend on what was posted at the same instant or later?"""

from __future__ import annotations

from dataclasses import replace

from data_loaders.posts import Post
from multimodal.audit.context import AuditContext, same_list
from multimodal.audit.finding import Finding
from multimodal.audit.memories import at_instant, memories_before
from multimodal.distributed.progress import shared_progress
from multimodal.memory.post_memory import PostMemory

_DAY_US = 86_400_000_000


def time_respected(context: AuditContext) -> list[Finding]:
    """Rank each post with only strictly earlier posts in memory, and again next to twins that give the truth away.

    A twin is a post of the same user with the same content and the true hashtags. A twin at the same instant or later
    must change nothing. If an earlier twin changes rankings, the check is sensitive: the System notices twins.
    """
    changed, total = _rank_with_changes(context), len(context.posts)
    by_earlier = len(changed["earlier"])
    sensitivity = f" For comparison, an earlier twin changes {by_earlier:,} of {total:,} rankings."
    later = list(dict.fromkeys(changed["dropped"] + changed["later"]))
    return [
        Finding.unchanged(
            "later_posts_unused",
            "Without all posts that are not strictly earlier, and with later posts that give the truth away,",
            later,
            total,
            "History, neighbours and trends must use only posts that are strictly earlier; see PostMemory.",
            {
                "answers_changed": len(later),
                "changed_by_dropping": len(changed["dropped"]),
                "changed_by_a_later_post": len(changed["later"]),
                "changed_by_an_earlier_post": by_earlier,
            },
            sensitivity,
        ),
        Finding.unchanged(
            "equal_instant_unused",
            "Next to a post of the same user, content and instant that gives the truth away,",
            changed["equal"],
            total,
            "Equal is not earlier: compare instants with <, not <=.",
            {
                "answers_changed": len(changed["equal"]),
                "changed_by_an_equal_post": len(changed["equal"]),
                "changed_by_an_earlier_post": by_earlier,
            },
            sensitivity,
        ),
    ]


def _rank_with_changes(context: AuditContext) -> dict[str, list[str]]:
    """Return the ids of the posts whose ranking changed, by what was changed."""
    changed: dict[str, list[str]] = {name: [] for name in ("dropped", "equal", "later", "earlier")}
    with shared_progress("ranking at each post's instant", len(context.posts)) as advance:
        for row, (post, known) in enumerate(memories_before(context.system, context.memory, context.posts)):
            ranking = _rank(context, row, known)
            now = post.instant_us
            if not same_list(ranking, context.rankings.of(row)):
                changed["dropped"].append(post.post_id)
            twins = {"equal": [now], "later": [now + 1, now + _DAY_US], "earlier": [now - 1]}
            for when, instants_us in twins.items():
                if not same_list(ranking, _rank_with_twins(context, post, row, known, instants_us)):
                    changed[when].append(post.post_id)
            advance(1)
    return changed


def _rank(context: AuditContext, row: int, memory: PostMemory) -> list[tuple[str, float]]:
    return context.system.rank([context.queries[row]], memory, context.k, [context.excluded[row]]).of(0)


def _rank_with_twins(
    context: AuditContext, post: Post, row: int, known: PostMemory, instants_us: list[int]
) -> list[tuple[str, float]]:
    query = context.queries[row]
    twins = [
        at_instant(replace(query, post_id=f"\0audit twin {i}", hashtags=post.hashtags), instant_us)
        for i, instant_us in enumerate(instants_us)
    ]
    with known.fork() as memory:
        context.system.add_posts(memory, twins)
        return _rank(context, row, memory)
