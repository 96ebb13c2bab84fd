import json

import numpy as np
import pytest
from ranker_rows import NAMES, SMALL, SOURCES, draw_rows
from safetensors.numpy import load_file, save_file

from data_loaders.errors import RunError
from multimodal.hybrid.ranker.fitting import fit_ranker
from multimodal.hybrid.ranker.storage import ARRAYS_FILE, STATE_FILE, load_ranker, save_ranker


@pytest.fixture(params=["trees", "linear"])
def ranker(request):
    return fit_ranker(draw_rows(), NAMES, SOURCES, SMALL.model_copy(update={"kind": request.param}))


@pytest.fixture
def saved(tmp_path):
    save_ranker(tmp_path, fit_ranker(draw_rows(), NAMES, SOURCES, SMALL))
    return tmp_path


def _tamper(folder, **changes):
    arrays = {name: array.copy() for name, array in load_file(folder / ARRAYS_FILE).items()}
    for name, change in changes.items():
        arrays[name] = change(arrays[name])
    save_file(arrays, folder / ARRAYS_FILE)


def _put(place, value):
    def change(array):
        array[place] = value
        return array

    return change


def _refused(folder, *texts):
    with pytest.raises(RunError) as caught:
        load_ranker(folder)
    for text in (str(folder), *texts):
        assert text in str(caught.value)


def test_what_was_saved_answers_the_same(ranker, tmp_path):
    save_ranker(tmp_path, ranker)
    loaded, features = load_ranker(tmp_path), draw_rows(seed=1).features
    assert (loaded.names, loaded.sources, loaded.kind) == (NAMES, SOURCES, ranker.kind)
    assert np.array_equal(loaded.log_odds(features), ranker.log_odds(features))
    assert np.array_equal(loaded.attribution(features), ranker.attribution(features))
    assert {path.name for path in tmp_path.iterdir()} == {ARRAYS_FILE, STATE_FILE}


def _split(folder, number=0):
    return int(np.flatnonzero(load_file(folder / ARRAYS_FILE)["feature"] >= 0)[number])


@pytest.mark.parametrize("child", [10**9, -5, -1, 0, 1])
def test_a_child_elsewhere_is_refused(saved, child):
    # 0 is the root itself, a cycle; 1 is the left child once more.
    _tamper(saved, right=_put(0, child))
    _refused(saved, "right" if child == -5 else f"node 0 has the right child {child}, which is not a later node")


def test_a_child_of_another_tree_is_refused(saved):
    second = int(load_file(saved / ARRAYS_FILE)["starts"][1])
    _tamper(saved, right=_put(0, second))
    _refused(saved, f"node 0 has the right child {second}, which is not a later node of its tree")


def test_a_cycle_below_the_root_is_refused(saved):
    below = _split(saved, 1)
    _tamper(saved, right=_put(below, below - 1))
    _refused(saved, f"node {below} has the right child {below - 1}")


def test_a_right_child_inside_of_the_left_branch_is_refused(saved):
    right = int(load_file(saved / ARRAYS_FILE)["right"][0])
    _tamper(saved, right=_put(0, right - 1 if right > 2 else right + 1))
    _refused(saved, "which does not follow its left branch")


def test_nodes_that_cannot_be_reached_are_refused(saved):
    _tamper(saved, feature=_put(0, -1), right=_put(0, -1))
    _refused(saved, "tree 0 has nodes that cannot be reached")


def test_a_leaf_with_a_child_is_refused(saved):
    leaf = int(np.flatnonzero(load_file(saved / ARRAYS_FILE)["feature"] < 0)[0])
    _tamper(saved, right=_put(leaf, leaf + 1))
    _refused(saved, f"node {leaf} has the right child {leaf + 1}")


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["threshold", "value"])
def test_numbers_that_are_not_finite_are_refused(saved, name, value):
    _tamper(saved, **{name: _put(0, value)})
    _refused(saved, f"{name} has numbers that are not finite")


@pytest.mark.parametrize("name, value", [("feature", 6), ("feature", -2), ("missing_left", 2), ("value", 1e7)])
def test_numbers_outside_of_their_range_are_refused(saved, name, value):
    _tamper(saved, **{name: _put(0, value)})
    _refused(saved, f"{name} has numbers from")


@pytest.mark.parametrize(
    "name, dtype", [("threshold", "f8"), ("right", "i8"), ("missing_left", "i1"), ("starts", "i4")]
)
def test_another_type_is_refused(saved, name, dtype):
    _tamper(saved, **{name: lambda array: array.astype(dtype)})
    _refused(saved, f"{name} is of type {np.dtype(dtype).name}")


def test_ten_million_trees_are_refused_before_they_are_read(saved, monkeypatch):
    _tamper(saved, starts=lambda _: np.zeros(10**7, np.int64))
    monkeypatch.setattr("multimodal.hybrid.ranker.storage.load_arrays", None)
    _refused(saved, "it has 10,000,000 trees; 1 to 10,000 are accepted")


def test_no_trees_are_refused(saved):
    _tamper(saved, starts=lambda _: np.zeros(0, np.int64))
    _refused(saved, "it has 0 trees")


def test_too_many_nodes_are_refused(saved):
    _tamper(saved, feature=lambda _: np.zeros(1_270_001, np.int32))
    _refused(saved, "it has 1,270,001 nodes; 1 to 1,270,000 are accepted")


def test_too_many_leaves_are_refused(saved):
    # 65 leaves, each to the left of the next split.
    size = 2 * 65 - 1
    feature = np.array([0, -1] * 64 + [-1], np.int32)
    right = np.where(feature < 0, -1, np.arange(size) + 2).astype(np.int32)
    save_file(
        {"starts": np.zeros(1, np.int64), "feature": feature, "right": right, "threshold": np.zeros(size, np.float32),
         "missing_left": np.zeros(size, np.uint8), "value": np.zeros(size)},
        saved / ARRAYS_FILE,
    )  # fmt: skip
    _refused(saved, "tree 0 has 65 leaves; at most 64 are accepted")


def test_trees_that_overlap_are_refused(saved):
    _tamper(saved, starts=_put(1, 0))
    _refused(saved, "its trees do not follow each other")


def test_arrays_that_are_missing_or_of_another_length_are_refused(saved):
    _tamper(saved, threshold=lambda array: array[:-1])
    _refused(saved, "threshold has the shape")
    _tamper(saved, feature=lambda _: np.zeros((), np.int32))
    _refused(saved, "feature has the shape")


def test_a_missing_file_and_a_pickle_are_refused(saved):
    (saved / ARRAYS_FILE).write_bytes(b"\x80\x04.")
    _refused(saved, "it is a pickle")
    (saved / ARRAYS_FILE).unlink()
    _refused(saved, "is missing")
    (saved / STATE_FILE).unlink()
    _refused(saved, STATE_FILE, "is missing")


@pytest.mark.parametrize(
    "change, text",
    [
        ({"kind": "forest"}, "kind"),
        ({"names": [*NAMES[:5], NAMES[0]]}, "a value is given twice"),
        ({"sources": ["own"]}, "it has 6 features with 1 sources"),
        ({"names": []}, "names"),
        ({"kind": "linear"}, "it holds 'feature', which belongs to another model"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(saved, change, text):
    state = json.loads((saved / STATE_FILE).read_text(encoding="utf-8"))
    (saved / STATE_FILE).write_text(json.dumps({**state, **change}), encoding="utf-8")
    _refused(saved, text)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    save_ranker(tmp_path, fit_ranker(draw_rows(), NAMES, SOURCES, SMALL.model_copy(update={"kind": "linear"})))
    _tamper(tmp_path, low=_put(0, 1e6))
    _refused(tmp_path, "a feature has a lower bound above its upper one")
    _tamper(tmp_path, low=_put(0, np.nan))
    _refused(tmp_path, "low has numbers that are not finite")
