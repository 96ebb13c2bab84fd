"""What AMNN makes of a caption and of a picture: recurrent layers, then attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from multimodal.encoders.captions.lstm_layers import BidirectionalLstm, lstm_states
from multimodal.systems.post_networks.attention import masked_softmax


class TextBranch(nn.Module):
    """t = ReLU(W Σ_i a_i h_i), a = softmax_i(tanh(w · h_i + b)), h the summed directions of a BiLSTM over the words.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lstm = BidirectionalLstm(width, width)
        self.score = nn.Linear(width, 1)
        self.output = nn.Linear(width, width)

    def forward(self, words_BTD: Tensor, mask_BT: Tensor) -> Tensor:
        """Return t, (B, D)."""
        states_BTD = torch.stack(self.lstm(words_BTD, mask_BT).chunk(2, dim=-1)).sum(0)
        weights_BT = masked_softmax(torch.tanh(self.score(states_BTD)).squeeze(-1), mask_BT)
        # States at padding are not defined, so they are not multiplied by 0 either.
        states_BTD = states_BTD.masked_fill(~mask_BT.unsqueeze(-1), 0)
        return torch.relu(self.output((weights_BT.unsqueeze(-1) * states_BTD).sum(1)))


class ImageBranch(nn.Module):
    """v = Σ_p a_p V_p, a = softmax_p(w · tanh(h_p)), h the states of an LSTM over the regions, row by row.

    Args:
        width: D.
        hidden: of the LSTM.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, hidden, batch_first=True)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, regions_BPD: Tensor, mask_BP: Tensor) -> Tensor:
        """Return v, (B, D)."""
        scores_BP = self.score(torch.tanh(lstm_states(self.lstm, regions_BPD))).squeeze(-1)
        return (masked_softmax(scores_BP, mask_BP).unsqueeze(-1) * regions_BPD).sum(1)
