"""`BidirectionalLstm`: one LSTM from the first word on, one from the last; padding reaches neither."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from multimodal.encoders.captions.lstm_states import lstm_states


class BidirectionalLstm(nn.Module):
    """One bidirectional layer, [→h_t; ←h_t], Xavier initialisation.

    Args:
        width: of the vectors that come in.
        hidden: of each direction; the states are twice as wide.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.forwards = nn.LSTM(width, hidden, batch_first=True)
        self.backwards = nn.LSTM(width, hidden, batch_first=True)
        for name, parameter in self.named_parameters():
            (nn.init.xavier_uniform_ if "weight" in name else nn.init.zeros_)(parameter)

    def forward(self, words_BTC: Tensor, mask_BT: Tensor) -> Tensor:
        """Return the states (B, T, 2 · hidden); at padding they mean nothing.

        Args:
            words_BTC: one vector per word.
            mask_BT: true where a word is: a caption's words come first, padding behind them.
        """
        # The words of each caption back to front, its padding still behind: so padding is read last, if at all.
        places = torch.arange(mask_BT.shape[1], device=mask_BT.device)
        last = mask_BT.sum(1, keepdim=True) - 1
        mirrored = torch.where(mask_BT, last - places, places).unsqueeze(-1)
        backwards = lstm_states(self.backwards, _taken(words_BTC, mirrored))
        return torch.cat([lstm_states(self.forwards, words_BTC), _taken(backwards, mirrored)], -1)


def _taken(vectors_BTC: Tensor, places_BT1: Tensor) -> Tensor:
    return vectors_BTC.gather(1, places_BT1.expand(-1, -1, vectors_BTC.shape[-1]))
