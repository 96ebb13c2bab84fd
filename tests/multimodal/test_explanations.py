"""What brought a hashtag, through the public face."""

from __future__ import annotations

import json

from multimodal.ranking.explanation import Source, largest_first


def observed(habit, count):
    habit.observe(
        [
            {"post_id": f"a{number}", "user_id": "ann", "hashtags": ["sea"], "timestamp": f"2025-01-0{number + 1}"}
            for number in range(count)
        ]
    )


def test_own_posts_stand_behind_own_hashtags_the_newest_first(habit):
    observed(habit, 7)
    first, second = habit.recommend(user_id="ann", k=2, explain=True)
    assert (first.hashtag, second.sources[0].name) == ("sea", "popularity")
    assert first.sources == (Source("own", first.score, ("a6", "a5", "a4", "a3", "a2")),)
    assert second.sources == (Source("popularity", second.score),)


def test_only_earlier_posts_stand_behind_them(habit):
    observed(habit, 4)
    first, *_ = habit.recommend(user_id="ann", k=1, timestamp="2025-01-03", explain=True)
    assert first.sources[0].posts == ("a1", "a0")


def test_only_where_it_is_asked_for(habit):
    assert [one.sources for one in habit.recommend(user_id="user3", k=2)] == [None, None]


def test_rules_are_named(habit):
    observed(habit, 1)
    rules = {"always": ["shop"], "replace": {"sea": "ocean"}}
    shop, ocean, *_ = habit.recommend(user_id="ann", k=3, explain=True, **rules)
    assert shop.sources == (Source("always", 0.0),)
    assert (ocean.hashtag, ocean.sources) == ("ocean", (Source("own", ocean.score, ("a0",)), Source("replace", 0.0)))
    last = habit.recommend(user_id="ann", k=2, explain=True, only=["sea", "unheard"])[-1]
    assert last.sources == (Source("only", 0.0),)


def test_json_holds_it(habit):
    observed(habit, 1)
    (one,) = habit.recommend(user_id="ann", k=1, explain=True)
    assert json.loads(json.dumps(one.to_dict())) == {
        "hashtag": "sea",
        "score": one.score,
        "probability": None,
        "sources": [{"name": "own", "effect": one.score, "posts": ["a0"]}],
    }


def test_the_largest_effect_comes_first():
    sources = [Source("a", 0.5), Source("b", -2.0), Source("c", 1.0)]
    assert [source.name for source in largest_first(sources)] == ["b", "c", "a"]
