"""Does a ranking depend on what was posted at the same instant or later?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from data_loaders.posts import Post
from multimodal.audit.context import AuditContext, same_list
from multimodal.audit.finding import Finding, shown
from multimodal.audit.memories import at_instant, memories_before
from multimodal.distributed.progress import shared_progress
from multimodal.memory.post_memory import PostMemory

_DAY_US = 86_400_000_000


@dataclass
class _Changed:
    """Ids of the posts whose ranking changed, by what was changed."""

    dropped: list[str] = field(default_factory=list)
    equal: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)


def time_respected(context: AuditContext) -> list[Finding]:
    """Rank each post with only strictly earlier posts in memory, and again next to twins that give the truth away.

    A twin is a post of the same user with the same content and the true hashtags. A twin at the same instant or later
    must change nothing. If an earlier twin changes rankings, the check is sensitive: the System notices twins.
    """
    changed = _rank_with_changes(context)
    return [
        _finding(
            context,
            "later_posts_unused",
            list(dict.fromkeys(changed.dropped + changed.later)),
            "Without all posts that are not strictly earlier, and with later posts that give the truth away",
            "History, neighbours and trends must use only posts that are strictly earlier; see PostMemory.",
            {"changed_by_dropping": len(changed.dropped), "changed_by_a_later_post": len(changed.later)},
            len(changed.earlier),
        ),
        _finding(
            context,
            "equal_instant_unused",
            changed.equal,
            "Next to a post of the same user, content and instant that gives the truth away",
            "Equal is not earlier: compare instants with <, not <=.",
            {"changed_by_an_equal_post": len(changed.equal)},
            len(changed.earlier),
        ),
    ]


def _rank_with_changes(context: AuditContext) -> _Changed:
    changed = _Changed()
    with shared_progress("ranking at each post's instant", len(context.posts)) as advance:
        for row, (post, known) in enumerate(memories_before(context.system, context.memory, context.posts)):
            ranking = _rank(context, row, known)
            now = post.instant_us
            if not same_list(ranking, context.rankings.of(row)):
                changed.dropped.append(post.post_id)
            twins = {"equal": [now], "later": [now + 1, now + _DAY_US], "earlier": [now - 1]}
            for when, instants_us in twins.items():
                if not same_list(ranking, _rank_with_twins(context, post, row, known, instants_us)):
                    getattr(changed, when).append(post.post_id)
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


def _finding(
    context: AuditContext,
    name: str,
    examples: list[str],
    tried: str,
    remedy: str,
    numbers: dict[str, int],
    by_earlier: int,
) -> Finding:
    total = len(context.posts)
    sensitivity = f"For comparison, an earlier twin changes {by_earlier:,} of {total:,} rankings."
    return Finding.check(
        name,
        bool(examples),
        good=f"{tried}, all {total:,} rankings stay the same. {sensitivity}",
        bad=f"{tried}, {len(examples):,} of {total:,} rankings change ({shown(examples)}). {sensitivity}",
        remedy=remedy,
        numbers={"posts": total, "answers_changed": len(examples), **numbers, "changed_by_an_earlier_post": by_earlier},
    )
