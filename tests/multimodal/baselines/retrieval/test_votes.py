"""Votes of neighbours, worked by hand."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from data_loaders.batches import Related
from data_loaders.posts import Post, instant_us
from multimodal.baselines.retrieval.votes import votes, weights_of
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def memory():
    memory = PostMemory(HashtagIdMap(["tea", "sea"], [3, 2]))
    tags = [("tea", "sea"), ("sea",), (), ("new",)]
    memory.append(
        [
            Post(post_id=str(number), timestamp=START + timedelta(hours=number), hashtags=one)
            for number, one in enumerate(tags)
        ]
    )
    return memory


def related(positions, similarity):
    return Related(np.array(positions, np.int64), np.array(similarity, np.float32))


def now(hours):
    return np.array([instant_us(START + timedelta(hours=hours))])


def shares(cast, memory, row=0):
    return {memory.id_map[index]: share for index, share in zip(*(one.tolist() for one in cast.of(row)), strict=True)}


class TestWeights:
    def test_similarity_to_a_power_times_age_to_a_power(self, memory):
        weights = weights_of(related([[3, 0, -1]], [[0.5, 1.0, 0.0]]), memory, now(4), power=2.0, decay=1.0)
        assert weights.tolist() == [[pytest.approx(0.25 / 2), pytest.approx(1 / 5), 0.0]]

    def test_without_decay_age_does_not_count(self, memory):
        assert weights_of(related([[3, 0]], [[0.5, 1.0]]), memory, now(900), 1.0, 0.0).tolist() == [[0.5, 1.0]]

    def test_an_undated_neighbour_is_finite(self):
        memory = PostMemory(HashtagIdMap())
        memory.append([Post(post_id="undated", hashtags=("tea",), sequence=0)])
        weight = weights_of(related([[0]], [[1.0]]), memory, now(0), 1.0, 0.3)[0, 0]
        assert 0 < weight < 1e-2


class TestVotes:
    def test_shares_of_the_weight_posts_without_hashtags_included(self, memory):
        cast = votes(related([[0, 1, 2]], [[1, 1, 1]]), np.array([[2.0, 1.0, 1.0]]), memory, 3)
        assert shares(cast, memory) == {"tea": 0.5, "sea": 0.75}

    def test_only_the_first_vote(self, memory):
        cast = votes(related([[1, 0]], [[1, 1]]), np.array([[1.0, 1.0]]), memory, 1)
        assert shares(cast, memory) == {"sea": 1.0}

    def test_each_post_has_its_own_and_may_have_none(self, memory):
        cast = votes(
            related([[-1, -1], [3, 0], [2, -1]], np.ones((3, 2))), np.array([[0, 0], [3.0, 1], [1, 0]]), memory, 2
        )
        assert [shares(cast, memory, row) for row in range(3)] == [{}, {"new": 0.75, "tea": 0.25, "sea": 0.25}, {}]

    def test_no_posts_and_no_neighbours(self, memory):
        assert votes(related(np.empty((0, 3)), np.empty((0, 3))), np.empty((0, 3)), memory, 2).starts.tolist() == [0]
        empty = votes(related(np.empty((2, 0)), np.empty((2, 0))), np.empty((2, 0)), memory, 2)
        assert empty.starts.tolist() == [0, 0, 0]
