"""Equality with ranx and scikit-learn where the definitions agree."""

import numpy as np
import pytest
from evaluation_reference import make_rankings, make_vocabulary
from sklearn.metrics import f1_score, ndcg_score

from multimodal.evaluation.metrics.sweep import evaluate_rankings

TAGS = [f"tag{number:02d}" for number in range(25)]
KS = [1, 2, 3, 5, 8, 10, 12]


def random_case(seed, posts=60, full_lists=False):
    """Lists of up to 10 hashtags (so K = 12 is above all of them), 1 to 14 true hashtags, many posts without a hit."""
    rng = np.random.default_rng(seed)
    lengths = np.full(posts, 10) if full_lists else rng.integers(1, 11, posts)
    ranked = [[TAGS[tag] for tag in rng.permutation(25)[:length]] for length in lengths]
    truth = [[TAGS[tag] for tag in rng.permutation(25)[: rng.integers(1, 15)]] for _ in range(posts)]
    return ranked, truth


def evaluate(ranked, truth, **options):
    return evaluate_rankings(make_rankings(ranked, names=TAGS), truth, KS, make_vocabulary({TAGS[0]: 1}), **options)


@pytest.mark.parametrize("seed", range(4))
def test_ranx_agrees(ranx, seed):
    ranked, truth = random_case(seed, full_lists=seed % 2 == 0)
    ours = evaluate(ranked, truth, ap_norm="relevant")
    run = {str(row): {tag: 1.0 / place for place, tag in enumerate(tags, 1)} for row, tags in enumerate(ranked)}
    qrels = {str(row): dict.fromkeys(tags, 1) for row, tags in enumerate(truth)}
    names = {
        "precision": "precision",
        "recall": "recall",
        "hit_rate": "hit_rate",
        "ndcg": "ndcg",
        "map": "map",
        "mrr": "mrr",
    }
    wanted = [f"{name}@{k}" for name in names.values() for k in KS] + ["f1@5"]
    theirs = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), wanted, threads=1)
    for column, name in names.items():
        for k in KS:
            assert ours.at(k)[column] == pytest.approx(theirs[f"{name}@{k}"], abs=1e-9), f"{name}@{k}"
    assert ours.at(5)["f1_per_post"] == pytest.approx(theirs["f1@5"], abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_scikit_learn_agrees(seed):
    ranked, truth = random_case(seed, full_lists=seed % 2 == 0)
    ours = evaluate(ranked, truth)
    true = np.array([[tag in tags for tag in TAGS] for tags in truth], int)
    for k in KS:
        named = np.array([[tag in tags[:k] for tag in TAGS] for tags in ranked], int)
        somewhere = true.any(axis=0)
        row = ours.at(k)
        assert row["f1_micro"] == pytest.approx(f1_score(true, named, average="micro"), abs=1e-9)
        macro = f1_score(true[:, somewhere], named[:, somewhere], average="macro", zero_division=0)
        assert row["f1_macro_label"] == pytest.approx(macro, abs=1e-9)


def test_scikit_learn_agrees_on_ndcg():
    rng = np.random.default_rng(7)
    # scikit-learn ranks every label, so the lists name all of them.
    ranked = [[TAGS[tag] for tag in rng.permutation(25)] for _ in range(40)]
    _, truth = random_case(7, posts=40)
    ours = evaluate(ranked, truth)
    true = np.array([[tag in tags for tag in TAGS] for tags in truth], int)
    scores = np.array([[-tags.index(tag) for tag in TAGS] for tags in ranked])
    for k in KS:
        assert ours.at(k)["ndcg"] == pytest.approx(ndcg_score(true, scores, k=k), abs=1e-9)
