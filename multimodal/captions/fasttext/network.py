"""`FastTextNetwork`: the mean of a caption's vectors and an output layer."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.captions.fasttext.caption_bags import BagBatch
from multimodal.captions.fasttext.hashtag_outputs import HashtagOutput, HierarchicalSoftmax, OneVersusAll, Softmax
from multimodal.encoders.captions.fasttext import FastTextCaptionEncoder

Loss = Literal["hierarchical_softmax", "softmax", "one_versus_all"]


class FastTextNetwork(nn.Module):
    """mean(vectors of words and n-grams) → dropout → output.

    Args:
        encoder: has the vectors.
        loss: which output layer.
        frequencies: of the V hashtags in training.
        dropout: on the mean.
    """

    def __init__(
        self, encoder: FastTextCaptionEncoder, loss: Loss, frequencies: NDArray[np.int64], dropout: float
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.output: HashtagOutput
        if loss == "hierarchical_softmax":
            self.output = HierarchicalSoftmax(encoder.width, frequencies)
        else:
            self.output = (Softmax if loss == "softmax" else OneVersusAll)(encoder.width, len(frequencies))

    def vectors(self, bags: BagBatch) -> Tensor:
        """Return the mean of each caption's vectors, (B, D) in fp32; a caption without any gives zeros."""
        total = _bag_sums(self.encoder.words, bags.words, bags.word_starts)
        if self.encoder.ngrams is not None:
            total = total + _bag_sums(self.encoder.ngrams, bags.ngrams, bags.ngram_starts)
        return total / bags.sizes

    def forward(self, bags: BagBatch, *targets: Tensor) -> Tensor:
        """Return the loss of each caption, (B,); targets are those of the output layer's `targets`."""
        losses: Tensor = self.output(self.dropout(self.vectors(bags)), *targets)
        return losses


def _bag_sums(table: nn.Embedding, rows: Tensor, starts: Tensor) -> Tensor:
    # A step changes few of many rows: a dense gradient would cost more than everything else.
    sparse = torch.is_grad_enabled() and table.weight.requires_grad
    return F.embedding_bag(rows, table.weight.float(), starts, mode="sum", sparse=sparse)
