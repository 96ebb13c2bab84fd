"""The fastText encoder: its hashes, its features, and their mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from data_loaders.errors import ConfigError
from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder, load_caption_encoder
from multimodal.encoders.captions.ngram_hashing import character_ngrams, text_hash, word_ngram_buckets
from multimodal.encoders.captions.words import split_words

CAPTIONS = ["the cat sat on the mat", "the dog sat", "город море", "日落 sea", "sea sea sea", "a cat"] * 2
TWO_64 = 2**64


def make(**changes):
    torch.manual_seed(0)
    values = {"name": "fasttext", "width": 8, "buckets": 5_000, **changes}
    return build_caption_encoder(CaptionEncoderConfig(**values), CAPTIONS)


def slow_hash(word):
    """`Dictionary::hash` of the fastText library, written with Python's unbounded numbers."""
    value = 2166136261
    for byte in word.encode():
        signed = byte - 256 if byte > 127 else byte
        value = ((value ^ (signed % 2**32)) * 16777619) % 2**32
    return value


def slow_buckets(words, longest, buckets):
    """`Dictionary::addWordNgrams`: signed 32-bit hashes, unsigned 64-bit sums."""
    hashes = [value - 2**32 if value >= 2**31 else value for value in map(slow_hash, words)]
    found = []
    for start in range(len(words)):
        joined = hashes[start] % TWO_64
        for following in range(start + 1, min(start + longest, len(words))):
            joined = (joined * 116049371 + hashes[following]) % TWO_64
            found.append((start, following - start, joined % buckets))
    return found


def slow_features(encoder, caption):
    """Rows of all vectors of a caption, one after the other as the library reads a line."""
    config = encoder.config
    words = split_words(caption)
    rows, buckets = [], []
    for word in words:
        if word in encoder.vocabulary:
            rows.append(encoder.words.weight[encoder.vocabulary.ids(word, 1)[0]])
        if config.characters is not None:
            buckets += [slow_hash(ngram) % config.buckets for ngram in character_ngrams(word, *config.characters)]
    rows.append(encoder.words.weight[1])
    if config.word_ngrams > 1:
        buckets += [bucket for _, _, bucket in slow_buckets([*words, "</s>"], config.word_ngrams, config.buckets)]
    rows_of_ngrams = [int(encoder.places[bucket]) for bucket in buckets]
    return [*rows, *(encoder.ngrams.weight[row] for row in rows_of_ngrams if row)]


class TestHashing:
    def test_published_values_of_fnv_1a(self):
        # http://www.isthe.com/chongo/tech/comp/fnv, test vectors of 32-bit FNV-1a.
        assert [text_hash(text) for text in ("", "a", "foobar")] == [0x811C9DC5, 0xE40C292C, 0xBF9CF968]

    @pytest.mark.parametrize("word", ["", "cat", "日本", "é", "😀", "x" * 300])
    def test_bytes_are_signed_as_in_the_library(self, word):
        assert text_hash(word) == slow_hash(word)

    @pytest.mark.parametrize("buckets", [1, 7, 5_000, 2**20])
    @pytest.mark.parametrize("longest", [2, 3, 5])
    def test_word_ngrams_are_those_of_the_library(self, longest, buckets):
        lines = [split_words(text) for text in ("the cat 日本 sat on é mat", "one", "two words")]
        hashes = torch.zeros(3, 9, dtype=torch.int64)
        for row, words in enumerate(lines):
            hashes[row, : len(words)] = torch.tensor([text_hash(word) for word in words])
        found = word_ngram_buckets(hashes, torch.tensor([len(words) for words in lines]), longest, buckets)
        expected = torch.full((3, 9, longest - 1), -1)
        for row, words in enumerate(lines):
            for start, further, bucket in slow_buckets(words, longest, buckets):
                expected[row, start, further - 1] = bucket
        assert torch.equal(found, expected)

    def test_character_ngrams_leave_the_lone_brackets_out(self):
        assert character_ngrams("ab", 1, 2) == ["<a", "a", "ab", "b", "b>"]
        assert character_ngrams("a", 6, 9) == []


SHAPES = [{}, {"word_ngrams": 2}, {"word_ngrams": 3}, {"characters": (2, 4)}, {"word_ngrams": 3, "characters": (3, 3)}]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("minimum_count", [1, 3])
def test_the_pooled_vector_is_the_mean_of_all_features(shape, minimum_count):
    encoder = make(**shape, minimum_count=minimum_count).eval()
    captions = [*CAPTIONS[:6], "the unseen cat", "", "unseen", "cat the sea!"]
    with torch.no_grad():
        ids, mask = encoder.pad(encoder.tokenise(captions))
        pooled = encoder.pool(encoder(ids, mask), mask)
        for vector, caption in zip(pooled, captions, strict=True):
            features = slow_features(encoder, caption)
            torch.testing.assert_close(vector, torch.stack(features).mean(0), atol=1e-6, rtol=1e-5)


def test_a_token_is_a_word_with_the_ngrams_that_start_there():
    encoder = make(word_ngrams=2).eval()
    with torch.no_grad():
        ids, mask = encoder.pad(encoder.tokenise(["the cat"]))
        vectors = encoder(ids, mask)[0]
        assert len(vectors) == 3
        words = [*encoder.vocabulary.ids("the cat", 9), 1]
        row_of = {
            start: int(encoder.places[bucket]) for start, _, bucket in slow_buckets(["the", "cat", "</s>"], 2, 5_000)
        }
        # "cat </s>" is in the train captions as "a cat" is, so five features to three tokens.
        for token, word in enumerate(words):
            expected = encoder.words.weight[word]
            if token in row_of:
                assert row_of[token] > 0
                expected = expected + encoder.ngrams.weight[row_of[token]]
            torch.testing.assert_close(vectors[token], expected * 3 / 5)


def test_ngrams_of_too_few_captions_have_no_vector():
    filled = [make(word_ngrams=2, minimum_count=count).ngrams.num_embeddings for count in (1, 3, 99)]
    assert filled[0] > filled[1] > 1
    assert filled[2] == 1


def test_unknown_words_and_scripts_are_told_from_known_ones():
    encoder = make(word_ngrams=2, characters=(2, 3), buckets=3)
    asked = ["cat", "unseen cat", "unseen", "", "ქართული", "😀"]
    assert encoder.knows(asked).tolist() == [True, True, False, False, False, False]


def test_a_long_caption_is_cut_and_keeps_its_end():
    encoder = make(maximum_tokens=6, characters=(2, 3))
    (ids,) = encoder.tokenise(["cat " * 10_000])
    assert len(ids) == 6
    assert ids[-1] == encoder.tokenise([""])[0][0]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_kept_on_disk_with_its_ngrams(shape, tmp_path):
    encoder = make(**shape).eval()
    encoder.save(tmp_path)
    loaded = load_caption_encoder(tmp_path)
    assert loaded.fingerprint() == encoder.fingerprint()
    one, other = (e(*e.pad(e.tokenise(CAPTIONS))) for e in (encoder, loaded))
    assert torch.equal(one, other)
    again = make(pretrained=str(tmp_path), trainable=True)
    assert again.fingerprint() == encoder.fingerprint()
    assert all(parameter.requires_grad for parameter in again.parameters())


def test_given_word_vectors_stay_and_ngrams_learn(tmp_path):
    file = tmp_path / "vectors.txt"
    file.write_text("cat 1 0 0 0 0 0 0 0\nbird 0 1 0 0 0 0 0 0\n", encoding="utf-8")
    encoder = make(word_vectors=str(file), word_ngrams=2)
    row = int(encoder.vocabulary.ids("bird", 1)[0])
    assert encoder.words.weight[row].tolist() == [0, 1, 0, 0, 0, 0, 0, 0]
    assert not encoder.words.weight.requires_grad
    assert encoder.ngrams.weight.requires_grad


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "lstm", "word_ngrams": 2}, "word_ngrams and characters are for name=fasttext; name=lstm has no n-gr"),
        ({"characters": (4, 3)}, r"characters=\[4, 3\]: give two numbers from 1 to 12, the smaller first"),
        ({"characters": (0, 3)}, r"characters=\[0, 3\]"),
        ({"word_ngrams": 6}, "less than or equal to 5"),
    ],
)
def test_settings_that_make_no_sense_are_named(changes, message):
    with pytest.raises((ConfigError, ValidationError), match=message):
        make(**changes)


def test_padding_of_any_number_adds_no_ngram():
    encoder = make(word_ngrams=3, characters=(2, 3)).eval()
    ids, mask = encoder.pad(encoder.tokenise(["the cat sat", "the cat sat on the mat"]))
    alone = encoder(*encoder.pad(encoder.tokenise(["the cat sat"])))
    other = torch.where(mask, ids, int(np.iinfo(np.int64).max))
    torch.testing.assert_close(encoder(other, mask)[0][: alone.shape[1]], alone[0])
