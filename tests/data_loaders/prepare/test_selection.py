"""Posts with a top hashtag, against slow loops."""

import random
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.errors import DataError
from data_loaders.posts import Post
from data_loaders.prepare.reading.columns import ColumnsBuilder
from data_loaders.prepare.reading.joining import join
from data_loaders.prepare.selection import Selection
from data_loaders.prepare.vocabulary import Vocabulary

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def index_of(rows):
    builder = ColumnsBuilder()
    for number, hashtags in enumerate(rows):
        when = START + timedelta(hours=number) if number % 3 else None
        builder.add(Post(post_id=str(number), user_id="ann", timestamp=when, caption="x", hashtags=tuple(hashtags)))
    return join([builder.columns()]).index


def tags_of(index):
    ends = [0, *index.tag_ends.tolist()]
    return [[index.hashtags[tag] for tag in index.tags[start:end]] for start, end in pairwise(ends)]


ROWS = st.lists(st.lists(st.sampled_from("abcdef"), unique=True, max_size=4), min_size=1, max_size=12)


@settings(deadline=None)
@given(ROWS, st.sets(st.sampled_from("abcdef")), st.integers(0, 99))
def test_an_index_of_fewer_posts_and_hashtags(rows, kept, seed):
    index = index_of(rows)
    flags = np.array([hashtag in kept for hashtag in index.hashtags], np.bool_)
    assert index.carries(flags).tolist() == [bool(kept.intersection(row)) for row in rows]
    reduced = index.with_hashtags(flags)
    assert tags_of(reduced) == [[hashtag for hashtag in row if hashtag in kept] for row in rows]
    assert set(reduced.hashtags) == kept.intersection(index.hashtags)
    order = np.array(random.Random(seed).sample(range(len(rows)), random.Random(seed).randint(0, len(rows))), np.int64)
    taken = reduced.take(order)
    assert tags_of(taken) == [[hashtag for hashtag in rows[place] if hashtag in kept] for place in order]
    assert taken.dated.tolist() == [place % 3 > 0 for place in order.tolist()]


def test_what_is_kept_and_what_is_lost():
    rows = [["a", "x"], ["x"], [], ["b"], ["a", "b", "y", "x"], ["a"]]
    selection = Selection.of(index_of(rows), np.array([0, 0, 0, 1, 2, 2]), Vocabulary(("a", "b"), (1, 1), 1))
    assert selection.posts.tolist() == [True, False, False, True, True, True]
    assert selection.hashtags_left_out == 3


def test_a_split_that_is_left_empty_is_told():
    split_ids = np.array([0, 1, 2])
    with pytest.raises(
        DataError, match=r"the validation split has no post with one of the 1 most frequent train hashtags"
    ):
        Selection.of(index_of([["a"], ["b"], ["a"]]), split_ids, Vocabulary(("a",), (1,), 1))
