"""A closed task of the most frequent hashtags: which posts it keeps, and how the others are accounted for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_loaders.errors import DataError
from data_loaders.prepare.post_index import Flags, Ints, PostIndex
from data_loaders.prepare.rejections import RejectionLog
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepare.staging import Staging
from data_loaders.prepare.vocabulary import Vocabulary

NO_TOP_HASHTAG = "no_top_hashtag"
_HASHTAGS_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The posts that carry a hashtag of the vocabulary, with those hashtags alone.

    Attributes:
        posts: (N,) whether a post is kept.
        hashtags: (V,) whether a hashtag is kept, by its number.
        hashtags_left_out: how many hashtags the kept posts lose, counted once for each post.
    """

    posts: Flags
    hashtags: Flags
    hashtags_left_out: int

    @classmethod
    def of(cls, index: PostIndex, split_ids: Ints, vocabulary: Vocabulary) -> Selection:
        """Select by a vocabulary that the train split alone decided on.

        Args:
            index: N posts.
            split_ids: (N,) indices into `SPLITS`.
            vocabulary: of the train split.

        Raises:
            DataError: a split is left without posts.
        """
        hashtags = np.array([hashtag in vocabulary for hashtag in index.hashtags], np.bool_)
        posts = index.carries(hashtags)
        for split_id, name in enumerate(SPLITS):
            if not (posts & (split_ids == split_id)).any():
                raise DataError(
                    f"the {name} split has no post with one of the {len(vocabulary):,} most frequent train hashtags; "
                    "keep more of them (--top-hashtags), or leave out --only-top-hashtags"
                )
        lost = ~hashtags[index.tags] & posts[index.posts_of_tags()]
        return cls(posts=posts, hashtags=hashtags, hashtags_left_out=int(lost.sum()))

    def list_left_out(self, staging: Staging, log: RejectionLog, top: int) -> None:
        """Write every post that is not kept to the list of refused records.

        Args:
            staging: the N posts.
            log: the list.
            top: how many hashtags the vocabulary was to hold.
        """
        for _, table in staging.in_order(np.flatnonzero(~self.posts)):
            columns = (table.column(name).to_pylist() for name in ("post_id", "hashtags"))
            for post_id, hashtags in zip(*columns, strict=True):
                detail = f"{_shown(hashtags)}; kept are posts with one of the {top:,} most frequent of train."
                log.add(f"post {post_id}", NO_TOP_HASHTAG, detail, post_id, kept=False)


def _shown(hashtags: list[str]) -> str:
    if not hashtags:
        return "The post has no hashtag"
    more = f" and {len(hashtags) - _HASHTAGS_SHOWN} more" if len(hashtags) > _HASHTAGS_SHOWN else ""
    return f"Its hashtags are {', '.join(hashtags[:_HASHTAGS_SHOWN])}{more}"
