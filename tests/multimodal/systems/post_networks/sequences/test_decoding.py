"""Decoding against slow searches over sequences."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from multimodal.systems.post_networks.sequences.decoding import decode_scores
from multimodal.systems.post_networks.sequences.head import SequenceHead

Z, HIDDEN, V, E, POSTS = 4, 6, 5, 3, 6
END = V


def make_head(sharpness=6.0, end_bias=0.0):
    torch.manual_seed(4)
    head = SequenceHead(Z, HIDDEN, V, E, 0.5).eval()
    with torch.no_grad():
        head.output.weight.mul_(sharpness)
        head.output.bias[END] += end_bias
    return head, nn.Embedding(V + 1, E), torch.randn(POSTS, Z)


def step_probabilities(head, joined, previous, state, embeddings, named, first):
    """Probabilities after masking what was named, and the end at the first step."""
    logits, state = head.step(joined.unsqueeze(0), torch.tensor([previous]), state, embeddings)
    masked = [
        -math.inf if index in named or (first and index == END) else value
        for index, value in enumerate(logits[0].tolist())
    ]
    powers = [math.exp(value - max(masked)) for value in masked]
    return [power / sum(powers) for power in powers], state


def slow_scores(missed):
    return [1 - value for value in missed]


@torch.no_grad()
def slow_greedy(head, joined, embeddings, steps):
    """The sequence that is named, and 1 - Π (1 - P_s(h)) over its steps."""
    state, previous, named, missed = head.start(joined.unsqueeze(0)), END, [], [1.0] * V
    for step in range(min(steps, V)):
        chances, state = step_probabilities(head, joined, previous, state, embeddings, named, step == 0)
        missed = [value * (1 - chance) for value, chance in zip(missed, chances, strict=False)]
        previous = chances.index(max(chances))
        if previous == END:
            break
        named.append(previous)
    return named, slow_scores(missed)


@torch.no_grad()
def slow_beam(head, joined, embeddings, steps, beams):
    """Beam search over Python tuples; the scores of the beams averaged by their probability."""
    found = [(0.0, [], head.start(joined.unsqueeze(0)), [1.0] * V, False)]
    for step in range(min(steps, V)):
        candidates = []
        for log_chance, named, state, missed, finished in found:
            if finished:
                candidates.append((log_chance, named, state, missed, True))
                continue
            previous = named[-1] if named else END
            chances, after = step_probabilities(head, joined, previous, state, embeddings, named, step == 0)
            now = [value * (1 - chance) for value, chance in zip(missed, chances, strict=False)]
            for index, chance in enumerate(chances):
                if chance > 0:
                    sequence = named if index == END else [*named, index]
                    candidates.append((log_chance + math.log(chance), sequence, after, now, index == END))
        found = sorted(candidates, key=lambda one: -one[0])[:beams]
    weights = [math.exp(one[0]) for one in found]
    parts = [[weight * score for score in slow_scores(one[3])] for weight, one in zip(weights, found, strict=True)]
    return [sum(column) / sum(weights) for column in zip(*parts, strict=True)]


@pytest.mark.parametrize("end_bias", [-30.0, 0.0, 2.0, 30.0])
@pytest.mark.parametrize("steps", [1, 3, 20])
def test_greedy_equals_a_slow_loop(steps, end_bias):
    head, embeddings, joined = make_head(end_bias=end_bias)
    scores = decode_scores(head, joined, embeddings, steps)
    for row in range(POSTS):
        named, expected = slow_greedy(head, joined[row], embeddings, steps)
        torch.testing.assert_close(scores[row], torch.tensor(expected), atol=1e-5, rtol=1e-4)
        assert named
        assert len(set(named)) == len(named)


@pytest.mark.parametrize("end_bias", [-30.0, 0.0, 2.0])
@pytest.mark.parametrize("beams, steps", [(1, 4), (2, 4), (3, 20), (9, 2), (40, 3)])
def test_beams_equal_a_slow_search(beams, steps, end_bias):
    head, embeddings, joined = make_head(sharpness=3.0, end_bias=end_bias)
    scores = decode_scores(head, joined, embeddings, steps, beams)
    for row in range(POSTS):
        expected = slow_beam(head, joined[row], embeddings, steps, beams)
        torch.testing.assert_close(scores[row], torch.tensor(expected), atol=1e-5, rtol=1e-4)


def test_one_hashtag_at_least_comes_before_the_end():
    head, embeddings, joined = make_head(end_bias=1000.0)
    scores = decode_scores(head, joined, embeddings, steps=5)
    # The end follows at once, so the scores are those of the first step, which sum to 1.
    torch.testing.assert_close(scores.sum(1), torch.ones(POSTS))


def test_without_an_end_every_hashtag_is_named_once():
    head, embeddings, joined = make_head(end_bias=-1000.0)
    for row in range(POSTS):
        assert sorted(slow_greedy(head, joined[row], embeddings, 50)[0]) == list(range(V))
    # The last one left is certain by then.
    scores = decode_scores(head, joined, embeddings, steps=50)
    torch.testing.assert_close(scores.amax(1), torch.ones(POSTS))


@pytest.mark.parametrize("beams", [1, 4, 50])
@pytest.mark.parametrize("sharpness", [0.0, 1.0, 100.0])
def test_scores_are_chances(beams, sharpness):
    head, embeddings, joined = make_head(sharpness)
    scores = decode_scores(head, joined, embeddings, 4, beams)
    assert torch.isfinite(scores).all()
    assert scores.min() >= 0
    assert scores.max() <= 1 + 1e-6


@pytest.mark.parametrize("beams", [1, 3])
def test_a_post_alone_is_decoded_as_in_a_batch(beams):
    head, embeddings, joined = make_head()
    together = decode_scores(head, joined, embeddings, 4, beams)
    alone = torch.cat([decode_scores(head, joined[row : row + 1], embeddings, 4, beams) for row in range(POSTS)])
    torch.testing.assert_close(alone, together, atol=1e-6, rtol=1e-5)


def test_a_vocabulary_of_one():
    head, embeddings = SequenceHead(Z, HIDDEN, 1, E, 0.0).eval(), nn.Embedding(2, E)
    assert decode_scores(head, torch.randn(2, Z), embeddings, 5, 3).tolist() == [[1.0], [1.0]]
