"""The SA-LSTM caption encoder beyond the contract of all caption encoders."""

from __future__ import annotations

import pytest
import torch

from data_loaders.errors import ConfigError
from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder

CAPTIONS = ["the cat sat on the mat", "the dog on the mat sat"] * 2


def test_the_sizes_of_the_article_are_the_defaults():
    encoder = build_caption_encoder(CaptionEncoderConfig(name="sa_lstm"), CAPTIONS)
    assert encoder.words.embedding_dim == 300
    assert encoder.maximum_tokens == 30
    assert encoder.width == 384
    assert [layer.attention.heads for layer in encoder.stack] == [6, 6]


def test_a_state_knows_the_words_on_both_sides():
    config = CaptionEncoderConfig(name="sa_lstm", width=16, hidden=6, heads=2, layers=0)
    encoder = build_caption_encoder(config, CAPTIONS).eval()
    first, second = (encoder(*encoder.pad(encoder.tokenise([text])))[0] for text in ("the cat sat", "the dog sat"))
    assert (first != second).any(1).tolist() == [True, True, True]
    assert torch.equal(first[0, :6], second[0, :6])
    assert torch.equal(first[2, 6:], second[2, 6:])


def test_heads_that_do_not_divide_the_states_are_refused():
    with pytest.raises(ConfigError, match=r"hidden=5 gives states of 10 numbers.*among heads=4"):
        build_caption_encoder(CaptionEncoderConfig(name="sa_lstm", hidden=5, heads=4), CAPTIONS)
