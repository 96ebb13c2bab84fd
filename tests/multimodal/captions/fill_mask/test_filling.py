"""Lists from masks: against a slow loop over a distribution made up for the purpose."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal.captions.fill_mask.filling import fill_masks, probabilities
from multimodal.memory.hashtag_id_map import HashtagIdMap

NAMES = ["ant", "bee", "cat", "dog", "elk", "fox", "gnu"]
CATALOGUE = HashtagIdMap(NAMES, [7, 6, 5, 4, 3, 2, 1])
POSTS = 5


def logits_of(post, named):
    """Logits that depend on the post and on what is named, in order."""
    return np.random.default_rng([post, *(1 + one for one in named)]).normal(size=len(NAMES)) * 2


def ask(named):
    return np.stack([logits_of(post, one) for post, one in enumerate(named)])


def slow_list(post, factors, count, masks):
    named, scores = [], []
    while len(named) < count:
        context = named[: masks - 1]
        if not any(np.isfinite(factors[h]) for h in range(len(NAMES)) if h not in named):
            break
        weights = {h: np.exp(logits_of(post, context)[h] + factors[h]) for h in range(len(NAMES)) if h not in context}
        chance = {h: round(weight / sum(weights.values()), 6) for h, weight in weights.items()}
        free = [h for h in chance if h not in named and np.isfinite(factors[h])]
        best = max(free, key=lambda h: chance[h])
        scores.append(chance[best] * (scores[len(context) - 1] if context else 1.0))
        named.append(best)
    return named, scores


@pytest.fixture
def factors():
    values = np.random.default_rng(0).normal(size=(POSTS, len(NAMES)))
    values[1, 2] = values[3, [0, 1, 2, 3]] = -np.inf
    return values


@pytest.mark.parametrize("masks", [1, 3, 7])
@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_iterative_filling_equals_a_slow_loop(factors, masks, count):
    found = fill_masks(ask, POSTS, factors, CATALOGUE, count, masks)
    for post, (indices, scores) in enumerate(found):
        expected, values = slow_list(post, factors[post], count, masks)
        assert indices.tolist() == expected
        assert scores.tolist() == pytest.approx(values)
        assert sorted(scores, reverse=True) == scores.tolist()
    assert [len(indices) for indices, _ in found] == [min(count, n) for n in (7, 6, 7, 3, 7)]


def test_one_mask_equals_sorting_its_probabilities(factors):
    for post, (indices, scores) in enumerate(fill_masks(ask, POSTS, factors, CATALOGUE, 4, 1)):
        powers = np.exp(logits_of(post, []) + factors[post])
        order = np.argsort(-powers)[: len(indices)]
        assert indices.tolist() == order.tolist()
        np.testing.assert_allclose(scores, (powers / powers.sum())[order], atol=1e-6)
    assert len(fill_masks(ask, POSTS, factors, CATALOGUE, 4, 1)[3][0]) == 3


@pytest.mark.parametrize("masks", [1, 3, 7])
def test_a_short_list_is_the_start_of_a_long_one(factors, masks):
    long = fill_masks(ask, POSTS, factors, CATALOGUE, 7, masks)
    for count in range(1, 7):
        for (short, scores), (indices, values) in zip(
            fill_masks(ask, POSTS, factors, CATALOGUE, count, masks), long, strict=True
        ):
            assert short.tolist() == indices[:count].tolist()
            assert scores.tolist() == pytest.approx(values[:count].tolist())


def test_nothing_may_be_named():
    excluded_ids = np.full((2, len(NAMES)), -np.inf)
    assert probabilities(np.zeros((2, len(NAMES))), excluded_ids).tolist() == [[0.0] * len(NAMES)] * 2
    for lists in (
        fill_masks(ask, 2, excluded_ids, CATALOGUE, 3, 1),
        fill_masks(ask, 2, excluded_ids, CATALOGUE, 3, 2),
    ):
        assert [len(indices) for indices, _ in lists] == [0, 0]


def test_huge_logits_do_not_overflow():
    found = probabilities(np.array([[1e4, 1e4 - 1, -1e4]]))
    np.testing.assert_allclose(found, [[1 / (1 + np.exp(-1)), np.exp(-1) / (1 + np.exp(-1)), 0]])
