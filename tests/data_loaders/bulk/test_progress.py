"""Progress bars."""

import pytest

from data_loaders.bulk.progress import progress_bar


@pytest.mark.parametrize("total", [4, None])
def test_a_bar_goes_to_standard_error(capsys, total):
    with progress_bar("Counting", total, unit="sheep") as bar:
        bar.advance()
        bar.advance(3)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Counting" in printed.err
    assert "4/" in printed.err
