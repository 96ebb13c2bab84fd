"""`DatasetBuilder`: posts as the network takes them, with what was posted before each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.batches import PostDataset, Related
from data_loaders.posts import Post
from multimodal.design.config import DesignConfig
from multimodal.design.named import named_hashtags
from multimodal.design.network import DesignNetwork
from multimodal.design.spaces import Spaces
from multimodal.encoders import CaptionEncoder
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.pairs import similarity_to
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.caption_vectors import SLOTS, CaptionVectors
from multimodal.memory.search.columns import WORDS
from multimodal.memory.search.likeness import Likeness
from multimodal.systems.post_networks.datasets import Inputs, PostDatasets

Floats = NDArray[np.float32]


class DatasetBuilder(PostDatasets):
    """Turns posts into the datasets of DESIGN: with the user's history and the neighbours of each.

    Args:
        config: how captions are cleaned, and how much is remembered.
        network: its encoders determine the inputs.
        terms: compares the words of captions; None where they are not compared.
        sentences: a frozen encoder that compares captions; None for the network's, or where they are not compared.
    """

    config: DesignConfig

    def __init__(
        self,
        config: DesignConfig,
        network: DesignNetwork,
        terms: CaptionVectors | None,
        sentences: CaptionEncoder | None = None,
    ) -> None:
        super().__init__(config, network)
        self.terms, self.sentences = terms, sentences
        captions = network.caption_encoder if config.history.encoder is None else sentences
        self._spaces = Spaces(config, captions, network.image_encoder, config.history.encoder is not None)
        available = {*self._spaces.widths, *(["words"] if terms is not None else [])}
        weights = {space: weight for space, weight in config.history.weights.items() if space in available}
        decay, power = config.history.neighbour_decay, config.history.power
        self.likeness = Likeness(weights, power, decay) if weights else None

    def new_memory(self, id_map: HashtagIdMap, width: int = 0) -> PostMemory:
        """Return an empty memory with room for caption terms, content vectors and those of the other spaces.

        Args:
            id_map: of the hashtags remembered.
            width: of a content vector; 0 for none.
        """
        return PostMemory(id_map, width, SLOTS if self.terms is not None else 0, self._spaces.widths)

    def term_vectors(self, posts: Sequence[Post]) -> sparse.csr_matrix | None:
        """Return the caption terms of N posts, (N, SLOTS); None where captions are not compared."""
        return None if self.terms is None else self.terms.of(cleaned_captions(posts, self.config.caption_profile))

    def space_vectors(self, posts: Sequence[Post], inputs: Inputs) -> dict[str, Floats]:
        """Return the vectors of N posts in each dense space in which posts are compared, (N, its width).

        Args:
            posts: N posts.
            inputs: their encoder inputs.

        Raises:
            DataError: a picture cannot be used.
        """
        captions = cleaned_captions(posts, self.config.caption_profile)
        return self._spaces.vectors(posts, captions, inputs, self.cache(posts))

    def dataset(
        self,
        posts: Sequence[Post],
        memory: PostMemory,
        targets: Sequence[Sequence[int]] | None = None,
        inputs: Inputs | None = None,
        vectors: Mapping[str, Floats] | None = None,
    ) -> PostDataset:
        """Return posts as encoder inputs, each with its user's history and its neighbours in the memory.

        Args:
            posts: N posts.
            memory: made by `new_memory`.
            targets: hashtag indices of each post's own hashtags; None when ranking.
            inputs: their encoder inputs; None to make them.
            vectors: their `space_vectors`; None to make them.
        """
        settings, inputs = self.config.history, inputs or self.inputs(posts)
        instants = np.array([post.instant_us for post in posts], np.int64)
        positions = memory.history([post.user_id for post in posts], instants, settings.posts)
        history, neighbours = Related(positions, np.zeros(positions.shape, np.float32)), None
        if self.likeness is not None:
            vectors = self.space_vectors(posts, inputs) if vectors is None else vectors
            terms = self.term_vectors(posts) if WORDS in self.likeness.weights else None
            history = Related(positions, similarity_to(self.likeness, terms, vectors, memory, positions))
            neighbours = memory.neighbours(terms, vectors, instants, settings.neighbours, self.likeness)
        named = (
            named_hashtags(cleaned_captions(posts, self.config.caption_profile), memory, instants)
            if settings.named
            else None
        )
        return PostDataset(posts, *inputs, memory, history, neighbours, targets, named)
