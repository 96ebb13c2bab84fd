"""The order of target hashtags, and teacher forcing."""

from __future__ import annotations

import pytest

from multimodal.systems.post_networks.sequences.targets import TargetSequences

V = 5
POSTS = [[3, 0, 9, 1], [4], [7], [2, 1, 0, 4, 3]]


def sequences(order, steps=10, seed=0):
    return TargetSequences(POSTS, V, order, steps, seed)


@pytest.mark.parametrize("order, first", [("frequency", [0, 1, 3]), ("post", [3, 0, 1])])
def test_what_comes_before_each_step_and_what_follows(order, first):
    previous, following = sequences(order).batch([0, 1, 2], epoch=0)
    assert following.tolist() == [[*first, V], [4, V, -1, -1], [V, -1, -1, -1]]
    assert previous.tolist() == [[V, *first], [V, 4, V, V], [V, V, V, V]]


def test_long_sequences_are_cut():
    _, following = sequences("frequency", steps=2).batch([3, 1], epoch=0)
    assert following.tolist() == [[0, 1, V], [4, V, -1]]


class TestFreeOrder:
    def test_names_the_same_hashtags_in_an_order_of_each_epoch(self):
        orders = {tuple(sequences("free").batch([3], epoch)[1][0].tolist()) for epoch in range(8)}
        assert len(orders) > 3
        assert all(sorted(order) == [0, 1, 2, 3, 4, V] for order in orders)
        assert all(order[-1] == V for order in orders)

    def test_depends_on_seed_epoch_and_post_alone(self):
        for epoch in (0, 3):
            alone = sequences("free").batch([3], epoch)[1]
            in_company = sequences("free").batch([0, 1, 3], epoch)[1][2:]
            assert alone.tolist() == in_company.tolist()
        seeds = {tuple(sequences("free", seed=seed).batch([3], 0)[1][0].tolist()) for seed in range(8)}
        assert len(seeds) > 3
