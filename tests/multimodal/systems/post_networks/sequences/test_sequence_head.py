"""The GRU that generates hashtags against its equations."""

from __future__ import annotations

import torch
from torch import nn

from multimodal.systems.post_networks.sequences.head import SequenceHead

Z, HIDDEN, V, E = 5, 7, 4, 3


def make_head(dropout=0.0):
    torch.manual_seed(2)
    return SequenceHead(Z, HIDDEN, V, E, dropout), nn.Embedding(V + 1, E)


def slow_gru(head, value, state):
    """One step of a GRU cell as its documentation writes it."""
    gru = head.gru
    from_input = gru.weight_ih_l0 @ value + gru.bias_ih_l0
    from_state = gru.weight_hh_l0 @ state + gru.bias_hh_l0
    (reset_i, update_i, new_i), (reset_h, update_h, new_h) = from_input.chunk(3), from_state.chunk(3)
    update = torch.sigmoid(update_i + update_h)
    new = torch.tanh(new_i + torch.sigmoid(reset_i + reset_h) * new_h)
    return (1 - update) * new + update * state


def test_teacher_forcing_equals_a_loop_over_posts_and_steps():
    head, embeddings = make_head()
    joined, previous = torch.randn(3, Z), torch.tensor([[V, 0, 2], [V, 3, V], [V, V, V]])
    logits = head(joined, previous, embeddings)
    assert logits.shape == (3, 3, V + 1)
    for row in range(3):
        state = torch.tanh(head.initial.weight @ joined[row] + head.initial.bias)
        for step in range(3):
            state = slow_gru(head, torch.cat([embeddings.weight[previous[row, step]], joined[row]]), state)
            expected = head.output.weight @ state + head.output.bias
            torch.testing.assert_close(logits[row, step], expected)


def test_single_steps_equal_teacher_forcing():
    head, embeddings = make_head(dropout=0.5)
    head.eval()
    joined, previous = torch.randn(3, Z), torch.tensor([[V, 0, 2], [V, 3, 1], [V, 1, 1]])
    state = head.start(joined)
    for step in range(3):
        logits, state = head.step(joined, previous[:, step], state, embeddings)
        torch.testing.assert_close(logits, head(joined, previous, embeddings)[:, step])
