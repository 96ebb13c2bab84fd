"""Attention over remembered posts and the pointer, against loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from data_loaders.batches import new_hashtags
from multimodal.design.history import MemoryAttention, Remembered, copy_distribution
from multimodal.design.output_vocabulary import OutputVocabulary

B, H, M, D, E, V = 3, 4, 3, 6, 5, 7
PRIOR = (-0.75, -0.5, 1.0)


@pytest.fixture
def attention():
    torch.manual_seed(9)
    layer = MemoryAttention(D, E, PRIOR)
    nn.init.normal_(layer.correlation.weight)
    nn.init.normal_(layer.start)
    return layer


@pytest.fixture
def embeddings():
    torch.manual_seed(10)
    return nn.Embedding(V + 1, E)


@pytest.fixture
def remembered():
    """The last post of the batch remembers nothing; 8, 9 and 11 are outside the vocabulary."""
    torch.manual_seed(11)
    hashtags = torch.tensor(
        [
            [[0, 3, -1], [8, 0, 9], [-1, -1, -1], [6, -1, -1]],
            [[11, -1, -1], [2, 1, 8], [-1, -1, -1], [-1, -1, -1]],
            [[-1, -1, -1]] * 4,
        ]
    )
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=torch.bool)
    return Remembered(torch.randn(B, H, D), hashtags, torch.randn(B, H, 3), mask)


def columns_of(remembered):
    return OutputVocabulary(V, new_hashtags([remembered.hashtags.numpy()], V))


def power_law(feature_rows):
    """Π feature^weight, normalised: what a softmax of weighted logs is."""
    raw = [math.prod(math.exp(value) ** power for value, power in zip(row, PRIOR, strict=True)) for row in feature_rows]
    return [value / sum(raw) for value in raw]


def slow_weights(attention, content, remembered, row):
    scores = []
    for rank in range(H):
        if remembered.mask[row, rank]:
            match = content[row] @ attention.correlation.weight.T @ remembered.vectors[row, rank] / math.sqrt(D)
            scores.append((match + attention.relation.weight[0] @ remembered.features[row, rank]).item())
    powers = [math.exp(score - max(scores)) for score in scores]
    return [power / sum(powers) for power in powers]


def test_the_correlation_is_the_bilinear_form_of_content(attention):
    # pᵀ W p_j and (W p)ᵀ p_j name the same thing with W transposed: the layer holds the latter.
    content, other = torch.randn(D), torch.randn(D)
    torch.testing.assert_close(attention.correlation(content) @ other, content @ attention.correlation.weight.T @ other)


def test_starts_as_the_power_law_of_its_prior(embeddings, remembered):
    attention = MemoryAttention(D, E, PRIOR)
    nn.init.zeros_(attention.correlation.weight)
    _, copied = attention(torch.randn(B, D), remembered, columns_of(remembered), embeddings)
    weights = power_law(remembered.features[0].tolist())
    assert copied[0, 3].item() == pytest.approx(weights[0] / 2, rel=1e-4)
    assert copied[0, 0].item() == pytest.approx(weights[0] / 2 + weights[1] / 3, rel=1e-4)
    assert copied[0, 6].item() == pytest.approx(weights[3], rel=1e-4)


def test_the_correlation_starts_too_small_to_matter(embeddings, remembered):
    torch.manual_seed(0)
    fresh, plain = MemoryAttention(D, E, PRIOR), MemoryAttention(D, E, PRIOR)
    nn.init.zeros_(plain.correlation.weight)
    content = torch.tanh(torch.randn(B, D))
    columns = columns_of(remembered)
    difference = fresh(content, remembered, columns, embeddings)[1] - plain(content, remembered, columns, embeddings)[1]
    assert difference.abs().max() < 0.05


def test_influence_is_the_weighted_sum_of_mean_embeddings(attention, embeddings, remembered):
    content = torch.randn(B, D)
    influence, copied = attention(content, remembered, columns_of(remembered), embeddings)
    for row in (0, 1):
        weights = slow_weights(attention, content, remembered, row)
        total = torch.zeros(E)
        for rank, weight in enumerate(weights):
            tags = [min(tag, V) for tag in remembered.hashtags[row, rank].tolist() if tag >= 0]
            if tags:
                total = total + weight * torch.stack([embeddings.weight[tag] for tag in tags]).mean(0)
        expected = attention.output.weight @ total + attention.output.bias
        torch.testing.assert_close(influence[row], expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(copied[1].sum(), torch.tensor(1.0))
    assert columns_of(remembered).indices().tolist() == [*range(V), 8, 9, 11]


def test_who_has_nothing_to_remember_gets_the_learned_start(attention, embeddings, remembered):
    influence, copied = attention(torch.randn(B, D), remembered, columns_of(remembered), embeddings)
    assert torch.equal(influence[2], attention.start)
    assert not copied[2].any()
    influence[2].sum().backward()
    assert torch.equal(attention.start.grad, torch.ones(D))
    assert torch.isfinite(attention.correlation.weight.grad).all()


def test_a_history_of_length_zero(attention, embeddings):
    nothing = Remembered(
        torch.empty(2, 0, D), torch.empty(2, 0, 1).long(), torch.empty(2, 0, 3), torch.empty(2, 0).bool()
    )
    columns = OutputVocabulary(V, torch.empty(0, dtype=torch.long))
    influence, copied = attention(torch.randn(2, D), nothing, columns, embeddings)
    assert torch.equal(influence, attention.start.expand(2, -1))
    assert not copied.any()


def test_the_order_of_remembered_posts_changes_nothing(attention, embeddings, remembered):
    content, columns = torch.randn(B, D), columns_of(remembered)
    order = torch.tensor([2, 0, 3, 1])
    moved = Remembered(
        remembered.vectors[:, order],
        remembered.hashtags[:, order],
        remembered.features[:, order],
        remembered.mask[:, order],
    )
    for one, other in zip(
        attention(content, remembered, columns, embeddings), attention(content, moved, columns, embeddings), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_padding_changes_nothing(attention, embeddings, remembered):
    content, columns = torch.randn(B, D), columns_of(remembered)
    padded = Remembered(
        torch.cat([remembered.vectors, torch.full((B, 2, D), 30.0)], 1),
        torch.cat([torch.nn.functional.pad(remembered.hashtags, (0, 2), value=-1), torch.full((B, 2, M + 2), -1)], 1),
        torch.cat([remembered.features, torch.full((B, 2, 3), 30.0)], 1),
        torch.cat([remembered.mask, torch.zeros(B, 2, dtype=torch.bool)], 1),
    )
    for one, other in zip(
        attention(content, remembered, columns, embeddings),
        attention(content, padded, columns, embeddings),
        strict=True,
    ):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


@given(
    st.lists(
        st.lists(st.tuples(st.floats(0, 1, width=32), st.sets(st.integers(0, 5), max_size=3)), min_size=2, max_size=2),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=60, deadline=None)
def test_copying_equals_a_loop_over_posts_and_hashtags(batch):
    expected, undivided = torch.zeros(2, len(batch), 6, dtype=torch.double)
    for row, posts in enumerate(batch):
        for weight, tags in posts:
            for tag in tags:
                expected[row, tag] += weight / len(tags)
                undivided[row, tag] += weight
    weights = torch.tensor([[weight for weight, _ in posts] for posts in batch])
    hashtags = torch.tensor([[[*sorted(tags), *[-1] * (4 - len(tags))] for _, tags in posts] for posts in batch])
    torch.testing.assert_close(copy_distribution(weights, hashtags, 6).double(), expected, atol=1e-6, rtol=1e-5)
    whole = copy_distribution(weights, hashtags, 6, divided=False)
    torch.testing.assert_close(whole.double(), undivided, atol=1e-6, rtol=1e-5)


def test_undivided_weights_change_what_is_copied_and_not_the_influence(attention, embeddings, remembered):
    columns, content = columns_of(remembered), torch.randn(B, D)
    influence, divided = attention(content, remembered, columns, embeddings)
    attention.divided = False
    same, whole = attention(content, remembered, columns, embeddings)
    weights = attention.weights(content, remembered)
    assert torch.equal(same, influence)
    expected = copy_distribution(weights, columns.of(remembered.hashtags), len(columns), divided=False)
    assert torch.equal(whole, expected)
    assert not torch.allclose(whole, divided)
    terms_influence, terms = attention.copies(content, remembered, columns, embeddings)
    torch.testing.assert_close(terms_influence, influence)
    torch.testing.assert_close(terms.within(0, len(columns)), whole)
