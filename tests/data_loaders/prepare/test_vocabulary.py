"""The train vocabulary."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.errors import DataError
from data_loaders.prepare.vocabulary import Vocabulary, default_minimum_frequency

POSTS = [("sea", "sun"), ("sea",), ("sea", "art"), ("art", "sun"), ("rare",)]


def test_order_is_falling_frequency_then_alphabet():
    vocabulary = Vocabulary.from_posts(POSTS, 1)
    assert vocabulary.hashtags == ("sea", "art", "sun", "rare")
    assert vocabulary.frequencies == (3, 2, 2, 1)
    assert [vocabulary.index_of(hashtag) for hashtag in ("sea", "rare", "new")] == [0, 3, None]
    assert "sun" in vocabulary
    assert "new" not in vocabulary


def test_rare_hashtags_are_left_out_and_repeats_in_a_post_count_once():
    vocabulary = Vocabulary.from_posts([("a", "a"), ("a", "b")], 2)
    assert (vocabulary.hashtags, vocabulary.frequencies, len(vocabulary)) == (("a",), (2,), 1)


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdef"), unique=True).map(tuple), min_size=1), st.integers(1, 3))
def test_against_counting_by_hand(posts, minimum):
    counts = {hashtag: sum(hashtag in post for post in posts) for hashtag in "abcdef"}
    expected = sorted((-count, hashtag) for hashtag, count in counts.items() if count >= minimum)
    if expected:
        vocabulary = Vocabulary.from_posts(posts, minimum)
        assert [(-f, h) for h, f in zip(vocabulary.hashtags, vocabulary.frequencies, strict=True)] == expected
    else:
        with pytest.raises(DataError, match="lower --minimum-frequency"):
            Vocabulary.from_posts(posts, minimum)


def test_the_most_frequent_alone_ties_by_name():
    counts = {"sea": 3, "sun": 2, "art": 2, "rare": 1}
    for size, kept in ((1, ("sea",)), (2, ("sea", "art")), (4, ("sea", "art", "sun", "rare")), (9, 4), (None, 4)):
        hashtags = Vocabulary.from_counts(counts, 1, size).hashtags
        assert (len(hashtags) if isinstance(kept, int) else hashtags) == kept
    assert Vocabulary.from_counts(counts, 2, 9).hashtags == ("sea", "art", "sun")


def test_it_survives_saving(tmp_path):
    vocabulary = Vocabulary.from_posts([*POSTS, ("日本", "हिन्दी")], 1)
    vocabulary.save(tmp_path / "vocabulary.json")
    assert Vocabulary.load(tmp_path / "vocabulary.json") == vocabulary


def test_nothing_frequent_enough_says_what_to_do():
    with pytest.raises(DataError, match=r"no hashtag occurs in 9 train posts \(the most frequent of 4 occurs in 3\)"):
        Vocabulary.from_posts(POSTS, 9)
    with pytest.raises(DataError, match="minimum frequency 0; it must be at least 1"):
        Vocabulary.from_posts(POSTS, 0)


GOOD = {"minimum_frequency": 1, "hashtags": ["a", "b"], "frequencies": [2, 1]}


@pytest.mark.parametrize(
    "content, text",
    [
        ("{", "cannot be read"),
        ("[]", "lacks minimum_frequency, hashtags, frequencies"),
        ({"hashtags": []}, "lacks minimum_frequency, frequencies"),
        ({**GOOD, "hashtags": "ab"}, "must be lists"),
        ({**GOOD, "hashtags": ["a"]}, "1 hashtags but 2 frequencies"),
        ({**GOOD, "hashtags": ["a", "a"]}, "'a' occurs twice"),
        ({**GOOD, "hashtags": ["a", 3]}, "3 is not a hashtag"),
        ({**GOOD, "frequencies": [1, 2]}, "not in order of decreasing frequency"),
        ({**GOOD, "frequencies": [2, 0]}, "frequency 0 of 'b' is not a whole number of at least 1"),
        ({**GOOD, "minimum_frequency": "5"}, "minimum frequency '5' is not a whole number"),
    ],
)
def test_a_file_that_is_no_vocabulary(tmp_path, content, text):
    path = tmp_path / "vocabulary.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(DataError, match=text) as caught:
        Vocabulary.load(path)
    assert str(path) in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        Vocabulary.load(tmp_path / "vocabulary.json")


def test_the_default_minimum_falls_with_the_data():
    assert [default_minimum_frequency(posts) for posts in (10, 799, 800, 2_399, 2_400, 10**6)] == [2, 2, 3, 3, 5, 5]
