"""Words of captions in many scripts, the vocabulary learned from them, and files of word vectors."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.errors import ConfigError
from multimodal.encoders import CaptionEncoderConfig, build_caption_encoder
from multimodal.encoders.captions.words import (
    PAD,
    UNKNOWN,
    WordVocabulary,
    read_word_vectors,
    select_word_vectors,
    split_words,
)


class TestSplitting:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", []),
            (" \t\n", []),
            ("A cat, a Dog!", ["a", "cat", ",", "a", "dog", "!"]),
            ("don't it’s rock'n'roll", ["don't", "it’s", "rock'n'roll"]),
            ("snake_case 2nd 3,5", ["snake_case", "2nd", "3", ",", "5"]),
            ("“quoted” (so) – #tag @me", ["quoted", "so", "tag", "me"]),
            ("Привет, мир", ["привет", ",", "мир"]),
            ("ΑΘΗΝΑ είναι", ["αθηνα", "είναι"]),
            ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
            ("שלום עולם", ["שלום", "עולם"]),
            ("क्षत्रिय है", ["क्षत्रिय", "है"]),
            ("می‌خواهم", ["می‌خواهم"]),
            ("日本の海!", ["日", "本", "の", "海", "!"]),
            ("コーヒー", ["コ", "ー", "ヒ", "ー"]),
            ("한국어 문장", ["한국어", "문장"]),
            ("sea海sky", ["sea", "海", "sky"]),
            ("ＡＢＣ ﬁne", ["abc", "fine"]),
            ("😀😀 a", ["😀", "😀", "a"]),
            ("©®™ $ % ^", ["tm"]),
        ],
    )
    def test_words(self, text, words):
        assert split_words(text) == words

    def test_one_sign_with_its_marks_is_a_word_in_thai(self):
        words = split_words("ไทยน้ำ")
        assert "".join(words) == "ไทยน้ำ".replace("ำ", "ํา")
        assert len(words) > 1
        assert "น้" in "".join(words)

    def test_decomposed_and_composed_are_the_same(self):
        assert split_words("cafe\u0301 e\u0301t\u00e9") == split_words("caf\u00e9 \u00e9te\u0301") == ["café", "été"]

    def test_an_endless_word_is_truncated(self):
        assert split_words("x" * 100_000) == ["x" * 64]

    def test_lone_surrogates_do_no_harm(self):
        assert split_words("a \ud800 b")[0] == "a"

    @given(st.text())
    def test_any_text_gives_words_that_hold_something(self, text):
        words = split_words(text)
        assert all(word and not word.isspace() and len(word) <= 64 for word in words)

    @given(st.text(alphabet="abc ,.!", max_size=40))
    def test_words_split_again_are_the_same(self, text):
        assert split_words(" ".join(split_words(text))) == split_words(text)


class TestVocabulary:
    CAPTIONS = ("sea sky sea", "sky sun", "sun sea rare", "Zen zen")

    def test_most_frequent_first_then_by_name_and_none_that_occurs_once(self):
        assert WordVocabulary.learn(self.CAPTIONS, 100).words == ["sea", "sky", "sun", "zen"]

    def test_size_counts_the_special_ones(self):
        vocabulary = WordVocabulary.learn(self.CAPTIONS, 4)
        assert (vocabulary.words, len(vocabulary)) == (["sea", "sky"], 4)

    def test_other_words_fill_the_vocabulary_up_to_its_size(self):
        vocabulary = WordVocabulary.learn(self.CAPTIONS, 8).extended_by(["sky", "tea", "cat", "dog"], 8)
        assert vocabulary.words[4:] == ["tea", "cat"]

    def test_ids(self):
        vocabulary = WordVocabulary(["sea", "sky"])
        assert vocabulary.ids("Sky sea boat sky", 10).tolist() == [3, 2, UNKNOWN, 3]
        assert vocabulary.ids("sky sea sky", 2).tolist() == [3, 2]
        assert vocabulary.ids("", 5).tolist() == [UNKNOWN]
        assert vocabulary.ids(" () ", 5).dtype == np.int64
        assert PAD not in vocabulary.ids("[PAD] sea", 5)
        assert "sea" in vocabulary
        assert "[UNKNOWN]" not in vocabulary


def write(tmp_path, text, newline="\n"):
    path = tmp_path / "vectors.txt"
    path.write_bytes(text.replace("\n", newline).encode())
    return path


def read(path):
    return {word: vector.tolist() for word, vector in read_word_vectors(path, "encoder.word_vectors")}


class TestWordVectors:
    EXPECTED: ClassVar = {"sea": [1.0, -0.5], "sky": [0.25, 0.5]}

    def test_glove_has_no_header(self, tmp_path):
        assert read(write(tmp_path, "sea 1 -0.5\nsky 0.25 5e-1\n")) == self.EXPECTED

    def test_word2vec_has_one(self, tmp_path):
        assert read(write(tmp_path, "2 2\nsea 1 -0.5 \nsky 0.25 5e-1 \n")) == self.EXPECTED

    def test_windows_line_ends_and_a_missing_last_one(self, tmp_path):
        assert read(write(tmp_path, "sea 1 -0.5\nsky 0.25 5e-1", "\r\n")) == self.EXPECTED

    def test_words_with_spaces_as_glove_has_them(self, tmp_path):
        assert list(read(write(tmp_path, "sea 1 2\n. . . 3 4\n"))) == ["sea", ". . ."]

    def test_other_line_separators_are_part_of_a_word(self, tmp_path):
        assert list(read(write(tmp_path, "sea 1 2\na\u2028b 3 4\n\x85 5 6\n"))) == ["sea", "a\u2028b", "\x85"]

    def test_a_number_may_be_a_word(self, tmp_path):
        assert read(write(tmp_path, "2008 0.5 3\n1 2 3\n")) == {"2008": [0.5, 3.0], "1": [2.0, 3.0]}

    def test_known_words_are_selected_then_the_first_others_up_to_the_size(self, tmp_path):
        path = write(tmp_path, "the 1 1\nof 2 2\nsea 3 3\nand 4 4\nsea 5 5\nsky 6 6\n")
        known = WordVocabulary(["sky", "sea", "rare"])
        taken = select_word_vectors(path, "encoder.word_vectors", known, len(known) + 2)
        assert {word: vector.tolist() for word, vector in taken.items()} == {
            "the": [1, 1], "of": [2, 2], "sea": [3, 3], "sky": [6, 6]
        }  # fmt: skip

    def test_a_file_without_any_usable_vector_is_refused(self, tmp_path):
        known = WordVocabulary(["sea"])
        for text in ("", "sky 1 2\n"):
            with pytest.raises(ConfigError, match="holds no vector that could be used: 3 words are known"):
                select_word_vectors(write(tmp_path, text), "encoder.word_vectors", known, len(known))

    @pytest.mark.parametrize(
        ("text", "line", "start"),
        [
            ("sea 1 2\nsky 1\n", 2, "sky 1"),
            ("sea 1 2\nsky 1 x\n", 2, "sky 1 x"),
            ("sea 1 2\n\nsky 3 4\n", 2, ""),
            ("sea 1 nan\n", 1, "sea 1 nan"),
            ("sea 1 inf\n", 1, "sea 1 inf"),
            ("sea\n", 1, "sea"),
            ("3 2\nsea 1 2 3 \n 1 2\n", 3, " 1 2"),
        ],
    )
    def test_a_broken_line_is_named(self, tmp_path, text, line, start):
        path = write(tmp_path, text)
        with pytest.raises(ConfigError) as caught:
            read(path)
        message = str(caught.value)
        assert message.startswith(f"encoder.word_vectors={str(path)!r}: line {line} begins {start!r}")
        assert "convert a binary word2vec file to text first" in message

    def test_a_binary_file_is_refused(self, tmp_path):
        path = tmp_path / "vectors.bin"
        path.write_bytes(b"3 4\nsea \x00\x00\x80?\x00\xff\xfe@\x01\x02\x03\x04")
        with pytest.raises(ConfigError, match="convert a binary word2vec file"):
            read(path)

    def test_no_such_file(self, tmp_path):
        with pytest.raises(ConfigError, match=r"there is no such file; give a word2vec or GloVe text file"):
            read(tmp_path / "absent.txt")


class TestGivenVectors:
    CAPTIONS = ("sea sky", "sea sky boat", "boat fog")

    def build(self, path, **changes):
        values = {"name": "lstm", "width": 8, "hidden": 6, "word_vectors": str(path), **changes}
        return build_caption_encoder(CaptionEncoderConfig(**values), self.CAPTIONS)

    @pytest.fixture
    def path(self, tmp_path):
        lines = [f"{word} " + " ".join(str(number + i / 10) for i in range(8)) for number, word in WORDS]
        return write(tmp_path, "\n".join(lines))

    def test_are_taken_kept_and_completed(self, path):
        encoder = self.build(path)
        assert encoder.vocabulary.words == ["boat", "sea", "sky", "tea"]
        table = encoder.words.weight
        for number, word in WORDS:
            row = encoder.vocabulary.ids(word, 1)[0]
            np.testing.assert_allclose(table[row].detach(), [number + i / 10 for i in range(8)], rtol=1e-6)
        boat = table[encoder.vocabulary.ids("boat", 1)[0]]
        assert boat.abs().sum() > 0
        assert not table[PAD].any()
        assert not table.requires_grad

    def test_of_another_width_are_refused_with_the_key_to_set(self, path):
        with pytest.raises(ConfigError, match=r"holds vectors of 8 numbers; set encoder\.caption\.width=8\."):
            self.build(path, width=16)


WORDS = ((1, "sea"), (2, "sky"), (3, "tea"))
