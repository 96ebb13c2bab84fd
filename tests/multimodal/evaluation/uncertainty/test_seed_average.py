import numpy as np
import pytest
from saved_run_maker import VOCABULARY, make_posts, rank

from multimodal.evaluation.metrics.outcomes import average_over_seeds
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.evaluation.uncertainty.intervals import bootstrap
from multimodal.evaluation.uncertainty.paired import paired_test

POSTS = make_posts(30)


def evaluate(skill, seed):
    return evaluate_rankings(rank(POSTS, skill, seed), [post.hashtags for post in POSTS], [1, 4], VOCABULARY)


@pytest.fixture(scope="module")
def seeds():
    return [evaluate(0.4, seed) for seed in range(3)]


@pytest.fixture(scope="module")
def average(seeds):
    return average_over_seeds([evaluation.outcomes for evaluation in seeds])


def test_values_of_posts_are_averaged(seeds, average):
    for name in average.names:
        expected = np.mean([evaluation.outcomes[name] for evaluation in seeds], axis=0)
        np.testing.assert_allclose(average[name], expected, atol=1e-6)
    with pytest.raises(KeyError, match="per-post metrics"):
        average["nothing"]
    rows = np.array([4, 2])
    np.testing.assert_array_equal(average.take(rows).at(np.array([4]))["ndcg"], average["ndcg"][rows][:, 1:])


def test_means_and_f1_are_of_the_averaged_sums(seeds, average):
    drawn = bootstrap(average, ["precision", "recall", "f1", "hit_rate", "map"], resamples=5)
    for column in ("precision", "recall", "hit_rate", "map"):
        expected = np.mean([evaluation.table[column] for evaluation in seeds], axis=0)
        np.testing.assert_allclose(drawn.values[column], expected, atol=1e-9)
    p, r = drawn.values["precision"], drawn.values["recall"]
    np.testing.assert_allclose(drawn.values["f1"], 2 * p * r / (p + r))


def test_a_paired_test_of_averages(seeds, average):
    other = evaluate(0.1, 9)
    table = paired_test(average, other.outcomes, ["recall"], permutations=200)
    apart = average["recall"].astype(float) - other.outcomes["recall"]
    np.testing.assert_allclose(table["difference"], apart.mean(axis=0), atol=1e-7)
    np.testing.assert_allclose(table["effect_size"], apart.mean(axis=0) / apart.std(axis=0, ddof=1), atol=1e-5)
    assert table["wins"].tolist() == (apart > 1e-9).sum(axis=0).tolist()


def test_one_member_alone_is_itself(seeds):
    alone = average_over_seeds([seeds[0].outcomes])
    for name in seeds[0].outcomes.names:
        np.testing.assert_array_equal(alone[name], seeds[0].outcomes[name])
