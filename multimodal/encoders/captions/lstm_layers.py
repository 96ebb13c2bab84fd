"""LSTM layers: states in any precision; `BidirectionalLstm`, unaffected by padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def lstm_states(layer: nn.Module, vectors_BTC: Tensor) -> Tensor:
    """Return the hidden states of a batch-first `torch.nn.LSTM`, (B, T, hidden), from one vector per step.

    On a CPU the layer runs in the precision of its weights, whatever autocast asks for: oneDNN has no bf16 LSTM for
    processors without bf16 instructions, and torch then raises an error.
    """
    if vectors_BTC.device.type != "cpu":
        states: Tensor = layer(vectors_BTC)[0]
        return states
    with torch.autocast("cpu", enabled=False):
        states = layer(vectors_BTC.to(next(layer.parameters()).dtype))[0]
    return states


class BidirectionalLstm(nn.Module):
    """One bidirectional layer, [→h_t; ←h_t], each direction `hidden` wide, Xavier initialisation."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.forwards = nn.LSTM(width, hidden, batch_first=True)
        self.backwards = nn.LSTM(width, hidden, batch_first=True)
        for name, parameter in self.named_parameters():
            (nn.init.xavier_uniform_ if "weight" in name else nn.init.zeros_)(parameter)

    def forward(self, words_BTC: Tensor, mask_BT: Tensor) -> Tensor:
        """Return the states (B, T, 2 · hidden), undefined at padding.

        Args:
            words_BTC: one vector per word.
            mask_BT: true at words; the words of a caption come first, then padding.
        """
        # Reverse the words of each caption and leave its padding at the end, so that padding is read last.
        positions = torch.arange(mask_BT.shape[1], device=mask_BT.device)
        last = mask_BT.sum(1, keepdim=True) - 1
        reversed_BT1 = torch.where(mask_BT, last - positions, positions).unsqueeze(-1)
        backwards = lstm_states(self.backwards, _gather(words_BTC, reversed_BT1))
        return torch.cat([lstm_states(self.forwards, words_BTC), _gather(backwards, reversed_BT1)], -1)


def _gather(vectors_BTC: Tensor, positions_BT1: Tensor) -> Tensor:
    return vectors_BTC.gather(1, positions_BT1.expand(-1, -1, vectors_BTC.shape[-1]))
