"""`AuditContext`: a System, its memory and the posts that the checks rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from data_loaders.errors import UserError, nearest
from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from multimodal.evaluation.metrics.truth import KnownHashtags
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rankings import Rankings
from multimodal.systems.base import System
from multimodal.systems.caption_profile import profile_of
from multimodal.systems.queries import to_queries

# The last bits of a score depend on the batch size, and scores are rounded to six decimals.
_RELATIVE_TOLERANCE = 2e-5
_ROUNDING = 2e-6


class AuditData(Protocol):
    """What the audit uses of a prepared folder."""

    @property
    def vocabulary(self) -> KnownHashtags:
        """The vocabulary of the train split."""

    def split(self, name: str) -> Sequence[Post]:
        """Return the posts of `train`, `validation` or `test`."""


@dataclass(frozen=True)
class AuditContext:
    """What every check works on.

    Attributes:
        system: fitted.
        memory: holds the posts of all splits, as for an evaluation with rolling history.
        data: the prepared folder.
        split: the split that is audited.
        posts: posts of that split with hashtags, by rising instant.
        k: length of the lists.
        seed: of everything drawn at random.
    """

    system: System
    memory: PostMemory
    data: AuditData
    split: str
    posts: Sequence[Post]
    k: int = 10
    seed: int = 0

    @cached_property
    def _queries_and_excluded(self) -> tuple[list[Post], list[frozenset[str]]]:
        return to_queries(self.posts, profile=profile_of(self.system.config))

    @property
    def queries(self) -> list[Post]:
        """The posts as a System ranks them: without their hashtags."""
        return self._queries_and_excluded[0]

    @property
    def excluded(self) -> list[frozenset[str]]:
        """The hashtags that must not be recommended for each post: those marked in its caption."""
        return self._queries_and_excluded[1]

    @cached_property
    def rankings(self) -> Rankings:
        """The rankings of all posts in one call."""
        return self.rank()

    def rank(self, hashtags: Sequence[tuple[str, ...]] | None = None, memory: PostMemory | None = None) -> Rankings:
        """Rank the posts again, all in one call.

        Args:
            hashtags: to put into the queries, one tuple for each post; an honest System ignores them.
            memory: instead of the audit's.
        """
        queries = self.queries
        if hashtags is not None:
            queries = [replace(query, hashtags=tags) for query, tags in zip(queries, hashtags, strict=True)]
        return self.system.rank(queries, self.memory if memory is None else memory, self.k, self.excluded)

    @property
    def truth(self) -> list[tuple[str, ...]]:
        """The true hashtags of each post."""
        return [post.hashtags for post in self.posts]


def choose_posts(data: AuditData, split: str, count: int, seed: int) -> list[Post]:
    """Draw the posts to audit: at most `count` posts of a split, all with hashtags, by rising instant.

    Raises:
        UserError: the split is unknown, the seed is negative, or there would be fewer than 2 posts.
    """
    if split not in SPLITS:
        raise UserError(f"split: unknown split {split!r}.{nearest(split, SPLITS)} Accepted: {', '.join(SPLITS)}.")
    if count < 2:
        raise UserError(f"posts: {count} posts are too few to audit; give at least 2, such as --posts 300.")
    if seed < 0:
        raise UserError(f"seed: {seed} is negative; give 0 or more.")
    labelled = [post for post in data.split(split) if post.hashtags]
    if len(labelled) < 2:
        raise UserError(f"split: the {split} split has {len(labelled)} posts with hashtags; an audit needs at least 2.")
    if len(labelled) > count:
        rows = np.random.default_rng(seed).choice(len(labelled), count, replace=False)
        labelled = [labelled[row] for row in rows]
    return sorted(labelled, key=lambda post: (post.instant_us, post.post_id))


def differing(first: Rankings, second: Rankings) -> list[str]:
    """Return the ids of the posts whose rankings differ by more than rounding, in the order of `first`.

    Hashtags of (nearly) equal score may swap ranks; every other change counts.

    Args:
        first: of N posts.
        second: of the same posts, in any order; its hashtags may have other indices.
    """
    row_of = {post_id: row for row, post_id in enumerate(second.post_ids)}
    return [
        post_id
        for row, post_id in enumerate(first.post_ids)
        if not same_list(first.of(row), second.of(row_of[post_id]))
    ]


def same_list(first: Sequence[tuple[str, float]], second: Sequence[tuple[str, float]]) -> bool:
    """Return whether two ranked lists are the same except for rounding."""
    if len(first) != len(second):
        return False
    if not first:
        return True
    one, other = dict(first), dict(second)
    last = max(first[-1][1], second[-1][1])
    largest = max(abs(score) for score in [*one.values(), *other.values()])
    tolerance = max(_ROUNDING, _RELATIVE_TOLERANCE * largest)
    both = one.keys() & other.keys()
    if any(abs(one[name] - other[name]) > tolerance for name in both):
        return False
    return not any(score > last + tolerance for name, score in {**one, **other}.items() if name not in both)
