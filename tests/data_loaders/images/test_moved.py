"""Pictures whose folder was moved."""

import pytest

from data_loaders.errors import DataError
from data_loaders.images.moved import find_moved


@pytest.fixture
def moved(tmp_path):
    """Two pictures in two folders of a dump that was moved; the third did not come along."""
    for name in ("a/1.jpg", "b/1.jpg"):
        (tmp_path / "new" / "dump" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "new" / "dump" / name).write_text(name)
    return [tmp_path / "old" / "dump" / name for name in ("a/1.jpg", "b/1.jpg", "b/2.jpg")]


def test_each_is_found_at_its_place(tmp_path, moved):
    for folder in (tmp_path / "new" / "dump", tmp_path / "new"):
        found = find_moved([*moved, None], folder)
        assert [path.read_text() for path in found[:2]] == ["a/1.jpg", "b/1.jpg"]
        assert found[2] == tmp_path / "new" / "dump" / "b" / "2.jpg"
        assert found[3] is None


def test_those_in_their_place_stay(tmp_path, moved):
    here = tmp_path / "new" / "dump" / "a" / "1.jpg"
    assert find_moved([here, None], tmp_path) == [here, None]


def test_a_folder_without_them_is_refused(tmp_path):
    gone = [tmp_path / "old" / "1.jpg", tmp_path / "old" / "2.jpg"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        DataError,
        match=r"none of the 2 pictures .* is there, for instance .*old/1\.jpg\. Give",
    ):
        find_moved(gone, tmp_path / "empty")
    with pytest.raises(DataError, match=r"--images .*nowhere: there is no such folder"):
        find_moved(gone, tmp_path / "nowhere")
