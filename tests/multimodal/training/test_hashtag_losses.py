"""Losses of an output layer over many hashtags: those of its logits, with their gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F
from widest import MANY, Widest

from multimodal.training import large_vocabulary
from multimodal.training.hashtag_losses import HashtagLesson, hashtag_losses
from multimodal.training.losses import bce_loss, multi_hot, softmax_loss

TARGETS = torch.tensor([[1, 4, -1], [0, -1, -1], [22, 3, 9], [-1, -1, -1]])
WEIGHTS = torch.rand(23, generator=torch.Generator().manual_seed(1)).double() * 5


def weighted(logits):
    hot = multi_hot(TARGETS, 23).double()
    return F.binary_cross_entropy_with_logits(logits, hot, pos_weight=WEIGHTS, reduction="none").sum(1) / 2.5


@pytest.mark.parametrize(
    ("lesson", "whole"),
    [
        (HashtagLesson(TARGETS), lambda logits: softmax_loss(logits.log_softmax(-1), TARGETS)),
        (HashtagLesson(TARGETS, summed=True), lambda logits: softmax_loss(logits.log_softmax(-1), TARGETS, True)),
        (HashtagLesson(TARGETS, 2.5), lambda logits: bce_loss(logits, TARGETS, 2.5)),
        (HashtagLesson(TARGETS, 2.5, positives=WEIGHTS), weighted),
    ],
    ids=["softmax", "summed", "bce", "weighted"],
)
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_the_logits(monkeypatch, lesson, whole, bias):
    monkeypatch.setattr(large_vocabulary, "HASHTAGS_AT_ONCE", 7)
    torch.manual_seed(0)
    output = torch.nn.Linear(5, 23, bias=bias).double()
    hidden = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    found = []
    for compute in (lambda: hashtag_losses(hidden, output, lesson), lambda: whole(output(hidden))):
        losses = compute()
        (losses.double() * torch.arange(1.0, 5.0)).sum().backward()
        found.append([losses.double().detach(), hidden.grad, *(one.grad for one in output.parameters())])
        hidden.grad = None
        output.zero_grad()
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mean_targets", [None, 2.5])
def test_no_array_has_a_row_per_post_and_a_column_per_hashtag(mean_targets):
    output, hidden = torch.nn.Linear(3, MANY), torch.randn(32, 3, requires_grad=True)
    lesson = HashtagLesson(torch.randint(0, MANY, (32, 4)), mean_targets)
    with Widest(output) as widest:
        hashtag_losses(hidden, output, lesson).sum().backward()
    assert widest.rows == 0
    with Widest(output) as whole:
        output(hidden)
    assert whole.rows == 32
