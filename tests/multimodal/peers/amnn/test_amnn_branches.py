"""AMNN's two branches against slow versions, with masks."""

from __future__ import annotations

import torch

from multimodal.peers.amnn.branches import ImageBranch, TextBranch

D, HIDDEN = 6, 4


def mask_of(*lengths):
    return torch.arange(max(lengths)).unsqueeze(0) < torch.tensor(lengths).unsqueeze(1)


def test_text_is_attention_over_summed_directions():
    torch.manual_seed(0)
    branch, words = TextBranch(D), torch.randn(1, 5, D)
    forwards = branch.lstm.forwards(words)[0][0]
    backwards = branch.lstm.backwards(words.flip(1))[0][0].flip(0)
    states = forwards + backwards
    scores = torch.stack([torch.tanh(branch.score.weight[0] @ state + branch.score.bias[0]) for state in states])
    attended = (torch.softmax(scores, 0).unsqueeze(1) * states).sum(0)
    expected = torch.relu(branch.output.weight @ attended + branch.output.bias)
    torch.testing.assert_close(branch(words, mask_of(5))[0], expected)


def test_a_picture_is_attention_over_regions():
    torch.manual_seed(0)
    branch, regions = ImageBranch(D, HIDDEN), torch.randn(1, 3, D)
    states = branch.lstm(regions)[0][0]
    weights = torch.softmax(torch.stack([branch.score.weight[0] @ torch.tanh(state) for state in states]), 0)
    torch.testing.assert_close(branch(regions, mask_of(3))[0], (weights.unsqueeze(1) * regions[0]).sum(0))


def test_padding_changes_nothing():
    torch.manual_seed(0)
    for branch in (TextBranch(D), ImageBranch(D, HIDDEN)):
        values = torch.randn(2, 5, D)
        alone = branch(values[:1, :2], mask_of(2))
        values[0, 2:] = 50.0
        torch.testing.assert_close(branch(values, mask_of(2, 5))[:1], alone)
