"""Lists that are not redundant and not merely popular."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.errors import UserError
from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.reranking import Reranking, likeness_of, popularity_of, read_reranking, reordered

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
TWINS = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
SCORES, NONE = np.array([1.0, 0.9, 0.0]), np.zeros(3)


@pytest.mark.parametrize("method", ["mmr", "dpp"])
def test_of_twins_only_one_comes_early(method):
    assert Reranking(method=method).order(SCORES, TWINS, NONE, 3) == [0, 1, 2]
    assert Reranking(method=method, diversity=0.7).order(SCORES, TWINS, NONE, 3) == [0, 2, 1]


def test_mmr_by_hand():
    # After the first: 0.5 · 0.9 - 0.5 · 0.9 = 0 against 0.5 · 0 - 0: equal, so the better ranked one.
    assert Reranking(diversity=0.5).order(SCORES, TWINS, NONE, 2) == [0, 1]
    assert Reranking(diversity=0.51).order(SCORES, TWINS, NONE, 2) == [0, 2]


def test_popular_ones_fall():
    assert Reranking(popularity=0.5).order(SCORES, np.eye(3), np.array([1.0, 0.0, 0.0]), 2) == [1, 0]


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_the_first_pair_of_a_dpp_is_the_best_among_those_with_its_first(seed, diversity):
    draw = np.random.default_rng(seed)
    vectors = draw.random((5, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores, likeness = draw.random(5), vectors @ vectors.T
    first, second = Reranking(method="dpp", diversity=diversity).order(scores, likeness, np.zeros(5), 2)
    relevance = (scores - scores.min()) / np.ptp(scores)
    quality = np.exp((1 - diversity) / (2 * diversity) * relevance)
    kernel = quality[:, None] * likeness * quality
    dets = {pair: np.linalg.det(kernel[np.ix_(pair, pair)]) for pair in combinations(range(5), 2)}
    best = max(value for pair, value in dets.items() if first in pair)
    assert dets[tuple(sorted((first, second)))] == pytest.approx(best, rel=1e-6)


@given(st.sampled_from(["mmr", "dpp"]), st.floats(0, 1), st.floats(0, 1), st.integers(0, 12), st.integers(1, 8))
def test_it_is_an_order_of_what_there_is(method, diversity, popularity, count, k):
    draw = np.random.default_rng(count)
    likeness = np.full((count, count), 0.5) + 0.5 * np.eye(count)
    settings = Reranking(method=method, diversity=diversity, popularity=popularity)
    order = settings.order(draw.random(count), likeness, draw.random(count), k)
    assert len(order) == len(set(order)) == min(k, count)


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        (
            ["mmr"],
            r"rerank: \['mmr'\] is not a dictionary with some of method, diversity, .*, one_of_each",
        ),
        ({"diversty": 1}, "rerank: unknown key 'diversty'. Did you mean 'diversity'"),
        ({"method": "best"}, "rerank: method 'best' is not known; accepted: mmr, dpp"),
        ({"diversity": 1.5}, "rerank: diversity 1.5 is not a number from 0 to 1"),
        ({"popularity": "much"}, "rerank: popularity 'much' is not a number from 0 to 1"),
        ({"one_of_each": 1}, "rerank: one_of_each 1 is neither True nor False"),
        ({"pool": 0}, "rerank: pool 0 is not a whole number from 1 to 1,000"),
    ],
)
def test_what_is_not_understood(given_settings, message):
    with pytest.raises(UserError, match=message):
        read_reranking(given_settings)


def test_plain_values_are_read():
    assert read_reranking({"diversity": 0.3, "pool": 50}) == Reranking(diversity=0.3, pool=50)
    assert read_reranking(None) is None


@pytest.fixture
def memory():
    memory = PostMemory(HashtagIdMap(["sea", "ocean", "tea"], [7, 3, 0]))
    rows = [("sea", "ocean"), ("sea", "ocean"), ("sea",), ("tea",)]
    memory.append(
        [Post(post_id=f"p{i}", timestamp=START + timedelta(hours=i), hashtags=tags) for i, tags in enumerate(rows)]
    )
    return memory


def instant(hour):
    return Post(post_id="x", timestamp=START + timedelta(hours=hour)).instant_us


def test_likeness_is_the_cosine_of_strictly_earlier_posts(memory):
    found = likeness_of(["sea", "ocean", "tea", "unheard"], memory, instant(9))
    assert found[0, 1] == found[1, 0] == pytest.approx(2 / np.sqrt(3 * 2))
    assert np.diag(found).tolist() == [1.0] * 4
    assert found[0, 2] == found[3, 0] == 0
    assert likeness_of(["sea", "ocean"], memory, instant(1))[0, 1] == pytest.approx(1.0)


def test_popularity_is_that_of_train_posts(memory):
    found = popularity_of(["sea", "ocean", "tea", "unheard"], memory.id_map)
    assert found.tolist() == pytest.approx([1.0, np.log(4) / np.log(8), 0.0, 0.0])


def test_scores_go_with_their_hashtags(memory):
    ranking = [("sea", 0.9), ("ocean", 0.8), ("tea", 0.1)]
    post = Post(post_id="x", timestamp=START + timedelta(hours=9))
    answer = reordered(ranking, Reranking(diversity=0.8), memory, post, 2)
    assert answer == [("sea", 0.9), ("tea", 0.1)]
