"""A folder is made whole or not at all."""

import pytest

from data_loaders.errors import DataError
from data_loaders.output_folder import atomic_folder, check_replaceable

NAMES = ("posts.parquet", "statistics.json")


def check(folder):
    check_replaceable(folder, "statistics.json", NAMES)


def test_it_appears_when_the_block_ends_well(tmp_path):
    output = tmp_path / "deep" / "output"
    with atomic_folder(output) as part:
        (part / "file").write_text("new")
        assert not output.exists()
    assert [path.name for path in output.parent.iterdir()] == ["output"]
    with atomic_folder(output) as part:
        (part / "other").write_text("newer")
    assert [path.name for path in output.iterdir()] == ["other"]
    assert [path.name for path in output.parent.iterdir()] == ["output"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, DataError, OSError])
def test_a_failure_leaves_what_was_there(tmp_path, error):
    output = tmp_path / "output"
    output.mkdir()
    (output / "file").write_text("old")

    def fail():
        with atomic_folder(output) as part:
            (part / "file").write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["output"]
    assert (output / "file").read_text() == "old"


def test_where_no_folder_can_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be created"), atomic_folder(tmp_path / "file" / "output"):
        pass


def test_what_may_be_replaced(tmp_path):
    check(tmp_path / "none")
    check(tmp_path)
    (tmp_path / "statistics.json").write_text("{}")
    (tmp_path / "posts.parquet").write_text("")
    check(tmp_path)
    for name in ("b.jpg", "a.jpg", "c.jpg", "d.jpg"):
        (tmp_path / name).write_text("")
    with pytest.raises(DataError, match=r"also contains a\.jpg, b\.jpg, c\.jpg and 1 more, which replacing it would"):
        check(tmp_path)
    (tmp_path / "statistics.json").unlink()
    with pytest.raises(DataError, match=r"but no statistics\.json, so it is not a prepared folder"):
        check(tmp_path)
    with pytest.raises(DataError, match="is a file; give a folder"):
        check(tmp_path / "a.jpg")
