"""The tagging habit against its equation."""

from __future__ import annotations

import pytest
import torch

from multimodal.peers.hashtag_means import HashtagMeans
from multimodal.peers.macon.habit import HabitMemory

V, D = 5, 4


def test_the_mean_embedding_of_hashtags():
    torch.manual_seed(0)
    means = HashtagMeans(V, D)
    table = means.embeddings.weight
    found = means(torch.tensor([[[0, 3, -1], [-1, -1, -1], [7, 2, 9]]]))
    torch.testing.assert_close(found[0, 0], (table[0] + table[3]) / 2)
    assert not found[0, 1].any()
    torch.testing.assert_close(found[0, 2], (2 * table[V] + table[2]) / 3)


@pytest.mark.parametrize("correlation", ["softmax", "cosine"])
def test_influence_is_the_weighted_mean_of_hashtags(correlation):
    torch.manual_seed(1)
    habit = HabitMemory(V, D, correlation)
    content, vectors = torch.randn(1, D), torch.randn(1, 3, D)
    hashtags, mask = torch.tensor([[[0, 1], [2, -1], [4, 4]]]), torch.tensor([[True, True, False]])
    if correlation == "softmax":
        weights = torch.softmax(torch.stack([content[0] @ vectors[0, j] / D**0.5 for j in range(2)]), 0)
    else:
        lengths = [content[0].norm() * vectors[0, j].norm() for j in range(2)]
        weights = torch.stack([content[0] @ vectors[0, j] / lengths[j] / 2 for j in range(2)])
    table = habit.hashtags.embeddings.weight
    expected = weights[0] * (table[0] + table[1]) / 2 + weights[1] * table[2]
    torch.testing.assert_close(habit(content, vectors, hashtags, mask)[0], expected)


@pytest.mark.parametrize("correlation", ["softmax", "cosine"])
def test_without_earlier_posts_it_is_learned_and_finite(correlation):
    habit = HabitMemory(V, D, correlation)
    torch.nn.init.ones_(habit.start)
    nothing = torch.zeros(2, 3, D), torch.full((2, 3, 1), -1), torch.zeros(2, 3, dtype=torch.bool)
    assert torch.equal(habit(torch.randn(2, D), *nothing), torch.ones(2, D))
    no_room = torch.zeros(2, 0, D), torch.zeros(2, 0, 1, dtype=torch.long), torch.zeros(2, 0, dtype=torch.bool)
    assert torch.equal(habit(torch.randn(2, D), *no_room), torch.ones(2, D))
