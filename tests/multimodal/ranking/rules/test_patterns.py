"""Wildcards in hashtags."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.ranking.rules.patterns import Patterns, Replacements, canonical_pattern, foreign_sign, has_wildcard


@pytest.mark.parametrize(
    ("given_pattern", "canonical"),
    [
        ("#NYC", "nyc"),
        ("＃ＮＹＣ*", "nyc*"),
        ("New York*", "newyork*"),
        ("ＮＹＣ＊", "nyc*"),
        ("c？t", "c?t"),
        ("2024*", "2024*"),
        ("*24?", "*24?"),
        ("*", "*"),
        ("[ab]*", "ab*"),
        ("2024", ""),
        ("!", ""),
    ],
)
def test_patterns_are_canonical_as_hashtags_are(given_pattern, canonical):
    assert canonical_pattern(given_pattern) == canonical


@pytest.mark.parametrize(
    ("text", "sign"),
    [("[a-z]*", "["), ("a=b", "="), ("sea|sky", "|"), ("c++", "+"), ("sun.*", "."), ("ad%", "%"), ("(sea)", "("),
     ("ａ＝b", "＝"), ("ad\\d", "\\"), ("a,b", ",")],
)  # fmt: skip
def test_signs_of_other_ways_to_write_rules(text, sign):
    assert foreign_sign(text) == sign


@pytest.mark.parametrize(
    "text", ["#Sea", "il·lusió", "rock'n'roll", "User-centred design", "love❤️life", "AT&T", "日本*"]
)
def test_what_hashtags_are_written_with_is_not_foreign(text):
    assert foreign_sign(text) is None


def test_a_wildcard_stands_for_characters_of_any_script_and_nothing_else_does():
    patterns = Patterns(["new*", "?at", "日本*", "sea"])
    inside = ["new", "newyork", "cat", "日本", "日本語", "sea"]
    outside = ["renew", "at", "chat", "日", "seas", "東日本"]
    assert [tag in patterns for tag in inside + outside] == [True] * 6 + [False] * 6
    assert patterns.exact == {"sea"}
    assert "anything" not in Patterns([])


@given(st.lists(st.text("ab*?", min_size=1, max_size=5), max_size=4), st.lists(st.text("abc", max_size=6), max_size=6))
def test_they_match_as_file_names_do(patterns, hashtags):
    together = Patterns(patterns)
    for hashtag in hashtags:
        assert (hashtag in together) == any(fnmatch.fnmatchcase(hashtag, pattern) for pattern in patterns)


def test_many_wildcards_do_not_take_for_ever():
    hashtag = "a" * 500
    assert hashtag not in Patterns(["*a" * 60 + "*b"])


class TestReplacements:
    def test_one_named_itself_counts_before_wildcards_and_of_these_the_first(self):
        replacements = Replacements([("new*", "york"), ("*port", "harbour"), ("newport", "town")])
        assert [replacements.of(tag) for tag in ("newport", "newhaven", "airport", "newairport", "sea")] == [
            "town",
            "york",
            "harbour",
            "york",
            "sea",
        ]
        assert replacements
        assert not Replacements([])


def test_has_wildcard():
    assert [has_wildcard(text) for text in ("a*", "a?b", "ab", "")] == [True, True, False, False]
