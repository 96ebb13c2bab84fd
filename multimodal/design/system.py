"""`DesignSystem`: DESIGN behind the interface that every System has."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from data_loaders.errors import RunError
from data_loaders.posts import Post
from multimodal.config import RunConfig
from multimodal.design.config import DesignConfig
from multimodal.design.datasets import DatasetBuilder
from multimodal.design.learner import DesignLearner
from multimodal.design.network import DesignNetwork
from multimodal.design.scoring import Scorer, row_batches
from multimodal.design.storage import Parts, load_parts, save_parts
from multimodal.distributed.launching import own_device
from multimodal.encoders import CaptionEncoder, build_caption_encoder, build_image_encoder, missing_weights
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.caption_vectors import CaptionVectors
from multimodal.memory.search.columns import WORDS
from multimodal.ranking.rankings import Rankings
from multimodal.ranking.top_k import order_candidates
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.base import Excluded
from multimodal.systems.network import NetworkSystem
from multimodal.systems.registry import register_system
from multimodal.training.trainer import Trainer

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData

logger = logging.getLogger(__name__)
_SENTENCES = "history.encoder"


@register_system("design")
class DesignSystem(NetworkSystem):
    """DESIGN with weighted fusion (see `DesignNetwork`), its memory and its ranking.

    Attributes:
        network: set by `build` and `load`.
        scorer: of the network.
        alpha: weight of the multilabel head, 0..1; set by `fit` and `load`.
    """

    config_type = DesignConfig
    config: DesignConfig
    network: DesignNetwork
    scorer: Scorer
    alpha: float

    @property
    def opens_images(self) -> bool:
        """Whether there is an image encoder, which reads the pictures themselves."""
        return self.network.image_encoder is not None

    def use_device(self, device: torch.device) -> None:
        """Move the network, and the encoder that compares captions, to this device."""
        super().use_device(device)
        if self.scorer.datasets.sentences is not None:
            self.scorer.datasets.sentences.to(device)

    def cast_encoders(self, dtype: torch.dtype) -> None:
        """Hold and run the encoders in `dtype`; everything after them stays in fp32."""
        for encoder in (self.network.caption_encoder, self.network.image_encoder):
            if encoder is not None:
                encoder.to_dtype(dtype)

    # -- learning ----------------------------------------------------------------------------------------------

    def missing_weights(self) -> list[str]:
        """Return what is wrong with the weights of both encoders; see `System.missing_weights`."""
        problems = missing_weights(self.config.encoder.caption, self.config.encoder.image)
        return problems + missing_weights(self.config.history.encoder, section=_SENTENCES)

    def fit(self, data: PreparedData, run: RunFolder) -> None:
        """Train the network; see `System.fit`."""
        train, validation = list(data.split("train")), list(data.split("validation"))
        self.id_map = HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies)
        torch.manual_seed(self.config.seed)
        captions = cleaned_captions(train, self.config.caption_profile)
        self.build(captions, any(post.image is not None for post in train))
        # Frozen encoders run once, while the learner is built: on the fastest device there is.
        self.use_device(own_device())
        learner = DesignLearner(self.config, self.scorer, self.id_map, train, validation)
        trainer = Trainer(learner, self.config.training, run, self.config.seed)
        state = trainer.fit()
        learner.start_epoch(state.epoch, self.device)
        scores = learner.validate()
        self.alpha = learner.alpha
        self.network.eval()
        run.log({"event": "trained", "best_epoch": state.best_epoch, "seconds": state.seconds, **scores})

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
        terms = CaptionVectors.fit(words, self.config.history.bigrams) if _compares_words(self.config) else None
        size = self.id_map.vocabulary_size
        network = DesignNetwork(self.config, size, caption_encoder, image_encoder)
        sentences = self.config.history.encoder
        self._use(network, terms, build_caption_encoder(sentences, words, _SENTENCES) if sentences and words else None)

    def _use(self, network: DesignNetwork, terms: CaptionVectors | None, sentences: CaptionEncoder | None) -> None:
        self.network = network
        self.scorer = Scorer(self.config, network, DatasetBuilder(self.config, network, terms, sentences))

    # -- memory ------------------------------------------------------------------------------------------------

    def new_memory(self) -> PostMemory:
        """Return an empty memory with room for content vectors."""
        return self.scorer.datasets.new_memory(self.id_map.vocabulary(), self.config.width)

    def add_posts(self, memory: PostMemory, posts: Sequence[Post]) -> None:
        """Append posts with their content vectors."""
        if posts:
            datasets = self.scorer.datasets
            inputs = datasets.inputs(posts)
            contents = self.scorer.contents(datasets.content_dataset(posts, inputs))
            memory.append(posts, contents, datasets.term_vectors(posts), datasets.space_vectors(posts, inputs))

    # -- ranking -----------------------------------------------------------------------------------------------

    def rank(self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Excluded = None) -> Rankings:
        """Rank hashtags for each post; see `System.rank`."""
        lists = self._lists(posts, memory, k, excluded or [frozenset()] * len(posts)) if posts else iter(())
        return Rankings.from_lists([post.post_id for post in posts], lists, k, memory.id_map.names)

    def _lists(
        self, posts: Sequence[Post], memory: PostMemory, k: int, excluded: Sequence[frozenset[str]]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Yield the indices and scores of the best hashtags of each post."""
        self.network.eval()
        dataset, bank = self.scorer.datasets.dataset(posts, memory), self.scorer.bank(memory)
        for rows in row_batches(range(len(posts))):
            (scores,), columns = self.scorer.scores(*bank.place(dataset.batch(rows)), [self.alpha])
            hashtags = columns.cpu().numpy()
            for row, values in zip(rows, scores.double().cpu().numpy(), strict=True):
                if excluded[row]:
                    values[_listed(excluded[row], hashtags, memory.id_map)] = -np.inf
                yield order_candidates(hashtags, values, memory.id_map, k)

    # -- keeping -----------------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Save network, encoders and settings.

        Raises:
            RunError: see `require_full_precision`.
        """
        self.require_full_precision()
        datasets = self.scorer.datasets
        save_parts(folder, Parts(self.network, self.alpha, datasets.terms, datasets.sentences))

    @classmethod
    def load(cls, folder: Path, config: RunConfig, id_map: HashtagIdMap) -> DesignSystem:
        """Load what `save` saved.

        Raises:
            RunError: a file is missing, damaged, or does not fit the configuration.
        """
        if not isinstance(config, DesignConfig):
            raise RunError(f"{folder}: the configuration is of system {config.system!r}, expected 'design'")
        system = cls(config)
        system.id_map = id_map
        parts = load_parts(folder, config, id_map.vocabulary_size, _compares_words(config))
        system.alpha = parts.alpha
        system._use(parts.network, parts.terms, parts.sentences)
        return system


def _compares_words(config: DesignConfig) -> bool:
    compared = bool(config.history.posts or config.history.neighbours) and WORDS in config.history.weights
    return config.encoder.caption is not None and compared


def _listed(excluded: frozenset[str], indices: NDArray[np.int64], id_map: HashtagIdMap) -> NDArray[np.bool_]:
    unwanted = [index for index in (id_map.find(hashtag) for hashtag in excluded) if index is not None]
    return np.isin(indices, unwanted)
