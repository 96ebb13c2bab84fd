"""`HierarchicalAttention`: first over the words of each earlier post, then over the posts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from multimodal.encoders.captions.words import PAD


@dataclass(frozen=True, slots=True)
class IndexedHistory:
    """The words of histories as indices into the distinct words of a batch, computed once for all hops.

    Attributes:
        used_N: the distinct word ids.
        index_BK: for each post, the index into `used_N` of all words of its history; K = H · L.
        present_BHL: false at padding.
    """

    used_N: Tensor
    index_BK: Tensor
    present_BHL: Tensor

    @classmethod
    def of(cls, history_BHL: Tensor) -> IndexedHistory:
        """Index the word ids of each earlier post, newest post first, padded with `PAD`."""
        used, index = torch.unique(history_BHL.flatten(1), return_inverse=True)
        return cls(used, index, history_BHL != PAD)


class HierarchicalAttention(nn.Module):
    """One hop of a memory network with hierarchical attention.

    With x_ij word j of earlier post i, a the word vectors for addressing and c those for the output:

        α_ij = softmax_j(u · a(x_ij)),  m_i = Σ_j α_ij a(x_ij),  c_i = Σ_j α_ij c(x_ij),
        p_i = softmax_i(u · m_i),       o = Σ_i p_i c_i.

    With `ranks`, learned vectors t_i and s_i of the post's rank in the history are added to m_i and c_i (the temporal
    encoding of Sukhbaatar et al. 2015, arXiv 1503.08895). Padding and posts without words get no attention; without
    any post o is zero.

    Args:
        words: W, number of word ids, including `PAD`.
        width: D.
        ranks: H, the length of histories if their order matters, else 0.
    """

    def __init__(self, words: int, width: int, ranks: int) -> None:
        super().__init__()
        self.answers = nn.Embedding(words, width, padding_idx=PAD)
        nn.init.normal_(self.answers.weight, std=0.1)
        nn.init.zeros_(self.answers.weight.data[PAD])
        self.place_addresses = nn.Parameter(torch.randn(ranks, width) * 0.1) if ranks else None
        self.place_answers = nn.Parameter(torch.randn(ranks, width) * 0.1) if ranks else None

    def forward(self, query_BD: Tensor, addresses_WD: Tensor, history: IndexedHistory) -> tuple[Tensor, Tensor]:
        """Return the answer o (B, D) and the attention p over posts (B, H).

        Args:
            query_BD: u.
            addresses_WD: the vectors a of all words.
            history: B histories.
        """
        present = history.present_BHL
        posts = present.shape[1]
        # u · m_i is Σ_j α_ij (u · a_ij), and o is a sum over words too. So no vectors are copied for each post: one
        # product of all queries with all distinct words gives every score.
        all_scores = query_BD @ addresses_WD[history.used_N].to(query_BD.dtype).T
        scores = all_scores.gather(1, history.index_BK).view(present.shape)
        alpha = _masked_softmax(scores, present)
        relevance = (alpha * scores).sum(-1)
        if self.place_addresses is not None:
            relevance = relevance + query_BD @ self.place_addresses[:posts].to(query_BD.dtype).T
        attention = _masked_softmax(relevance, present.any(-1))
        shares = (attention.unsqueeze(-1) * alpha).flatten(1)
        word_shares = torch.zeros_like(all_scores, dtype=shares.dtype).scatter_add(1, history.index_BK, shares)
        answer = word_shares @ self.answers.weight[history.used_N].to(shares.dtype)
        if self.place_answers is not None:
            answer = answer + attention @ self.place_answers[:posts].to(attention.dtype)
        return answer, attention


def _masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the softmax over the unmasked entries of the last dimension; zeros if there are none."""
    kept = torch.where(mask.any(-1, keepdim=True), scores.masked_fill(~mask, float("-inf")), 0.0)
    return kept.softmax(-1).masked_fill(~mask, 0.0)
