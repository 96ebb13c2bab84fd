"""Aggregating the two heads into one score per hashtag."""

from __future__ import annotations

import torch
from torch import Tensor

_RANK_OFFSET = 60.0


def aggregate(
    multilabel_BC: Tensor | None, sequence_BC: Tensor | None, alpha: float, rule: str, nameable_BC: Tensor
) -> Tensor:
    """Combine the scores of both heads, (B, C), larger is better; -inf for hashtags a post cannot recommend.

    The sources say that DESIGN "aggregates" its heads without saying how; these are common rules:
    `minmax` α·n(m) + (1 - α)·n(s) with each head scaled to 0..1 per post; `reciprocal_rank`
    α/(60 + rank_m) + (1 - α)/(60 + rank_s) (Cormack et al. 2009); `interleave` takes turns, beginning with the
    head of the larger weight.

    Args:
        multilabel_BC: probabilities of the multilabel head; None if the model has none.
        sequence_BC: probabilities of the sequence head; None if the model has none.
        alpha: weight of the multilabel head, 0..1.
        rule: one of the three.
        nameable_BC: columns that a post can recommend. The columns of other posts in the batch do not affect scaling
            and ranking.

    Raises:
        ValueError: unknown rule, or no head at all.
    """
    if multilabel_BC is None and sequence_BC is None:
        raise ValueError("there is no head to aggregate")
    scale = {"minmax": _minmax, "reciprocal_rank": _reciprocal_rank, "interleave": _reciprocal_rank}.get(rule)
    if scale is None:
        raise ValueError(f"unknown aggregation {rule!r}; known: minmax, reciprocal_rank, interleave")
    heads = [head.masked_fill(~nameable_BC, -torch.inf) for head in (multilabel_BC, sequence_BC) if head is not None]
    if len(heads) == 1:
        joined = scale(heads[0])
    elif rule == "interleave":
        joined = _interleave(heads[0], heads[1], alpha >= 0.5)
    else:
        joined = alpha * scale(heads[0]) + (1 - alpha) * scale(heads[1])
    return joined.masked_fill(~nameable_BC, -torch.inf)


def _minmax(scores: Tensor) -> Tensor:
    finite = scores.isfinite()
    low = scores.masked_fill(~finite, torch.inf).min(1, keepdim=True).values
    spread = scores.max(1, keepdim=True).values - low
    return (scores.masked_fill(~finite, 0.0) - low) / torch.where(spread > 0, spread, 1.0)


def _ranks(scores: Tensor) -> Tensor:
    order = scores.argsort(stable=True, dim=1, descending=True)
    ranks = torch.arange(1, scores.shape[1] + 1, device=scores.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, ranks).to(scores.dtype)


def _reciprocal_rank(scores: Tensor) -> Tensor:
    return _RANK_OFFSET / (_RANK_OFFSET + _ranks(scores))


def _interleave(multilabel: Tensor, sequence: Tensor, multilabel_first: bool) -> Tensor:
    first, second = (multilabel, sequence) if multilabel_first else (sequence, multilabel)
    turns = torch.minimum(2 * _ranks(first) - 1, 2 * _ranks(second))
    return 1.0 / turns
