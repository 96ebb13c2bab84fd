"""`LabelledCaptions`: cleaned captions and the hashtags of their posts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from data_loaders.posts import Post
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap


@dataclass(frozen=True, slots=True)
class LabelledCaptions:
    """N posts as text-only models see them.

    Attributes:
        captions: cleaned, "" for none.
        targets: each post's hashtags as vocabulary indices, without those outside the vocabulary.
        truth_sizes: (N,) number of hashtags of each post, including those outside the vocabulary.
        vocabulary_size: V.
    """

    captions: list[str]
    targets: list[list[int]]
    truth_sizes: list[int]
    vocabulary_size: int

    @classmethod
    def of(cls, posts: Sequence[Post], id_map: HashtagIdMap, profile: str) -> LabelledCaptions:
        """Clean the captions of posts and look up their hashtags.

        Args:
            posts: any.
            id_map: has the vocabulary; it is not changed.
            profile: how captions are cleaned.
        """
        size = id_map.vocabulary_size
        indices = [[id_map.find(hashtag) for hashtag in post.hashtags] for post in posts]
        targets = [[index for index in row if index is not None and index < size] for row in indices]
        return cls(cleaned_captions(posts, profile), targets, [len(post.hashtags) for post in posts], size)

    def __len__(self) -> int:
        return len(self.captions)

    def take(self, rows: Sequence[int]) -> LabelledCaptions:
        """Return some of the posts."""
        return LabelledCaptions(
            [self.captions[row] for row in rows],
            [self.targets[row] for row in rows],
            [self.truth_sizes[row] for row in rows],
            self.vocabulary_size,
        )

    def learnable(self) -> LabelledCaptions:
        """Return the posts that have both a caption and a hashtag of the vocabulary."""
        return self.take([row for row in range(len(self)) if self.captions[row] and self.targets[row]])

    def tagged(self) -> LabelledCaptions:
        """Return the posts with a hashtag, inside the vocabulary or not: those that metrics are computed on."""
        return self.take([row for row in range(len(self)) if self.truth_sizes[row]])

    def evenly(self, most: int) -> LabelledCaptions:
        """Return at most `most` of the posts, evenly spaced."""
        return self.take(range(0, len(self), max(-(-len(self) // most), 1)))

    def multi_hot(self) -> sparse.csr_matrix:
        """Return the targets as a sparse (N, V) matrix of ones."""
        ends = np.cumsum([0, *(len(row) for row in self.targets)])
        columns = np.array([index for row in self.targets for index in row], np.int64)
        return sparse.csr_matrix((np.ones(len(columns), np.float32), columns, ends), (len(self), self.vocabulary_size))
