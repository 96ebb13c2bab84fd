"""`FillMaskLearner`: how `bert_fill_mask` learns to predict masked hashtags, and how it is validated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.captions.fill_mask.config import BertFillMaskConfig
from multimodal.captions.fill_mask.network import MaskedHashtagNetwork
from multimodal.captions.fill_mask.sentences import IGNORED, SentenceMaker, Sentences, draw_masking
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.validation import validate_captions
from multimodal.training.base_learner import BaseLearner


class FillMaskLearner(BaseLearner):
    """Trains a `MaskedHashtagNetwork`.

    Args:
        network: is trained.
        fresh: names of the language model's parameters that are not pretrained.
        sentences: makes its inputs.
        config: how it is trained.
        train: posts with a caption and a live hashtag; targets are live hashtags only.
        validation: posts with a hashtag.
        scores: cleaned captions → what the System scores them with the network as it is, (B, V).
    """

    def __init__(
        self,
        network: MaskedHashtagNetwork,
        fresh: Collection[str],
        sentences: SentenceMaker,
        config: BertFillMaskConfig,
        train: LabelledCaptions,
        validation: LabelledCaptions,
        scores: Callable[[Sequence[str]], NDArray[np.float64]],
    ) -> None:
        self.network, self.config, self._sentences = network, config, sentences
        self._fresh = {f"model.{name}" for name in fresh}
        self._train, self._validation, self._scores = train, validation, scores
        self._tokens = sentences.tokenise(train.captions)
        super().__init__(network, config.training, config.seed, np.array([len(row) for row in self._tokens], np.int64))

    def learning_rate(self, name: str, parameter: nn.Parameter) -> float:
        """Return the encoder's rate, or the training's for a head that is not pretrained."""
        training, encoder = self.training, self.config.encoder
        default = training.learning_rate if encoder.random_init else training.encoder_learning_rate
        return training.learning_rate if name in self._fresh else encoder.learning_rate or default

    def masked_sentences(self, rows: Sequence[int], epoch: int) -> Sentences:
        """Return the sentences of some train posts in an epoch; other epochs mask other hashtags."""
        shown, masked = [], []
        for row in rows:
            generator = np.random.default_rng([self.config.seed, epoch, row])
            visible, hidden = draw_masking(self._train.targets[row], self.config.maximum_hashtags, generator)
            shown.append(visible)
            masked.append(hidden[:1] if self.config.masks == "one" else hidden)
        return self._sentences.sentences([self._tokens[row] for row in rows], shown, masked)

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, dict[str, float]]:
        """Return the cross-entropy of the masked hashtags, averaged over each post's masks, then over posts."""
        sentences, device = self.masked_sentences(rows, epoch), self.network.device
        positions, labels = sentences.masked_positions, sentences.labels
        whole = self.config.loss == "vocabulary"
        arguments = (tensor.to(device) for tensor in (sentences.token_ids, sentences.mask, positions))
        logits = module(*arguments, whole=whole).float()
        targets = labels.flatten()[positions].to(device)
        if whole:
            targets = self.network.hashtag_ids[targets]
        masks_of_post = (labels != IGNORED).sum(1, keepdim=True).expand_as(labels).flatten()[positions].to(device)
        losses = F.cross_entropy(logits, targets, reduction="none")
        return (losses / masks_of_post).sum() / len(rows), {}

    def validate(self) -> dict[str, float]:
        """Return F1@K of the means over the validation posts, with one mask and an empty memory."""
        return validate_captions(self._scores, self._validation, self.training.validation_k)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights, each of the tied ones once."""
        return {name: parameter.detach() for name, parameter in self.module.named_parameters()}
