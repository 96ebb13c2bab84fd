"""`GraphDatasets`: posts with the user's history and the earlier posts with similar pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from data_loaders.batches import PostDataset, Related
from data_loaders.posts import Post
from multimodal.encoders import ImageEncoder
from multimodal.encoders.features.pooling import image_vectors, pooled_images
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.likeness import Likeness
from multimodal.peers.tagnet.config import TagnetConfig
from multimodal.systems.post_networks.datasets import Floats, Inputs, PostDatasets
from multimodal.systems.post_networks.network import PostNetwork

IMAGE = "image"


class GraphDatasets(PostDatasets):
    """`PostDatasets` with the edges of the graph: looked up in the memory, so that the graph grows as posts come in.

    Args:
        config: how much is remembered.
        network: its encoders determine the inputs.
        pictures: compares pictures; None for the network's image encoder.
    """

    config: TagnetConfig

    def __init__(self, config: TagnetConfig, network: PostNetwork, pictures: ImageEncoder | None) -> None:
        super().__init__(config, network)
        self.pictures = pictures
        self._compares = pictures or network.image_encoder

    def new_memory(self, id_map: HashtagIdMap, width: int = 0) -> PostMemory:
        """Return an empty memory with room for content vectors and those of pictures; see `PostDatasets.new_memory`."""
        spaces = {} if self._compares is None else {IMAGE: self._compares.width}
        return PostMemory(id_map, width, spaces=spaces)

    def space_vectors(self, posts: Sequence[Post], inputs: Inputs) -> dict[str, Floats]:
        """Return the vectors of the pictures, zeros without one; see `PostDatasets.space_vectors`."""
        if self._compares is None:
            return {}
        precision, cache = self.config.feature_precision, self.cache(posts)
        if cache is None and self.pictures is None:
            return {IMAGE: pooled_images(self._compares, inputs[1], precision)}
        return {IMAGE: image_vectors(self._compares, posts, cache, precision)}

    def dataset(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        targets: Sequence[Sequence[int]] | None = None,
        inputs: Inputs | None = None,
        vectors: Mapping[str, Floats] | None = None,
    ) -> PostDataset:
        """Return posts as encoder inputs, each with its history and its neighbours; see `PostDatasets.dataset`."""
        inputs = inputs or self.inputs(posts)
        instants = np.array([post.instant_us for post in posts], np.int64)
        positions = memory.history([post.user_id for post in posts], instants, self.config.history_posts)
        history, neighbours = Related(positions, np.zeros(positions.shape, np.float32)), None
        if self._compares is not None:
            vectors = self.space_vectors(posts, inputs) if vectors is None else vectors
            neighbours = memory.neighbours(
                None, vectors, instants, self.config.graph.neighbours, Likeness({IMAGE: 1.0})
            )
        return PostDataset(posts, *inputs, memory, history, neighbours, targets)
