"""`lstm_states`: an LSTM layer on any processor, under autocast too."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def lstm_states(layer: nn.Module, vectors_BTC: Tensor) -> Tensor:
    """Return the hidden state at every step, (B, T, hidden).

    On a CPU the layer runs in the precision of its weights, whatever autocast asks for: oneDNN has no bf16 LSTM for
    processors without bf16 instructions, and torch then raises an error.

    Args:
        layer: a `torch.nn.LSTM`, batch first.
        vectors_BTC: one vector per step.
    """
    if vectors_BTC.device.type != "cpu":
        states: Tensor = layer(vectors_BTC)[0]
        return states
    with torch.autocast("cpu", enabled=False):
        states = layer(vectors_BTC.to(next(layer.parameters()).dtype))[0]
    return states
