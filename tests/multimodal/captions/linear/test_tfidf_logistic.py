"""`tfidf_logistic`: its three forms beside scikit-learn, its grid, and captions of any kind."""

from __future__ import annotations

import json

import numpy as np
import pytest
from linear_data import ODD_CAPTIONS, make_labelled
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from data_loaders.errors import ConfigError, RunError
from multimodal.captions.labelled import LabelledCaptions
from multimodal.captions.linear.forms import LabelSets, membership
from multimodal.captions.linear.tfidf_logistic import TfidfLogistic
from multimodal.captions.validation import validate_captions, validate_scores
from multimodal.encoders.captions.words import split_words
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config

TRAIN, VALIDATION = make_labelled(150, 5), make_labelled(60, 5, seed=1)
FORMS = ["label_powerset", "one_versus_rest", "softmax_1_over_k"]
NAMES = ["a", "b", "c", "d", "e"]
EXACT = ["grid={solver: lbfgs, iterations: [300], strengths: [2]}", "smallest_weight=0", "minimum_count=1"]


def learn(folder, *settings, train=TRAIN, validation=VALIDATION):
    system = TfidfLogistic(load_config(None, ["system=tfidf_logistic", *settings]))
    frequencies = [sum(label in row for row in train.targets) for label in range(5)]
    system.start(HashtagIdMap(NAMES, frequencies), len(train))
    system.learn(train, validation, RunFolder(folder))
    return system


def tries(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def scikit(labels, captions=TRAIN.captions, **fit):
    model = make_pipeline(TfidfVectorizer(analyzer=split_words), LogisticRegression(C=2.0, max_iter=300))
    return model.fit(captions, labels, **{f"logisticregression__{key}": value for key, value in fit.items()})


class TestEqualsScikitLearn:
    asked = VALIDATION.captions

    def test_one_versus_rest(self, tmp_path):
        ours = learn(tmp_path, "form=one_versus_rest", *EXACT).scores(self.asked)
        for label in range(5):
            theirs = scikit([label in row for row in TRAIN.targets]).predict_proba(self.asked)[:, 1]
            np.testing.assert_allclose(ours[:, label], theirs, atol=1e-5)

    def test_label_powerset(self, tmp_path):
        ours = learn(tmp_path, "form=label_powerset", "minimum_set_count=1", *EXACT).scores(self.asked)
        theirs = scikit(["".join(NAMES[label] for label in sorted(row)) for row in TRAIN.targets])
        chances = theirs.predict_proba(self.asked)
        for label, name in enumerate(NAMES):
            holding = [place for place, labels in enumerate(theirs.classes_) if name in labels]
            np.testing.assert_allclose(ours[:, label], chances[:, holding].sum(1), atol=1e-5)

    def test_softmax_over_repeated_posts(self, tmp_path):
        ours = learn(tmp_path, "form=softmax_1_over_k", *EXACT)
        pairs = [(row, label) for row, labels in enumerate(TRAIN.targets) for label in labels]
        features = ours.bags.tfidf(TRAIN.captions)[[row for row, _ in pairs]].astype(np.float64)
        weights = [1 / len(TRAIN.targets[row]) for row, _ in pairs]
        theirs = LogisticRegression(C=2.0, max_iter=300).fit(features, [label for _, label in pairs], weights)
        chances = theirs.predict_proba(ours.bags.tfidf(self.asked))
        np.testing.assert_allclose(ours.scores(self.asked), chances, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
class TestEveryForm:
    def test_beats_the_prior(self, tmp_path, form):
        system = learn(tmp_path, f"form={form}", "grid={iterations: [20]}")
        ours = validate_captions(system.scores_or_prior, VALIDATION, 1)["score"]
        floor = validate_scores(lambda rows: np.tile(system.prior.scores, (len(rows), 1)), VALIDATION, 1)["score"]
        assert ours > floor + 0.2

    def test_scores_are_probabilities_whatever_the_caption(self, tmp_path, form):
        system = learn(tmp_path, f"form={form}")
        scores = system.scores_or_prior(ODD_CAPTIONS + VALIDATION.captions)
        assert scores.shape == (len(ODD_CAPTIONS) + len(VALIDATION), 5)
        assert ((scores >= 0) & (scores <= 1)).all()
        for caption, judged in zip(ODD_CAPTIONS, system.can_score(ODD_CAPTIONS), strict=True):
            assert not judged, caption[:20]
            np.testing.assert_array_equal(system.scores_or_prior([caption])[0], system.prior.scores)

    def test_saved_and_loaded(self, tmp_path, form):
        system = learn(tmp_path, f"form={form}")
        system.save(tmp_path)
        loaded = TfidfLogistic.load(tmp_path, system.config, system.id_map)
        asked = ODD_CAPTIONS + VALIDATION.captions
        np.testing.assert_array_equal(loaded.scores_or_prior(asked), system.scores_or_prior(asked))

    def test_captions_that_share_no_word_leave_the_prior(self, tmp_path, form):
        train = LabelledCaptions(["one", "two", "three"], [[0], [1], [1, 2]], [1, 1, 2], 5)
        system = learn(tmp_path, f"form={form}", train=train, validation=train)
        system.save(tmp_path)
        loaded = TfidfLogistic.load(tmp_path, system.config, system.id_map)
        np.testing.assert_array_equal(loaded.scores_or_prior(["one"])[0], system.prior.scores)


class TestGrid:
    def test_every_setting_is_logged_and_the_best_is_kept(self, tmp_path):
        grid = "grid={penalties: [none, l2], strengths: [0.01, 10], iterations: [1, 15]}"
        system = learn(tmp_path, grid)
        logged = tries(tmp_path)
        assert [(one["penalty"], one["C"], one["iterations"]) for one in logged] == [
            *(("none", None, 1), ("none", None, 15)),
            *(("l2", 0.01, 1), ("l2", 0.01, 15), ("l2", 10, 1), ("l2", 10, 15)),
        ]
        best = max(one["f1@5"] for one in logged)
        score = validate_captions(system.scores_or_prior, VALIDATION, 5)["score"]
        assert score == pytest.approx(best, abs=1e-9)

    def test_folds_learn_again_from_all_train_posts(self, tmp_path):
        grid = "iterations: [300], strengths: [2], solver: lbfgs"
        folded = learn(tmp_path, f"grid={{{grid}, folds: 2}}", "minimum_count=1")
        plain = learn(tmp_path / "plain", f"grid={{{grid}}}", "minimum_count=1")
        asked = VALIDATION.captions
        np.testing.assert_allclose(folded.scores(asked), plain.scores(asked), atol=1e-9)
        assert [one["folds"] for one in tries(tmp_path)] == [2]

    def test_rare_sets_are_counted_in_the_log(self, tmp_path):
        learn(tmp_path, "form=label_powerset", "minimum_set_count=4")
        sets = [tuple(sorted(row)) for row in TRAIN.targets]
        rare = {one for one in sets if sets.count(one) < 4}
        assert tries(tmp_path)[0]["rare_sets"] == len(rare)
        assert tries(tmp_path)[0]["rare_posts"] == sum(one in rare for one in sets)

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            ("grid.folds=1", "one fold would learn from nothing"),
            ("grid.strengths=[0]", "every one must be above 0"),
            ("grid.iterations=[]", "grid.iterations"),
            ("grid.penalties=[l1]", "l2"),
            ("form=powerset", "label_powerset"),
            ("rare_sets=forget", "spread"),
        ],
    )
    def test_settings_without_sense_are_refused(self, setting, message):
        with pytest.raises(ConfigError, match=message):
            load_config(None, ["system=tfidf_logistic", setting])


class TestLabelSets:
    targets = ((0,), (0,), (1, 0), (0, 1), (1, 2), (2, 0, 1))

    def of(self, rare, count=2):
        found = LabelSets.of(self.targets, count, rare)
        names = ["".join("abc"[label] for label in labels) for labels in found.sets]
        rows = [
            {names[column]: round(float(row[column]), 3) for column in row.nonzero()[0]}
            for row in found.targets.toarray()
        ]
        assert (found.rare_sets, found.rare_posts) == ((2, 2) if count == 2 else (4, 6))
        return rows

    common = ({"a": 1}, {"a": 1}, {"ab": 1}, {"ab": 1})

    def test_spread(self):
        assert self.of("spread") == [*self.common, {"b": 0.5, "c": 0.5}, {"a": 0.333, "b": 0.333, "c": 0.333}]

    def test_fold_goes_to_the_hashtag_of_most_posts(self):
        assert self.of("fold") == [*self.common, {"b": 1}, {"a": 1}]

    def test_drop(self):
        assert self.of("drop") == [*self.common, {}, {}]

    def test_nothing_is_dropped_when_all_are_rare(self):
        found = LabelSets.of(self.targets, 100, "drop")
        assert found.sets == [(0,), (0, 1), (0, 1, 2), (1, 2)]
        assert found.rare_posts == 0

    def test_membership(self):
        assert membership([(0, 1), (2,)], 4).toarray().tolist() == [[1, 1, 0, 0], [0, 0, 1, 0]]


@pytest.mark.parametrize("content", [{}, [[0], [9]], [[]], [["a"]]], ids=str)
def test_damaged_sets_are_refused(tmp_path, content):
    system = learn(tmp_path, "form=label_powerset")
    system.save(tmp_path)
    (tmp_path / "label_sets.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match="sets of hashtags"):
        TfidfLogistic.load(tmp_path, system.config, system.id_map)


def test_the_f1_of_a_case_by_hand():
    posts = LabelledCaptions(["x", "y"], [[0, 1], []], [2, 1], 3)
    # Hits 1 and 0 of k = 1: P = 1/2, R = (1/2 + 0) / 2.
    assert validate_scores(lambda rows: np.array([[3.0, 2, 1], [1, 2, 3]]), posts, 1)["score"] == pytest.approx(1 / 3)
    assert validate_scores(lambda rows: np.array([[1.0, 2, 3], [1, 2, 3]]), posts, 1)["score"] == 0
    assert [len(TRAIN.evenly(most)) for most in (1, 50, 149, 1_000)] == [1, 50, 75, 150]
