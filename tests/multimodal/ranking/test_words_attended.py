"""From the weights of tokens to those of words."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal.ranking.attention import attended_words


def told(text, spans, weights):
    words = attended_words(text, spans, np.array(weights))
    shown = {text[start:end]: weight for (start, end), weight in zip(words.places, words.weights, strict=True)}
    return shown, words.elsewhere


def test_pieces_count_for_their_word_and_tokens_of_no_text_for_none():
    spans = [(0, 0), (0, 3), (4, 7), (7, 10), (10, 11), (0, 0)]
    shown, elsewhere = told("the sunset!", spans, [0.1, 0.2, 0.25, 0.15, 0.05, 0.25])
    assert shown == pytest.approx({"the": 0.2, "sunset!": 0.45})
    assert elsewhere == pytest.approx(0.35)


def test_a_space_before_a_word_belongs_to_it():
    shown, elsewhere = told("by  sea", [(0, 2), (2, 7), (2, 4)], [0.3, 0.6, 0.1])
    assert (shown, elsewhere) == (pytest.approx({"by": 0.3, "sea": 0.6}), pytest.approx(0.1))


def test_scripts_without_spaces_are_cut_into_characters():
    shown, _ = told("海边 sea", [(0, 1), (1, 2), (3, 6)], [0.5, 0.2, 0.3])
    assert shown == pytest.approx({"海": 0.5, "边": 0.2, "sea": 0.3})


def test_words_behind_the_last_token_have_none():
    shown, _ = told("low tide now", [(0, 3), (4, 8)], [0.5, 0.5])
    assert shown == pytest.approx({"low": 0.5, "tide": 0.5, "now": 0.0})
