"""`DesignLearner`: how DESIGN learns and is validated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from data_loaders.posts import Post
from multimodal.design.banks import WholeBank, bank_of
from multimodal.design.config import DesignConfig
from multimodal.design.learning_data import LearningData, TrainBatch, TrainBatches
from multimodal.design.losses import sequence_loss, set_loss
from multimodal.design.network import CompiledDesignNetwork, DesignOutput
from multimodal.design.scoring import Scorer
from multimodal.design.targets import TargetSequences
from multimodal.distributed.processes import map_processes
from multimodal.encoders import CaptionEncoder, ImageEncoder
from multimodal.encoders.features.batches_ahead import batches_ahead
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.training.base_learner import BaseLearner, Losses, encoder_rate
from multimodal.training.losses import bce_loss, softmax_loss
from multimodal.training.validation_f1 import f1_of_hits

_SORTED_TOGETHER = 50
ALPHAS = tuple(step / 10 for step in range(11))


class DesignLearner(BaseLearner):
    """Trains the network of a `Scorer` on the train split and validates it, rolling, on the validation split.

    Train posts remember train posts only, validation posts remember both splits. The content vectors of the
    remembered posts are computed once an epoch, without gradient.

    Attributes:
        alpha: weight of the multilabel head, 0..1; chosen by `validate` unless the configuration gives it.

    Args:
        config: how to learn.
        scorer: of the network that learns.
        id_map: the vocabulary.
        train, validation: the two splits.

    Raises:
        DataError: no train post has a hashtag of the vocabulary, or no validation post has any hashtag.
    """

    def __init__(
        self,
        config: DesignConfig,
        scorer: Scorer,
        id_map: HashtagIdMap,
        train: Sequence[Post],
        validation: Sequence[Post],
    ) -> None:
        self.config, self.scorer, self.network = config, scorer, scorer.network
        self.alpha = 0.5 if config.ranking.alpha is None else config.ranking.alpha
        self._data = LearningData.build(scorer.datasets, id_map.vocabulary(), train, validation, scorer.device)
        self._mean_targets = float(np.mean([len(row) for row in self._data.targets]))
        sequences = TargetSequences(
            self._data.targets, id_map.vocabulary_size, config.heads.order, config.heads.steps, config.seed
        )
        super().__init__(self.network, config.training, config.seed, self._data.train.captions.lengths())
        self.window_batches = _SORTED_TOGETHER if config.length_bucketing else 1
        self.frozen = tuple(prefix for prefix, encoder in self._encoders().items() if encoder.frozen)
        encoder = self.network.image_encoder
        self._make = TrainBatches(
            self._data.train, sequences, config, encoder.augmentation if encoder is not None else None
        )
        self.load_tensors({"bank": torch.zeros(len(self._data.contents), config.width)}, torch.device("cpu"))
        self._ahead: Iterator[TrainBatch] | None = None

    def compiled(self) -> nn.Module:
        """Return the network with compiled encoders, interaction and fusion."""
        return CompiledDesignNetwork(self.network)

    def learning_rate(self, name: str, parameter: nn.Parameter) -> float:
        """Return the rate of the encoder that a parameter belongs to, or the training's."""
        for prefix, encoder in self._encoders().items():
            if name.startswith(prefix):
                return encoder_rate(encoder, self.training)
        return self.training.learning_rate

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Compute the content vectors of all remembered posts on `device`; zeros if the network remembers nothing."""
        vectors = torch.zeros(len(self._data.contents), self.config.width)
        if self.config.history.posts or self.config.history.neighbours:
            vectors = torch.from_numpy(self.scorer.contents(self._data.contents))
        self.load_tensors({"bank": vectors}, device)

    @contextmanager
    def prefetch(self, batches: list[list[int]], epoch: int) -> Iterator[None]:
        """Let workers make these batches in their order, while a `with` block asks for their loss."""
        make, pinned = partial(self._make, epoch=epoch), self._device.type == "cuda"
        self._ahead = batches_ahead(make, batches, self._data.workers, pinned)
        try:
            yield
        finally:
            self._ahead = None

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, Losses]:
        """Return the mean loss of some train posts, and its two parts."""
        device, heads = self._device, self.config.heads
        made = next(self._ahead) if self._ahead else self._make(rows, epoch)
        batch, bank = self._bank.place(made.posts)
        made = replace(made, posts=batch).to(device)
        output: DesignOutput = module(batch, bank, made.previous if heads.sequence else None)
        loss = torch.zeros((), device=device)
        parts: dict[str, Tensor | float] = {}
        if output.logits is not None:
            multilabel = self._multilabel_loss(output.logits, output.columns.of(batch.targets)).mean()
            loss, parts["multilabel_loss"] = loss + multilabel, multilabel.detach()
        if output.sequence_logits is not None:
            compute = set_loss if heads.order == "free" else sequence_loss
            sequence = compute(output.sequence_logits.float(), made.following).mean()
            loss, parts["sequence_loss"] = loss + heads.sequence_weight * sequence, sequence.detach()
        return loss, parts

    def _multilabel_loss(self, logits: Tensor, columns: Tensor) -> Tensor:
        if self.config.heads.loss == "bce":
            return bce_loss(logits.float(), columns, self._mean_targets)
        return softmax_loss(torch.log_softmax(logits.float(), -1), columns)

    def validate(self) -> dict[str, float]:
        """Return F1@K of the means over the validation posts for the best weight of the two heads."""
        k, heads, truth = self.config.training.validation_k, self.config.heads, self._data.truth
        chooses = self.config.ranking.alpha is None and heads.multilabel and heads.sequence
        alphas = ALPHAS if chooses else (self.alpha,)

        def count(rows: Sequence[int]) -> list[list[int]]:
            return self.scorer.hits(self._data.validation, rows, [truth[row] for row in rows], self._bank, k, alphas)

        hits = np.array(map_processes(range(len(truth)), count), np.float64)
        f1 = f1_of_hits(hits, [len(row) for row in truth], k)
        best = int(f1.argmax())
        self.alpha = alphas[best]
        return {"score": float(f1[best]), "alpha": self.alpha, "hit_rate": float((hits[:, best] > 0).mean())}

    def tensors(self) -> dict[str, Tensor]:
        """Return the content vectors of the running epoch."""
        return {"bank": self._vectors}

    def load_tensors(self, tensors: dict[str, Tensor], device: torch.device) -> None:
        """Restore the content vectors of an epoch that is resumed."""
        self._bank, self._device = bank_of(tensors["bank"], device), device
        self._vectors = self._bank.vectors if isinstance(self._bank, WholeBank) else tensors["bank"]

    def _encoders(self) -> dict[str, CaptionEncoder | ImageEncoder]:
        encoders = {"caption_encoder.": self.network.caption_encoder, "image_encoder.": self.network.image_encoder}
        return {prefix: encoder for prefix, encoder in encoders.items() if encoder is not None}
