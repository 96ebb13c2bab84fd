"""Content that comes again costs nothing, and answers stay what they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from multimodal.encoders import (
    CaptionEncoderConfig,
    ImageEncoderConfig,
    build_caption_encoder,
    build_image_encoder,
)
from multimodal.encoders.kept_outputs import KeptOutputs, hash_of

CAPTIONS = ["a walk by the sea", "sun", "", "a walk by the sea", "rain again and again in town"]
ROW_BYTES = 4 * 8


def row(value):
    return torch.full((2, 4), float(value))


class Counting:
    def __init__(self, work):
        self.work, self.sizes = work, []

    def __call__(self, *given):
        self.sizes.append(len(given[0]))
        return self.work(*given)


class TestKeptOutputs:
    def test_each_content_is_computed_once(self):
        kept, asked = KeptOutputs(10**6), []

        def compute(rows):
            asked.append(rows)
            return [row(number) for number in rows]

        first = kept.get_or_compute([b"a", b"b", b"a"], compute)
        second = kept.get_or_compute([b"b", b"c"], compute)
        assert asked == [[0, 1], [1]]
        assert [int(one[0, 0]) for one in first + second] == [0, 1, 0, 1, 1]

    def test_those_not_asked_for_longest_are_dropped(self):
        kept = KeptOutputs(2 * ROW_BYTES)
        for key in (b"a", b"b", b"a", b"c"):
            kept.get_or_compute([key], lambda rows: [row(0)])
        asked = []
        kept.get_or_compute([b"a", b"c", b"b"], lambda rows: asked.append(rows) or [row(0) for _ in rows])
        assert asked == [[2]]
        assert len(kept) == 2

    def test_a_batch_larger_than_what_is_kept_is_answered(self):
        kept = KeptOutputs(ROW_BYTES)
        outputs = kept.get_or_compute([b"a", b"b", b"c"], lambda rows: [row(number) for number in rows])
        assert [int(one[0, 0]) for one in outputs] == [0, 1, 2]
        assert len(kept) == 1

    def test_what_is_kept_is_no_view_of_the_batch(self):
        kept, batch = KeptOutputs(10**6), torch.zeros(1_000, 2, 4)
        kept.get_or_compute([b"a"], lambda rows: [batch[5]])
        batch += 1
        (again,) = kept.get_or_compute([b"a"], lambda rows: [])
        assert again.untyped_storage().nbytes() == ROW_BYTES
        assert not again.any()


def test_hashes_follow_values_shapes_and_types():
    values = torch.arange(6)
    contents = [values, values.view(2, 3), values.int(), values + 1, values.flip(0)]
    assert len({hash_of(one) for one in contents}) == len(contents)
    assert hash_of(values) == hash_of(torch.arange(12)[:6]) == hash_of(torch.arange(12).view(6, 2)[:, 0] // 2)


@pytest.fixture
def words():
    torch.manual_seed(0)
    return build_caption_encoder(CaptionEncoderConfig(name="small", trainable=False), CAPTIONS).eval()


@pytest.fixture
def regions():
    torch.manual_seed(0)
    return build_image_encoder(ImageEncoderConfig(name="small")).eval()


@torch.no_grad()
def test_captions_that_come_again_are_not_encoded(words, monkeypatch):
    ids, mask = words.pad(words.tokenise(CAPTIONS))
    plain = words(ids, mask)
    words.kept = KeptOutputs(10**6)
    counting = Counting(words.encode_tokens)
    monkeypatch.setattr(words, "encode_tokens", counting)
    torch.testing.assert_close(words(ids, mask), plain)
    longer = torch.nn.functional.pad(ids[1:4], (0, 5)), torch.nn.functional.pad(mask[1:4], (0, 5))
    torch.testing.assert_close(words(*longer)[:, : ids.shape[1]], plain[1:4])
    assert counting.sizes == [4]


@torch.no_grad()
def test_a_row_without_tokens_is_zero(words):
    words.kept = KeptOutputs(10**6)
    ids, mask = words.pad(words.tokenise(CAPTIONS))
    mask[1] = False
    output = words(ids, mask)
    assert not output[1].any()
    assert output[0].any()
    assert words(ids[:0], mask[:0]).shape[0] == 0


@torch.no_grad()
def test_pictures_that_come_again_are_not_encoded(regions, monkeypatch):
    size = regions.preprocessing.size_px
    drawn = np.random.default_rng(0).integers(0, 256, (3, 3, size, size), np.uint8)
    pixels = torch.from_numpy(drawn)[[0, 1, 0, 2]]
    plain = regions(pixels)
    regions.kept = KeptOutputs(10**6)
    counting = Counting(regions.encode_pixels)
    monkeypatch.setattr(regions, "encode_pixels", counting)
    torch.testing.assert_close(regions(pixels), plain)
    assert torch.equal(regions(pixels[1:2]), regions(pixels[1:2]))
    assert counting.sizes == [3]


def test_nothing_is_kept_while_something_is_learned(regions):
    regions.kept = KeptOutputs(10**6)
    pixels = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    regions(pixels)
    with torch.no_grad():
        regions.train()
        regions(pixels)
    assert len(regions.kept) == 0
