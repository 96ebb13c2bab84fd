"""Does an answer depend on what was posted at the same instant or later?"""

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
class _Changes:
    """Ids of the posts whose answer changes, by what was changed."""

    dropped: list[str] = field(default_factory=list)
    equal: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)


def time_respected(context: AuditContext) -> list[Finding]:
    """Ask about each post with all that is not strictly earlier dropped, and beside twins that give the truth away.

    A twin is a post of the same user with the same content and the true hashtags. One of the same instant and one
    that comes later must change nothing. That an earlier one does change answers shows that twins are noticed.
    """
    changes = _changes(context)
    total = len(context.posts)
    control = len(changes.earlier)
    return [
        _finding(
            "later_posts_unused",
            list(dict.fromkeys(changes.dropped + changes.later)),
            total,
            "With every post dropped that is not strictly earlier, and with later posts added that give the truth away",
            "History, neighbours and trends must be asked for what is strictly earlier than the post; see PostMemory.",
            {"changed_by_dropping": len(changes.dropped), "changed_by_a_later_post": len(changes.later)},
            control,
        ),
        _finding(
            "equal_instant_unused",
            changes.equal,
            total,
            "Beside a post of the same user, content and instant that gives the truth away",
            "Equal is not earlier: compare instants with <, not <=.",
            {"changed_by_an_equal_post": len(changes.equal)},
            control,
        ),
    ]


def _changes(context: AuditContext) -> _Changes:
    changes = _Changes()
    rows = zip(
        range(len(context.posts)),
        memories_before(context.system, context.memory, context.posts),
        context.questions,
        strict=True,
    )
    with shared_progress("asking at each post's instant", len(context.posts)) as advance:
        for row, (post, known), question in rows:
            answer = _ask(context, question, row, known)
            now = post.instant_us
            if not same_list(answer, context.answers.of(row)):
                changes.dropped.append(post.post_id)
            beside = {"equal": [now], "later": [now + 1, now + _DAY_US], "earlier": [now - 1]}
            for where, instants in beside.items():
                if not same_list(answer, _ask_beside_twins(context, post, row, known, instants)):
                    getattr(changes, where).append(post.post_id)
            advance(1)
    return changes


def _ask(context: AuditContext, question: Post, row: int, memory: PostMemory) -> list[tuple[str, float]]:
    return context.system.rank([question], memory, context.k, [context.excluded[row]]).of(0)


def _ask_beside_twins(
    context: AuditContext, post: Post, row: int, known: PostMemory, instants_us: list[int]
) -> list[tuple[str, float]]:
    question = context.questions[row]
    twins = [
        at_instant(replace(question, post_id=f"\0audit twin {number}", hashtags=post.hashtags), instant)
        for number, instant in enumerate(instants_us)
    ]
    with known.fork() as memory:
        context.system.add_posts(memory, twins)
        return _ask(context, question, row, memory)


def _finding(
    name: str, examples: list[str], total: int, tried: str, remedy: str, numbers: dict[str, int], control: int
) -> Finding:
    teeth = f"For comparison, an earlier twin changes {control:,} of {total:,} answers."
    outcome = f"{len(examples):,} of {total:,} answers change" + (f" ({shown(examples)})" if examples else "")
    return Finding(
        name=name,
        status="failed" if examples else "passed",
        measured=f"{tried}, {outcome}. {teeth}",
        numbers={"posts": total, "answers_changed": len(examples), **numbers, "changed_by_an_earlier_post": control},
        remedy=remedy if examples else "",
    )
