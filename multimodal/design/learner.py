"""`DesignLearner`: how DESIGN learns and is validated."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from data_loaders.posts import Post
from multimodal.design.config import DesignConfig
from multimodal.design.large_losses import Lesson
from multimodal.design.network import DesignOutput
from multimodal.design.scoring import Scorer
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.systems.post_networks.learner import PostLearner
from multimodal.systems.post_networks.sequences.large_losses import SequenceLesson
from multimodal.systems.post_networks.sequences.losses import sequence_loss, set_loss
from multimodal.systems.post_networks.train_batches import DropRates, TrainBatch
from multimodal.training.base_learner import Losses
from multimodal.training.large_vocabulary import LARGE_VOCABULARY
from multimodal.training.losses import bce_loss, softmax_loss
from multimodal.training.validation_f1 import f1_of_hits

_SORTED_TOGETHER = 50
ALPHAS = tuple(step / 10 for step in range(11))


class DesignLearner(PostLearner):
    """Trains DESIGN; see `PostLearner`.

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
        self.config, heads = config, config.heads
        self.alpha = 0.5 if config.ranking.alpha is None else config.ranking.alpha
        rates = DropRates(config.modality_dropout, config.history.dropout)
        super().__init__(config, scorer, id_map, train, validation, rates, heads.order, heads.steps)
        self.window_batches = _SORTED_TOGETHER if config.length_bucketing else 1

    @property
    def remembers(self) -> bool:
        """Whether the network attends to earlier posts."""
        return bool(self.config.history.posts or self.config.history.neighbours)

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, Losses]:
        """Return the mean loss of some train posts, and its two parts."""
        heads = self.config.heads
        made, bank = self.made(rows, epoch)
        teaching = (made.previous if heads.sequence else None, self._lesson(made))
        output: DesignOutput = module(made.posts, bank, *teaching)
        losses = output.losses if output.losses is not None else self._losses(output, made)
        loss = torch.zeros((), device=bank.device)
        parts: dict[str, Tensor | float] = {}
        for name, values in losses.items():
            mean = values.mean()
            loss = loss + (heads.sequence_weight if name == "sequence" else 1.0) * mean
            parts[f"{name}_loss"] = mean.detach()
        return loss, parts

    def _lesson(self, made: TrainBatch) -> Lesson | None:
        """Return what lets the network compute its losses itself, block by block, if the vocabulary is large."""
        if self._vocabulary_size < LARGE_VOCABULARY:
            return None
        heads = self.config.heads
        sequence = SequenceLesson(made.following, heads.order == "free")
        return Lesson(sequence, heads.loss, self._mean_targets)

    def _losses(self, output: DesignOutput, made: TrainBatch) -> dict[str, Tensor]:
        """Return the losses of each post by head."""
        losses = {}
        if output.logits is not None:
            losses["multilabel"] = self._multilabel_loss(output.logits, output.columns.of(made.posts.targets))
        if output.sequence_logits is not None:
            compute = set_loss if self.config.heads.order == "free" else sequence_loss
            losses["sequence"] = compute(output.sequence_logits.float(), made.following)
        return losses

    def _multilabel_loss(self, logits: Tensor, columns: Tensor) -> Tensor:
        if self.config.heads.loss == "bce":
            return bce_loss(logits.float(), columns, self._mean_targets)
        return softmax_loss(torch.log_softmax(logits.float(), -1), columns)

    def validate(self) -> dict[str, float]:
        """Return F1@K of the means over the validation posts for the best weight of the two heads."""
        k, heads, truth = self.config.training.validation_k, self.config.heads, self._data.truth
        chooses = self.config.ranking.alpha is None and heads.multilabel and heads.sequence
        alphas = ALPHAS if chooses else (self.alpha,)
        hits = self.hits(alphas)
        f1 = f1_of_hits(hits, [len(row) for row in truth], k)
        best = int(f1.argmax())
        self.alpha = alphas[best]
        return {"score": float(f1[best]), "alpha": self.alpha, "hit_rate": float((hits[:, best] > 0).mean())}
