import itertools

import numpy as np
import pandas as pd
import pytest
from evaluation_reference import make_rankings, make_vocabulary
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from data_loaders.errors import DataError, UserError
from multimodal.evaluation.files.results import read_per_post, write_per_post
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.evaluation.uncertainty import resampling
from multimodal.evaluation.uncertainty.paired import compare_systems, holm, paired_test, win_tie_loss

TAGS = [f"tag{number:02d}" for number in range(12)]
VOCABULARY = make_vocabulary(dict.fromkeys(TAGS[:8], 5))
KS = [1, 3]


def make_truth(posts, seed):
    rng = np.random.default_rng([seed, 1])
    return [list(rng.permutation(TAGS)[: rng.integers(1, 6)]) for _ in range(posts)]


def make_evaluation(posts=10, skill=0.3, seed=0, ks=KS, users=None, truth=None):
    truth = make_truth(posts, 0) if truth is None else truth
    rng = np.random.default_rng([seed, 2])
    ranked = [sorted(TAGS, key=lambda tag: (tag not in true) * skill + rng.random())[:5] for true in truth]
    users = None if users is None else [f"user{row % users}" for row in range(posts)]
    return evaluate_rankings(make_rankings(ranked, k=5, names=TAGS), truth, ks, VOCABULARY, user_ids=users)


def row_of(table, metric, k):
    return table[(table["metric"] == metric) & (table["k"] == k)].iloc[0]


def slow_f1_p_value(a, b, groups):
    """All swaps of whole groups of posts, one by one, at K = 3."""

    def f1(values):
        p, r = values.mean(axis=0)
        return 2 * p * r / (p + r) if p + r else 0.0

    pair_a, pair_b = (
        np.stack([x.outcomes[c][:, 1] for c in ("precision", "recall")], axis=1).astype(float) for x in (a, b)
    )
    names = sorted(set(groups))
    observed, far, total = f1(pair_a) - f1(pair_b), 0, 0
    for swaps in itertools.product([False, True], repeat=len(names)):
        swap = np.array([swaps[names.index(group)] for group in groups])[:, None]
        difference = f1(np.where(swap, pair_b, pair_a)) - f1(np.where(swap, pair_a, pair_b))
        far += abs(difference) >= abs(observed) - 1e-7
        total += 1
    return far / total


def test_small_cases_go_through_all_swaps_like_scipy():
    a, b = make_evaluation(skill=0.9, seed=1), make_evaluation(skill=0.2, seed=2)
    table = paired_test(a.outcomes, b.outcomes, ["recall", "ndcg"])
    for metric in ("recall", "ndcg"):
        for place, k in enumerate(KS):
            x, y = (e.outcomes[metric][:, place].astype(np.float64) for e in (a, b))
            theirs = stats.permutation_test(
                (x, y), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples", n_resamples=np.inf
            )
            row = row_of(table, metric, k)
            assert row["p"] == pytest.approx(theirs.pvalue, abs=1e-12)
            assert row["difference"] == pytest.approx(theirs.statistic, abs=1e-7)
            assert row["effect_size"] == pytest.approx((x - y).mean() / (x - y).std(ddof=1), abs=1e-5)
            assert (row["wins"], row["ties"], row["losses"]) == ((x > y).sum(), (x == y).sum(), (x < y).sum())


def test_f1_of_means_is_permuted_as_such():
    a, b = make_evaluation(skill=0.9, seed=1), make_evaluation(skill=0.2, seed=2)
    row = row_of(paired_test(a.outcomes, b.outcomes, ["f1"]), "f1", 3)
    assert row["a"] == pytest.approx(a.at(3)["f1"], abs=1e-9)
    assert row["b"] == pytest.approx(b.at(3)["f1"], abs=1e-9)
    assert row["p"] == pytest.approx(slow_f1_p_value(a, b, range(10)))


def test_users_are_swapped_whole():
    a, b = make_evaluation(30, 0.9, 1, users=7), make_evaluation(30, 0.2, 2, users=7)
    row = row_of(paired_test(a.outcomes, b.outcomes, ["f1"], unit="users"), "f1", 3)
    assert row["p"] == pytest.approx(slow_f1_p_value(a, b, a.outcomes.user_ids))


def test_many_posts_are_swapped_at_random(monkeypatch):
    monkeypatch.setattr(resampling, "_CHUNK", 7)
    a, b = make_evaluation(12, 0.6, 1), make_evaluation(12, 0.2, 2)
    exact = paired_test(a.outcomes, b.outcomes, permutations=4096)
    drawn = paired_test(a.outcomes, b.outcomes, permutations=4095)
    np.testing.assert_allclose(drawn["p"], exact["p"], atol=0.04)
    assert not (drawn["p"] == exact["p"]).all()
    pd.testing.assert_frame_equal(drawn, paired_test(a.outcomes, b.outcomes, permutations=4095))


def test_equal_systems_do_not_differ():
    a = make_evaluation(40)
    table = paired_test(
        a.outcomes, a.outcomes, ["f1", "map", "coverage_of_truth", "f1_micro", "novelty"], permutations=99
    )
    assert (table["p"] == 1).all()
    assert (table["difference"] == 0).all()
    assert (table["effect_size"] == 0).all()
    assert (table["ties"] == 40).all()


def test_swapping_the_systems_changes_only_signs():
    a, b = make_evaluation(50, 0.7, 1), make_evaluation(50, 0.3, 2)
    there, back = (
        paired_test(a.outcomes, b.outcomes, permutations=500),
        paired_test(b.outcomes, a.outcomes, permutations=500),
    )
    np.testing.assert_allclose(there["p"], back["p"])
    np.testing.assert_allclose(there["difference"], -back["difference"])
    np.testing.assert_allclose(there["effect_size"], -back["effect_size"])
    assert there["wins"].tolist() == back["losses"].tolist()


def test_systems_that_are_equally_good_are_rarely_called_different():
    rejected = 0
    for trial in range(120):
        truth = make_truth(25, seed=trial)
        a, b = (make_evaluation(25, 0.4, seed=1000 * s + trial, ks=[3], truth=truth) for s in (1, 2))
        rejected += paired_test(a.outcomes, b.outcomes, ["f1"], permutations=199, seed=trial)["p"].iloc[0] <= 0.05
    assert rejected <= 14


def test_a_clear_difference_is_found():
    a, b = make_evaluation(150, 1.5, 1), make_evaluation(150, 0.1, 2)
    table = paired_test(a.outcomes, b.outcomes, permutations=999)
    assert (table["p"] == 0.001).all()
    assert (table["effect_size"] > 0.5).all()


def test_the_effect_size_of_f1_is_its_difference_in_standard_errors():
    a, b = make_evaluation(400, 0.6, 1, ks=[3]), make_evaluation(400, 0.3, 2, ks=[3])
    row = paired_test(a.outcomes, b.outcomes, ["f1"], permutations=1).iloc[0]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(1500):
        rows = rng.integers(0, 400, 400)
        means = [[x.outcomes[c][rows, 0].mean() for c in ("precision", "recall")] for x in (a, b)]
        drawn.append(np.diff([2 * p * r / (p + r) for p, r in means])[0])
    assert row["effect_size"] == pytest.approx(row["difference"] / (np.std(drawn) * 20), rel=0.08)


def test_posts_in_another_order_and_other_ks_are_brought_together(tmp_path):
    truth = make_truth(20, 0)
    a, b = make_evaluation(20, 0.7, 1, users=5), make_evaluation(20, 0.3, 2, ks=[2, 3, 4], users=5)
    expected = paired_test(
        a.outcomes, make_evaluation(20, 0.3, 2, users=5).outcomes, ["f1", "novelty"], permutations=50
    )
    write_per_post(tmp_path / "b.parquet", b.outcomes)
    results = read_per_post(tmp_path / "b.parquet")
    order = np.random.default_rng(0).permutation(20)
    shuffled = results.take(order)
    table = paired_test(a.outcomes, shuffled, ["f1", "novelty"], permutations=50)
    assert table["k"].tolist() == [3, 3]
    pd.testing.assert_frame_equal(table, expected[expected["k"] == 3].reset_index(drop=True))
    assert len(truth) == 20


def test_comparing_many_systems_corrects_for_their_number():
    skills = {"x": 0.9, "y": 0.5, "z": 0.4}
    systems = {name: make_evaluation(30, skill, seed).outcomes for seed, (name, skill) in enumerate(skills.items())}
    table = compare_systems(systems, ["f1"], permutations=199)
    at_3 = table[table["k"] == 3]
    assert list(zip(at_3["system_a"], at_3["system_b"], strict=True)) == [("x", "y"), ("x", "z"), ("y", "z")]
    np.testing.assert_allclose(at_3["p_holm"], holm(at_3["p"].to_numpy()))
    against = compare_systems(systems, ["f1"], against="y", permutations=199)
    assert against[["system_a", "system_b"]].drop_duplicates().to_numpy().tolist() == [["x", "y"], ["z", "y"]]


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.9, np.nan, 0.5])), [1, np.nan, 1])
    assert holm(np.array([])).tolist() == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_never_lowers(p_values):
    p = np.array(p_values)
    corrected = holm(p)
    assert (corrected >= p).all()
    assert (corrected <= 1).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()
    # Rejected by Holm at .05 exactly when the step-down procedure, walked through, rejects.
    rejected = 0
    for step, value in enumerate(p[order]):
        if value * (len(p) - step) > 0.05:
            break
        rejected += 1
    assert (corrected[order] <= 0.05).tolist() == [step < rejected for step in range(len(p))]


def test_wins_leave_out_posts_without_a_value():
    truth = [["tag00"], ["tag11"], ["tag01"]]  # tag11 is outside the vocabulary
    a, b = (make_evaluation(3, skill, seed, truth=truth) for skill, seed in ((2, 1), (-2, 2)))
    wins, ties, losses = win_tie_loss(a.outcomes, b.outcomes, "recall_known")
    assert (wins + ties + losses).tolist() == [2, 2]
    assert wins.tolist() == [2, 2]


def test_refused():
    a = make_evaluation(6)
    with pytest.raises(DataError, match="not evaluated on the same posts: 6 and 5, of which 5 are the same"):
        paired_test(a.outcomes, make_evaluation(5).outcomes)
    with pytest.raises(DataError, match="against different truths or vocabularies, for instance of post 'post"):
        paired_test(a.outcomes, make_evaluation(6, truth=make_truth(6, 9)).outcomes)
    with pytest.raises(UserError, match=r"have no K in common; evaluate both with the same --k"):
        paired_test(a.outcomes, make_evaluation(6, ks=[2]).outcomes)
    with pytest.raises(UserError, match="permutations: 0 is too few"):
        paired_test(a.outcomes, a.outcomes, permutations=0)
    with pytest.raises(UserError, match="1 system cannot be compared; give at least two"):
        compare_systems({"x": a.outcomes})
    with pytest.raises(UserError, match="against: 'q' is not one of the systems x, y"):
        compare_systems({"x": a.outcomes, "y": a.outcomes}, against="q")
    other = evaluate_rankings(make_rankings([["tag00"]] * 6), make_truth(6, 0), KS, VOCABULARY, ap_norm="relevant")
    with pytest.raises(UserError, match="ap_norm is capped for one system and relevant for the other"):
        paired_test(a.outcomes, other.outcomes)
