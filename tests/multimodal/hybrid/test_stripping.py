"""Posts that lack something, which rankers learn from beside the whole ones."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from data_loaders.posts import Post
from multimodal.hybrid.learning_posts import LearningPosts, StrippedPosts
from multimodal.hybrid.stripping import strip_some
from tests.multimodal.hybrid.test_choosing_sources import CANDIDATES, learning_of

POSTS = [Post(post_id=str(number), user_id="u", caption="c", image="i", hashtags=("h",)) for number in range(16)]


def _missing(post):
    return tuple(name for name in ("caption", "user_id", "image") if getattr(post, name) is None)


def test_every_fourth_post_lacks_something_else_in_turn():
    places, stripped = strip_some(POSTS, 0.25)
    assert places == [3, 7, 11, 15]
    assert [_missing(post) for post in stripped] == [("caption",), ("user_id",), ("image",), ("caption", "user_id")]
    assert [post.post_id for post in stripped] == ["3", "7", "11", "15"]
    assert {post.hashtags for post in stripped} == {("h",)}


def test_a_share_of_nothing_and_of_all():
    assert strip_some(POSTS, 0.0) == ([], [])
    assert strip_some(POSTS, 1.0)[0] == list(range(16))


def test_a_post_that_lacks_it_already_is_not_repeated():
    without_picture = [replace(post, image=None) for post in POSTS]
    assert strip_some(without_picture, 0.25)[0] == [3, 7, 15]


def test_parts_give_what_the_whole_gives():
    parts = [strip_some(POSTS[first:last], 0.3, first) for first, last in itertools.pairwise((0, 5, 6, 16))]
    assert [post for _, stripped in parts for post in stripped] == strip_some(POSTS, 0.3)[1]


def test_rows_hold_the_stripped_posts_of_the_same_time_and_no_others():
    whole = learning_of(20, 16)
    more = StrippedPosts([3, 7, 11], [whole.posts[place] for place in (3, 7, 11)], learning_of(3, 3).table)
    learning = LearningPosts(whole.posts, whole.train, whole.table, more)
    assert len(learning.rows(0, 7)) == len(whole.rows(0, 7)) + CANDIDATES
    assert len(learning.rows(3, 8)) == len(whole.rows(3, 8)) + 2 * CANDIDATES
    assert len(learning.rows(16, 20)) == len(whole.rows(16, 20))
    assert np.array_equal(learning.rows(0, 4).features[-CANDIDATES:], more.table.of_posts(0, 1).values)
    without = learning.without(["design"])
    assert without.rows(0, 4).features.shape[1] == learning.rows(0, 4).features.shape[1] - 1
