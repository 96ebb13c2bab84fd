"""Alternating co-attention against its equations, with masks and without positions."""

from __future__ import annotations

import torch

from multimodal.peers.coa.alternating import AlternatingCoAttention
from multimodal.peers.guided_attention import GuidedAttention

D, HIDDEN = 6, 4


def make(layers=1):
    torch.manual_seed(1)
    return AlternatingCoAttention(D, HIDDEN, 0.5, layers).eval()


def everything(count):
    return torch.ones(1, count, dtype=torch.bool)


def by_hand(attention, values, guide):
    """The attended vector of one post, value by value."""
    scores = []
    for value in values:
        seen = attention.attended.weight @ value + attention.attended.bias
        guided = attention.guide.weight @ guide + attention.guide.bias
        scores.append(attention.score.weight[0] @ torch.tanh(torch.cat([seen, guided])))
    weights = torch.softmax(torch.stack(scores), 0)
    return sum(weight * value for weight, value in zip(weights, values, strict=True))


def test_it_is_the_three_steps_of_the_paper():
    layer, words, regions = make(), torch.randn(1, 5, D), torch.randn(1, 3, D)
    text, image = layer(words, everything(5), regions, everything(3))
    expected_image = by_hand(layer.over_regions[0], regions[0], words[0].mean(0))
    expected_text = by_hand(layer.over_words[0], words[0], expected_image)
    torch.testing.assert_close(image[0], expected_image)
    torch.testing.assert_close(text[0], expected_text)


def test_a_second_layer_starts_from_the_caption_of_the_first():
    layer, words, regions = make(layers=2), torch.randn(1, 5, D), torch.randn(1, 3, D)
    text, image = layer(words, everything(5), regions, everything(3))
    first_image = by_hand(layer.over_regions[0], regions[0], words[0].mean(0))
    first_text = by_hand(layer.over_words[0], words[0], first_image)
    second_image = by_hand(layer.over_regions[1], regions[0], first_text)
    torch.testing.assert_close(image[0], second_image)
    torch.testing.assert_close(text[0], by_hand(layer.over_words[1], words[0], second_image))


def test_no_score_is_tied_to_a_position():
    """A public version adds a bias per position, so that captions of one length alone can be read."""
    layer, words, regions = make(), torch.randn(1, 7, D), torch.randn(1, 4, D)
    assert all(7 not in one.shape and 30 not in one.shape for one in layer.parameters())
    expected = layer(words, everything(7), regions, everything(4))
    shuffled = layer(words[:, torch.randperm(7)], everything(7), regions[:, torch.randperm(4)], everything(4))
    for one, other in zip(shuffled, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_padding_is_not_part_of_the_mean_and_not_attended_to():
    """Public versions average over padding."""
    layer, words, regions = make(), torch.randn(1, 5, D), torch.randn(1, 3, D)
    expected = layer(words, everything(5), regions, everything(3))
    padded_words = torch.cat([words, torch.full((1, 4, D), 9.0)], 1)
    padded_regions = torch.cat([regions, torch.full((1, 2, D), -9.0)], 1)
    word_mask, region_mask = everything(9), everything(5)
    word_mask[:, 5:] = region_mask[:, 3:] = False
    found = layer(padded_words, word_mask, padded_regions, region_mask)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_weights_sum_to_one():
    attention = GuidedAttention(D, HIDDEN, 0.0)
    same = torch.ones(2, 4, D)
    mask = torch.tensor([[True] * 4, [True, False, False, False]])
    torch.testing.assert_close(attention(same, mask, torch.randn(2, D)), torch.ones(2, D))
