"""Joining the two heads: worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from multimodal.ranking.aggregate import aggregate

RULES = ["minmax", "reciprocal_rank", "interleave"]
MULTILABEL = torch.tensor([[0.1, 0.5, 0.3, 0.0], [0.2, 0.2, 0.2, 0.2]])
SEQUENCE = torch.tensor([[0.9, 0.0, 0.3, 0.3], [0.0, 0.4, 0.8, 0.1]])
ALL = torch.ones(2, 4, dtype=torch.bool)


def joined(rule, alpha, multilabel=MULTILABEL, sequence=SEQUENCE, nameable=ALL):
    return aggregate(multilabel, sequence, alpha, rule, nameable)


def test_minmax_scales_each_head_to_the_unit_interval():
    first = [0.7 * 0.2 + 0.3 * 1.0, 0.7 * 1.0, 0.7 * 0.6 + 0.3 / 3, 0.3 / 3]
    # A head that likes everything the same says nothing.
    second = [0.0, 0.3 * 0.5, 0.3, 0.3 * 0.125]
    torch.testing.assert_close(joined("minmax", 0.7), torch.tensor([first, second]))


def test_reciprocal_rank():
    ranks = [[(3, 1), (1, 4), (2, 2), (4, 3)], [(1, 4), (2, 2), (3, 1), (4, 3)]]
    expected = [[0.25 * 60 / (60 + m) + 0.75 * 60 / (60 + s) for m, s in row] for row in ranks]
    torch.testing.assert_close(joined("reciprocal_rank", 0.25), torch.tensor(expected))


@pytest.mark.parametrize("alpha, order", [(0.5, [1, 0, 2, 3]), (0.4, [0, 1, 2, 3])])
def test_interleave_takes_turns_beginning_with_the_weightier_head(alpha, order):
    # Multilabel names 1, 2, 0, 3; the sequence 0, 2, 3, 1.
    assert joined("interleave", alpha)[0].argsort(descending=True).tolist() == order


@pytest.mark.parametrize("rule", RULES)
def test_one_head_alone_keeps_its_order(rule):
    for one in (
        joined(rule, 0.3, sequence=None),
        joined(rule, 0.3, multilabel=MULTILABEL[:, [1, 2, 0, 3]], sequence=None),
    ):
        assert one.shape == (2, 4)
    assert joined(rule, 0.3, sequence=None)[0].argsort(descending=True).tolist() == [1, 2, 0, 3]
    assert joined(rule, 0.3, multilabel=None)[1].argsort(descending=True).tolist() == [2, 1, 3, 0]


@pytest.mark.parametrize("rule", ["minmax", "reciprocal_rank"])
def test_the_weight_may_be_all_or_nothing(rule):
    torch.testing.assert_close(joined(rule, 1.0), joined(rule, 0.3, sequence=None))
    torch.testing.assert_close(joined(rule, 0.0), joined(rule, 0.3, multilabel=None))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("heads", ["both", "multilabel", "sequence"])
def test_columns_of_batch_mates_change_nothing_and_are_not_named(rule, alpha, heads):
    multilabel = None if heads == "sequence" else MULTILABEL
    sequence = None if heads == "multilabel" else SEQUENCE
    alone = joined(rule, alpha, multilabel, sequence)
    places = [0, 1, 3, 5]
    wide = [
        None if head is None else torch.zeros(2, 6).index_copy(1, torch.tensor(places), head)
        for head in (multilabel, sequence)
    ]
    nameable = torch.zeros(2, 6, dtype=torch.bool)
    nameable[:, places] = True
    found = joined(rule, alpha, *wide, nameable)
    assert torch.equal(found[:, places], alone)
    assert (found[:, [2, 4]] == -math.inf).all()


def test_what_cannot_be():
    with pytest.raises(ValueError, match="there is no head to aggregate"):
        aggregate(None, None, 0.5, "minmax", ALL)
    with pytest.raises(ValueError, match="unknown aggregation 'mean'; known: minmax, reciprocal_rank, interleave"):
        joined("mean", 0.5)
