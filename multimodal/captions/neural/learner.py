"""`CaptionLearner`: how a neural text-only model learns and is validated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.captions.encoder_learner import EncoderLearner
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.neural.classifier import CaptionClassifier
from multimodal.captions.neural.config import NeuralCaptionConfig
from multimodal.captions.validation import validate_captions
from multimodal.encoders.features.inputs import TokenCaptions
from multimodal.training.hashtag_losses import HashtagLesson
from multimodal.training.large_vocabulary import LARGE_VOCABULARY
from multimodal.training.losses import bce_loss, multi_hot, softmax_loss


class CaptionLearner(EncoderLearner):
    """Trains a `CaptionClassifier`.

    Args:
        network: is trained.
        config: how.
        train: posts with a caption and a hashtag of the vocabulary.
        validation: posts with a hashtag.
        scores: cleaned captions → what the System scores them with the network as it is, (B, V).
    """

    def __init__(
        self,
        network: CaptionClassifier,
        config: NeuralCaptionConfig,
        train: LabelledCaptions,
        validation: LabelledCaptions,
        scores: Callable[[Sequence[str]], NDArray[np.float64]],
    ) -> None:
        self.config, self._train, self._validation, self._scores = config, train, validation, scores
        self._tokens = TokenCaptions(network.encoder, train.captions)
        super().__init__(network, config, self._tokens.lengths())
        self._mean_targets = float(np.mean([len(row) for row in train.targets]))
        carried = train.multi_hot()
        self._idf = -_shares(carried).log()
        # Starting from zero, the first thousands of steps would only learn that most hashtags are rare.
        network.start_from(self._prior_logits(carried))

    def _prior_logits(self, carried: sparse.csr_matrix) -> Tensor:
        """Return the logits (V,) of least loss for a network that ignores the caption."""
        if self.config.loss == "softmax_1_over_k":
            return _shares(sparse.diags(1 / carried.sum(1).A1) @ carried).log()
        # A hashtag that all posts carry would have an infinite logit.
        inside_V = _shares(carried).clamp(max=0.99)
        logits_V = torch.logit(inside_V)
        return logits_V + (-inside_V.log()).log() if self.config.loss == "idf_bce" else logits_V

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Set the device."""
        super().start_epoch(epoch, device)
        self._idf = self._idf.to(device)

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, dict[str, float]]:
        """Return the mean loss of some train posts."""
        ids, mask = (tensor.to(self.device) for tensor in self._tokens.batch(rows))
        targets = self._targets(rows).to(self.device)
        if self._train.vocabulary_size >= LARGE_VOCABULARY:
            return module(ids, mask, self._lesson(targets)).mean(), {}
        logits = module(ids, mask).float()
        if self.config.loss == "softmax_1_over_k":
            return softmax_loss(torch.log_softmax(logits, -1), targets).mean(), {}
        if self.config.loss == "bce":
            return bce_loss(logits, targets, self._mean_targets).mean(), {}
        hot = multi_hot(targets, logits.shape[1])
        weighed = F.binary_cross_entropy_with_logits(logits, hot, pos_weight=self._idf, reduction="none")
        return weighed.sum(1).mean() / self._mean_targets, {}

    def _lesson(self, targets: Tensor) -> HashtagLesson:
        if self.config.loss == "softmax_1_over_k":
            return HashtagLesson(targets)
        return HashtagLesson(
            targets, self._mean_targets, positives=self._idf if self.config.loss == "idf_bce" else None
        )

    def _targets(self, rows: Sequence[int]) -> Tensor:
        targets = [torch.tensor(self._train.targets[row]) for row in rows]
        return nn.utils.rnn.pad_sequence(targets, batch_first=True, padding_value=-1)

    def validate(self) -> dict[str, float]:
        """Return F1@K of the means over the validation posts."""
        return validate_captions(self._scores, self._validation, self.training.validation_k)


def _shares(carried_NV: sparse.csr_matrix) -> Tensor:
    # A hashtag that no post carries counts as if one post did.
    sums = np.asarray(carried_NV.sum(0)).ravel()
    return torch.from_numpy(np.where(sums > 0, sums, 1.0) / carried_NV.shape[0]).float()
