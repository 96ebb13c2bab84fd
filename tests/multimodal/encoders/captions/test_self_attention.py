"""Multi-head self-attention against torch's own, and the bidirectional LSTM against a packed one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from multimodal.encoders.captions.lstm_layers import BidirectionalLstm
from multimodal.encoders.captions.self_attention import MultiHeadSelfAttention

WIDTH, HEADS = 24, 6
LENGTHS = torch.tensor([7, 1, 4])


@pytest.fixture
def words():
    return torch.randn(3, 7, WIDTH, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def mask():
    return torch.arange(7) < LENGTHS[:, None]


def same_weights(own: MultiHeadSelfAttention) -> nn.MultiheadAttention:
    theirs = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    with torch.no_grad():
        for layer in (own.query, own.key, own.value, own.output):
            nn.init.normal_(layer.bias)
        theirs.in_proj_weight.copy_(torch.cat([own.query.weight, own.key.weight, own.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([own.query.bias, own.key.bias, own.value.bias]))
        theirs.out_proj.weight.copy_(own.output.weight)
        theirs.out_proj.bias.copy_(own.output.bias)
    return theirs


def test_equals_the_attention_of_torch_with_the_same_weights(words, mask):
    own = MultiHeadSelfAttention(WIDTH, HEADS)
    theirs = same_weights(own)
    expected, _ = theirs(words, words, words, key_padding_mask=~mask, need_weights=False)
    torch.testing.assert_close(own(words, mask)[mask], expected[mask])


def test_gradients_equal_those_of_torch(words, mask):
    own = MultiHeadSelfAttention(WIDTH, HEADS)
    theirs = same_weights(own)
    here, there = words.clone().requires_grad_(), words.clone().requires_grad_()
    own(here, mask)[mask].square().sum().backward()
    theirs(there, there, there, key_padding_mask=~mask)[0][mask].square().sum().backward()
    torch.testing.assert_close(here.grad, there.grad, atol=1e-5, rtol=1e-4)


def test_what_stands_at_padding_changes_nothing(words, mask):
    attention = MultiHeadSelfAttention(WIDTH, HEADS)
    other = torch.where(mask.unsqueeze(-1), words, 1e4)
    torch.testing.assert_close(attention(other, mask)[mask], attention(words, mask)[mask])


def test_a_width_that_cannot_be_divided_is_refused():
    with pytest.raises(ValueError, match="a width of 25 cannot be divided among 6 heads"):
        MultiHeadSelfAttention(25, 6)


def test_both_directions_equal_a_packed_lstm_of_torch(words, mask):
    own = BidirectionalLstm(WIDTH, 5)
    theirs = nn.LSTM(WIDTH, 5, batch_first=True, bidirectional=True)
    with torch.no_grad():
        for name, parameter in own.forwards.named_parameters():
            getattr(theirs, name).copy_(parameter)
        for name, parameter in own.backwards.named_parameters():
            getattr(theirs, f"{name}_reverse").copy_(parameter)
    packed = nn.utils.rnn.pack_padded_sequence(words, LENGTHS, batch_first=True, enforce_sorted=False)
    expected, _ = nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    torch.testing.assert_close(own(words, mask)[mask], expected[mask])
