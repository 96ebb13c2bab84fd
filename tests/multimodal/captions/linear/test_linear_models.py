"""The fast linear learner beside scikit-learn and central differences, and the stored model."""

from __future__ import annotations

import numpy as np
import pytest
from linear_data import make_labelled
from scipy import sparse
from scipy.special import expit, log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from data_loaders.errors import RunError
from multimodal.captions.linear.bags import BagConfig, WordBags
from multimodal.captions.linear.forms import shared_equally
from multimodal.captions.linear.learning import RESIDUALS, LinearSettings, learn_linear
from multimodal.captions.linear.model import FILE, LinearModel, sigmoid, softmax
from multimodal.captions.linear.scikit import fit_one_versus_rest, fit_softmax
from multimodal.storage.array_files import save_arrays

POSTS = make_labelled(120, 4)
FEATURES = WordBags.learn(POSTS.captions, BagConfig(system="x", minimum_count=1)).tfidf(POSTS.captions)
# scikit-learn is as exact as its input.
DOUBLE = FEATURES.astype(np.float64)
HASHTAGS = POSTS.multi_hot()
SHARED = shared_equally(HASHTAGS)


def losses(loss, scores, targets):
    if loss == "softmax":
        return -(targets * log_softmax(scores, 1)).sum()
    signs = 2 * (targets > 0) - 1
    if loss == "logistic":
        return -np.log(expit(signs * scores)).sum()
    return (np.maximum(0, 1 - signs * scores) ** 2).sum()


@pytest.mark.parametrize("loss", list(RESIDUALS))
def test_residuals_are_gradients(loss):
    draw = np.random.default_rng(0)
    targets = (SHARED if loss == "softmax" else HASHTAGS)[:5]
    scores = draw.normal(size=(5, 4))
    found = RESIDUALS[loss](scores.astype(np.float32), targets)
    expected = np.zeros_like(scores)
    for place in np.ndindex(scores.shape):
        step = np.zeros_like(scores)
        step[place] = 1e-5
        change = losses(loss, scores + step, targets.toarray()) - losses(loss, scores - step, targets.toarray())
        expected[place] = change / 2e-5
    np.testing.assert_allclose(found, expected, atol=1e-4)


def learned(targets, loss, strength, passes=800):
    settings = LinearSettings(loss, strength, learning_rate=0.5, batch_size=1_000)
    return list(learn_linear(FEATURES, targets, settings, passes))[-1]


def exact_softmax():
    posts = np.repeat(np.arange(len(POSTS)), np.diff(SHARED.indptr))
    theirs = LogisticRegression(C=3.0, max_iter=10_000, tol=1e-9)
    theirs.fit(DOUBLE[posts], SHARED.indices, sample_weight=SHARED.data)
    return theirs.predict_proba(DOUBLE)


class TestEqualsScikitLearn:
    """Every word comes with every hashtag here, so both have the same weights to choose."""

    def test_the_data_has_all_pairs(self):
        assert (FEATURES.T @ HASHTAGS).nnz == FEATURES.shape[1] * 4

    def test_softmax(self):
        ours = learned(SHARED, "softmax", 3.0)
        np.testing.assert_allclose(softmax(ours.scores(FEATURES)), exact_softmax(), atol=3e-5)

    def test_one_versus_rest(self):
        ours = sigmoid(learned(HASHTAGS, "logistic", 3.0).scores(FEATURES))
        for label in range(4):
            theirs = LogisticRegression(C=3.0, max_iter=10_000, tol=1e-9)
            theirs.fit(DOUBLE, HASHTAGS[:, [label]].toarray().ravel() > 0)
            np.testing.assert_allclose(ours[:, label], theirs.predict_proba(DOUBLE)[:, 1], atol=3e-5)

    def test_squared_hinge(self):
        ours = learned(HASHTAGS, "squared_hinge", 1.0).scores(FEATURES)
        for label in range(4):
            # A large scaling leaves their bias almost without a penalty, as ours is.
            theirs = LinearSVC(C=1.0, intercept_scaling=1e3, max_iter=100_000, tol=1e-8, dual=False)
            theirs.fit(DOUBLE, HASHTAGS[:, [label]].toarray().ravel())
            np.testing.assert_allclose(ours[:, label], theirs.decision_function(FEATURES), atol=5e-3)

    def test_batches_come_close(self):
        settings = LinearSettings("softmax", 3.0, learning_rate=0.5, batch_size=10)
        ours = list(learn_linear(FEATURES, SHARED, settings, 100))[-1]
        np.testing.assert_allclose(softmax(ours.scores(FEATURES)), exact_softmax(), atol=0.03)


class TestScoresOfScikitLearn:
    def test_predict_proba_of_more_than_two_classes(self):
        labels = np.array([row[0] for row in POSTS.targets])
        theirs = LogisticRegression(C=2.0, max_iter=500).fit(DOUBLE, labels)
        single = sparse.csr_matrix((np.ones(len(labels), np.float32), labels, np.arange(len(labels) + 1)))
        ours = fit_softmax(FEATURES, single, 2.0, 500)
        np.testing.assert_allclose(softmax(ours.scores(FEATURES)), theirs.predict_proba(DOUBLE), atol=1e-5)

    def test_predict_proba_of_two_classes_beside_one_without_posts(self):
        labels = np.array([2 * (row[0] % 2) for row in POSTS.targets])
        theirs = LogisticRegression(C=2.0, max_iter=500).fit(DOUBLE, labels)
        single = sparse.csr_matrix((np.ones(len(labels), np.float32), labels, np.arange(len(labels) + 1)))
        ours = softmax(fit_softmax(FEATURES, single, 2.0, 500).scores(FEATURES))
        np.testing.assert_allclose(ours[:, [0, 2]], theirs.predict_proba(DOUBLE), atol=1e-5)
        assert (ours[:, 1] < 1e-9).all()

    def test_predict_proba_of_each_hashtag(self):
        ours = sigmoid(fit_one_versus_rest(FEATURES, HASHTAGS, 2.0, 500).scores(FEATURES))
        for label in range(4):
            theirs = LogisticRegression(C=2.0, max_iter=500).fit(DOUBLE, HASHTAGS[:, [label]].toarray().ravel() > 0)
            np.testing.assert_allclose(ours[:, label], theirs.predict_proba(DOUBLE)[:, 1], atol=1e-5)

    def test_one_class_is_certain(self):
        single = sparse.csr_matrix(np.tile(np.float32([0, 1, 0]), (len(POSTS), 1)))
        assert (softmax(fit_softmax(FEATURES, single, 1.0, 10).scores(FEATURES))[:, 1] > 0.999).all()
        assert (sigmoid(fit_one_versus_rest(FEATURES, single, 1.0, 10).scores(FEATURES))[:, 1] > 0.999).all()


def test_only_pairs_that_share_a_post_have_a_weight():
    features = sparse.csr_matrix(np.float32([[1, 0], [0, 1], [1, 0]]))
    targets = sparse.csr_matrix(np.float32([[1, 0, 0], [0, 1, 0], [1, 0, 0]]))
    model = list(learn_linear(features, targets, LinearSettings("softmax", 10.0), 20))[-1]
    assert model.weights.toarray().nonzero()[0].tolist() == [0, 1]
    scores = softmax(model.scores(features))
    assert (scores.argmax(1) == [0, 1, 0]).all()
    assert (scores[:, 2] < 0.2).all()


def test_a_stronger_penalty_gives_smaller_weights():
    sizes = [abs(learned(SHARED, "softmax", strength, 50).weights).sum() for strength in (0.1, 1, 10, float("inf"))]
    assert sizes == sorted(sizes)


def test_scores_are_those_of_a_dense_product_and_pruning_leaves_the_large_ones():
    model = learned(SHARED, "softmax", 3.0, 10)
    expected = FEATURES.toarray() @ model.weights.toarray() + model.bias
    np.testing.assert_allclose(model.scores(FEATURES), expected, atol=1e-5)
    smallest = float(np.median(abs(model.weights.data)))
    kept = model.pruned(smallest).weights
    assert 0 < kept.nnz < model.weights.nnz
    assert abs(kept.data).min() >= smallest


def test_softmax_and_sigmoid_of_large_numbers():
    large = np.array([[1e4, -1e4, 0.0]])
    np.testing.assert_allclose(softmax(large), [[1, 0, 0]])
    np.testing.assert_allclose(sigmoid(large), [[1, 0, 0.5]])


class TestStorage:
    model = LinearModel(sparse.csr_matrix(np.float32([[0, 1.5, 0], [2, 0, -1]])), np.float32([1, 2, 3]))

    def test_saved_and_loaded(self, tmp_path):
        self.model.save(tmp_path)
        loaded = LinearModel.load(tmp_path, 2, 3)
        np.testing.assert_array_equal(loaded.weights.toarray(), self.model.weights.toarray())
        np.testing.assert_array_equal(loaded.bias, self.model.bias)

    def test_a_model_without_any_weight(self, tmp_path):
        LinearModel(sparse.csr_matrix((0, 3), dtype=np.float32), np.float32([1, 2, 3])).save(tmp_path)
        empty = sparse.csr_matrix((2, 0), dtype=np.float32)
        np.testing.assert_array_equal(LinearModel.load(tmp_path, 0, 3).scores(empty), [[1, 2, 3]] * 2)

    @pytest.mark.parametrize("size", [(3, 3), (2, 4), (2, 2)], ids=str)
    def test_another_size_is_refused(self, tmp_path, size):
        self.model.save(tmp_path)
        with pytest.raises(RunError, match="weights of the linear model"):
            LinearModel.load(tmp_path, *size)

    def test_damage_is_refused(self, tmp_path):
        with pytest.raises(RunError, match="missing"):
            LinearModel.load(tmp_path, 2, 3)
        (tmp_path / FILE).write_bytes(b"no safetensors")
        with pytest.raises(RunError, match="damaged"):
            LinearModel.load(tmp_path, 2, 3)
        LinearModel(self.model.weights, np.float32([1, np.nan, 3])).save(tmp_path)
        with pytest.raises(RunError, match="bias has numbers that are not finite"):
            LinearModel.load(tmp_path, 2, 3)
        save_arrays(tmp_path / FILE, {"bias": self.model.bias})
        with pytest.raises(RunError, match=r"weights\.data has the shape None"):
            LinearModel.load(tmp_path, 2, 3)

    def test_columns_outside_are_refused(self, tmp_path):
        parts = {
            "weights.data": np.float32([1]),
            "weights.columns": np.int32([7]),
            "weights.ends": np.int64([0, 1, 1]),
            "bias": self.model.bias,
        }
        save_arrays(tmp_path / FILE, parts)
        with pytest.raises(RunError, match="is not a matrix of"):
            LinearModel.load(tmp_path, 2, 3)
