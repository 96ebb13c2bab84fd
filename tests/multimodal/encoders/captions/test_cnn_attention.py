"""The two channels against slow loops over one caption's words; thresholds that are each caption's own."""

from __future__ import annotations

import pytest
import torch

from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder
from multimodal.encoders.captions.cnn_attention import trigger_weights

WORDS = ["sea", "sky", "sun", "tea", "cat", "dog", "run", "art", "car", "bus"]
CAPTIONS = [
    " ".join(WORDS[(3 * position + length) % 10] for position in range(length)) for length in (1, 2, 3, 4, 5, 9)
]


def make(**changes):
    torch.manual_seed(0)
    values = {"name": "cnn_attention", "width": 12, "hidden": 8, **changes}
    return build_caption_encoder(CaptionEncoderConfig(**values), CAPTIONS)


def pooled(encoder, captions):
    ids, mask = encoder.pad(encoder.tokenise(captions))
    return encoder.pool(encoder(ids, mask), mask)


def slow_vector(encoder, caption):
    """Return one caption's vector, word by word and window by window."""
    words = [encoder.words.weight[number] for number in encoder.tokenise([caption])[0]]
    largest = torch.full((8,), -1.0)
    for size, layer in zip((1, 2, 3), encoder.global_windows, strict=True):
        for start in range(len(words) - size + 1):
            window = torch.stack(words[start : start + size], dim=1)
            largest = torch.maximum(largest, torch.tanh((layer.weight * window).sum((1, 2)) + layer.bias))
    nothing = [torch.zeros(12)] * 2
    around = [*nothing, *words, *nothing]
    scores = []
    for position in range(len(words)):
        window = torch.stack(around[position : position + 5], dim=1)
        scores.append(float(torch.tanh((encoder.scorer.weight[0] * window).sum() + encoder.scorer.bias[0])))
    threshold = 0.8 * min(scores) + 0.2 * max(scores)
    triggers = torch.zeros(12)
    for word, score in zip(words, scores, strict=True):
        if score > threshold:
            triggers = triggers + (score - threshold) * word
    return torch.cat([largest, torch.tanh(triggers)])


@torch.no_grad()
def test_equals_a_loop_over_words_and_windows():
    encoder = make().eval()
    for caption, found in zip(CAPTIONS, pooled(encoder, CAPTIONS), strict=True):
        torch.testing.assert_close(found, slow_vector(encoder, caption))


def test_a_threshold_worked_by_hand():
    scores = torch.tensor([[0.0, 1.0, 0.2, 0.5]])
    everywhere = torch.ones(1, 4, dtype=torch.bool)
    torch.testing.assert_close(trigger_weights(scores, everywhere), torch.tensor([[0.0, 0.8, 0.0, 0.3]]))
    # Without its first word the caption has .8 · .2 + .2 · 1 = .36 as threshold.
    inside = torch.tensor([[False, True, True, True]])
    torch.testing.assert_close(trigger_weights(scores, inside), torch.tensor([[0.0, 0.64, 0.0, 0.14]]))


def test_the_threshold_is_not_over_the_batch_nor_over_padding():
    quiet, loud = [0.1, 0.2, 0.0], [0.9, -0.9, 0.5]
    alone = trigger_weights(torch.tensor([quiet[:2]]), torch.ones(1, 2, dtype=torch.bool))
    inside = torch.tensor([[True, True, False], [True, True, True]])
    for outside in (-1.0, 0.0, 1.0):
        together = trigger_weights(torch.tensor([[*quiet[:2], outside], loud]), inside)
        assert torch.equal(together[0, :2], alone[0])
        assert together[0, 2] == 0


@torch.no_grad()
def test_the_rest_of_the_batch_never_changes_a_caption():
    encoder = make().eval()
    with torch.no_grad():
        encoder.words.weight[2:5] *= 30  # the first words score near ±1
    alone = torch.cat([pooled(encoder, [caption]) for caption in CAPTIONS])
    torch.testing.assert_close(pooled(encoder, CAPTIONS), alone)
    torch.testing.assert_close(pooled(encoder, [*CAPTIONS[:2], "sea sea sea"])[:2], alone[:2])


def test_the_scorer_learns_which_word_matters():
    encoder = make().train()
    pooled(encoder, CAPTIONS[2:])[:, 8:].square().sum().backward()
    assert encoder.scorer.weight.grad.abs().max() > 0


def test_a_row_without_words_has_no_vector():
    encoder = make().eval()
    ids, mask = encoder.pad(encoder.tokenise(["sea sky", "sun"]))
    mask[1] = False
    assert not encoder.pool(encoder(ids, mask), mask)[1].any()


def test_the_published_sizes_are_the_defaults():
    config = CaptionEncoderConfig(name="cnn_attention")
    encoder = build_caption_encoder(config, ["a b a b"])
    assert (config.width, config.maximum_tokens, config.vocabulary_size) == (100, 30, 20_000)
    assert [layer.weight.shape for layer in encoder.global_windows] == [(100, 100, size) for size in (1, 2, 3)]
    assert encoder.scorer.weight.shape == (1, 100, 5)
    assert encoder.width == 200


@pytest.mark.parametrize("caption", ["sea", "sea sea sea"])
def test_words_of_equal_score_are_not_triggers(caption):
    encoder = make().eval()
    with torch.no_grad():
        encoder.scorer.weight.zero_()
    assert not pooled(encoder, [caption])[:, 8:].any()
