"""Timelines that are sorted now and then answer as those that are always sorted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.memory.posts import growing_timelines
from multimodal.memory.posts.growing_timelines import GrowingTimelines
from multimodal.memory.posts.user_timelines import UserTimelines

POSTS = st.lists(st.tuples(st.integers(-1, 3), st.integers(-4, 4), st.booleans()), max_size=60)


@settings(max_examples=150, deadline=None)
@given(posts=POSTS, step=st.integers(1, 9), fewest=st.integers(0, 12), limit=st.integers(0, 4))
def test_equal_those_that_are_sorted_at_once(posts, step, fewest, limit):
    users = np.array([user for user, _, _ in posts], np.int64)
    instants = np.array([when for _, when, _ in posts], np.int64)
    dies = np.array([dead for _, _, dead in posts], np.bool_)
    alive, timelines = np.ones(len(posts), np.bool_), GrowingTimelines()
    asked = np.repeat(np.arange(-1, 5), 10)
    moments = np.tile(np.arange(-5, 5), 6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growing_timelines, "_FEWEST_SORTED_IN", fewest)
        for stop in range(step, len(posts) + step, step):
            stop = min(stop, len(posts))
            timelines = timelines.grown(users[:stop], instants[:stop], alive[:stop], 4)
            dead = np.flatnonzero(dies[:stop] & alive[:stop])[: step // 2]
            timelines = timelines.without(dead, users[dead])
            alive[dead] = False
            living = np.where(alive[:stop], users[:stop], -1)
            expected = UserTimelines.of(living, instants[:stop], 4).before(np.minimum(asked, 3), moments, limit)
            expected[asked == 4] = -1
            known = None if alive.all() else alive[:stop]
            found = timelines.before(asked, moments, limit, (users[:stop], instants[:stop]), known)
            assert found.tolist() == expected.tolist()
            for row in range(stop % 7, len(asked), 7):
                columns = users[:stop], instants[:stop]
                alone = timelines.before(asked[[row]], moments[[row]], limit, columns, known)
                assert alone.tolist() == expected[[row]].tolist()


def test_few_posts_are_not_sorted_in():
    users, instants, alive = np.zeros(9_000, np.int64), np.arange(9_000), np.ones(9_000, np.bool_)
    many = GrowingTimelines().grown(users[:4_900], instants[:4_900], alive[:4_900], 1)
    assert many.count == 4_900
    assert many.grown(users[:8_000], instants[:8_000], alive[:8_000], 1) is many
    assert many.grown(users, instants, alive, 1).count == 9_000
