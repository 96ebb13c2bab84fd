"""`Selection`: a closed task of the most frequent hashtags, and the posts it keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_loaders.errors import DataError, some_of
from data_loaders.prepare.post_index import Flags, Ints, PostIndex
from data_loaders.prepare.reading.rejections import RejectionLog
from data_loaders.prepare.reading.staged_posts import StagedPosts
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepare.vocabulary import Vocabulary

NO_TOP_HASHTAG = "no_top_hashtag"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The posts that have a hashtag of the vocabulary, reduced to these hashtags.

    Attributes:
        posts: (N,) which posts are kept.
        hashtags: (V,) which hashtags are kept, by number.
        hashtags_left_out: number of hashtags that the kept posts lose, counted once per post.
    """

    posts: Flags
    hashtags: Flags
    hashtags_left_out: int

    @classmethod
    def of(cls, index: PostIndex, split_ids: Ints, vocabulary: Vocabulary) -> Selection:
        """Select posts by a vocabulary that comes from the train split alone.

        Args:
            index: N posts.
            split_ids: (N,) indices into `SPLITS`.
            vocabulary: of the train split.

        Raises:
            DataError: a split has no posts left.
        """
        hashtags = np.array([hashtag in vocabulary for hashtag in index.hashtags], np.bool_)
        posts = index.carries(hashtags)
        for split_id, name in enumerate(SPLITS):
            if not (posts & (split_ids == split_id)).any():
                raise DataError(
                    f"the {name} split has no post with one of the {len(vocabulary):,} most frequent train hashtags; "
                    "raise --top-hashtags, or drop --only-top-hashtags"
                )
        lost = ~hashtags[index.tags] & posts[index.posts_of_tags()]
        return cls(posts=posts, hashtags=hashtags, hashtags_left_out=int(lost.sum()))

    def log_left_out(self, staged: StagedPosts, log: RejectionLog, top: int) -> None:
        """Log every post that is not kept as a refused record.

        Args:
            staged: the N posts.
            log: the log of refused records.
            top: size of the vocabulary, for the message.
        """
        for _, table in staged.in_order(np.flatnonzero(~self.posts)):
            columns = (table.column(name).to_pylist() for name in ("post_id", "hashtags"))
            for post_id, hashtags in zip(*columns, strict=True):
                seen = f"Its hashtags are {some_of(hashtags, 5)}" if hashtags else "The post has no hashtag"
                detail = f"{seen}; accepted: posts with one of the {top:,} most frequent train hashtags."
                log.add(f"post {post_id}", NO_TOP_HASHTAG, detail, post_id, kept=False)
