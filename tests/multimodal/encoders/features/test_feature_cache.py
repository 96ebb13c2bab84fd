"""The feature cache: computed once, safe against interruptions, shared between processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import resource
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.errors import DataError, RunError
from multimodal.encoders.features import feature_cache as module
from multimodal.encoders.features.feature_cache import FeatureCache, caption_key, image_key


class Computer:
    """Gives (n, 3) rows that depend on the key alone, and remembers what it was asked for."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys
        self.asked: list[str] = []

    def __call__(self, positions: Sequence[int]) -> Iterator[np.ndarray]:
        for position in positions:
            self.asked.append(self.keys[position])
            yield rows_of(self.keys[position])


def rows_of(key: str) -> np.ndarray:
    return np.full((len(key) % 4, 3), sum(map(ord, key)) % 100, dtype=np.float32) + np.arange(3)


def check(cache: FeatureCache, keys: Sequence[str]) -> Computer:
    computer = Computer(keys)
    view = cache.get_or_compute(keys, computer, "testing")
    assert len(view) == len(keys)
    for i, key in enumerate(keys):
        np.testing.assert_array_equal(view[i], rows_of(key))
        assert view[i].dtype == np.float16
        assert view.lengths[i] == len(rows_of(key))
    return computer


def test_the_second_time_nothing_is_computed(tmp_path: Path) -> None:
    assert check(FeatureCache(tmp_path, "f"), ["a", "bb", "ccc", "dddd"]).asked == ["a", "bb", "ccc", "dddd"]
    cache = FeatureCache(tmp_path, "f")
    assert check(cache, ["dddd", "a", "a"]).asked == []
    assert check(cache, ["ccc", "new", "a", "new"]).asked == ["new"]
    assert check(FeatureCache(tmp_path, "f"), ["new", "bb"]).asked == []
    assert len(cache) == 5
    assert check(cache, []).asked == []


def test_nothing_asked_of_an_empty_cache_gives_an_empty_view(tmp_path: Path) -> None:
    view = FeatureCache(tmp_path, "f").get_or_compute([], Computer([]), "testing")
    rows, mask = view.batch([])
    assert len(view) == 0
    assert rows.shape[:2] == mask.shape == (0, 0)
    assert not any(tmp_path.iterdir())


def test_another_fingerprint_or_type_is_another_cache(tmp_path: Path) -> None:
    check(FeatureCache(tmp_path, "f"), ["a"])
    assert check(FeatureCache(tmp_path, "g"), ["a"]).asked == ["a"]
    pixels = FeatureCache(tmp_path, "f", dtype=np.uint8)
    view = pixels.get_or_compute(["a"], lambda _: [np.full((1, 3, 4, 4), 200, dtype=np.uint8)], "testing")
    assert view[0].shape == (1, 3, 4, 4)
    assert view.batch([0, 0])[0].shape == (2, 1, 3, 4, 4)
    assert view[0].max() == 200
    assert check(FeatureCache(tmp_path, "f"), ["a"]).asked == []


@settings(max_examples=40, deadline=None)
@given(
    keys=st.lists(st.text("abcxyz", min_size=1, max_size=7), min_size=1, max_size=12),
    chosen=st.lists(st.integers(0, 11), max_size=6),
)
def test_a_batch_equals_a_slow_loop(
    keys: list[str], chosen: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    view = FeatureCache(tmp_path_factory.mktemp("cache"), "f").get_or_compute(keys, Computer(keys), "testing")
    items = [item % len(keys) for item in chosen]
    rows, mask = view.batch(items)
    longest = max((len(rows_of(keys[item])) for item in items), default=0)
    assert rows.shape == (len(items), longest, 3)
    for i, item in enumerate(items):
        expected = rows_of(keys[item])
        np.testing.assert_array_equal(rows[i, : len(expected)].numpy(), expected)
        assert not rows[i, len(expected) :].any()
        assert mask[i].tolist() == [True] * len(expected) + [False] * (longest - len(expected))


def test_a_torn_tail_is_ignored_and_written_over(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, "f")
    check(cache, ["a", "bb"])
    size = (cache.folder / "rows.bin").stat().st_size
    with (cache.folder / "rows.bin").open("ab") as file:
        file.write(b"torn" * 5)
    check(FeatureCache(tmp_path, "f"), ["a", "bb", "ccc"])
    assert (cache.folder / "rows.bin").stat().st_size == size + rows_of("ccc").size * 2


def test_an_interrupted_run_keeps_what_it_had(tmp_path: Path) -> None:
    keys = [f"key{number}" for number in range(7)]

    class Interrupted(Computer):
        def __call__(self, positions: Sequence[int]) -> Iterator[np.ndarray]:
            yield from super().__call__(positions[:4])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FeatureCache(tmp_path, "f").get_or_compute(keys, Interrupted(keys), "testing")
    assert check(FeatureCache(tmp_path, "f"), keys).asked == keys[4:]


def test_a_process_that_dies_before_the_index_is_replaced_loses_only_its_own_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(FeatureCache(tmp_path, "f"), ["a", "bb"])

    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "write_atomically", die)
        with pytest.raises(KeyboardInterrupt):
            FeatureCache(tmp_path, "f").get_or_compute(["ccc"], Computer(["ccc"]), "testing")
    assert check(FeatureCache(tmp_path, "f"), ["a", "bb"]).asked == []
    assert check(FeatureCache(tmp_path, "f"), ["bb", "ccc"]).asked == ["ccc"]


def test_rows_that_a_copy_lost_are_computed_again(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, "f")
    check(cache, ["a", "bb", "ccc"])
    os.truncate(cache.folder / "rows.bin", rows_of("a").size * 2 + 3)
    assert check(FeatureCache(tmp_path, "f"), ["a", "bb", "ccc"]).asked == ["bb", "ccc"]


def test_a_full_disk_is_reported_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(FeatureCache(tmp_path, "f"), ["a"])

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(module.os, "fsync", full)
        with pytest.raises(RunError, match=r"could not be written \(No space left on device\); its earlier content is"):
            FeatureCache(tmp_path, "f").get_or_compute(["bb"], Computer(["bb"]), "testing")
    assert check(FeatureCache(tmp_path, "f"), ["a", "bb"]).asked == ["bb"]


def test_a_damaged_index_is_named(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, "f")
    check(cache, ["a"])
    (cache.folder / "index.npy").write_bytes(b"nonsense")
    with pytest.raises(RunError, match=r"index.npy is damaged .*; delete "):
        FeatureCache(tmp_path, "f").get_or_compute(["a"], Computer(["a"]), "testing")


def test_a_disk_that_fills_up_half_way_keeps_what_was_there(tmp_path: Path) -> None:
    check(FeatureCache(tmp_path, "f"), ["a"])
    keys = [f"key{number}" for number in range(200)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    try:
        with pytest.raises(RunError, match=r"could not be written \(File too large\); its earlier content is kept"):
            FeatureCache(tmp_path, "f").get_or_compute(keys, Computer(keys), "testing")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert check(FeatureCache(tmp_path, "f"), ["a", *keys]).asked == keys


def test_rows_that_are_gone_are_computed_again(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, "f")
    check(cache, ["a", "bb", "ccc"])
    (cache.folder / "rows.bin").unlink()
    assert check(FeatureCache(tmp_path, "f"), ["a", "bb"]).asked == ["a", "bb"]


def test_a_process_that_goes_on_after_rows_were_cut_invents_none(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, "f")
    check(cache, ["a", "bb", "ccc"])
    os.truncate(cache.folder / "rows.bin", rows_of("a").size * 2 + 3)
    assert check(cache, ["bbbb", "ccccc"]).asked == ["bbbb", "ccccc"]
    assert check(FeatureCache(tmp_path, "f"), ["a", "bb", "ccc", "bbbb", "ccccc"]).asked == ["bb", "ccc"]


def test_a_view_of_rows_that_were_cut_says_so(tmp_path: Path) -> None:
    view = FeatureCache(tmp_path, "f").get_or_compute(["bb"], Computer(["bb"]), "testing")
    sent = pickle.dumps(view)
    os.truncate(view.path, 3)
    with pytest.raises(
        RunError, match=r"rows.bin \(feature cache\) was removed or cut while it was used .*start again"
    ):
        pickle.loads(sent)


@pytest.mark.parametrize(
    "content", ["{}", '{"dtype": "float16", "row_shape": "abc"}', '{"dtype": 1, "row_shape": [-3]}', ""]
)
def test_a_damaged_description_is_named(tmp_path: Path, content: str) -> None:
    cache = FeatureCache(tmp_path, "f")
    check(cache, ["a"])
    (cache.folder / "rows.json").write_text(content)
    with pytest.raises(RunError, match=r"rows.json \(feature cache\) is damaged.* Or delete .*, so that its features"):
        FeatureCache(tmp_path, "f").get_or_compute(["a"], Computer(["a"]), "testing")


@pytest.mark.parametrize("column", ["start", "rows"])
def test_an_index_of_something_else_is_named(tmp_path: Path, column: str) -> None:
    cache = FeatureCache(tmp_path, "f")
    check(cache, ["a", "bb"])
    index = np.load(cache.folder / "index.npy")
    index[column][1] = -1
    for content in (index, np.zeros(3), index[:, None]):
        np.save(cache.folder / "index.npy", content)
        with pytest.raises(RunError, match=r"index.npy is damaged \(it is not an index of rows\); delete "):
            FeatureCache(tmp_path, "f").get_or_compute(["a"], Computer(["a"]), "testing")


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, "f")
    cache.folder.write_text("")
    with pytest.raises(RunError, match=r"feature cache .* cannot be read \(Not a directory\); choose another folder"):
        cache.get_or_compute(["a"], Computer(["a"]), "testing")


def test_values_that_cannot_be_kept_and_other_shapes_are_refused(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, "f")
    for value in (np.nan, np.inf, 70_000.0):
        rows = np.full((2, 3), value)
        with pytest.raises(RunError, match=r"a value that float16 cannot represent .* beyond 65504"):
            cache.get_or_compute(["x"], lambda _, rows=rows: [rows], "testing")
    check(cache, ["a"])
    with pytest.raises(RunError, match=r"holds rows of shape \(3,\), not \(5,\)"):
        cache.get_or_compute(["x"], lambda _: [np.zeros((1, 5))], "testing")


def test_a_view_sent_to_another_process_opens_the_file_again(tmp_path: Path) -> None:
    keys = [f"key{number}" for number in range(200)]
    view = FeatureCache(tmp_path, "f").get_or_compute(keys, Computer(keys), "testing")
    sent = pickle.dumps(view)
    assert b"rows.bin" in sent
    np.testing.assert_array_equal(pickle.loads(sent)[3], view[3])


def test_an_earlier_view_goes_on_while_the_cache_grows(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, "f")
    view = cache.get_or_compute(["bb"], Computer(["bb"]), "testing")
    check(FeatureCache(tmp_path, "f"), [f"key{number}" for number in range(50)])
    np.testing.assert_array_equal(view[0], rows_of("bb"))
    assert check(cache, ["key7"]).asked == []


def _write_share(root: str, keys: list[str]) -> None:
    module._APPEND_BYTES = 1
    check(FeatureCache(root, "f"), keys)


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    keys = [f"k{number}" * (number % 3 + 1) for number in range(60)]
    context = multiprocessing.get_context("fork")
    shares = [keys[:40], keys[20:], keys[::-1]]
    processes = [context.Process(target=_write_share, args=(str(tmp_path), share)) for share in shares]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    cache = FeatureCache(tmp_path, "f")
    assert check(cache, keys).asked == []
    assert len(cache) == len(keys)


def test_what_describes_the_rows_can_be_read(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, "f")
    check(cache, ["a"])
    assert json.loads((cache.folder / "rows.json").read_text()) == {"dtype": "float16", "row_shape": [3]}


def test_keys_follow_contents(tmp_path: Path) -> None:
    assert caption_key("a") == caption_key("a") != caption_key("b")
    assert caption_key("\ud800") != caption_key("")
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"one")
    before = image_key(picture)
    assert image_key(tmp_path / "." / "a.jpg") == before
    os.utime(picture, ns=(1, 1))
    assert image_key(picture) != before
    with pytest.raises(DataError, match=r"absent.jpg' cannot be read: No such file"):
        image_key(tmp_path / "absent.jpg")
