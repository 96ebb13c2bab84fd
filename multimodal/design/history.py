"""Attention over earlier posts, and a pointer that copies their hashtags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from multimodal.design.output_vocabulary import OutputVocabulary
from multimodal.systems.post_networks.attention import masked_softmax

# Where ln ε starts: of remembered posts, whose hashtags share a weight of 1, and of the caption, whose have 1 each.
FLOOR, NAMED_FLOOR = -4.0, 0.0


@dataclass(slots=True)
class Remembered:
    """Remembered posts that a batch of posts attends to.

    Attributes:
        vectors: (B, H, D) content vectors of the remembered posts, without gradient.
        hashtags: (B, H, M) hashtag indices, -1 for none.
        features: (B, H, F) features of the relation: log age, log rank, log similarity.
        mask: (B, H) True where there is a remembered post.
    """

    vectors: Tensor
    hashtags: Tensor
    features: Tensor
    mask: Tensor


@dataclass(slots=True)
class Copies:
    """The pointer's distribution over hashtags, as the terms it is a sum of, so that it takes no (B, V) array.

    Attributes:
        shares: (B, N) weight of each hashtag of each remembered post, 0 for none.
        columns: (B, N) their columns, -1 for none.
    """

    shares: Tensor
    columns: Tensor

    def within(self, first: int, width: int) -> Tensor:
        """Return the distribution over some neighbouring columns, (B, width)."""
        inside = (self.columns >= first) & (self.columns < first + width)
        places = torch.where(inside, self.columns - first, width)
        return self.shares.new_zeros(len(self.shares), width + 1).scatter_add(1, places, self.shares)[:, :width]

    def at(self, columns_BM: Tensor) -> Tensor:
        """Return the weight of the given columns of each post, (B, M)."""
        return torch.einsum("bn,bmn->bm", self.shares, (columns_BM[:, :, None] == self.columns[:, None]).float())


class MemoryAttention(nn.Module):
    """Influence of remembered posts, after MACoN (Zhang et al. 2019): s = softmax(pᵀ W p_j / √D + c·f_j).

    The correlation score of the contents is extended by learned weights c on f_j, the logs of age, rank and
    similarity. A weight on log age is a power-law decay, so training starts from the plain recency (or
    nearest-neighbour) rule given as `prior`.
    The influence vector is u = Σ s_j g_j, with g_j the mean embedding of post j's hashtags; without any remembered
    post it is a learned vector u_0.

    Args:
        width: D.
        embedding_width: E.
        prior: F starting weights of the relation features.
        divided: whether the pointer divides the weight of a post among its hashtags; otherwise each has all of it.
    """

    def __init__(self, width: int, embedding_width: int, prior: tuple[float, ...], divided: bool = True) -> None:
        super().__init__()
        self.divided = divided
        self.scale = width**-0.5
        self.correlation = nn.Linear(width, width, bias=False)
        nn.init.normal_(self.correlation.weight, std=0.02)
        self.relation = nn.Linear(len(prior), 1, bias=False)
        with torch.no_grad():
            self.relation.weight.copy_(torch.tensor([prior]))
        self.output = nn.Linear(embedding_width, width)
        self.start = nn.Parameter(torch.zeros(width))

    def forward(
        self, content_BD: Tensor, remembered: Remembered, columns: OutputVocabulary, embeddings: nn.Embedding
    ) -> tuple[Tensor, Tensor]:
        """Return the influence u (B, D) and what the pointer copies of each hashtag (B, C).

        Args:
            content_BD: content vectors of the current posts.
            remembered: the posts to attend to.
            columns: the C columns, which include all remembered hashtags.
            embeddings: hashtag embeddings, V + 1 rows; the last stands for hashtags outside the vocabulary.
        """
        weights_BH, columns_BHM = self.weights(content_BD, remembered).float(), columns.of(remembered.hashtags)
        copied_BC = copy_distribution(weights_BH, columns_BHM, len(columns))
        # As g_j is a mean of embeddings, Σ_j s_j g_j is the pointer's distribution times the embeddings.
        known = copied_BC[:, : columns.vocabulary_size]
        outside = copied_BC[:, columns.vocabulary_size :].sum(1, keepdim=True)
        influence_BD = self.output(torch.cat([known, outside], dim=1) @ embeddings.weight)
        nothing = ~remembered.mask.any(1, keepdim=True)
        if not self.divided:
            copied_BC = copy_distribution(weights_BH, columns_BHM, len(columns), divided=False)
        return torch.where(nothing, self.start.expand_as(influence_BD), influence_BD), copied_BC

    def copies(
        self, content_BD: Tensor, remembered: Remembered, columns: OutputVocabulary, embeddings: nn.Embedding
    ) -> tuple[Tensor, Copies]:
        """Return what `forward` does, the distribution as its terms: for vocabularies of any size."""
        weights_BH, columns_BHM = self.weights(content_BD, remembered).float(), columns.of(remembered.hashtags)
        copies = Copies(_shares(weights_BH, columns_BHM).flatten(1), columns_BHM.flatten(1))
        rows = copies.columns.clamp(max=columns.vocabulary_size)
        embedded = embeddings(torch.where(rows < 0, columns.vocabulary_size, rows))
        influence_BD = self.output((copies.shares.unsqueeze(1) @ embedded).squeeze(1))
        nothing = ~remembered.mask.any(1, keepdim=True)
        if not self.divided:
            copies = Copies(_shares(weights_BH, columns_BHM, divided=False).flatten(1), copies.columns)
        return torch.where(nothing, self.start.expand_as(influence_BD), influence_BD), copies

    def weights(self, content_BD: Tensor, remembered: Remembered) -> Tensor:
        """Return the attention s of each remembered post, (B, H), rows sum to at most 1."""
        query_BD = self.correlation(content_BD)
        scores_BH = (remembered.vectors @ query_BD.unsqueeze(-1)).squeeze(-1) * self.scale
        scores_BH = scores_BH + self.relation(remembered.features).squeeze(-1)
        return masked_softmax(scores_BH, remembered.mask)


def copy_distribution(weights_BH: Tensor, hashtags_BHM: Tensor, columns: int, divided: bool = True) -> Tensor:
    """Turn attention over posts into a distribution over their hashtags: P(h) = Σ_j s_j·[h ∈ j] / |j|.

    Args:
        weights_BH: attention, rows sum to at most 1.
        hashtags_BHM: column of each hashtag, -1 for none.
        columns: C, the number of columns.
        divided: whether to divide by |j|; otherwise P(h) is the attention to posts with h.

    Returns:
        (B, C); attention to posts without hashtags is lost, so a row may sum to less than 1; undivided, to more.
    """
    distribution = weights_BH.new_zeros(len(weights_BH), columns)
    share = _shares(weights_BH, hashtags_BHM, divided)
    return distribution.scatter_add(1, hashtags_BHM.clamp(min=0).flatten(1), share.flatten(1))


def _shares(weights_BH: Tensor, hashtags_BHM: Tensor, divided: bool = True) -> Tensor:
    present = hashtags_BHM >= 0
    if not divided:
        return weights_BH.unsqueeze(-1) * present
    return weights_BH.unsqueeze(-1) / present.sum(-1, keepdim=True).clamp(min=1) * present


class Pointer(nn.Module):
    """Copies remembered hashtags: the logit of each rises with its weight in the copy distributions.

    logit(h) = logit_V(h) + Σ_s w_s · ln(1 + P_s(h) / ε_s), where P_s is the copy distribution of source s (own
    history, neighbours; last, where they are copied, 1 for hashtags that the caption names) and w_s > 0 is chosen by
    the post. For hashtags outside the vocabulary a learned constant stands for logit_V. Evidence adds up as for
    independent sources; where nothing is copied nothing changes.

    Args:
        input_width: width of z.
        log_floors: where ln ε_s starts, for each of S copy distributions.
    """

    def __init__(self, input_width: int, log_floors: Sequence[float]) -> None:
        super().__init__()
        self.weights = nn.Linear(input_width, len(log_floors))
        nn.init.normal_(self.weights.weight, std=0.01)
        nn.init.constant_(self.weights.bias, 1.0)
        self.log_floor = nn.Parameter(torch.tensor(log_floors))
        self.outside = nn.Parameter(torch.zeros(()))

    def forward(self, joined_BZ: Tensor, logits_BC: Tensor, copies: list[Tensor]) -> Tensor:
        """Return the logits with the copied evidence, (B, C); -inf stays where a hashtag has none.

        Args:
            joined_BZ: z.
            logits_BC: logits of the vocabulary, -inf in the other columns.
            copies: (B, C) for every source.
        """
        weights = torch.nn.functional.softplus(self.weights(joined_BZ).float())
        copied = torch.stack(copies).float()
        remembered = copied.sum(0) > 0
        logits = torch.where(remembered & torch.isinf(logits_BC), self.outside, logits_BC.float())
        for number, source in enumerate(copied):
            logits = logits + weights[:, number : number + 1] * torch.log1p(source / self.log_floor[number].exp())
        return logits
