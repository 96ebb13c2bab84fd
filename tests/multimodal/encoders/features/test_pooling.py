"""Pooled vectors in the cache: those of the words and regions, to the last bit, and read in their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from multimodal.encoders import CaptionEncoderConfig, ImageEncoderConfig, build_caption_encoder, build_image_encoder
from multimodal.encoders.features import pooling
from multimodal.encoders.features.feature_cache import FeatureCache
from multimodal.encoders.features.inputs import caption_inputs, image_inputs
from multimodal.encoders.features.pooling import caption_vectors, image_vectors, pooled_captions, pooled_images
from multimodal.encoders.features.rounding import stored_type

CAPTIONS = ["a walk along the harbour", "", "cake", "a walk before rain with friends and cake", "cake", "rain", "a sea"]
PRECISIONS = ["fp16", "int8"]


@pytest.fixture
def words():
    torch.manual_seed(0)
    config = CaptionEncoderConfig(name="small", width=8, layers=1, heads=2, maximum_tokens=12, vocabulary_size=300)
    return build_caption_encoder(config, [one for one in CAPTIONS if one]).eval().requires_grad_(False)


@pytest.fixture
def pictures():
    torch.manual_seed(0)
    return build_image_encoder(ImageEncoderConfig(name="small", width=16, size_px=16)).eval().requires_grad_(False)


@pytest.fixture(params=["captions", "pictures"])
def made(request, words, pictures, tiny_data):
    """Return functions from cache and precision to pooled vectors and to those of the features, and the encoder."""
    posts = tiny_data.posts[:7]
    if request.param == "captions":
        return (
            lambda cache, precision, some=slice(None): caption_vectors(words, CAPTIONS[some], cache, precision),
            lambda cache, precision, some=slice(None): pooled_captions(
                words, caption_inputs(words, CAPTIONS[some], cache, precision), precision
            ),
            words,
        )
    return (
        lambda cache, precision, some=slice(None): image_vectors(pictures, posts[some], cache, precision),
        lambda cache, precision, some=slice(None): pooled_images(
            pictures, image_inputs(pictures, posts[some], cache, 0, precision), precision
        ),
        pictures,
    )


def fail(*arguments):
    pytest.fail("encoded again")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_they_are_those_of_the_features(made, tmp_path, precision):
    pooled, of_features, encoder = made
    expected = of_features(str(tmp_path / "features"), precision)
    found = pooled(str(tmp_path / "pooled"), precision)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)
    assert found.any()
    # Nothing but the vectors was kept: 4 bytes a number.
    (folder,) = (tmp_path / "pooled").iterdir()
    items = len(FeatureCache(tmp_path / "pooled", f"{encoder.fingerprint()} pooled {precision}", np.float32))
    assert (folder / "rows.bin").stat().st_size == items * encoder.width * 4


@pytest.mark.parametrize("precision", PRECISIONS)
def test_features_that_are_there_are_read(made, tmp_path, monkeypatch, precision):
    pooled, of_features, encoder = made
    expected = of_features(str(tmp_path), precision)
    monkeypatch.setattr(type(encoder), "forward", fail)
    np.testing.assert_array_equal(pooled(str(tmp_path), precision), expected)


def test_only_what_is_missing_is_encoded(made, tmp_path, monkeypatch):
    pooled, of_features, encoder = made
    expected = pooled(str(tmp_path / "at once"), "fp16")
    of_features(str(tmp_path), "fp16", slice(0, 3))
    encoded, forward = [], type(encoder).forward

    def counted(self, *inputs):
        encoded.append(len(inputs[0]))
        return forward(self, *inputs)

    monkeypatch.setattr(type(encoder), "forward", counted)
    # Alone and in a batch, the encoder itself differs a little.
    np.testing.assert_allclose(pooled(str(tmp_path), "fp16"), expected, atol=2e-3)
    assert sum(encoded) == (3 if encoder.section == "encoder.caption" else 2)
    features = FeatureCache(tmp_path, encoder.fingerprint(), stored_type("fp16"))
    assert len(features) == (3 if encoder.section == "encoder.caption" else 1)


def test_the_second_time_neither_encoder_nor_features_are_needed(made, tmp_path, monkeypatch):
    pooled, _, encoder = made
    first = pooled(str(tmp_path), "fp16")
    monkeypatch.setattr(type(encoder), "forward", fail)
    monkeypatch.setattr(pooling, "rounded", fail)
    np.testing.assert_array_equal(pooled(str(tmp_path), "fp16"), first)
    np.testing.assert_array_equal(pooled(str(tmp_path), "fp16", slice(2, 5)), first[2:5])


def test_what_computes_in_place_of_torch_leaves_the_cache_alone(made, tmp_path):
    pooled, _, encoder = made
    whole = pooled(str(tmp_path), "fp16")
    encoder.backend = lambda one, *_: torch.ones(*(one.shape if one.dim() == 2 else (len(one), 4)), encoder.width)
    other = pooled(str(tmp_path), "fp16")
    encoder.backend = None
    assert (other != whole).any()
    np.testing.assert_array_equal(pooled(str(tmp_path), "fp16"), whole)


def test_precisions_do_not_mix(made, tmp_path):
    pooled, of_features, _ = made
    fp16, int8 = (pooled(str(tmp_path), precision) for precision in PRECISIONS)
    assert (fp16 != int8).any()
    np.testing.assert_array_equal(pooled(str(tmp_path), "fp16"), fp16)
    np.testing.assert_array_equal(pooled(str(tmp_path), "int8"), int8)
    np.testing.assert_array_equal(of_features(str(tmp_path), "int8"), int8)


def test_a_damaged_picture_is_left_out_and_not_looked_at_again(pictures, tiny_data, tmp_path, monkeypatch, caplog):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    posts = [replace(tiny_data.posts[0], sequence=0), replace(tiny_data.posts[3], sequence=1, image=broken)]
    first = image_vectors(pictures, posts, str(tmp_path / "cache"), "fp16")
    assert first[0].any()
    assert not first[1].any()
    assert "the pictures of 1 posts cannot be used" in caplog.text
    monkeypatch.setattr(type(pictures), "forward", fail)
    caplog.clear()
    np.testing.assert_array_equal(image_vectors(pictures, posts, str(tmp_path / "cache"), "fp16"), first)
    assert "could not be used before" in caplog.text


def test_posts_without_pictures_need_no_cache(pictures, tiny_data, tmp_path):
    posts = tiny_data.posts[1:3]
    assert not image_vectors(pictures, posts, str(tmp_path / "cache"), "fp16").any()
    assert not (tmp_path / "cache").exists()
