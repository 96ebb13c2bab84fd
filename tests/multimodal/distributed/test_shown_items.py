"""Progress bars of the main process."""

from __future__ import annotations

import pytest

from multimodal.distributed import progress
from multimodal.distributed.progress import shown


@pytest.mark.parametrize("main", [True, False])
def test_items_pass_under_a_bar_that_only_the_main_process_shows_on_standard_error(main, capsys, monkeypatch):
    monkeypatch.setattr(progress, "is_main_process", lambda: main)
    assert list(shown(iter("abc"), "spelling", 3, "letters")) == ["a", "b", "c"]
    printed = capsys.readouterr()
    assert printed.out == ""
    assert ("3/3" in printed.err) is main
