"""Significance can be reached however many tests there are, and what limits it is said."""

import pytest
from saved_run_maker import make_posts, make_run

from multimodal.evaluation.comparison.comparison import Protocol, compare_runs
from multimodal.evaluation.comparison.saved_runs import group_by_seed, read_saved_runs
from multimodal.evaluation.uncertainty.paired import paired_test
from multimodal.evaluation.uncertainty.resampling import few_units

POSTS = make_posts(60)
NAMES = ["weak", *(f"good{number}" for number in range(5))]


@pytest.fixture(scope="module")
def six(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for number, name in enumerate(NAMES):
        make_run(folder / name, POSTS, 0.05 if number == 0 else 1.5, number, range(1, 7), {"width": number})
    return group_by_seed(read_saved_runs([folder / name for name in NAMES]))


def test_many_tests_take_many_swaps_and_find_every_large_effect(six):
    columns = ("hit_rate", "precision", "recall", "f1", "ndcg", "map")
    table = compare_runs(six, range(1, 7), Protocol(columns=columns, resamples=20)).table
    tested = table[table["p"].notna()]
    assert len(tested) == 180
    assert tested["swaps"].max() == 18_000 // 10_000 * 10_000
    large = tested[tested["effect_size"].abs() > 0.5]
    assert len(large) > 100
    assert large["differs"].all()


def test_a_sweep_that_is_not_tested_is_banded(six):
    few = {name: six[name] for name in NAMES[:2]}
    found = compare_runs(few, range(1, 7), Protocol(test_ks=[5], resamples=200))
    table = found.table[found.table["p"].notna()].set_index("k")
    assert table["p_holm"].notna().tolist() == [False] * 4 + [True, False]
    assert table["p_holm"][5] == table["p"][5]
    assert table["differs"].all()
    assert (table["band_low"] < table["difference_low"]).all()
    assert (table["band_high"] > table["difference_high"]).all()


def test_the_floor_is_said_where_it_binds(six):
    found = compare_runs(six, [5], Protocol(permutations=99, resamples=20))
    notes = "\n".join(found.notes)
    assert "5 of 5 p-values are the smallest that their swaps can give (0.01); the true ones may be smaller" in notes
    assert (
        "after Holm's correction over 5 comparisons no p can be below 0.050, so nothing can be significant: test "
        "fewer, or take at least 101 swaps" in notes
    )
    assert "smallest that" not in "\n".join(compare_runs({"a": six["good0"], "b": six["good1"]}, [5]).notes)


def test_first_swaps_are_those_of_a_test_that_is_not_continued(six):
    a, b = (six[name][0].outcomes for name in ("good0", "weak"))
    plain = paired_test(a, b, ["f1", "recall"], permutations=200)
    more = paired_test(a, b, ["f1", "recall"], permutations=200, most=1_000)
    assert (plain["p"] == 1 / 201).all()
    assert (more["p"] == 1 / 1_001).all()
    assert (more["swaps"] == 1_000).all()
    same = paired_test(a, a, ["f1"], permutations=200, most=1_000)
    assert (same["swaps"] == 200).all()
    at = paired_test(a, b, ["f1"], permutations=200, most=1_000, at=[3])
    assert dict(zip(at["k"], at["swaps"], strict=True)) == {1: 200, 2: 200, 3: 1_000, 4: 200, 5: 200, 6: 200}


def test_continued_p_values_are_small_as_rarely_as_they_say_where_nothing_differs(tmp_path):
    small, posts = 0, make_posts(12, users=12)
    for trial in range(60):
        names = [tmp_path / f"{trial}_{number}" for number in (0, 1)]
        runs = [make_run(name, posts, 0.5, 2 * trial + number, [3], {"i": number}) for number, name in enumerate(names)]
        a, b = (run.outcomes for run in read_saved_runs(runs))
        small += paired_test(a, b, ["recall"], permutations=50, most=500, seed=trial)["p"].iloc[0] <= 0.1
    assert small <= 13


def test_few_units_are_said():
    assert few_units(20, "users") == []
    assert few_units(2, "users") == [
        "only 2 users: intervals over so few are too narrow, and say little about other users"
    ]
    assert few_units(1, "posts")[0].startswith("only 1 post: ")
