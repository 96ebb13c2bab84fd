"""`WordBags` beside scikit-learn's vectorizers, and what is damaged on disk."""

from __future__ import annotations

import json

import numpy as np
import pytest
from linear_data import ODD_CAPTIONS, make_labelled
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from data_loaders.errors import RunError
from multimodal.captions.linear.bags import BagConfig, WordBags
from multimodal.encoders.captions.words import split_words

CAPTIONS = make_labelled().captions


def learn(**settings):
    return WordBags.learn(CAPTIONS, BagConfig(system="x", **settings))


@pytest.mark.parametrize(
    ("method", "vectorizer"), [("counts", CountVectorizer), ("tfidf", TfidfVectorizer)], ids=["counts", "tfidf"]
)
def test_equals_scikit_learn(method, vectorizer):
    bags = learn(minimum_count=1)
    theirs = vectorizer(analyzer=split_words).fit(CAPTIONS)
    asked = [*CAPTIONS[:50], "unknown harbour harbour rain", *ODD_CAPTIONS]
    expected = theirs.transform(asked)[:, [theirs.vocabulary_[word] for word in bags.words]]
    np.testing.assert_allclose(getattr(bags, method)(asked).toarray(), expected.toarray(), atol=1e-6)


def test_the_most_frequent_words_are_known():
    few = learn(maximum_features=3)
    everything = learn(minimum_count=1)
    assert few.words == everything.words[:3]
    sums = np.asarray(everything.counts(CAPTIONS).sum(0)).ravel()
    assert (np.diff(sums) <= 0).all()
    assert few.known(["harbour", few.words[0], "", "zzz"]).tolist() == ["harbour" in few.words, True, False, False]


def test_rare_words_are_not_known():
    bags = WordBags.learn(["sea sea sky", "sun"], BagConfig(system="x"))
    assert bags.words == ["sea"]
    assert bags.tfidf(["sky sun", "sea sky"]).toarray().tolist() == [[0], [1]]


def test_saved_and_loaded(tmp_path):
    bags = learn()
    bags.save(tmp_path)
    loaded = WordBags.load(tmp_path)
    assert loaded.words == bags.words
    np.testing.assert_array_equal(loaded.tfidf(CAPTIONS).toarray(), bags.tfidf(CAPTIONS).toarray())


@pytest.mark.parametrize("words", [{"a": 1}, ["a", 1], ["only one"]], ids=str)
def test_damaged_words_are_refused(tmp_path, words):
    learn().save(tmp_path)
    (tmp_path / "words.json").write_text(json.dumps(words))
    with pytest.raises(RunError, match="words of the captions"):
        WordBags.load(tmp_path)


def test_missing_weights_are_refused(tmp_path):
    learn().save(tmp_path)
    (tmp_path / "idf.safetensors").unlink()
    with pytest.raises(RunError, match="missing"):
        WordBags.load(tmp_path)
