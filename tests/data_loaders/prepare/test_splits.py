"""Splitting by time, by user and at random."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.errors import DataError
from data_loaders.posts import UNDATED_EPOCH_US
from data_loaders.prepare.splits import RANDOM_WARNING, split_posts


def split(instants, users=None, dated=None, **options):
    count = len(instants)
    return split_posts(
        np.array(instants, np.int64),
        np.ones(count, bool) if dated is None else np.array(dated),
        np.zeros(count, np.int64) if users is None else np.array(users, np.int64),
        **options,
    )


def test_time_cuts_the_stream_once():
    result = split([9, 0, 1, 2, 3, 4, 5, 6, 7, 8])
    assert result.method == "time"
    assert result.reason == "chosen because 100 % of the posts have timestamps"
    assert result.split_ids.tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert result.cuts_us == (8, 9)
    assert not result.warnings


def test_posts_of_one_instant_stay_on_one_side():
    # The cut at 8 of 10 falls among the four posts of instant 7; the nearest change of instant is after place 6.
    assert split([0, 1, 2, 3, 4, 7, 7, 7, 8, 9]).split_ids.tolist() == [0] * 8 + [1, 2]
    assert split([0, 1, 2, 3, 4, 5, 6, 7, 7, 9]).split_ids.tolist() == [0] * 7 + [1, 1, 2]


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), min_size=30, max_size=80), st.randoms())
def test_time_never_lets_the_future_into_an_earlier_side(instants, random):
    random.shuffle(instants)
    try:
        split_ids = split(instants, method="time").split_ids
    except DataError:
        return
    stamps = np.array(instants)
    assert stamps[split_ids == 0].max() < stamps[split_ids == 1].min()
    assert stamps[split_ids == 1].max() < stamps[split_ids == 2].min()


def test_a_large_last_day_moves_the_cuts_to_the_nearest_that_leave_posts():
    result = split([0] * 40 + [1] * 27 + [2] * 8 + [3] * 25)
    assert np.bincount(result.split_ids).tolist() == [67, 8, 25]
    assert result.cuts_us == (2, 3)
    (warning,) = result.warnings
    assert "So many posts have the same time, for example the same day" in warning
    assert "67 % / 8 % / 25 % of the posts instead of 80 % / 10 % / 10 %" in warning


@pytest.mark.parametrize("sizes", [(1, 1, 98), (98, 1, 1), (1, 98, 1), (5, 90, 3, 2), (50, 50, 1), (20, 20, 60)])
def test_three_days_of_any_sizes_are_enough(sizes):
    instants = np.repeat(np.arange(len(sizes)), sizes)
    assert np.bincount(split(instants).split_ids, minlength=3).all()


def test_moved_cuts_leave_every_split_posts_with_hashtags():
    days = np.repeat(np.arange(5), [10, 10, 10, 10, 60])
    tagged = days != 3
    result = split(days, tagged=tagged)
    assert np.bincount(result.split_ids[tagged], minlength=3).tolist() == [20, 10, 60]
    undated = split([UNDATED_EPOCH_US, 5, *[6] * 8], dated=[False] + [True] * 9)
    assert undated.split_ids.tolist() == [0, 1] + [2] * 8


def test_moved_cuts_count_a_post_where_its_near_duplicates_go():
    # The posts of the last day but one repeat the first.
    days = np.repeat(np.arange(4), [10, 10, 10, 70])
    groups = np.where(days == 2, 0, np.arange(100))
    result = split(days, groups=groups)
    assert np.bincount(result.split_ids, minlength=3).tolist() == [20, 10, 70]
    assert result.cuts_us == (1, 3)


def distance_of_cuts(instants, cuts):
    """How far from the shares 80 / 10 / 10 two cuts are, in posts."""
    places = [(np.array(instants) < cut).sum() for cut in cuts]
    return abs(places[0] - round(0.8 * len(instants))) + abs(places[1] - round(0.9 * len(instants)))


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=5, max_size=60))
def test_moved_cuts_are_the_nearest_of_all_pairs(instants):
    times = sorted(set(instants))
    if len(times) < 3:
        return
    result = split(instants, method="time")
    if result.warnings:
        pairs = [(begin, end) for begin in times[1:] for end in times[1:] if begin < end]
        nearest = min(distance_of_cuts(instants, pair) for pair in pairs)
        assert distance_of_cuts(instants, result.cuts_us) == nearest


def test_undated_posts_are_trained_on():
    instants = [UNDATED_EPOCH_US, UNDATED_EPOCH_US + 1, *range(10)]
    result = split(instants, dated=[False, False] + [True] * 10)
    assert result.split_ids.tolist() == [0, 0] + [0] * 8 + [1, 2]


def test_auto_takes_random_when_few_posts_are_dated_and_says_so():
    result = split(np.arange(20), dated=[True] * 9 + [False] * 11)
    assert (result.method, result.reason) == ("random", "chosen because only 45 % of the posts have timestamps")
    assert result.warnings == (RANDOM_WARNING,)
    assert np.bincount(result.split_ids).tolist() == [16, 2, 2]


def test_random_goes_by_its_seed():
    one, again, other = (split(np.arange(100), method="random", seed=seed).split_ids.tolist() for seed in (1, 1, 2))
    assert one == again != other


def test_user_splits_every_user_by_time():
    users = [0] * 10 + [1] * 10 + [2] + [-1]
    instants = [*range(10), *range(100, 110), 5, 5]
    split_ids = split(instants, users, method="user").split_ids.tolist()
    assert split_ids == ([0] * 8 + [1, 2]) * 2 + [0, 0]


def test_user_keeps_equal_instants_together():
    instants = [0, 1, 2, 3, 4, 5, 6, 7, 7, 9, *range(10)]
    split_ids = split(instants, [0] * 10 + [1] * 10, method="user").split_ids.tolist()
    assert split_ids == [0] * 9 + [2] + [0] * 8 + [1, 2]


def user_sides_slowly(instants, users, fractions):
    split_ids = [0] * len(users)
    for user in set(users) - {-1}:
        own = sorted((instants[i], i) for i in range(len(users)) if users[i] == user)
        for instant, i in own:
            place = sum(other < instant for other, _ in own)
            share = (place + 0.5) / len(own)
            split_ids[i] = int(share >= fractions[0]) + int(share >= fractions[0] + fractions[1])
    return split_ids


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 4)), min_size=1, max_size=60))
def test_user_against_a_slow_loop(rows):
    instants, users = [row[0] for row in rows], [row[1] for row in rows]
    expected = user_sides_slowly(instants, users, (0.5, 0.25, 0.25))
    try:
        result = split(instants, users, method="user", fractions=(0.5, 0.25, 0.25))
    except DataError:
        assert set(expected) != {0, 1, 2} or set(users) == {-1}
        return
    assert result.split_ids.tolist() == expected


def test_near_duplicates_follow_the_first_of_them():
    groups = [0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 10, 11]
    result = split(np.arange(12), groups=np.array(groups), fractions=(0.5, 0.25, 0.25))
    assert result.split_ids.tolist() == [0] * 6 + [1] * 3 + [0, 2, 2]
    assert result.moved == 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 15), min_size=20, max_size=60), st.sampled_from(["time", "user", "random"]))
def test_groups_are_never_parted(groups, method):
    try:
        split_ids = split(np.arange(len(groups)), groups=np.array(groups), method=method).split_ids
    except DataError:
        return
    for group in set(groups):
        assert len(set(split_ids[np.array(groups) == group].tolist())) == 1


def test_an_empty_split_says_which_and_what_to_do():
    with pytest.raises(DataError, match=r"the validation split has no posts: 3 posts .* split by time") as error:
        split([1, 1, 1])
    assert "Use more posts, a larger share for validation (--fractions)" in str(error.value)
    with pytest.raises(DataError, match="the test split has 1 posts but none with hashtags"):
        split(np.arange(10), tagged=np.array([True] * 9 + [False]))


@pytest.mark.parametrize(
    "fractions", [(0.8, 0.1, 0.2), (1.0, 0.0, 0.0), (0.5, 0.6, -0.1), (0.5, math.nan, 0.5), (math.inf, 0.1, math.nan)]
)
def test_fractions_must_be_shares(fractions):
    with pytest.raises(DataError, match="three shares above 0 that add up to 1") as error:
        split(np.arange(10), fractions=fractions)
    assert f"{fractions[1]:g}" in str(error.value)


def test_what_a_method_needs():
    with pytest.raises(DataError, match="split 'time' needs timestamps, but no post has one"):
        split(np.arange(10), dated=[False] * 10, method="time")
    with pytest.raises(DataError, match="split 'user' needs users, but no post has one"):
        split(np.arange(10), users=[-1] * 10, method="user")
    with pytest.raises(DataError, match=r"split 'tine' is unknown; accepted: auto, time.*Did you mean 'time'\?"):
        split(np.arange(10), method="tine")
