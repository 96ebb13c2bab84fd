"""`DesignSystem`: DESIGN behind the interface that every System has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from data_loaders.batches import PostBatch
from data_loaders.errors import RunError
from data_loaders.posts import Post
from multimodal.config import RunConfig
from multimodal.design.attending import attention_to
from multimodal.design.config import DesignConfig
from multimodal.design.datasets import DatasetBuilder
from multimodal.design.explaining import explained_batch
from multimodal.design.learner import DesignLearner
from multimodal.design.network import DesignNetwork
from multimodal.design.scoring import Scorer
from multimodal.design.storage import Parts, load_parts, save_parts
from multimodal.encoders import CaptionEncoder, ImageEncoder, build_caption_encoder, missing_weights
from multimodal.encoders.base import Encoder
from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.caption_vectors import CaptionVectors
from multimodal.memory.search.columns import WORDS
from multimodal.ranking.attention import Attention
from multimodal.ranking.explanation import Explanation
from multimodal.ranking.rankings import Rankings
from multimodal.systems.post_networks.scoring import row_batches
from multimodal.systems.post_networks.system import PostNetworkSystem
from multimodal.systems.registry import register_system
from multimodal.training.trainer import Trainer

if TYPE_CHECKING:
    from multimodal.storage.run_folder import RunFolder

_SENTENCES = "history.encoder"


@register_system("design")
class DesignSystem(PostNetworkSystem):
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

    def encoders(self) -> list[Encoder]:
        """Return the encoders of captions and pictures, and the one that compares captions."""
        sentences = self.scorer.datasets.sentences
        return [*super().encoders(), *([] if sentences is None else [sentences])]

    def use_device(self, device: torch.device) -> None:
        """Move the network, and the encoder that compares captions, to this device."""
        super().use_device(device)
        if self.scorer.datasets.sentences is not None:
            self.scorer.datasets.sentences.to(device)

    # -- learning ----------------------------------------------------------------------------------------------

    def missing_weights(self) -> list[str]:
        """Return what is wrong with the weights of all encoders; see `System.missing_weights`."""
        return super().missing_weights() + missing_weights(self.config.history.encoder, section=_SENTENCES)

    def learn(self, train: Sequence[Post], validation: Sequence[Post], run: RunFolder) -> None:
        """Train the network and choose the weight of its heads; see `PostNetworkSystem.learn`."""
        learner = DesignLearner(self.config, self.scorer, self.id_map, train, validation)
        trainer = Trainer(learner, self.config.training, run, self.config.seed)
        state = trainer.fit()
        learner.start_epoch(state.epoch, self.device)
        scores = learner.validate()
        self.alpha = learner.alpha
        run.log({"event": "trained", "best_epoch": state.best_epoch, "seconds": state.seconds, **scores})

    def assemble(self, caption: CaptionEncoder | None, image: ImageEncoder | None, captions: Sequence[str]) -> None:
        """Set the untrained network, and what compares captions; see `PostNetworkSystem.assemble`."""
        terms = CaptionVectors.fit(captions, self.config.history.bigrams) if _compares_words(self.config) else None
        network = DesignNetwork(self.config, self.id_map.vocabulary_size, caption, image)
        sentences = self.config.history.encoder
        self._use(
            network, terms, build_caption_encoder(sentences, captions, _SENTENCES) if sentences and captions else None
        )

    def _use(self, network: DesignNetwork, terms: CaptionVectors | None, sentences: CaptionEncoder | None) -> None:
        self.network = network
        self.scorer = Scorer(self.config, network, DatasetBuilder(self.config, network, terms, sentences))

    def scores(self, batch: PostBatch, bank: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores of both heads, joined; see `PostNetworkSystem.scores`."""
        (scores,), columns = self.scorer.scores(batch, bank, [self.alpha])
        return scores, columns

    def explain(self, posts: Sequence[Post], rankings: Rankings, memory: PostMemory) -> list[list[Explanation]] | None:
        """Return what brought each hashtag, see `explained_batch`; None without a multilabel head."""
        if self.network.multilabel is None:
            return None
        self.network.eval()
        dataset, bank = self.scorer.datasets.dataset(posts, memory), self.scorer.bank(memory)
        explained: list[list[Explanation]] = []
        for rows in row_batches(range(len(posts)), self.id_map.vocabulary_size):
            batch = dataset.batch(rows)
            ranked = [rankings.indices[row][rankings.indices[row] >= 0].tolist() for row in rows]
            explained += explained_batch(self.network, batch, bank.place(batch), ranked, memory)
        return explained

    def attention(self, post: Post) -> Attention:
        """Return the weights of the co-attention and of the gate; see `System.attention`."""
        self.network.eval()
        batch = self.scorer.datasets.content_dataset([post]).batch([0]).to(self.device)
        (caption,) = cleaned_captions([post], self.config.caption_profile)
        return attention_to(self.network, batch, post, caption)

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
