"""From posts to tokens and pixels, or to cached features: the same answers with and without the cache."""

from __future__ import annotations

import pytest
import torch

from data_loaders.posts import Post
from multimodal.encoders import CaptionEncoderConfig, ImageEncoderConfig, build_caption_encoder, build_image_encoder
from multimodal.encoders.features.inputs import (
    FeatureCaptions,
    FeatureImages,
    NoCaptions,
    NoImages,
    PixelImages,
    SelectedCaptions,
    SelectedImages,
    TokenCaptions,
    caption_inputs,
    cleaned_captions,
    image_inputs,
)
from multimodal.encoders.features.rounding import rounded

CAPTIONS = ["a walk along the harbour", "", "cake", "a walk before rain with friends and cake", "cake", "rain"]
ROWS = [3, 1, 0, 4]


@pytest.fixture(scope="module")
def words():
    """A caption encoder that learns."""
    torch.manual_seed(0)
    config = CaptionEncoderConfig(name="small", width=8, layers=1, heads=2, maximum_tokens=12, vocabulary_size=300)
    return build_caption_encoder(config, [caption for caption in CAPTIONS if caption]).eval()


@pytest.fixture
def frozen(words):
    words.requires_grad_(False)
    yield words
    words.requires_grad_(True)


@pytest.fixture(scope="module")
def pictures():
    torch.manual_seed(0)
    return build_image_encoder(ImageEncoderConfig(name="small", width=16, size_px=16)).eval()


@pytest.fixture
def frozen_pictures(pictures):
    pictures.requires_grad_(False)
    yield pictures
    pictures.requires_grad_(True)


@pytest.fixture
def posts(tiny_data):
    """Every third has a picture."""
    return tiny_data.posts[:7]


def test_captions_are_cleaned_as_encoders_see_them():
    posts = [Post(post_id="1", caption="Rain  #wet @ann http://x.org"), Post(post_id="2")]
    assert cleaned_captions(posts, "plain") == ["Rain", ""]


class TestTokens:
    def test_are_padded_to_the_longest(self, words):
        inputs = TokenCaptions(words, CAPTIONS)
        tokens, mask = inputs.batch(ROWS)
        lengths = inputs.lengths()
        assert lengths.tolist() == [len(row) for row in words.tokenise(CAPTIONS)]
        assert tokens.shape == mask.shape == (4, lengths[ROWS].max())
        assert mask.sum(1).tolist() == lengths[ROWS].tolist()
        assert (tokens[~mask] == words.pad_id).all()
        for i, row in enumerate(ROWS):
            assert tokens[i][mask[i]].tolist() == words.tokenise(CAPTIONS)[row].tolist()

    def test_an_empty_caption_is_none(self, words):
        assert TokenCaptions(words, CAPTIONS).present().tolist() == [True, False, True, True, True, True]

    def test_no_encoder_no_captions(self):
        inputs = caption_inputs(None, CAPTIONS, None)
        assert isinstance(inputs, NoCaptions)
        tokens, mask = inputs.batch(ROWS)
        assert tokens.shape == mask.shape == (4, 1)
        assert inputs.lengths().tolist() == [1] * 6
        assert not inputs.present().any()


class TestCachedCaptions:
    def test_equal_what_the_encoder_gives(self, frozen, tmp_path):
        inputs = caption_inputs(frozen, CAPTIONS, str(tmp_path))
        assert isinstance(inputs, FeatureCaptions)
        plain = TokenCaptions(frozen, CAPTIONS)
        found, mask = inputs.batch(ROWS)
        tokens, expected_mask = plain.batch(ROWS)
        assert torch.equal(mask, expected_mask)
        with torch.no_grad():
            expected = rounded(frozen(tokens, expected_mask), "fp16")
        torch.testing.assert_close(found.float()[mask], expected[mask], atol=2e-3, rtol=1e-3)
        assert inputs.lengths().tolist() == plain.lengths().tolist()
        assert inputs.present().tolist() == plain.present().tolist()

    def test_are_computed_once(self, frozen, tmp_path, monkeypatch):
        first = caption_inputs(frozen, CAPTIONS, str(tmp_path)).batch(ROWS)
        monkeypatch.setattr(type(frozen), "forward", lambda *arguments: pytest.fail("encoded again"))
        again = caption_inputs(frozen, CAPTIONS[::-1], str(tmp_path)).batch([5 - row for row in ROWS])
        assert torch.equal(torch.as_tensor(first[0]), torch.as_tensor(again[0]))

    def test_an_encoder_that_learns_is_not_cached(self, words, tmp_path):
        assert isinstance(caption_inputs(words, CAPTIONS, str(tmp_path)), TokenCaptions)
        assert list(tmp_path.iterdir()) == []

    def test_what_computes_in_place_of_torch_leaves_the_cache_alone(self, frozen, frozen_pictures, posts, tmp_path):
        caption_inputs(frozen, CAPTIONS, str(tmp_path))
        files = sorted(tmp_path.rglob("*"))
        try:
            frozen.backend = frozen_pictures.backend = lambda *inputs: torch.zeros(())
            assert isinstance(caption_inputs(frozen, [*CAPTIONS, "new"], str(tmp_path)), TokenCaptions)
            assert isinstance(image_inputs(frozen_pictures, posts, str(tmp_path)), PixelImages)
        finally:
            frozen.backend = frozen_pictures.backend = None
        assert sorted(tmp_path.rglob("*")) == files

    def test_without_a_cache_tokens_are_kept(self, frozen):
        assert isinstance(caption_inputs(frozen, CAPTIONS, None), TokenCaptions)


class TestPictures:
    def test_pixels_where_there_is_a_picture_and_zeros_elsewhere(self, pictures, posts):
        inputs = image_inputs(pictures, posts, None)
        assert isinstance(inputs, PixelImages)
        assert inputs.present().tolist() == [True, False, False, True, False, False, True]
        pixels = inputs.batch([1, 3, 0])
        assert pixels.shape == (3, 3, 16, 16)
        assert not pixels[0].any()
        assert torch.equal(pixels[2], inputs.batch([0])[0])
        assert not torch.equal(pixels[1], pixels[2])
        assert inputs.batch([1, 2]) is None

    def test_few_pictures_start_no_bar(self, pictures, posts, monkeypatch):
        monkeypatch.setattr("multimodal.encoders.features.inputs.shown", lambda *given: pytest.fail("a bar"))
        assert PixelImages(pictures, posts).batch([0]) is not None

    def test_pictures_too_many_for_memory_are_read_batch_by_batch(self, pictures, posts, monkeypatch):
        kept = PixelImages(pictures, posts).batch([0, 1, 3])
        monkeypatch.setattr("multimodal.encoders.features.inputs._PIXELS_IN_MEMORY_BYTES", 10)
        assert torch.equal(PixelImages(pictures, posts).batch([0, 1, 3]), kept)

    def test_cached_features_equal_what_the_encoder_gives(self, frozen_pictures, posts, tmp_path):
        inputs = image_inputs(frozen_pictures, posts, str(tmp_path))
        assert isinstance(inputs, FeatureImages)
        plain = PixelImages(frozen_pictures, posts)
        assert inputs.present().tolist() == plain.present().tolist()
        found = inputs.batch([6, 2, 0])
        with torch.no_grad():
            expected = rounded(frozen_pictures(plain.batch([6, 2, 0])), "fp16")
        torch.testing.assert_close(found.float()[[0, 2]], expected[[0, 2]], atol=2e-3, rtol=1e-3)
        assert not found[1].any()
        assert inputs.batch([1, 2]) is None

    def test_no_encoder_or_no_picture(self, pictures, posts):
        for inputs in (image_inputs(None, posts, None), image_inputs(pictures, posts[1:3], None)):
            assert isinstance(inputs, NoImages)
            assert inputs.batch([0, 1]) is None
            assert not inputs.present().any()


def test_a_selection_counts_its_own_rows(words, pictures, posts):
    captions, images = TokenCaptions(words, CAPTIONS), PixelImages(pictures, posts)
    chosen = SelectedCaptions(captions, [5, 3, 1])
    assert torch.equal(chosen.batch([1, 0])[0], captions.batch([3, 5])[0])
    assert chosen.lengths().tolist() == captions.lengths()[[5, 3, 1]].tolist()
    assert chosen.present().tolist() == [True, True, False]
    some = SelectedImages(images, [6, 1])
    assert torch.equal(some.batch([1, 0]), images.batch([1, 6]))
    assert some.present().tolist() == [True, False]


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_features_from_the_cache_are_those_of_the_encoder_rounded(frozen, frozen_pictures, posts, tmp_path, precision):
    captions = caption_inputs(frozen, CAPTIONS, str(tmp_path), precision)
    alone = [TokenCaptions(frozen, CAPTIONS).batch([row]) for row in range(len(CAPTIONS))]
    with torch.no_grad():
        words = [rounded(frozen(*one), precision)[0] for one in alone]
        picture = rounded(frozen_pictures(PixelImages(frozen_pictures, posts).batch([3])), precision)
    for row, expected in enumerate(words):
        found = captions.batch([row])[0][0].float()
        # One unit of the last place of a code: alone and in a batch, the encoder itself differs a little.
        step = expected.abs().amax(-1, keepdim=True) / (127 if precision == "int8" else 1024)
        assert ((found - expected).abs() <= step).all()
    found = image_inputs(frozen_pictures, posts, str(tmp_path), 0, precision).batch([3]).float()
    assert ((found - picture).abs() <= picture.abs().amax(-1, keepdim=True) / 127).all()


def test_every_process_computes_its_share(frozen, tmp_path, monkeypatch):
    computed = []
    whole = caption_inputs(frozen, CAPTIONS, str(tmp_path / "one")).batch(range(6))

    def two_processes(items, work):
        for first in range(2):
            computed.append(work(items[first::2]))

    monkeypatch.setattr("multimodal.encoders.features.encoding.map_processes", two_processes)
    shared = caption_inputs(frozen, CAPTIONS, str(tmp_path / "two"))
    assert [len(part) for part in computed] == [3, 3]
    monkeypatch.setattr(type(frozen), "forward", lambda *arguments: pytest.fail("encoded again"))
    torch.testing.assert_close(shared.batch(range(6))[0], whole[0], atol=2e-3, rtol=1e-3)
