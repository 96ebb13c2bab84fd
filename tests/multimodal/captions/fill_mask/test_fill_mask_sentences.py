"""What is masked, what is shown, and that text cannot spell either."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from data_loaders.errors import ConfigError
from multimodal.captions.fill_mask.sentences import IGNORED, SentenceMaker, draw_masking
from multimodal.encoders.captions.masked_language_model import (
    MaskedModelConfig,
    add_hashtag_tokens,
    build_masked_model,
    hashtag_token_ids,
)

HASHTAGS = ["cat", "sunset", "море", "c++"]
CAPTIONS = ["a cat on the mat", "sunset at the sea", "город море", "the cat the mat"]


@pytest.fixture(scope="module")
def own_tokenizer():
    """Learned from captions: byte-level, a start token, no end token."""
    config = MaskedModelConfig(random_init=True, width=16, heads=2, layers=1, vocabulary_size=300)
    network = build_masked_model(config, CAPTIONS)
    add_hashtag_tokens(network, HASHTAGS, np.array([4, 3, 2, 1]))
    return network.tokenizer


@pytest.fixture(scope="module")
def wordpiece():
    """As BERT's: [CLS] … [SEP], and an unknown token."""
    from tokenizers import AddedToken
    from transformers import BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "on", "the", "mat", "sun", "##set"]
    tokenizer = BertTokenizerFast(vocab={word: number for number, word in enumerate(words)})
    tokens = [AddedToken(f"#{hashtag}", special=True, normalized=False) for hashtag in HASHTAGS]
    tokenizer.add_tokens(tokens, special_tokens=True)
    return tokenizer


@pytest.fixture(params=["own_tokenizer", "wordpiece"])
def tokenizer(request):
    return request.getfixturevalue(request.param)


def maker(tokenizer, maximum_tokens=24, maximum_hashtags=4):
    ids = hashtag_token_ids(tokenizer, HASHTAGS)
    return SentenceMaker(tokenizer, ids, maximum_tokens, maximum_hashtags, tokenizer.pad_token_id)


def test_a_question_is_what_the_library_makes_of_the_text(tokenizer):
    sentences = maker(tokenizer)
    asked = sentences.with_one_mask(sentences.tokenise(CAPTIONS), [[], [0], [2, 1], [3]])
    texts = ["a cat on the mat [MASK]", "sunset at the sea #cat [MASK]", "город море #море #sunset [MASK]",
             "the cat the mat #c++ [MASK]"]  # fmt: skip
    for row, text in enumerate(texts):
        expected = tokenizer(text)["input_ids"]
        assert asked.token_ids[row][asked.mask[row]].tolist() == expected
        assert (asked.labels[row] != IGNORED).nonzero()[:, 0].tolist() == [expected.index(tokenizer.mask_token_id)]
    assert asked.token_ids.flatten()[asked.masked_positions].tolist() == [tokenizer.mask_token_id] * 4


def test_exactly_the_masked_hashtags_are_labelled_and_none_of_them_can_be_read(tokenizer):
    sentences = maker(tokenizer)
    ids = hashtag_token_ids(tokenizer, HASHTAGS)
    masked = [[1], [0, 3, 2], [2], [3, 1]]
    made = sentences.sentences(sentences.tokenise(CAPTIONS), [[0], [], [3, 0, 1], []], masked)
    for row, hidden in enumerate(masked):
        labels, tokens = made.labels[row], made.token_ids[row]
        assert labels[labels != IGNORED].tolist() == hidden
        assert (tokens == tokenizer.mask_token_id).tolist() == (labels != IGNORED).tolist()
        assert not set(tokens.tolist()) & {ids[one] for one in hidden}
    assert not (made.labels != IGNORED)[~made.mask].any()
    assert (made.token_ids[~made.mask] == tokenizer.pad_token_id).all()


def test_no_caption_can_spell_a_mask_or_a_hashtag(tokenizer):
    sentences = maker(tokenizer)
    asked = sentences.with_one_mask(sentences.tokenise(["a #cat [MASK] [PAD] <mask> #cat", "#море"]), [[], []])
    assert len(asked.masked_positions) == 2
    forbidden = {*hashtag_token_ids(tokenizer, HASHTAGS), tokenizer.pad_token_id}
    for row in range(2):
        assert not set(asked.token_ids[row][asked.mask[row]].tolist()) & forbidden


def test_a_long_caption_leaves_room_for_its_hashtags(tokenizer):
    sentences = maker(tokenizer, maximum_tokens=20, maximum_hashtags=4)
    tokens = sentences.tokenise(["the cat on the mat " * 2_000])
    assert sentences.sentences(tokens, [[0, 1, 2]], [[3]]).token_ids.shape == (1, 20)
    assert maker(tokenizer).tokenise([]) == []


def test_no_room_for_a_caption_is_refused(tokenizer):
    with pytest.raises(ConfigError, match="maximum_tokens=16: maximum_hashtags=16 leaves no room for a caption"):
        maker(tokenizer, maximum_tokens=16, maximum_hashtags=16)


def test_unknown_words_alone_say_nothing(wordpiece, own_tokenizer):
    captions = ["a cat", "日本語", "", "日本語 cat", "\ud800"]
    known = maker(wordpiece)
    assert known.has_known_tokens(known.tokenise(captions)).tolist() == [True, False, False, True, False]
    bytewise = maker(own_tokenizer)
    assert bytewise.has_known_tokens(bytewise.tokenise(captions[:3])).tolist() == [True, True, False]


class TestMasking:
    def test_a_random_suffix_is_masked_never_nothing(self):
        generator = np.random.default_rng(0)
        shown_counts, orders = Counter(), Counter()
        for _ in range(6_000):
            shown, masked = draw_masking([3, 5, 9], 8, generator)
            assert masked
            assert sorted(shown + masked) == [3, 5, 9]
            shown_counts[len(shown)] += 1
            orders[tuple(shown + masked)] += 1
        assert set(shown_counts) == {0, 1, 2}
        assert all(abs(count - 2_000) < 200 for count in shown_counts.values())
        assert len(orders) == 6
        assert all(abs(count - 1_000) < 150 for count in orders.values())

    def test_a_single_hashtag_is_always_masked(self):
        assert draw_masking([7], 8, np.random.default_rng(1)) == ([], [7])

    def test_more_than_fit_are_left_out_at_random(self):
        seen = set()
        for seed in range(40):
            shown, masked = draw_masking(range(5), 2, np.random.default_rng(seed))
            assert len(shown + masked) == 2
            seen.update(shown + masked)
        assert seen == set(range(5))
