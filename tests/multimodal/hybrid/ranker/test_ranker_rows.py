import numpy as np
import pytest
from ranker_rows import draw_rows

from multimodal.hybrid.ranker.rows import RankerRows, joined, thinned


def test_every_post_weighs_the_same():
    rows = RankerRows(np.zeros((4, 1), np.float32), np.array([True, False, False, True]), np.array([0, 0, 0, 1]))
    assert rows.weights.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    assert rows.sizes.tolist() == [3, 1]


@pytest.mark.parametrize("labels, posts", [([True], [0, 1]), ([True, False], [1, 0])])
def test_rows_that_do_not_fit_are_refused(labels, posts):
    with pytest.raises(ValueError, match="a row for each candidate, in the order of the posts"):
        RankerRows(np.zeros((2, 1), np.float32), np.array(labels), np.array(posts))


def test_the_order_does_not_depend_on_the_order_given():
    rows = draw_rows(posts=5)
    shuffled = rows.take(np.lexsort((np.random.default_rng(1).random(len(rows)), rows.posts)))
    assert not np.array_equal(shuffled.features, rows.features, equal_nan=True)
    one, other = rows.ordered(), shuffled.ordered()
    assert np.array_equal(one.features, other.features, equal_nan=True)
    assert np.array_equal(one.labels, other.labels)
    assert np.array_equal(one.posts, rows.posts)


def test_thinned_rows_keep_what_is_right_and_stand_for_all():
    rows = draw_rows(posts=200, each=40)
    few = thinned(rows, negatives=5, seed=4)
    assert few.labels.sum() == rows.labels.sum()
    assert np.bincount(few.posts, ~few.labels).max() == 5
    assert np.bincount(few.posts, few.counts) == pytest.approx(np.bincount(rows.posts))
    of_rows, of_few = (np.average(part.labels, weights=part.weights) for part in (rows, few))
    assert of_few == pytest.approx(of_rows)
    assert thinned(rows, negatives=40).counts.tolist() == [1.0] * len(rows)


def test_thinned_rows_differ_by_seed_only():
    rows = draw_rows(posts=20, each=40)
    first, again, other = (thinned(rows, negatives=5, seed=seed).features for seed in (1, 1, 2))
    assert np.array_equal(first, again, equal_nan=True)
    assert not np.array_equal(first, other, equal_nan=True)


def test_posts_of_joined_rows_stay_apart():
    rows = draw_rows(posts=4)
    both = joined([rows, thinned(rows, negatives=2), rows])
    assert len(np.unique(both.posts)) == 12
    assert (np.diff(both.posts) >= 0).all()
    assert both.counts[: len(rows)].tolist() == [1.0] * len(rows)
    assert joined([rows, rows]).counts is None


def test_every_candidate_counts_the_same_also_those_that_were_left_out():
    rows = draw_rows(posts=20)
    assert rows.candidate_weights.tolist() == [1.0] * len(rows)
    few = thinned(rows, 3)
    shares = [np.average(part.labels, weights=part.candidate_weights) for part in (rows, few)]
    assert shares[0] == pytest.approx(shares[1])
    assert few.candidate_weights.mean() == pytest.approx(1)


def test_posts_that_count_several_times():
    rows = draw_rows(posts=6)
    both = joined([rows, thinned(rows, 3).counting(4.0)])
    assert both.times.tolist() == [1.0] * len(rows) + [4.0] * (len(both) - len(rows))
    assert joined([rows, rows]).times is None
    of_posts = np.bincount(both.posts, both.weights)
    assert of_posts[6:] == pytest.approx(4 * of_posts[:6])
    of_candidates = np.bincount(both.posts, both.candidate_weights)
    assert of_candidates[6:] == pytest.approx(4 * of_candidates[:6])
    for weights in (both.weights, both.candidate_weights):
        assert weights.mean() == pytest.approx(1)
    for few in (both.ordered(), thinned(both, 1)):
        assert few.times.tolist() == [1.0 if post < 6 else 4.0 for post in few.posts]
