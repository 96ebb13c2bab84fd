"""`HierarchicalAttention`: first over the words of each remembered post, then over the posts."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from multimodal.encoders.words import PAD


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

    def forward(self, query_BD: Tensor, addresses_WD: Tensor, history_BHL: Tensor) -> tuple[Tensor, Tensor]:
        """Return the answer o (B, D) and the attention p over posts (B, H).

        Args:
            query_BD: u.
            addresses_WD: the vectors a of all words.
            history_BHL: word ids of each remembered post, newest post first, filled up with `PAD`.
        """
        posts, words = history_BHL.shape[1:]
        flat = history_BHL.flatten(1)
        # u · m_i is Σ_j α_ij (u · a_ij), so that neither a word's nor a post's vector needs to be made for each post:
        # one product of all queries with all words that occur holds every score.
        used, places = torch.unique(flat, return_inverse=True)
        scores = (query_BD @ addresses_WD[used].to(query_BD.dtype).T).gather(1, places).view(-1, posts, words)
        present = history_BHL != PAD
        alpha = _masked_softmax(scores, present)
        relevance = (alpha * scores).sum(-1)
        if self.place_addresses is not None:
            relevance = relevance + query_BD @ self.place_addresses[:posts].to(query_BD.dtype).T
        attention = _masked_softmax(relevance, present.any(-1))
        shares = (attention.unsqueeze(-1) * alpha).flatten(1).to(self.answers.weight.dtype)
        answer = F.embedding_bag(flat, self.answers.weight, mode="sum", per_sample_weights=shares)
        if self.place_answers is not None:
            answer = answer + attention.to(answer.dtype) @ self.place_answers[:posts]
        return answer, attention


def _masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Return the softmax over the last dimension of what the mask leaves; zeros where it leaves nothing."""
    kept = torch.where(mask.any(-1, keepdim=True), scores.masked_fill(~mask, float("-inf")), 0.0)
    return kept.softmax(-1).masked_fill(~mask, 0.0)
