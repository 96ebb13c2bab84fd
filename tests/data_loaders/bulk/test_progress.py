"""Progress bars."""

import pytest

from data_loaders.bulk import progress
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


class TestWithoutATerminal:
    @pytest.fixture
    def clock_s(self, monkeypatch):
        now = [0.0]
        monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
        return now

    def test_a_line_says_twice_a_minute_how_far_it_is(self, capsys, clock_s):
        with progress_bar("Counting", 40, unit="sheep") as bar:
            for _ in range(39):
                clock_s[0] += 10
                bar.advance()
        lines = [line for line in capsys.readouterr().err.splitlines() if "━" not in line]
        assert [line.split()[1] for line in lines if line] == [f"{done}/40" for done in range(4, 40, 3)]
        assert all("sheep/s ETA" in line for line in lines if line)

    def test_short_work_says_nothing_but_its_end(self, capsys, clock_s):
        with progress_bar("Counting", 2) as bar:
            bar.advance(2)
        assert len(capsys.readouterr().err.split()) < 8

    def test_a_hidden_bar_says_nothing(self, capsys, clock_s, monkeypatch):
        monkeypatch.setattr(progress, "_hidden", True)
        with progress_bar("Counting", 9) as bar:
            for _ in range(8):
                clock_s[0] += 100
                bar.advance()
        assert capsys.readouterr().err == ""
