"""The network that labels words, against a slow loop."""

from __future__ import annotations

import pytest
import torch

from multimodal.captions.sa_lstm.tagger import WordTagger
from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder

CAPTIONS = ["the cat sat on the mat", "a dog", "sun"] * 2


@pytest.fixture
def tagger():
    torch.manual_seed(0)
    config = CaptionEncoderConfig(name="sa_lstm", width=16, hidden=6, heads=3)
    return WordTagger(build_caption_encoder(config, CAPTIONS), 3, 0.5).eval()


def test_each_run_of_words_is_labelled_by_the_mean_of_its_states(tagger):
    ids, mask = tagger.encoder.pad(tagger.encoder.tokenise(CAPTIONS))
    logits = tagger(ids, mask)
    states = tagger.encoder(ids, mask)
    assert logits.shape == (6, 3, 6, 2)
    for row in range(3):
        words = int(mask[row].sum())
        for count in (1, 2, 3):
            for start in range(words - count + 1):
                mean = sum(states[row, start + place] for place in range(count)) / count
                expected = tagger.output[count - 1](mean)
                torch.testing.assert_close(logits[row, count - 1, start], expected)


def test_batch_mates_change_nothing(tagger):
    ids, mask = tagger.encoder.pad(tagger.encoder.tokenise(CAPTIONS))
    alone_ids, alone_mask = tagger.encoder.pad(tagger.encoder.tokenise(CAPTIONS[1:2]))
    alone = tagger(alone_ids, alone_mask)
    torch.testing.assert_close(tagger(ids, mask)[1, 0, :2], alone[0, 0])
    torch.testing.assert_close(tagger(ids, mask)[1, 1, :1], alone[0, 1, :1])


def test_an_untrained_tagger_begins_with_the_shares(tagger):
    tagger.start_from([0.1, 0.01, 0.2])
    for layer in tagger.output:
        torch.nn.init.zeros_(layer.weight)
    ids, mask = tagger.encoder.pad(tagger.encoder.tokenise(CAPTIONS))
    chances = tagger(ids, mask).softmax(-1)[..., 1]
    torch.testing.assert_close(chances[0, :, 0], torch.tensor([0.1, 0.01, 0.2]))


def test_every_parameter_gets_a_gradient(tagger):
    tagger.train()
    ids, mask = tagger.encoder.pad(tagger.encoder.tokenise(CAPTIONS))
    tagger(ids, mask).square().sum().backward()
    assert all(parameter.grad is not None for parameter in tagger.parameters())
