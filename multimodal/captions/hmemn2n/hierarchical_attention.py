"""`HierarchicalAttention`: first over the words of each remembered post, then over the posts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from multimodal.encoders.captions.words import PAD


@dataclass(frozen=True, slots=True)
class IndexedHistory:
    """The words of remembered posts by their place among those that occur in a batch: found once for all hops.

    Attributes:
        used_N: the word ids that occur.
        places_BK: for each post asked about, the place in `used_N` of all words of its history; K = H · L.
        present_BHL: false at padding.
    """

    used_N: Tensor
    places_BK: Tensor
    present_BHL: Tensor

    @classmethod
    def of(cls, history_BHL: Tensor) -> IndexedHistory:
        """Index word ids of each remembered post, newest post first, filled up with `PAD`."""
        used, places = torch.unique(history_BHL.flatten(1), return_inverse=True)
        return cls(used, places, history_BHL != PAD)


class HierarchicalAttention(nn.Module):
    """One hop of a memory network with hierarchical attention.

    With x_ij word j of remembered post i, a the word vectors that address it and c those that answer:

        α_ij = softmax_j(u · a(x_ij)),  m_i = Σ_j α_ij a(x_ij),  c_i = Σ_j α_ij c(x_ij),
        p_i = softmax_i(u · m_i),       o = Σ_i p_i c_i.

    With `places`, learned vectors t_i and s_i of the post's place in the history are added to m_i and c_i (the temporal
    encoding of Sukhbaatar et al. 2015, arXiv 1503.08895). Words at padding and posts without words get no attention;
    where there is no post at all, o is zero.

    Args:
        words: W, number of word ids, `PAD` among them.
        width: D.
        places: H, length of a history whose order counts; 0 where it does not.
    """

    def __init__(self, words: int, width: int, places: int) -> None:
        super().__init__()
        self.answers = nn.Embedding(words, width, padding_idx=PAD)
        nn.init.normal_(self.answers.weight, std=0.1)
        nn.init.zeros_(self.answers.weight.data[PAD])
        self.place_addresses = nn.Parameter(torch.randn(places, width) * 0.1) if places else None
        self.place_answers = nn.Parameter(torch.randn(places, width) * 0.1) if places else None

    def forward(self, query_BD: Tensor, addresses_WD: Tensor, history: IndexedHistory) -> tuple[Tensor, Tensor]:
        """Return the answer o (B, D) and the attention p over posts (B, H).

        Args:
            query_BD: u.
            addresses_WD: the vectors a of all words.
            history: B histories.
        """
        present = history.present_BHL
        posts = present.shape[1]
        # u · m_i is Σ_j α_ij (u · a_ij), and o is a sum over words too: neither a word's vector nor a post's has to be
        # copied for each post, one product of all queries with all words that occur holds every score.
        all_scores = query_BD @ addresses_WD[history.used_N].to(query_BD.dtype).T
        scores = all_scores.gather(1, history.places_BK).view(present.shape)
        alpha = _masked_softmax(scores, present)
        relevance = (alpha * scores).sum(-1)
        if self.place_addresses is not None:
            relevance = relevance + query_BD @ self.place_addresses[:posts].to(query_BD.dtype).T
        attention = _masked_softmax(relevance, present.any(-1))
        shares = (attention.unsqueeze(-1) * alpha).flatten(1)
        word_shares = torch.zeros_like(all_scores, dtype=shares.dtype).scatter_add(1, history.places_BK, shares)
        answer = word_shares @ self.answers.weight[history.used_N].to(shares.dtype)
        if self.place_answers is not None:
            answer = answer + attention @ self.place_answers[:posts].to(attention.dtype)
        return answer, attention


def _masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the softmax over the last dimension of what the mask leaves; zeros where it leaves nothing."""
    kept = torch.where(mask.any(-1, keepdim=True), scores.masked_fill(~mask, float("-inf")), 0.0)
    return kept.softmax(-1).masked_fill(~mask, 0.0)
