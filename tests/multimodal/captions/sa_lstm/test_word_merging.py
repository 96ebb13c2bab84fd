"""Words and popular hashtags in one list: hand-worked cases, and the fast judge against lists made one by one."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy.special import logit

from multimodal.captions.sa_lstm.merging import MergedHits, WordMerging
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.ranking.popularity_prior import PopularityPrior

NAMES, COUNTS = ["sea", "sky", "sun", "tea", "cat"], [50, 30, 20, 20, 10]


@pytest.fixture
def id_map():
    return HashtagIdMap(NAMES, COUNTS)


@pytest.fixture
def prior(id_map):
    return PopularityPrior(id_map, 100)


def merged(merging, words, chances, prior, id_map, k, excluded=()):
    naming = id_map.fork()
    numbers = np.array(naming.add(words), np.int64)
    indices, scores = merging.ranking(numbers, logit(np.array(chances)), prior, naming, k, excluded)
    assert (np.diff(scores) <= 0).all()
    return [naming[index] for index in indices.tolist()], scores.tolist()


def test_words_take_the_place_that_their_chance_gives_them(prior, id_map):
    names, scores = merged(WordMerging(), ["york", "the"], [0.4, 0.001], prior, id_map, 6)
    assert names == ["sea", "york", "sky", "sun", "tea", "cat"]
    assert scores == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.2, 0.1])


def test_a_shift_moves_words_against_popular_hashtags(prior, id_map):
    assert merged(WordMerging(shift=3), ["york"], [0.4], prior, id_map, 2)[0] == ["york", "sea"]
    assert merged(WordMerging(shift=-3), ["york"], [0.4], prior, id_map, 5)[0] == ["sea", "sky", "sun", "tea", "cat"]


def test_a_word_that_is_popular_has_the_larger_of_both_scores(prior, id_map):
    names, scores = merged(WordMerging(), ["cat", "sea"], [0.35, 0.2], prior, id_map, 3)
    assert names == ["sea", "cat", "sky"]
    assert scores == pytest.approx([0.5, 0.35, 0.3])


def test_words_first_puts_all_words_first_on_one_falling_scale(prior, id_map):
    merging = WordMerging(words_first=True)
    names, scores = merged(merging, ["york", "sky"], [0.01, 0.02], prior, id_map, 4)
    assert names == ["sky", "york", "sea", "sun"]
    assert scores == pytest.approx([0.02, 0.01, -0.5, -0.8])


def test_equal_scores_stand_by_frequency_and_name(prior, id_map):
    names, _ = merged(WordMerging(), ["zoo", "alp"], [0.2, 0.2], prior, id_map, 6)
    assert names == ["sea", "sky", "sun", "tea", "alp", "zoo"]


@pytest.mark.parametrize("words_first", [True, False])
def test_what_is_excluded_leaves_the_list_full(prior, id_map, words_first):
    names, _ = merged(WordMerging(words_first=words_first), ["york"], [0.4], prior, id_map, 4, [0, 2])
    assert set(names) == {"york", "sky", "tea", "cat"}


@pytest.mark.parametrize("merging", [WordMerging(), WordMerging(shift=2), WordMerging(words_first=True)], ids=str)
@pytest.mark.parametrize("k", [1, 3, 7])
def test_the_judge_equals_lists_made_one_by_one(merging, k):
    # No two are equally frequent: the judge leaves open which of equals comes first.
    id_map = HashtagIdMap(NAMES, [50, 30, 20, 15, 10])
    prior = PopularityPrior(id_map, 100)
    draw = random.Random(k)
    pool = [*NAMES, *(f"word{number}" for number in range(12))]
    words = [draw.sample(pool, draw.randint(0, 6)) for _ in range(80)]
    truth = [frozenset(draw.sample([*pool, "unreachable"], draw.randint(1, 4))) for _ in words]
    logits = [np.array([draw.gauss(-1, 2) for _ in row]) for row in words]
    hits, recalls = [], []
    for row, tags, values in zip(words, truth, logits, strict=True):
        naming = id_map.fork()
        numbers = np.array(naming.add(row), np.int64)
        named = {naming[index] for index in merging.ranking(numbers, values, prior, naming, k)[0].tolist()}
        hits.append(len(named & tags))
        recalls.append(len(named & tags) / len(tags))
    precision, recall = np.mean(hits) / k, np.mean(recalls)
    judge = MergedHits(words, truth, prior, k)
    f1, hit_rate = judge.f1(logits, merging)
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall))
    assert hit_rate == pytest.approx(np.mean(np.array(hits) > 0))
    best = [row[int(values.argmax())] if row else None for row, values in zip(words, logits, strict=True)]
    assert judge.top_word_hits(logits).tolist() == [one in tags for one, tags in zip(best, truth, strict=True)]
    assert judge.reachable().tolist() == [bool(tags & set(row)) for row, tags in zip(words, truth, strict=True)]


def test_posts_without_any_word_are_judged_by_popularity(prior, id_map):
    judge = MergedHits([[], []], [frozenset({"sea"}), frozenset({"new"})], prior, 1)
    empty = [np.empty(0), np.empty(0)]
    assert judge.f1(empty, WordMerging()) == (0.5, 0.5)
    assert not judge.top_word_hits(empty).any()
    assert not judge.reachable().any()
