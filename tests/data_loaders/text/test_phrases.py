"""Words of a caption as texts that may be hashtags."""

from __future__ import annotations

import pytest

from data_loaders.text.phrases import WORD, other_number, parts_of, runs_of, unspaced


@pytest.mark.parametrize(("text", "other"), [("cats", "cat"), ("cat", "cats"), ("glass", "glas"), ("s", ""), ("", "s")])
def test_another_number_differs_by_an_s(text, other):
    assert other_number(text) == other


def test_words_keep_their_marks_and_digits_and_leave_signs():
    assert WORD.findall("Café #sunset, हिन्दी & 2nd 東京 🌅") == ["Café", "sunset", "हिन्दी", "2nd", "東京"]


class TestWordsWithoutSpaces:
    def test_parts_are_all_that_stands_in_a_row(self):
        assert list(parts_of("京都駅前")) == [(0, "京都"), (0, "京都駅"), (1, "都駅"), (1, "都駅前"), (2, "駅前")]

    def test_letters_of_other_scripts_stay_together(self):
        assert [part for _, part in parts_of("iphoneで撮影")] == [
            *("iphone", "iphoneで", "iphoneで撮"),
            *("で撮", "で撮影", "撮影"),
        ]

    def test_marks_stay_with_their_letter(self):
        assert [part for _, part in parts_of("กินข้าว")] == ["กิน", "กินข้", "กินข้า", "นข้", "นข้า", "นข้าว", "ข้า", "ข้าว", "าว"]

    @pytest.mark.parametrize("word", ["", "sunset", "закат", "日", "हिन्दी"])
    def test_other_words_have_no_parts(self, word):
        assert list(parts_of(word)) == list(runs_of(word)) == []

    def test_long_text_has_parts_of_its_beginning_only(self):
        parts = [part for _, part in parts_of("山川" * 5_000)]
        assert len(parts) < 400 * 11
        assert max(map(len, parts)) == 12

    @pytest.mark.parametrize(
        ("word", "runs"),
        [
            ("京都でラーメンを食べた", ["京都", "ラーメン"]),
            ("クレド岡山にいる", ["岡山", "クレド", "クレド岡山"]),
            ("ハンバーグ109にいる", ["ハンバーグ", "109", "ハンバーグ109"]),
            ("railにいる", ["rail"]),
            ("紅葉", []),
        ],
    )
    def test_likely_words_of_japanese(self, word, runs):
        assert [run for _, run in runs_of(word)] == runs
        assert all(word[first:].startswith(run) for first, run in runs_of(word))

    def test_only_the_beginning_of_a_long_caption_is_read(self):
        assert [number for number, _ in unspaced(["hill", *["山川" * 500] * 400])] == [1, 2, 3, 4, 5]
