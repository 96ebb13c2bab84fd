"""The index of neighbours, against a slow loop."""

from __future__ import annotations

import numpy as np
import pytest
from index_streams import ask, slow_find, stream

from multimodal.memory.search.index import NeighbourIndex
from multimodal.memory.search.likeness import Likeness
from multimodal.memory.search.settings import IndexSettings

HOUR = 3_600_000_000
MIXES = [
    Likeness(),
    Likeness({"words": 1.0}, decay=0.2),
    Likeness({"caption": 1.0}, power=4),
    Likeness({"words": 0.5, "caption": 0.5}, power=4, decay=0.3),
    Likeness({"words": 0.2, "caption": 0.3, "image": 0.5}, decay=0.1),
]


def check(found, posts, asked, likeness, count, usable=None):
    for row in range(len(asked)):
        positions, similarity = slow_find(posts, asked, row, likeness, count, usable)
        padding = count - len(positions)
        assert found.positions[row].tolist() == positions + [-1] * padding
        assert found.similarity[row].tolist() == pytest.approx(similarity + [0.0] * padding, abs=1e-6)


@pytest.mark.parametrize("likeness", MIXES)
def test_equals_a_slow_loop(likeness):
    posts, asked = stream(60), stream(12, seed=1, instants=np.linspace(-2, 70, 12).astype(np.int64) * HOUR)
    check(ask(NeighbourIndex(posts), asked, 7, likeness), posts, asked, likeness, 7)


def test_asked_again_by_another_likeness_it_answers_as_if_asked_first():
    posts, asked = stream(60), stream(1, seed=1, instants=[58 * HOUR])
    others, index = stream(1, seed=2, instants=[58 * HOUR]), NeighbourIndex(posts)
    again = Likeness({"words": 1.0}, power=2, decay=0.7)
    for one, likeness in ((asked, MIXES[0]), (asked, again), (others, again), (asked, MIXES[0])):
        found, first = ask(index, one, 7, likeness), ask(NeighbourIndex(posts), one, 7, likeness)
        np.testing.assert_array_equal(found.positions, first.positions)
        np.testing.assert_array_equal(found.similarity, first.similarity)


def test_only_what_is_alive_and_admitted_is_found():
    posts, asked = stream(60), stream(4, seed=1, instants=np.full(4, 58 * HOUR))
    draw = np.random.default_rng(2)
    posts.alive, admitted = draw.random(60) < 0.7, draw.random(60) < 0.5
    found = ask(NeighbourIndex(posts), asked, 8, MIXES[3], admitted=admitted)
    check(found, posts, asked, MIXES[3], 8, posts.alive & admitted)


def test_among_given_posts_only():
    posts, asked = stream(60), stream(3, seed=1, instants=np.full(3, 40 * HOUR))
    among = np.array([[3, 50, 7, -1], [-1, -1, -1, -1], [39, 40, 41, 3]])
    found = ask(NeighbourIndex(posts), asked, 3, MIXES[2], among=among)
    for row in range(3):
        usable = np.isin(np.arange(60), among[row])
        assert (
            found.positions[row].tolist()[:2] == (slow_find(posts, asked, row, MIXES[2], 3, usable)[0] + [-1, -1])[:2]
        )


def test_posts_in_any_order_of_time():
    draw = np.random.default_rng(4)
    posts, asked = stream(80, instants=draw.integers(0, 40, 80) * HOUR), stream(5, seed=1, instants=[9 * HOUR] * 5)
    index = NeighbourIndex(posts.part(0, 30), IndexSettings(slice_posts=4))
    for start in range(30, 80, 10):
        index.columns.extend(posts.part(start, start + 10))
        check(ask(index, asked, 5, MIXES[3]), index.columns, asked, MIXES[3], 5)


def test_a_fork_sees_its_own_posts_alone():
    posts = stream(40)
    index, copy = NeighbourIndex(posts), stream(40)
    fork = index.fork(copy)
    copy.extend(stream(10, seed=3, instants=np.arange(10) * HOUR))
    posts.extend(stream(10, seed=5, instants=np.arange(10) * HOUR))
    asked = stream(4, seed=1, instants=[60 * HOUR] * 4)
    for searched, columns in ((index, posts), (fork, copy)):
        check(ask(searched, asked, 6, MIXES[3]), columns, asked, MIXES[3], 6)


def test_nothing_is_remembered_or_wanted():
    asked = stream(2, seed=1, instants=[HOUR] * 2)
    assert ask(NeighbourIndex(stream(0)), asked, 2, MIXES[3]).positions.tolist() == [[-1, -1]] * 2
    assert ask(NeighbourIndex(stream(5)), asked, 0, MIXES[3]).positions.shape == (2, 0)
    assert ask(NeighbourIndex(stream(5)), asked, 3, MIXES[3], rows=[]).positions.shape == (0, 3)


def test_a_space_without_questions_is_refused():
    index, asked = NeighbourIndex(stream(5)), stream(2)
    with pytest.raises(ValueError, match="the space 'words' has a weight, but the questions have no words"):
        index.find(None, {}, asked.instants_us, 1, Likeness())
    with pytest.raises(ValueError, match="2 rows of 'caption' for 1 instants"):
        index.find(None, asked.vectors, asked.instants_us[:1], 1, MIXES[2])


def test_likeness_out_of_range():
    with pytest.raises(ValueError, match=r"the weight of 'words' is -1; at least 0 and finite is needed"):
        Likeness({"words": -1})
    with pytest.raises(ValueError, match="give no space a weight"):
        Likeness({"words": 0.0})
    with pytest.raises(ValueError, match=r"power=0, decay=0.0; above 0 and at least 0 are needed"):
        Likeness(power=0)


def test_settings_out_of_range():
    with pytest.raises(ValueError, match="fan_out=1 is too small; at least 2 is needed"):
        IndexSettings(fan_out=1)
