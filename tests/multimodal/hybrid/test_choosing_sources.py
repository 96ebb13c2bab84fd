"""Which sources help, over several stretches of time."""

from __future__ import annotations

import numpy as np
import pytest

from data_loaders.posts import Post
from multimodal.hybrid.candidates import CandidateTable, Feature
from multimodal.hybrid.choosing import calibrated_on, choose, f1_of_scores, windows_of
from multimodal.hybrid.learning_posts import LearningPosts
from multimodal.hybrid.ranker.config import RankerConfig
from multimodal.hybrid.ranker.fitting import fit_ranker

CANDIDATES = 40


def learning_of(count, train, useful=True):
    """Posts with forty candidates, of which `own` and, if useful, `design` tell the true one."""
    draw = np.random.default_rng(0)
    right = draw.integers(0, CANDIDATES, count)
    posts = [Post(post_id=str(row), hashtags=(f"h{right[row]}",)) for row in range(count)]
    true = (np.arange(CANDIDATES) == right[:, None]).ravel()
    noise = draw.random((3, len(true))).astype(np.float32)
    own, design = true * 0.6 + noise[0], (true * 2.0 if useful else 0) + noise[1]
    table = CandidateTable(
        count,
        np.repeat(np.arange(count), CANDIDATES),
        np.tile(np.arange(CANDIDATES), count),
        [f"h{number}" for number in range(CANDIDATES)],
        np.stack([own, design, noise[2]], axis=1).astype(np.float32),
        (Feature("own.recency", "own"), Feature("design.score", "design"), Feature("trends.uses", "trends")),
        ("own", "design", "trends"),
        np.ones((len(true), 3), np.bool_),
    )
    return LearningPosts(posts, train, table)


def test_windows_end_the_train_split_and_then_come_validation_posts():
    assert windows_of(learning_of(200, 180), 3) == [(140, 160), (160, 180), (180, 200)]
    assert windows_of(learning_of(240, 150), 3) == [(76, 113), (113, 150), (150, 240)]
    assert windows_of(learning_of(200, 190), 3) == []
    assert windows_of(learning_of(200, 150), 1) == [(150, 200)]


@pytest.mark.parametrize(("useful", "left_out"), [(True, ()), (False, ("design",))])
def test_a_system_that_adds_nothing_is_left_out(useful, left_out):
    config = RankerConfig(kind="linear")
    choice = choose(learning_of(400, 300, useful), ["design"], ["design"], 3, config, 0)
    assert choice.left_out == left_out
    assert (choice.gains["design"] > 0.05) == useful
    assert len(choice.f1) == 3


def test_other_sources_stay_unless_they_cost_something():
    choice = choose(learning_of(400, 300), ["trends"], [], 3, RankerConfig(kind="linear"), 0)
    assert (choice.left_out, abs(choice.gains["trends"]) < 0.01) == ((), True)


def misleading(learning):
    """Return them as if `trends` had told the true hashtag, but no longer in the windows."""
    table, first = learning.table, windows_of(learning, 3)[0][0]
    right = table.labels([post.hashtags for post in learning.posts])
    table.values[table.rows < first, 2] += 2 * right[table.rows < first]
    return learning


def test_a_source_that_costs_something_is_left_out():
    choice = choose(misleading(learning_of(600, 450, useful=False)), ["trends"], [], 3, RankerConfig(kind="linear"), 0)
    assert choice.left_out == ("trends",)
    assert choice.gains["trends"] < -choice.by_chance["trends"] < 0


def test_on_few_posts_a_cost_may_be_chance():
    choice = choose(misleading(learning_of(150, 110, useful=False)), ["trends"], [], 3, RankerConfig(kind="linear"), 0)
    assert -choice.by_chance["trends"] < choice.gains["trends"] < -0.01
    assert choice.left_out == ()


def test_sources_are_tried_with_the_kind_of_ranker_that_will_be_taken(monkeypatch):
    kinds = []

    def fitted(rows, names, sources, config, validation=None, seed=0):
        kinds.append((config.kind, validation is not None))
        return fit_ranker(rows, names, sources, config, validation, seed)

    monkeypatch.setattr("multimodal.hybrid.choosing.fit_ranker", fitted)
    learning = learning_of(200, 150)
    choose(learning, ["trends"], [], 3, RankerConfig(rounds=5), 0)
    names, sources = learning.table.names, learning.table.sources
    best = fit_ranker(learning.rows(0, 150), names, sources, RankerConfig(rounds=5), learning.rows(150, 200)).kind
    assert kinds == [("auto", True)] + [(best, False)] * 6


def test_f1_of_means_by_hand():
    rows = np.array([0, 0, 0, 2, 2])
    scores, right = np.array([0.1, 0.9, 0.5, 0.2, 0.2]), np.array([False, True, True, True, False])
    # Post 0 has both of its hashtags among two, post 2 one of four; post 1 has none to find.
    f1 = f1_of_scores(rows, scores, right, np.array([2, 0, 4]), 2)
    precision, recall = (1 + 0.5) / 2, (1 + 0.25) / 2
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall))
    assert f1_of_scores(rows, scores, ~right & False, np.array([2, 0, 4]), 2) == 0


def test_how_much_lies_outside_is_told_of_validation_posts():
    learning, config = learning_of(400, 300, useful=False), RankerConfig(kind="linear")
    ranker = fit_ranker(learning.rows(0, 300), learning.table.names, learning.table.sources, config)
    assert calibrated_on(ranker, learning, CANDIDATES).outside == 0
    first = calibrated_on(ranker, learning, 1)
    # Each post has one hashtag.
    precision = np.mean(list(hits_of(ranker, learning, 1)))
    assert (first.outside, first.depth) == (pytest.approx(1 - precision), 1)
    assert 0 < precision < 1
    assert calibrated_on(ranker, LearningPosts(learning.posts[:300], 300, learning.table.of_posts(0, 300)), 5) is None


def hits_of(ranker, learning, k):
    for row in range(learning.train, len(learning.posts)):
        table = learning.table.of_posts(row, row + 1)
        best = np.argsort(-ranker.log_odds(table.values), kind="stable")[:k]
        yield len({table.texts[number] for number in table.hashtags[best]} & set(learning.posts[row].hashtags))
