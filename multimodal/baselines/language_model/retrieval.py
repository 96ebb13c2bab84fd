"""The hashtags that a language model may choose from: of similar posts, of the own history, of trends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from data_loaders.posts import Post
from multimodal.baselines.retrieval.votes import Votes
from multimodal.memory.post_memory import PostMemory

Ints = NDArray[np.int64]
# Reciprocal rank fusion: Cormack, Clarke & Büttcher, SIGIR 2009 (10.1145/1571941.1572114).
_FUSION = 60
_OWN_POSTS, _OWN_DECAY = 200, 0.5
SIMILAR, OWN, TREND = "in similar posts", "used by the author before", "used by many now"


def ranked_sources(
    posts: Sequence[Post], memory: PostMemory, cast: Votes, half_life_days: float, count: int
) -> Iterator[dict[str, list[int]]]:
    """Yield the hashtags that each source names for each post, best first, at most `count`.

    Args:
        posts: B posts.
        memory: of earlier posts.
        cast: votes of the posts' neighbours.
        half_life_days: of trends.
        count: at least 1.
    """
    instants = np.array([post.instant_us for post in posts], np.int64)
    users = [post.user_id for post in posts]
    own = memory.questions.own_hashtags(users, instants, last=_OWN_POSTS, decay=_OWN_DECAY)
    trends = memory.questions.trends(instants, timedelta(days=half_life_days), count=count)
    starts, weights = np.searchsorted(own.rows, np.arange(len(posts) + 1)), own.column("count")
    for row in range(len(posts)):
        part = slice(int(starts[row]), int(starts[row + 1]))
        yield {
            SIMILAR: _ordered(*cast.of(row), memory)[:count],
            OWN: _ordered(own.hashtags[part], weights[part], memory)[:count],
            TREND: [index for index in trends.hashtags[row].tolist() if index >= 0],
        }


def _ordered(hashtags: Ints, values: NDArray[np.float64], memory: PostMemory) -> list[int]:
    pairs = zip(hashtags.tolist(), np.round(values, 9).tolist(), strict=True)
    return [index for index, _ in sorted(pairs, key=lambda pair: (-pair[1], memory.id_map[pair[0]]))]


def fused(sources: dict[str, list[int]], memory: PostMemory, count: int) -> list[tuple[int, float, tuple[str, ...]]]:
    """Return the best hashtags of all sources, Σ 1 / (60 + rank), with their scores and the sources that name them.

    Args:
        sources: hashtags by source, best first.
        memory: gives their texts, the order of equals.
        count: how many.
    """
    scores, reasons = dict[int, float](), dict[int, tuple[str, ...]]()
    for source, hashtags in sources.items():
        for rank, index in enumerate(hashtags, start=1):
            scores[index] = scores.get(index, 0.0) + 1 / (_FUSION + rank)
            reasons[index] = (*reasons.get(index, ()), source)
    best = sorted(scores, key=lambda index: (-round(scores[index], 9), memory.id_map[index]))
    return [(index, scores[index], reasons[index]) for index in best[:count]]
