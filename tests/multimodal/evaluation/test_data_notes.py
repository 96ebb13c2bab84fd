"""What could mislead the reader of figures is said, and nothing else."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from saved_run_maker import make_posts

from multimodal.evaluation.data_notes import data_notes
from multimodal.evaluation.report.gallery import choose, repeated
from multimodal.evaluation.report.slice_parts import slice_charts, slices_table
from multimodal.evaluation.slices.slices import TITLES

POSTS = make_posts(40)


def data_of(test, train=POSTS[:20], **split):
    posts = {"train": train, "test": test}
    return SimpleNamespace(split=posts.__getitem__, statistics={"split": {"method": "time", **split}})


def notes(data, split="test", history="rolling"):
    return data_notes(data, data.split(split), split, history)


def changed(**values):
    return [replace(post, **values) for post in POSTS[20:]]


def test_nothing_to_say():
    assert notes(data_of(POSTS[20:])) == []
    assert notes(data_of(POSTS[20:]), "train") == []


@pytest.mark.parametrize(
    ("values", "history", "note"),
    [
        (
            {"user_id": None},
            "rolling",
            "no post has a user: nothing is known of a user's earlier posts, so history is off",
        ),
        (
            {"timestamp": None},
            "rolling",
            "no post has a time: what came before a post is told by the order of the file",
        ),
        ({"timestamp": None}, "frozen", "no post has a time: what was known before a post is only the train split"),
    ],
)
def test_no_users_and_no_times(values, history, note):
    assert notes(data_of(changed(**values)), history=history) == [note]


def test_few_users():
    posts = [*changed(user_id=None)[:15], *POSTS[35:]]
    assert notes(data_of(posts)) == ["75 % of the posts have no user, and so no history of a user"]


def test_periods_that_overlap_and_why():
    data = data_of([POSTS[3], *POSTS[20:]], moved_with_near_duplicates=1)
    assert notes(data) == [
        "the train split reaches until 2024-01-01, the test split begins 2024-01-01: 1 posts were moved so that "
        "near-duplicates stay in one split"
    ]
    (note,) = notes(data_of([POSTS[3], *POSTS[20:]], method="user"))
    assert note.endswith("the data are split by user, not by time alone")


def test_a_post_that_is_repeated_is_shown_once():
    one, other = replace(POSTS[0], caption="Buy  now", hashtags=("a", "b")), replace(POSTS[1], caption="Buy later")
    again = replace(one, post_id="again", caption="buy now", hashtags=("b", "a"))
    silent = replace(one, caption=None)
    rows = repeated([one, other, again, silent, silent, again])
    assert rows == [2, 5]
    scores = np.array([1.0, 0.5, 1.0, 0.2, 0.1, 1.0])
    chosen = choose(scores, np.full(6, 2), repeats=rows)
    assert sorted(row for part in chosen.values() for row in part) == [0, 1, 3, 4]


def test_slices_without_posts_and_slicings_of_one_slice_are_left_out():
    rows = [
        ("all", "all", 9),
        ("image", "without", 9),
        ("image", "with", 0),
        ("user", "new", 4),
        ("user", "unknown", 5),
    ]
    table = pd.DataFrame(rows, columns=["slicing", "slice", "posts"]).assign(k=5)
    for name in ("hit_rate", "precision", "recall", "f1"):
        table = table.assign(**{name: 0.5, f"{name}_low": 0.4, f"{name}_high": 0.6})
    shown = [row[0] for row in slices_table(table).rows]
    assert shown == ["all", TITLES["user"], "new", "unknown"]
    assert [chart.title for chart in slice_charts(table)] == [f"{TITLES['user']}: F1"]
