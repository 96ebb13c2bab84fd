"""Reading rules: what is accepted, and what contradicts itself."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from data_loaders.errors import UserError
from multimodal.ranking.rules.rules import Rules, combined, read_rules

EVERYTHING = {
    "only": ["#Sea", "sky*"],
    "never": ["Spam*", "ad"],
    "always": ["Shop"],
    "replace": {"NYC": "NewYork", "colour*": "color"},
    "language": "EN",
}


def test_hashtags_are_canonical():
    assert read_rules(EVERYTHING) == Rules(
        only=("sea", "sky*"),
        never=("spam*", "ad"),
        always=("shop",),
        replace=(("nyc", "newyork"), ("colour*", "color")),
        language="en",
    )


def test_they_go_through_json():
    for given in (EVERYTHING, {"only": "mine"}, {"only": "known"}, {}, {"only": "any", "language": "any"}):
        rules = read_rules(given)
        assert read_rules(json.loads(json.dumps(rules.as_values()))) == rules
    assert read_rules({"only": "any", "never": [], "replace": {}}).as_values() == {}
    assert read_rules(None) == Rules()
    assert read_rules(Rules(never=("a",))) == Rules(never=("a",))


def test_a_set_has_the_order_of_its_texts():
    assert read_rules({"always": {"b", "c", "a"}}).always == ("a", "b", "c")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["a"], r"rules: \['a'\] is not a dictionary with some of only, never, always, replace, language"),
        ({"nevr": ["a"]}, r"rules: unknown key 'nevr'. Did you mean 'never'\? Accepted: only, never"),
        ({3: ["a"]}, "rules: unknown key 3. Accepted"),
        ({"only": "sunset"}, r"only: 'sunset' is not known; give 'mine', 'known', 'any' or a list .* \['sunset'\]"),
        ({"only": []}, "only: the list is empty, so that nothing could be recommended; give hashtags, or 'any'"),
        ({"only": 3}, r"only: 3 is not a list of hashtags, for instance \['sunset', 'beach\*'\]"),
        ({"never": "spam"}, "never: 'spam' is not a list of hashtags"),
        (
            {"never": ["[a-z]*"]},
            r"never: '\[a-z\]\*' has '\[', which no hashtag is written with; give letters, marks, numbers",
        ),
        ({"replace": {"a": "b=c"}}, "replace: 'b=c' has '=', which no hashtag is written with"),
        ({"never": ["!"]}, "never: '!' is not a hashtag; one has at least one letter"),
        ({"never": [7]}, "never: 7 is int; give hashtags as texts"),
        ({"never": ["a"] * 10_001}, "never: 10,001 hashtags are too many; give at most 10,000"),
        ({"never": ["a", "*"]}, r"never: '\*' leaves no hashtag to recommend"),
        ({"replace": ["a"]}, r"replace: \['a'\] is not a dictionary, for instance {'nyc': 'newyork'}"),
        ({"replace": {"A": "b", "#a": "c"}}, "replace: 'a' has two replacements, 'b' and 'c'; give one"),
        ({"replace": {"a": ""}}, "replace: '' is not a hashtag"),
        ({"language": "English"}, "language: 'English' is not the code of a language; give two or three letters"),
        ({"language": 3}, "language: 3 is not the code of a language"),
        ({"language": np.array(["en", "de"])}, r"language: array\(.*\) is not the code of a language"),
        ({"language": pd.NA}, "language: <NA> is not the code of a language"),
    ],
)
def test_what_is_not_understood(given, message):
    with pytest.raises(UserError, match=message):
        read_rules(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"always": ["shop*"]}, r"always: 'shop\*' has a wildcard, and not everything can come first"),
        ({"always": ["shop"], "never": ["Sho*"]}, "always: 'shop' is also among never; take it out of one of them"),
        ({"always": ["nyc"], "replace": {"nyc": "newyork"}}, "always: 'nyc' is replaced by 'newyork'; give that one"),
        ({"only": ["sea", "sky"], "never": ["s*"]}, "only: sea, sky: never allows none of them"),
        ({"replace": {"a": "b*"}}, r"replace: 'b\*' has a wildcard, so it cannot take the place of another"),
        ({"replace": {"a": "b"}, "never": ["b"]}, "replace: 'b' takes the place of 'a', but is among never"),
        (
            {"replace": {"a": "b", "b": "c"}},
            "replace: 'b' takes the place of 'a' and is replaced itself; give the last",
        ),
        ({"replace": {"a": "b", "b": "a"}}, "replace: 'b' takes the place of 'a' and is replaced itself"),
        ({"replace": {"a*": "b", "b*": "c"}}, "replace: 'b' takes the place of 'a.*' and is replaced itself"),
    ],
)
def test_contradictions(given, message):
    with pytest.raises(UserError, match=message):
        read_rules(given)


def test_what_only_seems_to_contradict_itself():
    read_rules({"replace": {"new*": "newyork"}, "always": ["newyork"]})
    read_rules({"only": ["sea", "sky*"], "never": ["s*"]})
    read_rules({"never": ["nyc"], "replace": {"nyc": "newyork"}})
    read_rules({"only": ["sea"], "always": ["shop"]})


STORED = {"only": "mine", "never": ["spam"], "always": ["shop"]}


class TestOfAUserAndACall:
    def test_what_is_given_takes_the_place_of_what_is_stored(self):
        assert combined(STORED, {"never": ["ad"], "only": "any", "language": None}) == Rules(
            never=("ad",), always=("shop",)
        )
        assert combined(STORED, {}) == read_rules(STORED)
        assert combined({}, {"always": []}) == Rules()

    def test_a_contradiction_between_both_says_what_is_stored(self):
        with pytest.raises(
            UserError, match=r"always: 'shop' is also among never.*stored for this user count too: only="
        ):
            combined(STORED, {"never": ["shop"]})
        with pytest.raises(UserError, match=r"take it out of one of them\.$"):
            combined({}, {"never": ["shop"], "always": ["shop"]})
