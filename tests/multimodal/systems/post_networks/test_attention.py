"""Word attention and co-attention against loops written from their equations."""

from __future__ import annotations

import math

import pytest
import torch

from multimodal.systems.post_networks.attention import (
    MeanPooling,
    ParallelCoAttention,
    WordAttention,
    masked_mean,
    masked_softmax,
)

WIDTH = 6


@pytest.fixture
def posts():
    """Words, their mask, regions, their mask: three posts of unlike length."""
    torch.manual_seed(1)
    word_mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], dtype=torch.bool)
    region_mask = torch.tensor([[1, 1, 1], [1, 0, 0], [1, 1, 1]], dtype=torch.bool)
    return torch.randn(3, 4, WIDTH), word_mask, torch.randn(3, 3, WIDTH), region_mask


def longer(values, mask, by=3):
    """Append padding that holds large values."""
    padding = torch.full((len(values), by, WIDTH), 9.0)
    return torch.cat([values, padding], 1), torch.cat([mask, torch.zeros(len(mask), by, dtype=torch.bool)], 1)


def softmax(scores):
    largest = max(scores)
    powers = [math.exp(score - largest) for score in scores]
    return [power / sum(powers) for power in powers]


def slow_word_attention(layer, words):
    """x̃_i = n·α_i·x_i with α = softmax(u·tanh(W x_i + b)), for the valid words of one post."""
    weight, bias = layer.projection.weight, layer.projection.bias
    alpha = softmax([(layer.context.weight[0] @ torch.tanh(weight @ word + bias)).item() for word in words])
    return torch.stack([len(words) * share * word for share, word in zip(alpha, words, strict=True)])


def slow_co_attention(layer, words, regions):
    """Line by line from Lu et al., for the valid words and regions of one post; means where the layer averages."""
    per_region, per_word = (len(regions), len(words)) if layer.averaged else (1, 1)
    C = [[torch.tanh(word @ layer.affinity.weight.T @ region) for region in regions] for word in words]
    Q = [layer.words.weight @ word + layer.words.bias for word in words]
    V = [layer.regions.weight @ region + layer.regions.bias for region in regions]
    word_scores, region_scores = [], []
    for i in range(len(words)):
        hidden = torch.tanh(Q[i] + sum(C[i][j] * V[j] for j in range(len(regions))) / per_region)
        word_scores.append((layer.score_words.weight[0] @ hidden).item())
    for j in range(len(regions)):
        hidden = torch.tanh(V[j] + sum(C[i][j] * Q[i] for i in range(len(words))) / per_word)
        region_scores.append((layer.score_regions.weight[0] @ hidden).item())
    text = sum(share * word for share, word in zip(softmax(word_scores), words, strict=True))
    image = sum(share * region for share, region in zip(softmax(region_scores), regions, strict=True))
    return text, image


def test_masked_softmax_is_a_softmax_of_what_is_there_and_zero_elsewhere():
    scores = torch.tensor([[1.0, 2.0, 50.0], [1.0, 2.0, 3.0]])
    weights = masked_softmax(scores, torch.tensor([[True, True, False], [False, False, False]]))
    torch.testing.assert_close(weights[0, :2], torch.softmax(scores[0, :2], 0))
    assert weights[0, 2] == 0
    assert weights[1].tolist() == [0, 0, 0]


def test_masked_softmax_has_finite_gradients_where_nothing_is_there():
    scores = torch.randn(2, 3, requires_grad=True)
    masked_softmax(scores, torch.tensor([[False] * 3, [True] * 3])).square().sum().backward()
    assert torch.isfinite(scores.grad).all()


def test_masked_mean():
    values = torch.tensor([[[2.0], [4.0], [100.0]], [[5.0], [6.0], [7.0]]])
    mask = torch.tensor([[True, True, False], [False, False, False]])
    assert masked_mean(values, mask).tolist() == [[3.0], [0.0]]


class TestWordAttention:
    def test_equals_a_loop_over_words(self, posts):
        words, mask, _, _ = posts
        layer = WordAttention(WIDTH)
        found = layer(words, mask)
        for row in range(len(words)):
            expected = slow_word_attention(layer, words[row][mask[row]])
            torch.testing.assert_close(found[row][mask[row]], expected)

    def test_keeps_the_mean_scale(self, posts):
        words, mask, _, _ = posts
        layer = WordAttention(WIDTH)
        ones = layer(torch.ones_like(words), mask)
        torch.testing.assert_close(masked_mean(ones, mask), torch.ones(3, WIDTH))
        torch.nn.init.zeros_(layer.context.weight)
        torch.testing.assert_close(layer(words, mask)[mask], words[mask])

    def test_padding_changes_nothing(self, posts):
        words, mask, _, _ = posts
        layer = WordAttention(WIDTH)
        padded = layer(*longer(words, mask))
        torch.testing.assert_close(padded[:, :4], layer(words, mask), atol=1e-6, rtol=0)
        assert not padded[:, 4:].any()


class TestParallelCoAttention:
    @pytest.mark.parametrize("averaged", [False, True])
    def test_equals_a_loop_over_words_and_regions(self, posts, averaged):
        words, word_mask, regions, region_mask = posts
        layer = ParallelCoAttention(WIDTH, 0.0, averaged)
        text, image = layer(*posts)
        for row in range(len(words)):
            expected = slow_co_attention(layer, words[row][word_mask[row]], regions[row][region_mask[row]])
            torch.testing.assert_close(text[row], expected[0])
            torch.testing.assert_close(image[row], expected[1])

    @pytest.mark.parametrize("kind", ["sums", "averages", "means"])
    def test_padding_changes_nothing(self, posts, kind):
        layer = MeanPooling() if kind == "means" else ParallelCoAttention(WIDTH, 0.5, kind == "averages").eval()
        words, word_mask, regions, region_mask = posts
        plain = layer(*posts)
        padded = layer(*longer(words, word_mask), *longer(regions, region_mask))
        for one, other in zip(padded, plain, strict=True):
            torch.testing.assert_close(one, other, atol=1e-6, rtol=0)

    @pytest.mark.parametrize("kind", ["sums", "averages", "means"])
    def test_its_output_is_the_sum_by_its_weights(self, posts, kind):
        layer = MeanPooling() if kind == "means" else ParallelCoAttention(WIDTH, 0.0, kind == "averages")
        words, word_mask, regions, region_mask = posts
        word_weights, region_weights = layer.weights(*posts)
        text, image = layer(*posts)
        torch.testing.assert_close(torch.einsum("bt,btd->bd", word_weights, words), text)
        torch.testing.assert_close(torch.einsum("bp,bpd->bd", region_weights, regions), image)
        torch.testing.assert_close(word_weights.sum(1), torch.ones(len(words)))
        assert not word_weights[~word_mask].any()
        assert not region_weights[~region_mask].any()

    def test_dropout_acts_in_training_only(self, posts):
        layer = ParallelCoAttention(WIDTH, 0.5)
        assert not torch.equal(layer(*posts)[0], layer(*posts)[0])
        layer.eval()
        assert torch.equal(layer(*posts)[0], layer(*posts)[0])


def test_mean_pooling_is_the_mean_of_what_is_there(posts):
    words, word_mask, regions, region_mask = posts
    text, image = MeanPooling()(*posts)
    for row in range(3):
        torch.testing.assert_close(text[row], words[row][word_mask[row]].mean(0))
        torch.testing.assert_close(image[row], regions[row][region_mask[row]].mean(0))
