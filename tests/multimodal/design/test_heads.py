"""The multilabel head against its equation."""

from __future__ import annotations

import torch

from multimodal.design.heads import MultilabelHead

Z, HIDDEN, V = 5, 7, 4


def test_multilabel_logits():
    torch.manual_seed(0)
    head = MultilabelHead(Z, HIDDEN, V, 0.9).eval()
    joined = torch.randn(2, Z)
    first, last = head.layers[1], head.layers[3]
    expected = torch.relu(joined @ first.weight.T + first.bias) @ last.weight.T + last.bias
    torch.testing.assert_close(head(joined), expected)
