"""The questions of docs/memory.md are answered as it says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "memory.md"


def test_the_example_gives_what_it_says():
    section = re.search(r"^## Questions\n(.*?)^## ", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (example,) = re.findall(r"^```pycon\n(.*?)^```", section.group(1), re.DOTALL | re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(example, {}, "questions", str(PAGE), 0)
    result = doctest.DocTestRunner(verbose=False).run(test)
    assert result.attempted >= 10
    assert result.failed == 0
