"""Feedback in `user_habit`."""

from __future__ import annotations

import pytest

from data_loaders.posts import Post
from multimodal import Recommender


@pytest.fixture
def habit(habit_run):
    recommender = Recommender.from_pretrained(habit_run)
    for day, tag in enumerate(("fog", "tea", "sea"), start=1):
        recommender.observe(
            {"post_id": tag, "user_id": "ann", "hashtags": [tag], "timestamp": f"2025-01-0{day}T12:00:00Z"}
        )
    return recommender


def names(answer):
    return [one.hashtag for one in answer]


def ask(habit, k=3, **values):
    return habit.recommend(user_id="ann", k=k, **values)


def scores(answer):
    return {one.hashtag: one.score for one in answer}


def test_a_rejected_hashtag_falls_at_once_by_what_is_configured(habit):
    before = scores(ask(habit))
    habit.feedback(ask(habit), user_id="ann", rejected=["sea"])
    after = scores(ask(habit))
    assert after["sea"] == pytest.approx(before["sea"] - 0.1, abs=1e-6)
    assert (after["tea"], after["fog"]) == (before["tea"], before["fog"])


def test_rejected_often_enough_it_comes_behind_the_others_until_it_is_used_again(habit):
    for _ in range(200):
        habit.feedback("sea", user_id="ann", rejected=["sea"])
    assert names(ask(habit)) == ["tea", "fog", "sea"]
    habit.observe({"user_id": "ann", "hashtags": ["sea"], "timestamp": "2025-01-04T12:00:00Z"})
    assert names(ask(habit))[0] == "sea"


def test_what_was_never_used_is_not_suggested_again_unless_nothing_else_is_left(habit):
    popular = ask(habit, 5)[3:]
    habit.feedback(popular, user_id="ann", rejected=names(popular))
    assert not {*names(popular)} & {*names(ask(habit, 6))}
    everything = habit.recommend_many([{"user_id": "ann"}], 500, on_short="fewer")[0]
    assert {*names(everything[-2:])} == {*names(popular)}
    assert [one.score for one in everything[-2:]] == [-200.0, -200.0]
    assert not {*names(popular)} & {*names(ask(habit, 6, never=["fog"]))}


def test_an_accepted_hashtag_counts_as_a_use(habit):
    popular = names(ask(habit, 4))[3]
    answer = ask(habit, 4)
    habit.feedback(answer, user_id="ann", accepted=[popular])
    told = ask(habit, 4, explain=True)
    assert popular in names(told[:2])
    assert {one.hashtag: one.sources[0].name for one in told}[popular] == "feedback"


def test_the_feedback_on_a_post_that_is_remembered_does_not_count_it_twice(habit):
    before = scores(ask(habit))
    habit.feedback("sea", accepted=["sea"])
    assert scores(ask(habit)) == before


def test_only_later_posts_see_it_and_other_users_never(habit):
    early = scores(ask(habit, timestamp="2025-01-03T12:00:00Z"))
    others = [scores(habit.recommend(user_id=user, k=4)) for user in ("user3", "nobody")]
    habit.feedback(ask(habit), user_id="ann", rejected=["tea", "fog", "sea"])
    assert scores(ask(habit, timestamp="2025-01-03T12:00:00Z")) == early
    assert [scores(habit.recommend(user_id=user, k=4)) for user in ("user3", "nobody")] == others


def test_a_batch_with_feedback_equals_one_by_one(habit):
    habit.feedback(ask(habit), user_id="ann", rejected=["sea"])
    posts = [Post(post_id=str(i), user_id=user) for i, user in enumerate(("user3", "ann", "user4", "ann"))]
    assert habit.recommend_many(posts, 4) == [habit.recommend_many([post], 4)[0] for post in posts]


def test_it_is_kept_exported_and_forgotten(habit_run, tmp_path):
    with_memory = {"memory": tmp_path / "memory.sqlite", "refresh_s": 0}
    kept = Recommender.from_pretrained(habit_run, **with_memory)
    kept.observe({"post_id": "x", "user_id": "ann", "hashtags": ["sea"]})
    plain = scores(ask(kept, 2))
    kept.feedback(ask(kept, 2, explain=True), user_id="ann", rejected=["sea"])
    told = scores(ask(kept, 2))
    assert told != plain
    event = kept.export("ann")["events"][-1]
    assert (event["rejected"], event["effects"]["sea"]) == (["sea"], {"own": plain["sea"]})
    kept.save_pretrained(tmp_path / "model")
    kept.close()
    again = Recommender.from_pretrained(habit_run, **with_memory)
    assert scores(ask(again, 2)) == scores(ask(Recommender.from_pretrained(tmp_path / "model"), 2)) == told
    again.compact()
    again.refresh()
    assert scores(ask(again, 2)) == told
    again.forget("ann")
    again.observe({"post_id": "y", "user_id": "ann", "hashtags": ["sea"]})
    assert again.memory.notes.of("ann").feedback == ()
    again.close()


def test_what_nobody_used_yet_is_suggested_and_a_later_use_by_others_changes_nothing(habit):
    habit.feedback("elsewhere", user_id="ann", accepted=["brandnew"], added=["alsonew"], rejected=["unheard"])
    asked = {"k": 5, "timestamp": "2025-06-01T12:00:00Z"}
    before = ask(habit, **asked)
    assert {"brandnew", "alsonew"} < {*names(before)}
    assert "brandnew" not in names(ask(habit, never=["brand*"], **asked))
    named = ask(habit, only=["alsonew", "sea"], k=2, explain=True)
    assert {one.sources[0].name for one in named} == {"feedback", "own"}
    later = {"user_id": "eve", "hashtags": ["unheard", "brandnew", "alsonew"], "timestamp": "2025-07-01T12:00:00Z"}
    habit.observe({"post_id": "later", **later})
    assert ask(habit, **asked) == before
    habit.withdraw("later")
    assert ask(habit, **asked) == before


def test_feedback_counts_although_the_newest_post_is_taken_out_again(habit):
    habit.feedback("elsewhere", user_id="ann", accepted=["added"])
    expected = ask(habit)
    for name, take_out in (("p", lambda: habit.withdraw("p")), ("q", lambda: habit.forget("eve"))):
        habit.forget("ann")
        for tag in ("fog", "tea", "sea"):
            habit.observe(
                {"post_id": f"{tag}{name}", "user_id": "ann", "hashtags": [tag],
                 "timestamp": f"2025-01-0{('fog', 'tea', 'sea').index(tag) + 1}T12:00:00Z"}
            )  # fmt: skip
        habit.observe({"post_id": name, "user_id": "eve", "hashtags": ["x"], "timestamp": "2026-01-01T12:00:00Z"})
        habit.feedback("elsewhere", user_id="ann", accepted=["added"])
        take_out()
        assert ask(habit) == expected
