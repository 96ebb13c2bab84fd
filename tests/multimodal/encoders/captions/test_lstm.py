"""The LSTM encoder against torch's own way of leaving padding out."""

from __future__ import annotations

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder

WORDS = ["sea", "sky", "sun", "tea", "cat", "dog", "run", "art"]
LENGTHS = [5, 1, 9, 2, 12, 3]
CAPTIONS = [" ".join(WORDS[(3 * i + length) % 8] for i in range(length)) for length in LENGTHS]


def make(**changes):
    torch.manual_seed(0)
    return build_caption_encoder(
        CaptionEncoderConfig(**{"name": "lstm", "width": 12, "hidden": 8, **changes}), CAPTIONS
    )


@torch.no_grad()
@pytest.mark.parametrize("layers", [1, 3])
def test_equals_packed_sequences(layers):
    encoder = make(layers=layers).eval()
    ids, mask = encoder.pad(encoder.tokenise(CAPTIONS))
    ids[~mask] = 4  # whatever stands at padding
    values = encoder.words(ids)
    for layer in encoder.stack:
        packed = pack_padded_sequence(values, mask.sum(1), batch_first=True, enforce_sorted=False)
        states, (last, _) = layer(packed)
        values = pad_packed_sequence(states, batch_first=True)[0]
    words = encoder(ids, mask)
    torch.testing.assert_close(words, values)
    torch.testing.assert_close(encoder.pool(words, mask), last[0])


def test_padding_has_no_gradient_either():
    gradients = []
    for padding in (2, 5):
        encoder = make(dropout=0.0).train()
        ids, mask = encoder.pad(encoder.tokenise(CAPTIONS))
        ids[~mask] = padding
        encoder.pool(encoder(ids, mask), mask).square().sum().backward()
        gradients.append([parameter.grad for parameter in encoder.parameters()])
    for one, other in zip(*gradients, strict=True):
        assert torch.equal(one, other)


def test_the_published_sizes_are_the_defaults():
    config = CaptionEncoderConfig(name="lstm")
    encoder = build_caption_encoder(config, ["a b a b"])
    assert (config.width, encoder.width, len(encoder.stack), config.maximum_tokens) == (200, 50, 1, 200)
    assert not any(layer.bidirectional for layer in encoder.stack)
