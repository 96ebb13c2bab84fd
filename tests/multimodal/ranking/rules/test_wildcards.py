"""Many patterns looked at as one: the same matches as one after the other."""

from __future__ import annotations

import fnmatch
import re
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from multimodal.ranking.rules.wildcards import Wildcards

PATTERNS = st.lists(st.text("ab*?[]", min_size=1, max_size=12), max_size=8)


@given(PATTERNS, st.text("ab[]", max_size=14))
def test_the_first_pattern_that_matches_is_found(patterns, text):
    one_by_one = (place for place, pattern in enumerate(patterns) if fnmatch.fnmatchcase(text, pattern))
    assert Wildcards(patterns).first(text) == next(one_by_one, None)


def test_of_many_patterns_only_those_that_could_match_are_compared():
    many = [f"{kind[0]}tag{number:05}{kind[1]}" for number in range(3_000) for kind in ("?*", "*?", "??")]
    wildcards = Wildcards([*many, "?*port", "no?thing*"])
    with mock.patch.object(re, "compile", wraps=re.compile) as compiled:
        assert wildcards.first("airport") == 9_000
        assert wildcards.first("nothing") is None
        assert compiled.call_count == 2
        assert wildcards.first("xtag00007") == 21
        assert compiled.call_count == 3
