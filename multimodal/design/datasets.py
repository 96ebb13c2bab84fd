"""`DatasetBuilder`: posts as the network takes them, with what was posted before each of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.batches import CaptionInputs, ImageInputs, PostDataset, Related
from data_loaders.posts import Post
from multimodal.design.config import DesignConfig
from multimodal.design.network import DesignNetwork
from multimodal.encoders.features.inputs import caption_inputs, cleaned_captions, image_inputs
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.caption_scan import similarity_to
from multimodal.memory.search.caption_vectors import SLOTS, CaptionVectors
from multimodal.memory.search.likeness import Likeness

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
_BULK_POSTS = 256


class DatasetBuilder:
    """Turns posts into the datasets of one network.

    Args:
        config: how captions are cleaned, and how much is remembered.
        network: its encoders determine the inputs.
        terms: compares captions; None where captions are not compared.
    """

    def __init__(self, config: DesignConfig, network: DesignNetwork, terms: CaptionVectors | None) -> None:
        self.config, self.network, self.terms = config, network, terms

    def new_memory(self, id_map: HashtagIdMap, width: int = 0) -> PostMemory:
        """Return an empty memory with room for caption terms and content vectors.

        Args:
            id_map: of the hashtags remembered.
            width: of a content vector; 0 for none.
        """
        return PostMemory(id_map, width, SLOTS if self.terms is not None else 0)

    def term_vectors(self, posts: Sequence[Post]) -> sparse.csr_matrix | None:
        """Return the caption terms of N posts, (N, SLOTS); None where captions are not compared."""
        return None if self.terms is None else self.terms.of(cleaned_captions(posts, self.config.caption_profile))

    def inputs(self, posts: Sequence[Post], workers: int = 0) -> tuple[CaptionInputs, ImageInputs]:
        """Return the encoders' inputs; a frozen encoder's features come from the cache if the posts are many.

        Args:
            posts: N posts.
            workers: processes that decode pictures where they are many; 0 for none.

        Raises:
            DataError: a picture cannot be used.
        """
        captions = cleaned_captions(posts, self.config.caption_profile)
        on_disk = all(post.image is None or isinstance(post.image, (str, Path)) for post in posts)
        cache = self.config.feature_cache if len(posts) >= _BULK_POSTS and on_disk else None
        return (
            caption_inputs(self.network.caption_encoder, captions, cache, self.config.feature_precision),
            image_inputs(self.network.image_encoder, posts, cache, workers, self.config.feature_precision),
        )

    def content_dataset(
        self, posts: Sequence[Post], inputs: tuple[CaptionInputs, ImageInputs] | None = None
    ) -> PostDataset:
        """Return posts as encoder inputs, without a history.

        Args:
            posts: N posts.
            inputs: their encoder inputs; None to make them.
        """
        return PostDataset(posts, *(inputs or self.inputs(posts)), PostMemory(HashtagIdMap()))

    def dataset(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        targets: Sequence[Sequence[int]] | None = None,
        inputs: tuple[CaptionInputs, ImageInputs] | None = None,
    ) -> PostDataset:
        """Return posts as encoder inputs, each with its user's history and its neighbours in the memory.

        Args:
            posts: N posts.
            memory: made by `new_memory`.
            targets: hashtag indices of each post's own hashtags; None when ranking.
            inputs: their encoder inputs; None to make them.
        """
        settings = self.config.history
        instants = np.array([post.instant_us for post in posts], np.int64)
        positions = memory.history([post.user_id for post in posts], instants, settings.posts)
        history, neighbours = Related(positions, np.zeros(positions.shape, np.float32)), None
        queries = self.term_vectors(posts)
        if queries is not None:
            history = Related(positions, _similarity_to(queries, memory, positions))
            likeness = Likeness(decay=settings.neighbour_decay)
            neighbours = memory.neighbours(queries, {}, instants, settings.neighbours, likeness)
        return PostDataset(posts, *(inputs or self.inputs(posts)), memory, history, neighbours, targets)


def _similarity_to(queries: sparse.csr_matrix, memory: PostMemory, positions: Ints) -> Floats:
    used = np.unique(positions[positions >= 0])
    rows = np.where(positions >= 0, np.searchsorted(used, positions), -1)
    return similarity_to(queries, memory.terms_at(used), rows)
