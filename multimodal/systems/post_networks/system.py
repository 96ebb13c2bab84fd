"""`PostNetworkSystem`: the base of Systems around a network over caption, picture and earlier posts."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from data_loaders.batches import PostBatch
from data_loaders.posts import Post
from multimodal.distributed.launching import own_device
from multimodal.encoders import (
    CaptionEncoder,
    ImageEncoder,
    build_caption_encoder,
    build_image_encoder,
    missing_weights,
)
from multimodal.encoders.base import Encoder
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.rules.post_rules import numbers_of
from multimodal.ranking.top_k import RankedList, order_candidates
from multimodal.systems.base import Excluded
from multimodal.systems.network import NetworkSystem
from multimodal.systems.post_networks.config import PostNetworkConfig
from multimodal.systems.post_networks.network import PostNetwork
from multimodal.systems.post_networks.scoring import PostScorer, row_batches

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData
    from multimodal.storage.run_folder import RunFolder

logger = logging.getLogger(__name__)


class PostNetworkSystem(NetworkSystem):
    """A `PostNetwork`, its memory and its ranking; a subclass implements `assemble`, `learn` and `scores`.

    Attributes:
        network: set by `build` and `load`.
        scorer: of the network.
    """

    config: PostNetworkConfig
    network: PostNetwork
    scorer: PostScorer

    @abstractmethod
    def assemble(self, caption: CaptionEncoder | None, image: ImageEncoder | None, captions: Sequence[str]) -> None:
        """Set `network` and `scorer`, untrained.

        Args:
            caption, image: the encoders, None for none.
            captions: cleaned captions of the train split, those that are not empty.
        """

    @abstractmethod
    def learn(self, train: Sequence[Post], validation: Sequence[Post], run: RunFolder) -> None:
        """Train the network on one split and select its epoch on the other."""

    @abstractmethod
    def scores(self, batch: PostBatch, bank: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores (B, C) by which hashtags are ranked, and the hashtag index of every column."""

    def encoders(self) -> list[Encoder]:
        """Return the encoders of captions and pictures."""
        return [*self.network.encoders.values()]

    @property
    def memory_width(self) -> int:
        """Width of the content vectors that a memory keeps; 0 for none."""
        return self.config.width

    @property
    def opens_images(self) -> bool:
        """Whether there is an image encoder, which reads the pictures themselves."""
        return self.network.image_encoder is not None

    def cast_encoders(self, dtype: torch.dtype) -> None:
        """Hold and run the encoders in `dtype`; everything after them stays in fp32."""
        for encoder in self.network.encoders.values():
            encoder.to_dtype(dtype)

    # -- learning ----------------------------------------------------------------------------------------------

    def missing_weights(self) -> list[str]:
        """Return what is wrong with the weights of both encoders; see `System.missing_weights`."""
        return missing_weights(self.config.encoder.caption, self.config.encoder.image)

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Train the network; see `System.fit`."""
        train, validation = list(data.split("train")), list(data.split("validation"))
        self.id_map = HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies)
        torch.manual_seed(self.config.seed)
        captions = cleaned_captions(train, self.config.caption_profile)
        self.build(captions, any(post.image is not None for post in train))
        # Frozen encoders run once, while the learner is built: on the fastest device there is.
        self.use_device(own_device())
        self.learn(train, validation, run)
        self.network.eval()

    def build(self, captions: Sequence[str], pictured: bool) -> None:
        """Build the untrained network; `id_map` must be set.

        Args:
            captions: cleaned captions of the train split, "" for none.
            pictured: whether any train post has a picture.
        """
        encoder = self.config.encoder
        if encoder.caption is not None and not any(captions):
            logger.info("no train post has a caption: the caption encoder is left out")
        if encoder.image is not None and not pictured:
            logger.info("no train post has a picture: the image encoder is left out")
        words = [caption for caption in captions if caption]
        caption_encoder = build_caption_encoder(encoder.caption, words) if encoder.caption and words else None
        image_encoder = build_image_encoder(encoder.image) if encoder.image and pictured else None
        self.assemble(caption_encoder, image_encoder, words)

    # -- memory ------------------------------------------------------------------------------------------------

    def new_memory(self) -> PostMemory:
        """Return an empty memory with room for content vectors."""
        return self.scorer.datasets.new_memory(self.id_map.vocabulary(), self.memory_width)

    def add_posts(self, memory: PostMemory, posts: Sequence[Post]) -> None:
        """Append posts with their content vectors."""
        if not posts:
            return
        datasets, contents, spaces = self.scorer.datasets, None, {}
        if memory.width or memory.spaces:
            inputs = datasets.inputs(posts)
            spaces = datasets.space_vectors(posts, inputs)
            if memory.width:
                contents = self.scorer.contents(datasets.content_dataset(posts, inputs))
        memory.append(posts, contents, datasets.term_vectors(posts), spaces)

    # -- ranking -----------------------------------------------------------------------------------------------

    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank hashtags for each post; see `System.rank`."""
        lists = self._lists(posts, memory, k, excluded or [frozenset()] * len(posts)) if posts else iter(())
        return Rankings.from_lists([post.post_id for post in posts], lists, k, memory.id_map.names)

    def _lists(
        self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Sequence[AbstractSet[str]]
    ) -> Iterator[RankedList]:
        """Yield the indices and scores of the best hashtags of each post."""
        if self.network.training:  # which walks through all modules
            self.network.eval()
        dataset, bank = self.scorer.datasets.dataset(posts, memory), self.scorer.bank(memory)
        for rows in row_batches(range(len(posts)), self.id_map.vocabulary_size):
            scores, columns = self.scores(*bank.place(dataset.batch(rows)))
            hashtags = columns.cpu().numpy()
            for row, values in zip(rows, scores.double().cpu().numpy(), strict=True):
                values[np.isin(hashtags, numbers_of(excluded[row], memory.id_map))] = -np.inf
                yield order_candidates(hashtags, values, memory.id_map, k)
