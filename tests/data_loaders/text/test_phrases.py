"""Words of a caption as texts that may be hashtags."""

from __future__ import annotations

import pytest

from data_loaders.text.phrases import WORD, other_number


@pytest.mark.parametrize(("text", "other"), [("cats", "cat"), ("cat", "cats"), ("glass", "glas"), ("s", ""), ("", "s")])
def test_another_number_differs_by_an_s(text, other):
    assert other_number(text) == other


def test_words_keep_their_marks_and_digits_and_leave_signs():
    assert WORD.findall("Café #sunset, हिन्दी & 2nd 東京 🌅") == ["Café", "sunset", "हिन्दी", "2nd", "東京"]
