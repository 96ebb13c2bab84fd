"""The text ResNet against the same network written plainly, one caption at a time and without padding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder
from multimodal.encoders.captions.masked_layers import MaskedBatchNorm, masked_max_pool

WORDS = ["sea", "sky", "sun", "tea", "cat", "dog", "run", "art", "car", "bus", "map", "zen", "ice", "fog", "kiwi"]
LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 23]
CAPTIONS = [" ".join(WORDS[(7 * position + length) % 15] for position in range(length)) for length in LENGTHS]


def make(**changes):
    torch.manual_seed(0)
    values = {"name": "text_resnet", "width": 12, "hidden": 8, "layers": 3, **changes}
    encoder = build_caption_encoder(CaptionEncoderConfig(**values), CAPTIONS)
    with torch.no_grad():
        for name, value in encoder.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                value.copy_(torch.rand_like(value) + 0.2)
    return encoder


def plain_norm(layer, values):
    norm = layer.norm
    return F.batch_norm(values, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)


def plain_block(block, values):
    inner = F.relu(plain_norm(block.first_norm, F.conv1d(values, block.first.weight, padding=1)))
    inner = plain_norm(block.second_norm, F.conv1d(inner, block.second.weight, padding=1))
    if isinstance(block.shortcut, nn.Conv1d):
        values = F.conv1d(values, block.shortcut.weight, block.shortcut.bias)
    return F.relu(inner + values)


def plain_regions(encoder, caption):
    """Return the regions (R, C) of one caption."""
    ids = torch.from_numpy(encoder.tokenise([caption])[0])
    values = encoder.words(ids).T.unsqueeze(0)
    values = F.conv1d(values, encoder.first.weight, stride=2, padding=3)
    values = F.max_pool1d(F.relu(plain_norm(encoder.first_norm, values)), 3, stride=2, padding=1)
    for stage in encoder.stages:
        values = plain_block(stage.second, plain_block(stage.first, values))
    return values[0].T


@torch.no_grad()
def test_a_padded_batch_equals_one_caption_at_a_time():
    encoder = make().eval()
    ids, mask = encoder.pad(encoder.tokenise(CAPTIONS))
    words = encoder(ids, mask)
    pooled = encoder.pool(words, mask)
    for row, (caption, length) in enumerate(zip(CAPTIONS, LENGTHS, strict=True)):
        regions = plain_regions(encoder, caption)
        assert len(regions) == -(-length // 4)
        torch.testing.assert_close(pooled[row], regions.amax(0))
        for position in range(length):
            torch.testing.assert_close(words[row, position], regions[position // 4])


def test_channels_double_from_stage_to_stage():
    encoder = make()
    assert encoder.width == 32
    assert [stage.second.first.weight.shape[0] for stage in encoder.stages] == [8, 16, 32]
    assert len(encoder.layers()) == 4


def test_the_published_sizes_are_the_defaults():
    config = CaptionEncoderConfig(name="text_resnet")
    encoder = build_caption_encoder(config, ["a b a b"])
    assert (config.maximum_tokens, encoder.width) == (200, 512)
    first = encoder.first
    assert (first.kernel_size, first.stride, first.padding) == ((7,), (2,), (3,))
    # What is not word vectors has the 15 MB by which the group's model is larger than their LSTM.
    parameters = sum(parameter.numel() for parameter in encoder.parameters()) - encoder.words.weight.numel()
    assert 4 * parameters / 1e6 == pytest.approx(15, abs=1)


def test_training_statistics_ignore_padding():
    torch.manual_seed(0)
    values, mask = torch.randn(3, 4, 6), torch.arange(6) < torch.tensor([[6], [2], [1]])
    ours, plain = MaskedBatchNorm(4), nn.BatchNorm1d(4)
    inside = torch.cat([values[row, :, : int(length)].T for row, length in enumerate(mask.sum(1))])
    expected = plain(inside)
    found = ours(values.masked_fill(~mask.unsqueeze(1), 99.0), mask)
    torch.testing.assert_close(found.transpose(1, 2)[mask], expected)
    assert not found.transpose(1, 2)[~mask].any()
    torch.testing.assert_close(ours.norm.running_mean, plain.running_mean)
    torch.testing.assert_close(ours.norm.running_var, plain.running_var)


def test_more_padding_changes_no_gradient():
    gradients = []
    for further in (0, 9):
        encoder = make().double().train()
        ids, mask = encoder.pad(encoder.tokenise(CAPTIONS))
        ids, mask = F.pad(ids, (0, further), value=3), F.pad(mask, (0, further))
        encoder.pool(encoder(ids, mask), mask).square().sum().backward()
        gradients.append([parameter.grad for parameter in encoder.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_one_word_alone_can_be_trained_on():
    encoder = make().train()
    ids, mask = encoder.pad(encoder.tokenise(["sea"]))
    assert torch.isfinite(encoder(ids, mask)).all()


def test_pooling_never_takes_padding():
    values = torch.tensor([[[-3.0, -2.0, 5.0, 7.0]]])
    pooled, mask = masked_max_pool(values, torch.tensor([[True, True, False, False]]))
    assert pooled.tolist() == [[[-2.0, 0.0]]]
    assert mask.tolist() == [[True, False]]


def test_word_vectors_from_a_file_are_not_trained(tmp_path: Path):
    path = tmp_path / "glove.txt"
    draw = np.random.default_rng(0)
    vectors = {word: draw.normal(size=8).round(3) for word in WORDS}
    path.write_text("\n".join(f"{word} {' '.join(map(str, vector))}" for word, vector in vectors.items()))
    encoder = make(width=8, word_vectors=str(path)).train()
    assert not encoder.words.weight.requires_grad
    assert encoder.first.weight.requires_grad
    ids = encoder.tokenise(["sea fog"])[0]
    expected = np.stack([vectors["sea"], vectors["fog"]])
    np.testing.assert_allclose(encoder.words.weight.detach().numpy()[ids], expected, atol=1e-6)
