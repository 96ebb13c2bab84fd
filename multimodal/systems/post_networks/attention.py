"""Word-level attention and parallel co-attention between caption and image."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the softmax over the last dimension where `mask` is True; zeros in rows without any True."""
    weights = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), dim=-1)
    return weights * mask


def masked_mean(values_BTD: Tensor, mask_BT: Tensor) -> Tensor:
    """Return the mean over the valid positions, (B, D)."""
    weights = mask_BT.to(values_BTD.dtype).unsqueeze(-1)
    return (values_BTD * weights).sum(1) / weights.sum(1).clamp(min=1)


class WordAttention(nn.Module):
    """Word-level attention that keeps the sequence: x̃_i = n·α_i·x_i, α = softmax(tanh(W x_i + b)·u).

    n is the number of valid words, so the mean scale is preserved; the co-attention that follows needs the
    sequence. The DESIGN paper names the step without an equation; this is the usual one (Yang et al. 2016).

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.projection = nn.Linear(width, width)
        self.context = nn.Linear(width, 1, bias=False)

    def forward(self, words_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Return the reweighted words, (B, T, D)."""
        weights_BT = self.weights(words_BTD, mask_BT)
        return words_BTD * (weights_BT * mask_BT.sum(1, keepdim=True)).unsqueeze(-1)

    def weights(self, words_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Return α, (B, T), which sums to 1 over the words of a post."""
        scores_BT = self.context(torch.tanh(self.projection(words_BTD))).squeeze(-1)
        return masked_softmax(scores_BT, mask_BT)


class ParallelCoAttention(nn.Module):
    """Parallel co-attention (Lu et al. 2016, arXiv:1606.00061), with masks for words and regions.

    C = tanh(X W_b Vᵀ);  H_v = tanh(V W_v + Cᵀ X W_t);  H_t = tanh(X W_t + C V W_v)
    a_v = softmax(H_v w_v);  a_t = softmax(H_t w_t);  v = Σ a_v V;  t = Σ a_t X

    As published, C V sums over all regions and Cᵀ X over all words; `averaged` divides by their number, so that
    many regions do not saturate tanh.

    Args:
        width: D, of words and regions alike.
        dropout: on H_v and H_t, 0..1.
        averaged: average over the other side; False for the sums of the paper.
    """

    def __init__(self, width: int, dropout: float, averaged: bool = True) -> None:
        super().__init__()
        self.averaged = averaged
        self.affinity = nn.Linear(width, width, bias=False)
        self.words = nn.Linear(width, width)
        self.regions = nn.Linear(width, width)
        self.score_words = nn.Linear(width, 1, bias=False)
        self.score_regions = nn.Linear(width, 1, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, words_BTD: Tensor, word_mask_BT: Tensor, regions_BPD: Tensor, region_mask_BP: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the attended caption t and image v, each (B, D): sums of the inputs, not of projections."""
        word_weights, region_weights = self.weights(words_BTD, word_mask_BT, regions_BPD, region_mask_BP)
        text_BD = (word_weights.unsqueeze(1) @ words_BTD).squeeze(1)
        image_BD = (region_weights.unsqueeze(1) @ regions_BPD).squeeze(1)
        return text_BD, image_BD

    def weights(
        self, words_BTD: Tensor, word_mask_BT: Tensor, regions_BPD: Tensor, region_mask_BP: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return a_t (B, T) and a_v (B, P), each of which sums to 1 over a post."""
        affinity_BTP = torch.tanh(self.affinity(words_BTD) @ regions_BPD.transpose(1, 2))
        affinity_BTP = affinity_BTP * word_mask_BT.unsqueeze(2) * region_mask_BP.unsqueeze(1)
        to_words_BTP, to_regions_BPT = affinity_BTP, affinity_BTP.transpose(1, 2)
        if self.averaged:
            to_words_BTP = to_words_BTP / region_mask_BP.sum(1)[:, None, None]
            to_regions_BPT = to_regions_BPT / word_mask_BT.sum(1)[:, None, None]
        projected_words, projected_regions = self.words(words_BTD), self.regions(regions_BPD)
        hidden_words = self.dropout(torch.tanh(projected_words + to_words_BTP @ projected_regions))
        hidden_regions = self.dropout(torch.tanh(projected_regions + to_regions_BPT @ projected_words))
        word_weights = masked_softmax(self.score_words(hidden_words).squeeze(-1), word_mask_BT)
        region_weights = masked_softmax(self.score_regions(hidden_regions).squeeze(-1), region_mask_BP)
        return word_weights, region_weights


class MeanPooling(nn.Module):
    """Mean of the words and mean of the regions, the ablation of co-attention."""

    def forward(
        self, words_BTD: Tensor, word_mask_BT: Tensor, regions_BPD: Tensor, region_mask_BP: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return t and v, each (B, D)."""
        return masked_mean(words_BTD, word_mask_BT), masked_mean(regions_BPD, region_mask_BP)

    def weights(
        self, words_BTD: Tensor, word_mask_BT: Tensor, regions_BPD: Tensor, region_mask_BP: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return equal weights of the words (B, T) and of the regions (B, P), which sum to 1 over a post."""
        words, regions = word_mask_BT.to(words_BTD.dtype), region_mask_BP.to(regions_BPD.dtype)
        return words / words.sum(1, keepdim=True), regions / regions.sum(1, keepdim=True)
