"""`PostDatasets`: posts as a network takes them, with what was posted before each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.batches import CaptionInputs, ImageInputs, PostDataset
from data_loaders.posts import Post
from multimodal.encoders.features.inputs import caption_inputs, cleaned_captions, image_inputs
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.systems.post_networks.config import PostNetworkConfig
from multimodal.systems.post_networks.network import PostNetwork

Floats = NDArray[np.float32]
Inputs = tuple[CaptionInputs, ImageInputs]
_BULK_POSTS = 256


class PostDatasets:
    """Turns posts into the datasets of one network; here, of one that remembers nothing.

    Args:
        config: how captions are cleaned and features kept.
        network: its encoders determine the inputs.
    """

    def __init__(self, config: PostNetworkConfig, network: PostNetwork) -> None:
        self.config, self.network = config, network

    def new_memory(self, id_map: HashtagIdMap, width: int = 0) -> PostMemory:
        """Return an empty memory with room for content vectors, and for what else posts are compared by.

        Args:
            id_map: of the hashtags remembered.
            width: of a content vector; 0 for none.
        """
        return PostMemory(id_map, width)

    def term_vectors(self, posts: Sequence[Post]) -> sparse.csr_matrix | None:
        """Return the caption terms of N posts, (N, SLOTS); None where captions are not compared."""
        return None

    def space_vectors(self, posts: Sequence[Post], inputs: Inputs) -> dict[str, Floats]:
        """Return the vectors of N posts in each dense space in which posts are compared, (N, its width).

        Args:
            posts: N posts.
            inputs: their encoder inputs.

        Raises:
            DataError: a picture cannot be used.
        """
        return {}

    def cache(self, posts: Sequence[Post]) -> str | None:
        """Return the folder for the features of frozen encoders, None where these posts are not to be kept."""
        on_disk = all(post.image is None or isinstance(post.image, (str, Path)) for post in posts)
        return self.config.feature_cache if len(posts) >= _BULK_POSTS and on_disk else None

    def inputs(self, posts: Sequence[Post], workers: int = 0) -> Inputs:
        """Return the encoders' inputs; a frozen encoder's features come from the cache if the posts are many.

        Args:
            posts: N posts.
            workers: processes that decode pictures where they are many; 0 for none.

        Raises:
            DataError: a picture cannot be used.
        """
        captions = cleaned_captions(posts, self.config.caption_profile)
        cache = self.cache(posts)
        return (
            caption_inputs(self.network.caption_encoder, captions, cache, self.config.feature_precision),
            image_inputs(self.network.image_encoder, posts, cache, workers, self.config.feature_precision),
        )

    def content_dataset(self, posts: Sequence[Post], inputs: Inputs | None = None) -> PostDataset:
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
        inputs: Inputs | None = None,
        vectors: Mapping[str, Floats] | None = None,
    ) -> PostDataset:
        """Return posts as encoder inputs, each with the earlier posts of the memory that it may draw on.

        Args:
            posts: N posts.
            memory: made by `new_memory`.
            targets: hashtag indices of each post's own hashtags; None when ranking.
            inputs: their encoder inputs; None to make them.
            vectors: their `space_vectors`; None to make them.
        """
        return PostDataset(posts, *(inputs or self.inputs(posts)), memory, targets=targets)
