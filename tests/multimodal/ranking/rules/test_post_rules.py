"""What may be ranked for a post, and the list that comes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_loaders.errors import UserError
from multimodal.ranking.rules.matches import Matches, RuleBook
from multimodal.ranking.rules.post_rules import Entry, PostRules
from multimodal.ranking.rules.rules import read_rules

KNOWN = ["sea", "sky", "sun", "tea", "nyc", "newyork", "spam", "spam2"]


def rules_of(excluded=(), mine=None, known=KNOWN, **given_rules):
    return PostRules(Matches.of(read_rules(given_rules)).among(known), frozenset(excluded), mine)


def admitted(rules, known=KNOWN):
    return [hashtag for hashtag in known if hashtag not in set(rules.barred)]


class TestWhatMayBeRanked:
    @pytest.mark.parametrize(
        ("given_rules", "expected"),
        [
            ({}, KNOWN),
            ({"never": ["spam*", "tea"]}, ["sea", "sky", "sun", "nyc", "newyork"]),
            ({"only": ["s*", "unheard"], "never": ["spam"]}, ["sea", "sky", "sun", "spam2"]),
            ({"always": ["sea"]}, KNOWN[1:]),
            ({"replace": {"nyc": "newyork"}}, KNOWN),
            ({"replace": {"nyc": "newyork"}, "excluded": ["newyork"]}, ["sea", "sky", "sun", "tea", "spam", "spam2"]),
            ({"replace": {"nyc": "newyork"}, "never": ["nyc"]}, KNOWN),
            ({"replace": {"nyc": "newyork"}, "only": ["nyc"]}, ["nyc"]),
            ({"replace": {"nyc": "newyork"}, "only": ["newyork"]}, ["nyc", "newyork"]),
            ({"replace": {"nyc": "sea"}, "always": ["sea"], "only": ["tea", "nyc"]}, ["tea"]),
            ({"excluded": ["sun"]}, ["sea", "sky", "tea", "nyc", "newyork", "spam", "spam2"]),
            ({"mine": ["tea", "sky"], "never": ["tea"]}, ["sky"]),
            ({"mine": []}, []),
        ],
    )
    def test_by_hand(self, given_rules, expected):
        assert admitted(rules_of(**given_rules)) == expected

    @given(
        st.lists(st.sampled_from(["a*", "b", "?b", "ab", "ba"]), max_size=3),
        st.none() | st.lists(st.sampled_from(["*a", "aa", "b*", "c"]), min_size=1, max_size=2),
        st.dictionaries(st.sampled_from(["aa", "b?", "c"]), st.sampled_from(["d", "e"]), max_size=2),
        st.sets(st.sampled_from(["a", "b", "d"])),
        st.none() | st.lists(st.sampled_from(["aa", "bb", "c"])),
        st.lists(st.text("abcde", min_size=1, max_size=2), unique=True),
    )
    def test_what_a_set_goes_through_is_what_it_contains_of_the_known(self, never, only, replace, out, mine, known):
        try:
            rules = rules_of(out, mine, known, never=never, only=only, replace=replace)
        except UserError:
            return
        barred = list(rules.barred)
        assert {hashtag for hashtag in barred if hashtag in known} == {one for one in known if one in rules.barred}
        assert len(barred) == len(set(barred)) == len(rules.barred)

    def test_words_that_nobody_has_used_are_judged_too(self):
        rules = rules_of(never=["spam*"])
        assert "spammer" in rules.barred
        assert "unheard" not in rules.barred
        assert "unheard" in rules_of(only=["sea"]).barred
        assert 3 not in rules.barred


RANKING = [("nyc", 0.9), ("sea", 0.8), ("newyork", 0.7), ("sky", 0.6)]


class TestTheList:
    def test_always_comes_first_with_the_best_score(self):
        rules = rules_of(always=["shop", "ad"])
        assert rules.listed(RANKING, 3) == [
            Entry("shop", 0.9, None, "always"),
            Entry("ad", 0.9, None, "always"),
            Entry("nyc", 0.9, "nyc"),
        ]

    def test_always_does_not_repeat_what_the_post_has(self):
        assert rules_of(["shop"], always=["shop", "ad"]).always == ["ad"]

    def test_replaced_ones_keep_their_place_and_fall_together(self):
        rules = rules_of(replace={"nyc": "newyork"})
        assert rules.depth(3) == 4
        assert rules.listed(RANKING, 3) == [
            Entry("newyork", 0.9, "nyc", "replace"),
            Entry("sea", 0.8, "sea"),
            Entry("sky", 0.6, "sky"),
        ]

    def test_what_only_names_and_nobody_ranks_comes_last_with_the_lowest_score(self):
        rules = rules_of(only=["unheard", "sea", "other*"], replace={"unheard": "heard"})
        assert rules.named == ["heard", "sea"]
        assert rules.listed([("sea", 0.8)], 3) == [Entry("sea", 0.8, "sea"), Entry("heard", 0.8, None, "only")]

    def test_own_hashtags_that_nobody_ranks_come_last_the_newest_first(self):
        rules = rules_of(mine=["new", "old", "sea"], never=["old"])
        assert [entry.hashtag for entry in rules.listed([("sea", 0.8)], 3)] == ["sea", "new"]

    def test_nothing_ranked(self):
        assert rules_of(always=["shop"]).listed([], 2) == [Entry("shop", 0.0, None, "always")]

    def test_more_come_first_than_fit(self):
        with pytest.raises(UserError, match=r"k: 1 hashtags were requested for p, but 2 always come first \(a, b\)"):
            rules_of(always=["a", "b"]).check(1, " for p")
        rules_of(always=["a", "b"]).check(2)

    @given(st.lists(st.sampled_from(KNOWN), unique=True), st.integers(1, 6))
    def test_scores_never_rise_and_nothing_repeats(self, ranked, k):
        rules = rules_of(only=["s*", "nyc", "unheard"], always=["shop"], replace={"nyc": "sea"})
        ranking = [(one, 1 - i / 10) for i, one in enumerate(ranked) if one not in rules.barred]
        entries = rules.listed(ranking, k)
        assert [entry.score for entry in entries] == sorted((entry.score for entry in entries), reverse=True)
        names = [entry.hashtag for entry in entries]
        assert len(names) == len(set(names)) <= k
        assert "nyc" not in names


class TestMatches:
    def test_hashtags_that_come_later_are_found_too(self):
        book, known = RuleBook(), ["spam"]
        rules = read_rules({"never": ["spam*"], "replace": {"new*": "york"}, "only": ["s*"]})
        first = book.matches(rules, known)
        known += ["spam3", "newer"]
        second = book.matches(rules, known)
        assert (first.barred, second.barred) == ({"spam"}, {"spam", "spam3"})
        assert (second.renamed, second.admitted) == ({"newer": "york"}, {"spam", "spam3"})
        assert book.matches(rules, known) is second

    def test_those_of_another_memory_are_its_own(self):
        book, rules = RuleBook(), read_rules({"never": ["spam*"]})
        book.matches(rules, ["spam", "spam2"])
        assert book.matches(rules, ["spam9"]).barred == {"spam9"}

    def test_only_the_last_rules_are_kept(self):
        book, known = RuleBook(2), ["a", "b", "c"]
        kept = [book.matches(read_rules({"never": [one]}), known) for one in known]
        assert book.matches(kept[2].rules, known) is kept[2]
        assert book.matches(kept[1].rules, known) is kept[1]
        assert book.matches(kept[0].rules, known) is not kept[0]
