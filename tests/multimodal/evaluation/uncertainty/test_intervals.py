from dataclasses import replace

import numpy as np
import pytest
from evaluation_reference import make_rankings, make_vocabulary
from scipy import stats

from data_loaders.errors import UserError
from multimodal.evaluation.metrics.catalogue import METRICS
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.evaluation.uncertainty import resampling
from multimodal.evaluation.uncertainty.intervals import bootstrap, sample_interval
from multimodal.evaluation.uncertainty.resampling import draw_with_replacement

TAGS = [f"tag{number:02d}" for number in range(12)]
VOCABULARY = make_vocabulary(dict.fromkeys(TAGS[:8], 5))
KS = [1, 3, 6]


def make_evaluation(posts=80, users=None, seed=0, skill=0.5):
    rng = np.random.default_rng(seed)
    ranked, truth = [], []
    for _ in range(posts):
        true = list(rng.permutation(TAGS)[: rng.integers(1, 6)])
        order = sorted(TAGS, key=lambda tag: (tag not in true) * skill + rng.random())
        ranked.append(order[: rng.integers(0, 7)])
        truth.append(true)
    similarity = rng.random((8, 8))
    users = None if users is None else [f"user{number}" for number in rng.integers(0, users, posts)]
    rankings = make_rankings(ranked, k=6, names=TAGS)
    seen = TAGS[:10]
    return evaluate_rankings(
        rankings, truth, KS, VOCABULARY, user_ids=users, similarity=similarity, train_hashtags=seen
    )


def slow_resample(evaluation, weights):
    """Every column on a reweighted set of posts, by plain weighted means."""
    found = {}
    for column in ("precision", "recall", "hit_rate", "ndcg", "recall_known", "novelty", "redundancy"):
        values = evaluation.outcomes[column].astype(np.float64)
        counted = ~np.isnan(values)
        rows = weights @ counted
        found[column] = (weights @ np.where(counted, values, 0)) / np.where(rows > 0, rows, np.nan)
    p, r = found["precision"], found["recall"]
    found["f1"] = np.divide(2 * p * r, p + r, out=np.zeros_like(p), where=p + r > 0)
    return found


def test_values_on_the_posts_themselves_are_those_of_the_table():
    evaluation = make_evaluation()
    result = bootstrap(evaluation.outcomes, METRICS.of_posts, resamples=3)
    for column in METRICS.of_posts:
        np.testing.assert_allclose(result.values[column], evaluation.table[column], atol=1e-7)


@pytest.mark.parametrize("chunk", [1024, 7])
def test_resamples_equal_the_slow_ones(monkeypatch, chunk):
    monkeypatch.setattr(resampling, "_CHUNK", chunk)
    evaluation = make_evaluation()
    draws = draw_with_replacement(80, 20, seed=4)
    weights = np.concatenate([draws(slice(start, min(start + chunk, 80))) for start in range(0, 80, chunk)], axis=1)
    assert (weights.sum(axis=1) == 80).all()
    result = bootstrap(
        evaluation.outcomes, ["precision", "f1", "recall_known", "redundancy", "ndcg"], resamples=20, seed=4
    )
    slow = slow_resample(evaluation, weights)
    for column, values in result.resampled.items():
        np.testing.assert_allclose(values, slow[column], atol=1e-6)


def test_users_are_drawn_with_all_their_posts():
    evaluation = make_evaluation(users=9)
    result = bootstrap(evaluation.outcomes, ["f1", "recall_known"], unit="users", resamples=15, seed=2)
    names = list(dict.fromkeys(evaluation.outcomes.user_ids))
    assert (result.unit, result.units) == ("users", len(names))
    per_user = draw_with_replacement(len(names), 15, seed=2)(slice(0, len(names)))
    weights = per_user[:, [names.index(user) for user in evaluation.outcomes.user_ids]]
    slow = slow_resample(evaluation, weights)
    for column, values in result.resampled.items():
        np.testing.assert_allclose(values, slow[column], atol=1e-6)


def test_draws_are_those_of_the_multinomial(monkeypatch):
    monkeypatch.setattr(resampling, "_CHUNK", 3)
    draws = draw_with_replacement(8, 20_000, seed=1)
    weights = np.concatenate([draws(slice(0, 3)), draws(slice(3, 6)), draws(slice(6, 8))], axis=1)
    assert (weights.sum(axis=1) == 8).all()
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.04)
    np.testing.assert_allclose(np.cov(weights.T), np.eye(8) - 1 / 8, atol=0.05)


def test_a_post_of_an_unknown_user_stands_for_itself():
    evaluation = make_evaluation(posts=6, users=1)
    results = replace(evaluation.outcomes, user_ids=["ann", None, "ann", None, "bob", "ann"])
    assert bootstrap(results, ["f1"], unit="users", resamples=2).units == 4


def test_interval_agrees_with_scipy():
    evaluation = make_evaluation(posts=200)
    ours = bootstrap(evaluation.outcomes, ["ndcg"], resamples=4000).interval("ndcg")
    values = evaluation.outcomes["ndcg"][:, 1].astype(np.float64)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", random_state=1)
    np.testing.assert_allclose(
        [ours[0][1], ours[1][1]], [theirs.confidence_interval.low, theirs.confidence_interval.high], atol=0.006
    )


def test_intervals_cover_the_true_value_as_often_as_they_say():
    # The hit rate at K = 1 of a list whose only hashtag is right with probability .3.
    rng = np.random.default_rng(5)
    covered = {"bootstrap": 0, "samples": 0}
    for trial in range(150):
        right = rng.random(150) < 0.3
        rankings = make_rankings([["tag00"]] * 150, names=TAGS)
        truth = [["tag00" if hit else "tag01"] for hit in right]
        results = evaluate_rankings(rankings, truth, [1], VOCABULARY).outcomes
        low, high = bootstrap(results, ["hit_rate"], resamples=200, seed=trial).interval("hit_rate")
        covered["bootstrap"] += low[0] <= 0.3 <= high[0]
        row = sample_interval(results, ["hit_rate"], seed=trial).iloc[0]
        covered["samples"] += row["low"] <= 0.3 <= row["high"]
    assert 0.88 <= covered["bootstrap"] / 150 <= 0.99
    assert 0.88 <= covered["samples"] / 150 <= 0.99


def test_intervals_over_users_are_wider_where_posts_of_a_user_are_alike():
    users = [f"user{row // 20}" for row in range(200)]
    rankings = make_rankings([["tag00"]] * 200, names=TAGS)
    truth = [["tag00"] if row // 20 % 2 else ["tag01"] for row in range(200)]
    results = evaluate_rankings(rankings, truth, [1], VOCABULARY, user_ids=users).outcomes
    widths = {}
    for unit in ("posts", "users"):
        low, high = bootstrap(results, ["recall"], unit=unit).interval("recall")
        widths[unit] = float(high[0] - low[0])
    assert widths["users"] > 3 * widths["posts"]


def test_table_and_best_k():
    result = bootstrap(make_evaluation().outcomes, ["f1", "precision"], resamples=50)
    table = result.table(level=0.9)
    assert list(table.columns) == ["k", "metric", "value", "low", "high", "standard_error"]
    assert table["k"].tolist() == KS * 2
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    assert (table["standard_error"] > 0).all()
    shares = result.best_k_shares()
    assert list(shares) == KS
    assert sum(shares.values()) == pytest.approx(1)
    assert (
        bootstrap(make_evaluation().outcomes, ["f1"], resamples=50)
        .table()
        .equals(bootstrap(make_evaluation().outcomes, ["f1"], resamples=50).table())
    )


def test_sample_interval_by_hand():
    evaluation = make_evaluation(posts=40)
    table = sample_interval(evaluation.outcomes, ["recall"], samples=4, seed=3)
    sample_of = np.random.default_rng(3).permutation(40) % 4
    values = evaluation.outcomes["recall"].astype(np.float64)
    means = np.array([values[sample_of == sample].mean(axis=0) for sample in range(4)])
    half = 1.96 * means.std(axis=0, ddof=1) / 2
    np.testing.assert_allclose(table["value"], means.mean(axis=0), atol=1e-7)
    np.testing.assert_allclose(table["low"], means.mean(axis=0) - half, atol=1e-7)
    np.testing.assert_allclose(table["high"], means.mean(axis=0) + half, atol=1e-7)


@pytest.mark.parametrize(
    "work, message",
    [
        (lambda r: bootstrap(r, ["recal"]), r"metric 'recal' has no value per post here. Did you mean 'recall'\?"),
        (lambda r: bootstrap(r, ["f1_macro_label"]), "metric 'f1_macro_label' has no value per post here"),
        (lambda r: bootstrap(r, unit="users"), "users cannot be resampled, for these posts have no user_id; use posts"),
        (lambda r: bootstrap(r, unit="days"), "unit: 'days' cannot be resampled; accepted are posts, users"),
        (lambda r: bootstrap(r, resamples=0), "resamples: 0 is too few"),
        (lambda r: bootstrap(r, resamples=2).interval("f1", 95), "level: 95 is not a share between 0 and 1"),
        (lambda r: sample_interval(r, samples=1), "samples: 1 samples of 5 posts; give from 2 to 5"),
        (lambda r: sample_interval(r), "samples: 50 samples of 5 posts"),
    ],
)
def test_refused(work, message):
    with pytest.raises(UserError, match=message):
        work(make_evaluation(posts=5).outcomes)


def test_redundancy_that_was_not_computed_is_refused():
    rankings = make_rankings([["tag00"]], names=TAGS)
    results = evaluate_rankings(rankings, [["tag00"]], [1], VOCABULARY).outcomes
    with pytest.raises(UserError, match="metric 'redundancy' has no value per post here"):
        bootstrap(results, ["redundancy"])
