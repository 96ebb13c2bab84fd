"""`FlatRanking`: every recommended hashtag of every post as one flat table, with whether it is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_loaders.errors import DataError
from multimodal.evaluation.metrics.accuracy import Bools, Floats, Ints
from multimodal.evaluation.metrics.truth import Truth, check_post_ids, check_rankings, hit_matrix
from multimodal.ranking.rankings import Rankings


@dataclass(frozen=True)
class FlatRanking:
    """L recommended and M true hashtags of N posts that have a true hashtag.

    Attributes:
        post_ids: N ids.
        names: C hashtags: those of the ranking, then further true ones.
        post: (L,) row of the post, rising.
        tag: (L,) hashtag.
        rank: (L,) 1 for the best.
        score: (L,).
        hit: (L,) the hashtag is true.
        true_post: (M,) row of the post, rising.
        true_tag: (M,) hashtag.
        true_rank: (M,) rank it was recommended at, 0 where it was not.
        depth: length of the longest list.
    """

    post_ids: Sequence[str]
    names: Sequence[str]
    post: Ints
    tag: Ints
    rank: Ints
    score: Floats
    hit: Bools
    true_post: Ints
    true_tag: Ints
    true_rank: Ints
    depth: int

    @classmethod
    def of(cls, rankings: Rankings, truth: Sequence[Sequence[str]]) -> FlatRanking:
        """Flatten a ranking and find its hits.

        Args:
            rankings: of posts whose ids differ.
            truth: true hashtags of the same posts; those without any are left out.

        Raises:
            DataError: the ranking is not one, or no post has a true hashtag.
        """
        check_post_ids(rankings.post_ids)
        check_rankings(rankings, slice(0, len(rankings)))
        if len(truth) != len(rankings):
            raise DataError(f"{len(rankings):,} ranked posts, but the truth of {len(truth):,}; give the same posts.")
        true = Truth.from_hashtags(truth, rankings.names)
        rows = np.flatnonzero(true.counts)
        if not len(rows):
            raise DataError(f"none of the {len(rankings):,} posts has a true hashtag; there is nothing to analyse.")
        indices = rankings.indices[rows]
        hits = hit_matrix(np.ascontiguousarray(indices.T).astype(np.int32), true, rows).T
        post, column = np.nonzero(indices >= 0)
        tag = indices[post, column]
        true_post = np.repeat(np.arange(len(rows)), true.counts[rows])
        true_tag = true.indices.astype(np.int64)
        return cls(
            post_ids=[rankings.post_ids[row] for row in rows.tolist()],
            names=true.names,
            post=post,
            tag=tag,
            rank=column + 1,
            score=rankings.scores[rows][post, column],
            hit=hits[post, column],
            true_post=true_post,
            true_tag=true_tag,
            true_rank=_ranks(post, tag, column + 1, true_post, true_tag, len(true.names)),
            depth=rankings.k,
        )

    def __len__(self) -> int:
        return len(self.post_ids)

    @property
    def true_count(self) -> Ints:
        """(N,) true hashtags of each post."""
        return np.bincount(self.true_post, minlength=len(self))

    @property
    def support(self) -> Ints:
        """(C,) posts each hashtag is true of."""
        return np.bincount(self.true_tag, minlength=len(self.names))


def _ranks(post: Ints, tag: Ints, rank: Ints, true_post: Ints, true_tag: Ints, size: int) -> Ints:
    listed, wanted = post * size + tag, true_post * size + true_tag
    order = np.argsort(listed)
    position = np.searchsorted(listed[order], wanted)
    found = position < len(listed)
    found[found] = listed[order][position[found]] == wanted[found]
    ranks = np.zeros(len(wanted), np.int64)
    ranks[found] = rank[order][position[found]]
    return ranks
