"""Joining the heads: hand-worked, and never changed by columns that are there for batch mates."""

from __future__ import annotations

import pytest
import torch

from multimodal.ranking.aggregate import aggregate

RULES = ("minmax", "reciprocal_rank", "interleave")


def everything(scores):
    return torch.ones_like(scores, dtype=torch.bool)


def test_minmax_by_hand():
    multilabel, sequence = torch.tensor([[0.2, 0.6, 1.0]]), torch.tensor([[0.5, 0.0, 0.25]])
    joined = aggregate(multilabel, sequence, 0.75, "minmax", everything(multilabel))
    assert joined.tolist() == [pytest.approx([0.25, 0.375, 0.875])]


def test_one_head_alone_and_equal_scores():
    scores = torch.tensor([[3.0, 3.0]])
    assert aggregate(scores, None, 0.5, "minmax", everything(scores)).tolist() == [[0.0, 0.0]]
    assert aggregate(None, torch.tensor([[0.1, 0.4]]), 0.5, "minmax", everything(scores)).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("heads", ["both", "multilabel", "sequence"])
def test_columns_of_batch_mates_change_nothing(rule, heads):
    generator = torch.Generator().manual_seed(0)
    multilabel, sequence = (torch.rand(4, 9, generator=generator) + 0.1 for _ in range(2))
    own = torch.rand(4, 9, generator=generator) < 0.6
    own[:, :3] = True
    wide = [torch.where(own, head, torch.rand(4, 9, generator=generator)) for head in (multilabel, sequence)]
    chosen = {"both": (0, 1), "multilabel": (0,), "sequence": (1,)}[heads]
    joined = aggregate(*(wide[i] if i in chosen else None for i in (0, 1)), 0.3, rule, own)
    for row in range(4):
        kept = own[row]
        alone = [[multilabel, sequence][i][row, kept][None] if i in chosen else None for i in (0, 1)]
        expected = aggregate(*alone, 0.3, rule, torch.ones(1, int(kept.sum()), dtype=torch.bool))
        assert torch.equal(joined[row, kept], expected[0])
        assert (joined[row, ~kept] == -torch.inf).all()


def test_refusals():
    scores = torch.ones(1, 2)
    with pytest.raises(ValueError, match="unknown aggregation 'mean'; known: minmax"):
        aggregate(scores, scores, 0.5, "mean", everything(scores))
    with pytest.raises(ValueError, match="there is no head to aggregate"):
        aggregate(None, None, 0.5, "minmax", everything(scores))
