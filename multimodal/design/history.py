"""Attention over earlier posts, and a pointer that copies their hashtags."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from multimodal.design.output_vocabulary import OutputVocabulary
from multimodal.systems.post_networks.attention import masked_softmax


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
    """

    def __init__(self, width: int, embedding_width: int, prior: tuple[float, ...]) -> None:
        super().__init__()
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
        """Return the influence u (B, D) and the pointer's distribution over hashtags (B, C).

        Args:
            content_BD: content vectors of the current posts.
            remembered: the posts to attend to.
            columns: the C columns, which include all remembered hashtags.
            embeddings: hashtag embeddings, V + 1 rows; the last stands for hashtags outside the vocabulary.
        """
        weights_BH = self.weights(content_BD, remembered)
        copied_BC = copy_distribution(weights_BH.float(), columns.of(remembered.hashtags), len(columns))
        # As g_j is a mean of embeddings, Σ_j s_j g_j is the pointer's distribution times the embeddings.
        known = copied_BC[:, : columns.vocabulary_size]
        outside = copied_BC[:, columns.vocabulary_size :].sum(1, keepdim=True)
        influence_BD = self.output(torch.cat([known, outside], dim=1) @ embeddings.weight)
        nothing = ~remembered.mask.any(1, keepdim=True)
        return torch.where(nothing, self.start.expand_as(influence_BD), influence_BD), copied_BC

    def weights(self, content_BD: Tensor, remembered: Remembered) -> Tensor:
        """Return the attention s of each remembered post, (B, H), rows sum to at most 1."""
        query_BD = self.correlation(content_BD)
        scores_BH = (remembered.vectors @ query_BD.unsqueeze(-1)).squeeze(-1) * self.scale
        scores_BH = scores_BH + self.relation(remembered.features).squeeze(-1)
        return masked_softmax(scores_BH, remembered.mask)


def copy_distribution(weights_BH: Tensor, hashtags_BHM: Tensor, columns: int) -> Tensor:
    """Turn attention over posts into a distribution over their hashtags: P(h) = Σ_j s_j·[h ∈ j] / |j|.

    Args:
        weights_BH: attention, rows sum to at most 1.
        hashtags_BHM: column of each hashtag, -1 for none.
        columns: C, the number of columns.

    Returns:
        (B, C); attention to posts without hashtags is lost, so a row may sum to less than 1.
    """
    present = hashtags_BHM >= 0
    share = weights_BH.unsqueeze(-1) / present.sum(-1, keepdim=True).clamp(min=1) * present
    distribution = weights_BH.new_zeros(len(weights_BH), columns)
    return distribution.scatter_add(1, hashtags_BHM.clamp(min=0).flatten(1), share.flatten(1))


class Pointer(nn.Module):
    """Copies remembered hashtags: the logit of each rises with its weight in the copy distributions.

    logit(h) = logit_V(h) + Σ_s w_s · ln(1 + P_s(h) / ε_s), where P_s is the copy distribution of source s (own
    history, neighbours) and w_s > 0 is chosen by the post. For hashtags outside the vocabulary a learned constant
    stands for logit_V. Evidence adds up as for independent sources; without remembered posts nothing changes.

    Args:
        input_width: width of z.
        sources: S, the number of copy distributions.
    """

    def __init__(self, input_width: int, sources: int) -> None:
        super().__init__()
        self.weights = nn.Linear(input_width, sources)
        nn.init.normal_(self.weights.weight, std=0.01)
        nn.init.constant_(self.weights.bias, 1.0)
        self.log_floor = nn.Parameter(torch.full((sources,), -4.0))
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
