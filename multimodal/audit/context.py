"""`AuditContext`: a System, its memory and the posts that the checks ask it about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from data_loaders.errors import UserError, nearest
from data_loaders.posts import Post
from data_loaders.prepare.splits import SPLITS
from multimodal.evaluation.metrics.train_statistics import KnownHashtags
from multimodal.memory.post_memory import PostMemory
from multimodal.queries import to_queries
from multimodal.ranking.rankings import Rankings
from multimodal.systems.base import System
from multimodal.systems.caption_profile import profile_of

# The last bits of a float depend on the size of a batch, and scores are rounded to six decimals.
_RELATIVE_TOLERANCE = 2e-5
_ROUNDING = 2e-6


class AuditData(Protocol):
    """What the audit uses of a prepared folder."""

    @property
    def vocabulary(self) -> KnownHashtags:
        """Of the train split."""

    def split(self, name: str) -> Sequence[Post]:
        """Return the posts of `train`, `validation` or `test`."""


@dataclass(frozen=True)
class AuditContext:
    """What every check is handed.

    Attributes:
        system: fitted.
        memory: holds the posts of all splits, as for an evaluation with rolling history.
        data: the prepared folder.
        split: the split that is audited.
        posts: of that split, with hashtags, by rising instant.
        k: length of the lists asked for.
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
    def questions(self) -> list[Post]:
        """The posts as a System is asked about them: without their hashtags."""
        return to_queries(self.posts, profile=profile_of(self.system.config))[0]

    @cached_property
    def excluded(self) -> list[frozenset[str]]:
        """The hashtags that must not be named: those that stood in the captions."""
        return to_queries(self.posts, profile=profile_of(self.system.config))[1]

    @cached_property
    def answers(self) -> Rankings:
        """The answers of the System, all posts at once."""
        return self.system.rank(self.questions, self.memory, self.k, self.excluded)


def choose_posts(data: AuditData, split: str, count: int, seed: int) -> list[Post]:
    """Draw the posts to audit.

    Args:
        data: the prepared folder.
        split: `train`, `validation` or `test`.
        count: how many at most.
        seed: of the draw.

    Returns:
        Posts that have hashtags, by rising instant.

    Raises:
        UserError: an unknown split, fewer than 2 posts asked for, or fewer than 2 with hashtags.
    """
    if split not in SPLITS:
        raise UserError(f"split: unknown split {split!r}.{nearest(split, SPLITS)} Accepted: {', '.join(SPLITS)}.")
    if count < 2:
        raise UserError(f"posts: {count} posts are too few to audit; give at least 2, such as --posts 300.")
    tagged = [post for post in data.split(split) if post.hashtags]
    if len(tagged) < 2:
        raise UserError(f"split: the {split} split holds {len(tagged)} posts with hashtags; an audit needs at least 2.")
    if len(tagged) > count:
        places = np.random.default_rng(seed).choice(len(tagged), count, replace=False)
        tagged = [tagged[place] for place in places]
    return sorted(tagged, key=lambda post: (post.instant_us, post.post_id))


def differing(first: Rankings, second: Rankings) -> list[str]:
    """Return the ids of the posts whose answers differ by more than rounding, in the order of `first`.

    Hashtags of (nearly) equal score may change places; everything else counts as another answer.

    Args:
        first: of N posts.
        second: of the same posts, in any order; its names may be numbered otherwise.
    """
    row_of = {post_id: row for row, post_id in enumerate(second.post_ids)}
    return [
        post_id
        for row, post_id in enumerate(first.post_ids)
        if not same_list(first.of(row), second.of(row_of[post_id]))
    ]


def same_list(first: Sequence[tuple[str, float]], second: Sequence[tuple[str, float]]) -> bool:
    """Return whether two ranked lists are the same but for rounding."""
    if len(first) != len(second):
        return False
    if not first:
        return True
    one, other = dict(first), dict(second)
    last = max(first[-1][1], second[-1][1])
    largest = max(abs(score) for score in [*one.values(), *other.values()])
    tolerance = max(_ROUNDING, _RELATIVE_TOLERANCE * largest)
    for name in one.keys() | other.keys():
        here, there = one.get(name), other.get(name)
        if here is not None and there is not None:
            if abs(here - there) > tolerance:
                return False
        elif (here if here is not None else there or 0.0) > last + tolerance:
            return False
    return True
