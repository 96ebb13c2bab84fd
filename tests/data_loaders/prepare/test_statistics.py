"""The figures that describe a data set, by hand and against slow loops."""

import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from data_loaders.posts import Post
from data_loaders.prepare.oracle_recall import first_seen, oracle_recall
from data_loaders.prepare.reading.columns import ColumnsBuilder
from data_loaders.prepare.reading.joining import join
from data_loaders.prepare.splits import SPLITS
from data_loaders.prepare.statistics import describe_posts, years_of
from data_loaders.prepare.vocabulary import Vocabulary

START = datetime(2023, 12, 31, tzinfo=timezone.utc)


def post(number, tags="", user="ann", hours=None, caption="words", image=None):
    when = START + timedelta(hours=number if hours is None else hours)
    return Post(post_id=str(number), user_id=user, timestamp=when, caption=caption, image=image,
                hashtags=tuple(tags.split()))  # fmt: skip


def index_of(posts):
    builder = ColumnsBuilder()
    for one in posts:
        builder.add(one)
    return join([builder.columns()]).index


# ann: 0, 1, 3 (the last two at one instant with 2); bob: 2, 4; no user: 5.
POSTS = [
    post(0, "a b"),
    post(1, "a"),
    post(2, "b c", "bob", hours=30, caption=None),
    post(3, "a d", hours=30, caption="x" * 51),
    post(4, "c e", "bob", hours=31, caption="утро", image=Path("a.jpg")),
    post(5, "a", None, hours=32, caption="日本"),
]
SIDES = np.array([0, 0, 0, 1, 2, 2])
VOCABULARY = Vocabulary(("a", "b", "c"), (2, 2, 1), 1)


def test_by_hand():
    facts = describe_posts(index_of(POSTS), SIDES, np.array([0, 1, 0, 3, 0, 5]), VOCABULARY)
    assert (facts["posts"], facts["users"], facts["distinct_hashtags"]) == (6, 2, 5)
    assert facts["tags_per_post"]["histogram"] == {"0": 0, "1": 2, "2": 4}
    assert facts["tags_per_post"]["mean"] == pytest.approx(10 / 6, abs=1e-3)
    assert facts["by_year"] == [
        {"year": 2023, "posts": 2, "tags_per_post": 1.5, "more_than_5": 0.0},
        {"year": 2024, "posts": 4, "tags_per_post": 1.75, "more_than_5": 0.0},
    ]
    captions = facts["captions"]
    assert (captions["none"], captions["short"], captions["long"]) == (1, 4, 1)
    assert captions["scripts"] == {"Latin": 3, "Cyrillic": 1, "Han": 1}
    assert facts["missing"] == {
        "caption": 1, "image": 5, "user": 1, "timestamp": 0, "caption_and_image": 1, "hashtags": 0,
    }  # fmt: skip
    assert facts["near_duplicates"] == {"groups": 1, "posts": 3, "largest_group": 3}
    train, validation, test = (facts["splits"][name] for name in SPLITS)
    assert (train["from"], train["to"]) == ("2023-12-31T00:00:00+00:00", "2024-01-01T06:00:00+00:00")
    assert validation["truth"] == {"vocabulary": 0.5, "own_history": 0.5, "either": 0.5, "earlier_posts": 0.5}
    assert test["truth"] == {"vocabulary": 0.6667, "own_history": 0.3333, "either": 0.6667, "earlier_posts": 0.6667}
    assert (validation["posts_with_history"], test["posts_with_history"]) == (1.0, 0.5)
    assert (train["posts_with_history"], test["users_seen_in_train"]) == (0.3333, 1.0)


def test_history_of_train_alone_and_equal_instants():
    posts = [post(0, "a"), post(1, "a", "bob"), post(2, "a", "bob", hours=1), post(3, "a", "bob")]
    splits = describe_posts(index_of(posts), np.array([0, 1, 1, 2]), np.arange(4), VOCABULARY)["splits"]
    assert splits["validation"]["posts_with_history"] == 0.0
    assert (splits["test"]["posts_with_history"], splits["test"]["posts_with_train_history"]) == (1.0, 0.0)
    assert splits["validation"]["truth"]["own_history"] == 0.0
    assert splits["test"]["truth"]["own_history"] == 1.0


def test_reach_against_a_slow_loop():
    draw = random.Random(3)
    posts = [
        post(n, " ".join(draw.sample("abcdef", draw.randrange(4))), draw.choice(["ann", "bob", None]),
             hours=draw.randrange(12))
        for n in range(60)
    ]  # fmt: skip
    split_ids = np.array([draw.randrange(3) for _ in posts])
    reach = oracle_recall(index_of(posts), split_ids, VOCABULARY)
    for side, name in enumerate(SPLITS):
        hits = {"vocabulary": [], "own_history": [], "either": [], "earlier_posts": []}
        for one, own_side in zip(posts, split_ids, strict=True):
            for tag in one.hashtags if own_side == side else ():
                before = [other for other in posts if other.timestamp < one.timestamp and tag in other.hashtags]
                own = one.user_id is not None and any(other.user_id == one.user_id for other in before)
                hits["vocabulary"].append(tag in "abc")
                hits["own_history"].append(own)
                hits["either"].append(own or tag in "abc")
                hits["earlier_posts"].append(bool(before))
        assert reach[name] == {source: round(float(np.mean(found)), 4) for source, found in hits.items()}


def test_first_seen():
    keys, when = np.array([7, 7, 9, 9]), np.array([5, 3, 8, 9])
    assert first_seen(keys, when, np.array([True, True, False, True])).tolist() == [3, 3, 9, 9]
    assert first_seen(keys, when, np.zeros(4, bool)).min() > 10**18


def test_years_before_1970_too():
    year = [datetime(y, 12, 31, 23, 59, 59, tzinfo=timezone.utc).timestamp() * 1e6 for y in (1969, 2024)]
    assert years_of(np.array(year, np.int64)).tolist() == [1969, 2024]


def test_an_index_taken_in_another_order():
    index = index_of([*POSTS, Post(post_id="u1", hashtags=("z",)), Post(post_id="u2")])
    order = np.array([7, 6, 5, 0])
    taken = index.take(order)
    tags = np.split(taken.tags, taken.tag_ends[:-1])
    assert [[taken.hashtags[tag] for tag in row] for row in tags] == [[], ["z"], ["a"], ["a", "b"]]
    assert taken.instants_us[0] < taken.instants_us[1] < taken.instants_us[3] < taken.instants_us[2]
    assert taken.tagged.tolist() == [False, True, True, True]
    assert taken.has_image.tolist() == index.has_image[order].tolist()
