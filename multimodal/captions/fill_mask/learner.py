"""`FillMaskLearner`: how `bert_fill_mask` learns to name masked hashtags, and how it is validated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from data_loaders.batches import bucketed_batches
from multimodal.captions.fill_mask.questions import IGNORED, Sentences, draw_masking
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.validation import scored_figures

if TYPE_CHECKING:
    from multimodal.captions.fill_mask.system import BertFillMask


class FillMaskLearner:
    """Trains the network of a `BertFillMask`; see `multimodal.training.trainer.Learner`.

    Args:
        system: its `network` is trained.
        train: posts with a caption and a live hashtag; targets are places among the live hashtags.
        validation: posts with a hashtag.
    """

    def __init__(self, system: BertFillMask, train: LabelledCaptions, validation: LabelledCaptions) -> None:
        self.system, self.config, self._train, self._validation = system, system.config, train, validation
        self.module: nn.Module = system.network
        self._tokens = system.sentences.tokenise(train.captions)
        self._lengths = np.array([len(row) for row in self._tokens], np.int64)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return groups with and without weight decay; a head that was not pretrained learns at the training's rate."""
        training, encoder = self.config.training, self.config.encoder
        own = encoder.learning_rate or (
            training.learning_rate if encoder.random_init else training.encoder_learning_rate
        )
        fresh = self.system.language_model.fresh
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in self.system.language_model.model.named_parameters():
            rate = training.learning_rate if name in fresh else own
            decay = training.weight_decay if parameter.dim() > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
        return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]

    def batches(self, epoch: int) -> list[list[int]]:
        """Return the rows of each batch of an epoch, captions of similar length together."""
        return bucketed_batches(self._lengths, self.config.training.batch_size, self.config.seed, epoch)

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Do nothing: order and masks follow from seed, epoch and post."""

    def masked_sentences(self, rows: Sequence[int], epoch: int) -> Sentences:
        """Return the sentences that some train posts give in an epoch; other epochs mask other hashtags."""
        shown, masked = [], []
        for row in rows:
            generator = np.random.default_rng([self.config.seed, epoch, row])
            visible, hidden = draw_masking(self._train.targets[row], self.config.maximum_hashtags, generator)
            shown.append(visible)
            masked.append(hidden[:1] if self.config.masks == "one" else hidden)
        return self.system.sentences.sentences([self._tokens[row] for row in rows], shown, masked)

    def loss(self, module: nn.Module, rows: list[int], epoch: int) -> tuple[Tensor, dict[str, float]]:
        """Return the cross-entropy of the masked hashtags, averaged over each post's masks, then over posts."""
        sentences, device = self.masked_sentences(rows, epoch), self.system.network.device
        places, labels = sentences.places, sentences.labels
        whole = self.config.loss == "vocabulary"
        arguments = (tensor.to(device) for tensor in (sentences.token_ids, sentences.mask, places))
        logits = module(*arguments, whole=whole).float()
        targets = labels.flatten()[places].to(device)
        if whole:
            targets = self.system.network.hashtag_ids[targets]
        masks_of_post = (labels != IGNORED).sum(1, keepdim=True).expand_as(labels).flatten()[places].to(device)
        losses = F.cross_entropy(logits, targets, reduction="none")
        return (losses / masks_of_post).sum() / len(rows), {}

    def validate(self) -> dict[str, float]:
        """Return F1@K of the means over the validation posts: one mask, and nothing remembered."""
        return scored_figures(self.system.scores_or_prior, self._validation, self.config.training.validation_k)

    def tensors(self) -> dict[str, Tensor]:
        """Return nothing: an epoch is told by its number."""
        return {}

    def load_tensors(self, tensors: dict[str, Tensor], device: torch.device) -> None:
        """Do nothing."""

    def weights(self) -> dict[str, Tensor]:
        """Return what is learned, weights that are tied once."""
        return {name: parameter.detach() for name, parameter in self.module.named_parameters()}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take back what `weights` gave."""
        self.module.load_state_dict({**self.module.state_dict(), **weights})
