import subprocess
import sys

import numpy as np
import pytest
from ranker_rows import NAMES, SMALL, SOURCES, draw_rows

from data_loaders.errors import UserError
from multimodal.hybrid.ranker import fitting
from multimodal.hybrid.ranker.fitting import fit_ranker, log_loss
from multimodal.hybrid.ranker.ranker import chances_of
from multimodal.hybrid.ranker.rows import RankerRows

AUTO = SMALL.model_copy(update={"kind": "auto"})


def _fit(rows, **settings):
    return fit_ranker(rows, NAMES, SOURCES, SMALL.model_copy(update=settings))


@pytest.mark.parametrize("kind", ["trees", "linear"])
def test_chances_come_true(kind):
    ranker = _fit(draw_rows(posts=400), kind=kind, rounds=200)
    later = draw_rows(posts=400, seed=1)
    chances = ranker.chances(later.features)
    order = np.array_split(np.argsort(chances), 10)
    gaps = [abs(chances[part].mean() - later.labels[part].mean()) for part in order]
    assert np.mean(gaps) < 0.03
    assert np.corrcoef(chances, later.labels)[0, 1] > 0.5


@pytest.mark.parametrize("kind", ["trees", "linear"])
def test_attributions_by_source_sum_to_the_log_odds(kind):
    ranker = _fit(draw_rows(), kind=kind)
    features = draw_rows(seed=1).features
    parts = ranker.attribution(features)
    assert ranker.source_names == ("own", "words", "post", "trend")
    assert parts.shape == (len(features), 4)
    assert parts.sum(1) + ranker.base == pytest.approx(ranker.log_odds(features), abs=1e-10)
    assert np.abs(parts[:, 0]).mean() > 3 * np.abs(parts[:, 3]).mean()


@pytest.mark.parametrize("kind", ["trees", "linear"])
def test_a_candidate_does_not_depend_on_the_others(kind):
    ranker = _fit(draw_rows(), kind=kind)
    features = draw_rows(seed=1).features[:50]
    alone = np.concatenate([ranker.log_odds(features[i : i + 1]) for i in range(50)])
    assert np.array_equal(ranker.log_odds(features), alone)
    alone = np.concatenate([ranker.attribution(features[i : i + 1]) for i in range(50)])
    assert np.array_equal(ranker.attribution(features), alone)


@pytest.mark.parametrize("objective", ["lambdarank", "rank_xendcg"])
def test_scores_of_ranking_objectives_become_log_odds(objective):
    later = draw_rows(posts=200, seed=1)
    config = SMALL.model_copy(update={"objective": objective})
    ranker = fit_ranker(draw_rows(posts=200), NAMES, SOURCES, config, later)
    assert ranker.chances(later.features).mean() == pytest.approx(later.labels.mean(), abs=0.01)


def test_the_ranker_is_chosen_on_validation():
    rows, later = draw_rows(posts=100), draw_rows(posts=100, seed=1)
    losses = {kind: log_loss(_fit(rows, kind=kind), later) for kind in ("trees", "linear")}
    assert fit_ranker(rows, NAMES, SOURCES, AUTO, later).kind == min(losses, key=losses.get)
    # Trees win where what is right is not a sum.
    features = np.random.default_rng(0).normal(size=(4_000, len(NAMES))).astype(np.float32)
    both = RankerRows(features, features[:, 0] * features[:, 1] > 0, np.repeat(np.arange(400), 10))
    halves = [both.take(np.flatnonzero((both.posts < 200) == first)) for first in (True, False)]
    assert fit_ranker(halves[0], NAMES, SOURCES, AUTO, halves[1]).kind == "trees"


def test_without_validation_the_number_of_posts_decides(monkeypatch):
    rows = draw_rows(posts=30)
    assert fit_ranker(rows, NAMES, SOURCES, AUTO).kind == "linear"
    monkeypatch.setattr(fitting, "_POSTS_FOR_TREES", 30)
    assert fit_ranker(rows, NAMES, SOURCES, AUTO).kind == "trees"


@pytest.mark.parametrize("label", [True, False])
def test_candidates_of_one_kind_are_refused(label):
    rows = draw_rows(posts=3)
    with pytest.raises(UserError, match=f"of 36 candidates {36 * label} are right; it needs both kinds"):
        fit_ranker(RankerRows(rows.features, np.full(36, label), rows.posts), NAMES, SOURCES, AUTO)


def test_without_lightgbm_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(UserError, match=r"pip install lightgbm, or set ranker.kind=linear"):
        _fit(draw_rows())
    assert _fit(draw_rows(), kind="linear").kind == "linear"


def test_serving_imports_no_lightgbm():
    code = (
        "import sys; import multimodal.hybrid.ranker.storage, multimodal.hybrid.ranker.fitting; "
        "sys.exit('lightgbm' in sys.modules or 'sklearn' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_another_number_of_features_is_refused():
    ranker = _fit(draw_rows())
    with pytest.raises(ValueError, match=r"needs 6 features a candidate, got the shape \(2, 5\)"):
        ranker.log_odds(np.zeros((2, 5), np.float32))


def test_chances_do_not_overflow():
    assert chances_of(np.array([-1e5, 0.0, 1e5])).tolist() == [0.0, 0.5, 1.0]
