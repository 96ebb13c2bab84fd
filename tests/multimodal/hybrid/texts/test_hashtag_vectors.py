"""Vectors of hashtags: encoded once, alone, and the same whatever else is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal.encoders import build_caption_encoder
from multimodal.encoders.captions.schemas import TransformerEncoderConfig
from multimodal.hybrid.texts import vectors as module
from multimodal.hybrid.texts.splitting import WordSplitter
from multimodal.hybrid.texts.vectors import HashtagVectors

HASHTAGS = ["sea", "quietharbour", "greenhillsinthemorning", "日本", "zz"]


@pytest.fixture
def encoder(tiny_bert):
    config = TransformerEncoderConfig(name="transformer", pretrained=str(tiny_bert), maximum_tokens=32)
    return build_caption_encoder(config, []).eval()


@pytest.fixture
def vectors(encoder):
    return HashtagVectors(encoder, WordSplitter(["quiet", "harbour"]))


def test_alone_and_among_others_in_any_order(vectors, encoder):
    together = vectors.of(HASHTAGS)
    for number, hashtag in enumerate(HASHTAGS):
        fresh = HashtagVectors(encoder, vectors.splitter)
        assert fresh.of([hashtag]).tobytes() == together[number].tobytes()
    assert vectors.of(HASHTAGS[::-1]).tobytes() == together[::-1].tobytes()
    assert together.shape == (5, vectors.width)
    assert vectors.of([]).shape == (0, vectors.width)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=2e-3)


def test_words_are_encoded_apart(vectors, encoder):
    assert (
        vectors.of(["quietharbour"]).tobytes()
        == HashtagVectors(encoder, WordSplitter([])).of(["quiet harbour"]).tobytes()
    )


def test_what_was_dropped_is_encoded_again(vectors, encoder, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BYTES", 1)
    forgetful = HashtagVectors(encoder, vectors.splitter)
    assert forgetful.of(HASHTAGS).tobytes() == vectors.of(HASHTAGS).tobytes()
    assert forgetful.of(HASHTAGS).tobytes() == vectors.of(HASHTAGS).tobytes()


def test_long_ones_are_told_apart_and_take_no_more_memory(vectors, encoder):
    long = ["海" * 1_000 + end for end in ("sea", "bay")]
    found = vectors.of([*long, *HASHTAGS])
    fresh = HashtagVectors(encoder, vectors.splitter)
    assert fresh.of([*HASHTAGS, *long])[[5, 6, 0, 1, 2, 3, 4]].tobytes() == found.tobytes()
    keys = [module._key(hashtag) for hashtag in [*long, *HASHTAGS]]
    assert len(set(keys)) == 7
    assert max(map(len, keys)) <= 65


def test_many_show_a_progress_bar(vectors, encoder, monkeypatch, capsys):
    monkeypatch.setattr(module, "_MANY", 3)
    many = HashtagVectors(encoder, vectors.splitter)
    assert many.of(HASHTAGS).tobytes() == vectors.of(HASHTAGS).tobytes()
    assert "encoding hashtags" in capsys.readouterr().err


def test_another_run_finds_many_in_the_cache_and_files_no_few(vectors, encoder, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_MANY", 4)
    expected = vectors.of(HASHTAGS).tobytes()
    cache = str(tmp_path / "features")
    HashtagVectors(encoder, vectors.splitter, cache=cache).of(HASHTAGS[:3])
    assert not (tmp_path / "features").exists()
    assert HashtagVectors(encoder, vectors.splitter, cache=cache).of(HASHTAGS).tobytes() == expected
    # Words are what is filed, so a hashtag that is split otherwise has another vector.
    split = WordSplitter(["green", "hills", "in", "the", "morning"])
    other = HashtagVectors(encoder, split, cache=cache).of(HASHTAGS)
    assert other.tobytes() == HashtagVectors(encoder, split).of(HASHTAGS).tobytes()
    monkeypatch.setattr(HashtagVectors, "_encoded", None)
    assert HashtagVectors(encoder, vectors.splitter, cache=cache).of(HASHTAGS).tobytes() == expected


def test_vectors_that_are_given_are_not_made(vectors, monkeypatch):
    given = np.ones((2, vectors.width), np.float16)
    vectors.keep(["one", "two"], given)
    monkeypatch.setattr(HashtagVectors, "_encoded", None)
    assert vectors.of(["two", "one"]).tolist() == given.tolist()


def test_of_a_train_split_the_most_frequent_are_kept_and_no_rare_one(encoder, monkeypatch):
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    used = ["sea", "sky", "bay", "ice"] * 3 + ["sky", "bay", "rare", "rare"]
    vectors = HashtagVectors.of_posts(encoder, ["the sea"] * 3, iter(used))
    assert (vectors.hashtags, vectors.splitter.words) == (("bay", "sky"), ("sea", "the"))
    monkeypatch.setattr(module, "MOST_KEPT", 9)
    assert HashtagVectors.of_posts(encoder, [], iter(used)).hashtags == ("bay", "sky", "ice", "sea")
