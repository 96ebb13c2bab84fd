"""Captions as TF-IDF vectors, against the formula."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import HashingVectorizer

from multimodal.memory.search.caption_vectors import SLOTS, CaptionVectors, caption_bigrams, caption_terms, slots_of


class TestTerms:
    def test_words_are_folded_and_marks_kept(self):
        assert caption_terms("Straße am SEE, 2024 été!") == ["strasse", "am", "see", "2024", "été"]

    def test_scripts_without_spaces_are_cut_into_pairs(self):
        assert caption_terms("东京塔 夜") == ["东京", "京塔", "夜"]
        assert caption_terms("さくら") == ["さく", "くら"]
        assert caption_terms("แมว") == ["แม", "มว"]

    def test_combining_vowels_do_not_cut_a_word(self):
        assert caption_terms("नमस्ते दुनिया") == ["नमस्ते", "दुनिया"]
        assert caption_terms("좋은 아침") == ["좋은", "아침"]

    def test_bigrams_are_terms_that_follow_each_other(self):
        assert caption_bigrams("Tea, by the sea") == ["tea by", "by the", "the sea"]
        assert caption_bigrams("tea") == caption_bigrams("") == []

    def test_no_words(self):
        assert caption_terms("") == caption_terms("🎉 … !") == []


def test_slots_are_those_of_scikit_learn():
    terms = [f"term{number}" for number in range(2_000)] + ["été", "东京", "tea by", "नमस्ते"]
    hasher = HashingVectorizer(analyzer=lambda term: [term], n_features=SLOTS, alternate_sign=False, norm=None)
    assert slots_of(terms).tolist() == hasher.transform(terms).indices.tolist()
    assert slots_of([]).tolist() == []


class TestVectors:
    CAPTIONS = ("tea tea sea", "sea sky", "", "tea")

    def test_are_tf_idf_of_length_one(self):
        vectors = CaptionVectors.fit(self.CAPTIONS)
        found = vectors.of(["tea tea sea", "", "never seen"])
        assert found.dtype == np.float32
        document_counts = Counter(term for caption in self.CAPTIONS for term in set(caption.split()))
        weights = {
            term: (1 + math.log(count)) * (math.log(5 / (1 + document_counts[term])) + 1)
            for term, count in {"tea": 2, "sea": 1}.items()
        }
        norm = math.sqrt(sum(weight**2 for weight in weights.values()))
        assert sorted(found[0].data) == pytest.approx(sorted(weight / norm for weight in weights.values()), rel=1e-5)
        assert found[1].nnz == 0
        # Unknown words weigh most, and count: (ln 5 + 1) each, scaled to length 1.
        assert found[2].data == pytest.approx([math.sqrt(0.5)] * 2)

    def test_what_is_the_same_is_like(self):
        found = CaptionVectors.fit(self.CAPTIONS).of(["Tea, sea", "sea TEA!", "sky"])
        similarity = (found @ found.T).toarray()
        assert similarity[0, 1] == pytest.approx(1, abs=1e-6)
        assert similarity[0, 2] == 0

    def test_nothing_to_learn_from_and_nothing_asked(self):
        vectors = CaptionVectors.fit([])
        assert vectors.of(["tea"]).data == pytest.approx([1.0])
        assert vectors.of([]).shape[0] == 0

    def test_bigrams_have_weights_of_their_own(self):
        vectors = CaptionVectors.fit(("tea sea", "sea sky", "sky tea"), bigrams=0.5)
        (found,) = vectors.of(["tea sea"])
        word, bigram = math.log(4 / 3) + 1, 0.5 * (math.log(4 / 2) + 1)
        norm = math.sqrt(2 * word**2 + bigram**2)
        assert sorted(found.data) == pytest.approx(sorted([word / norm, word / norm, bigram / norm]), rel=1e-5)
        similarity = (vectors.of(["tea sea"]) @ vectors.of(["sea tea"]).T).toarray()[0, 0]
        assert 0 < similarity < 1
        plain = CaptionVectors.fit(("tea sea", "sea sky", "sky tea"))
        assert (plain.of(["tea sea"]) @ plain.of(["sea tea"]).T).toarray()[0, 0] == pytest.approx(1, abs=1e-6)
