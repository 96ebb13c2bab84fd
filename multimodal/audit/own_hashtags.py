"""Does an answer depend on the post's own hashtags, or on its id, by which they could be looked up?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from data_loaders.posts import Post
from multimodal.audit.context import AuditContext, differing
from multimodal.audit.finding import Finding, shown
from multimodal.ranking.rankings import Rankings


def own_hashtags_unread(context: AuditContext) -> Finding:
    """Ask with the true hashtags, with none and with those of another post: the answers must be the same."""
    truth = [post.hashtags for post in context.posts]
    plain = _ask(context, [() for _ in truth])
    changed = set(differing(plain, _ask(context, truth)))
    changed |= set(differing(plain, _ask(context, [*truth[1:], truth[0]])))
    examples = [post.post_id for post in context.posts if post.post_id in changed]
    numbers = {"posts": len(truth), "answers_changed": len(examples)}
    tried = "Asked with a post's true hashtags, with none and with another post's"
    if not examples:
        return Finding(
            name="own_hashtags_unread",
            status="passed",
            measured=f"{tried}: {len(truth):,} answers of {len(truth):,} stay the same.",
            numbers=numbers,
        )
    return Finding(
        name="own_hashtags_unread",
        status="failed",
        measured=f"{tried}: {len(examples):,} of {len(truth):,} answers change ({shown(examples)}).",
        numbers=numbers,
        remedy="System.rank must not read Post.hashtags: they are the truth. Ask it with to_queries(posts).",
    )


def post_ids_unread(context: AuditContext) -> Finding:
    """Ask about the same posts under other ids: the answers must be the same."""
    renamed = [replace(post, post_id=f"\0audit {number}") for number, post in enumerate(context.questions)]
    answers = context.system.rank(renamed, context.memory, context.k, context.excluded)
    back = Rankings(context.answers.post_ids, answers.indices, answers.scores, answers.names)
    examples = differing(context.answers, back)
    numbers = {"posts": len(renamed), "answers_changed": len(examples)}
    if not examples:
        return Finding(
            name="post_ids_unread",
            status="passed",
            measured=f"Asked under ids that were never seen: {len(renamed):,} answers stay the same.",
            numbers=numbers,
        )
    return Finding(
        name="post_ids_unread",
        status="failed",
        measured=f"Asked under ids that were never seen, {len(examples):,} of {len(renamed):,} answers change "
        f"({shown(examples)}).",
        numbers=numbers,
        remedy="The System knows these posts by their id, and so their hashtags. An answer may use a post's content, "
        "user and instant alone.",
    )


def _ask(context: AuditContext, hashtags: Sequence[tuple[str, ...]]) -> Rankings:
    posts: list[Post] = [replace(post, hashtags=tags) for post, tags in zip(context.questions, hashtags, strict=True)]
    return context.system.rank(posts, context.memory, context.k, context.excluded)
