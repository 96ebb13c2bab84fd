"""A Recommender that keeps what it observes: restarts, replicas, corrections, forgetting, export, other models."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from data_loaders.errors import UserError
from multimodal import Recommender
from multimodal.memory.log.errors import PostExistsError, StoreError, StoreUnavailableError
from multimodal.systems.config_loading import load_config, validate_config
from multimodal.systems.model_folder import load_model
from multimodal.systems.model_origin import origin_of
from multimodal.training.run import train_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", params=["user_habit", "design"])
def run(request, tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept") / request.param
    config = (
        validate_config({"system": "user_habit"})
        if request.param == "user_habit"
        else load_config(ROOT / "configs" / "debug.yaml", ["training.epochs=1"])
    )
    train_run(config, tiny_data, folder)
    return folder


@pytest.fixture
def opened(tmp_path):
    """Open Recommenders on one memory; all are closed at the end."""
    recommenders = []

    def open_it(run, memory=tmp_path / "memory.sqlite", **options):
        recommenders.append(Recommender.from_pretrained(run, memory=memory, **{"refresh_s": 0, **options}))
        return recommenders[-1]

    yield open_it
    for recommender in recommenders:
        recommender.close()


def later(tiny_data):
    return tiny_data.posts[96:]


def answers(recommender, tiny_data):
    posts = [{"user_id": post.user_id, "caption": post.caption} for post in tiny_data.posts[::7]]
    return recommender.recommend_many([*posts, {"user_id": "new", "caption": "a walk with friends"}], k=6)


class TestKeeping:
    def test_a_restart_and_another_process_answer_the_same(self, run, opened, tiny_data):
        plain = Recommender.from_pretrained(run)
        first, second = opened(run), opened(run)
        for number, post in enumerate(later(tiny_data)):
            (first, second)[number % 2].observe(post)
            plain.observe(post)
        first.observe({"user_id": "new", "caption": "tea #kiwi"})
        plain.observe({"user_id": "new", "caption": "tea #kiwi"})
        expected = answers(plain, tiny_data)
        assert answers(first, tiny_data) == answers(second, tiny_data) == answers(opened(run), tiny_data) == expected
        first.compact()
        assert answers(first, tiny_data) == answers(second, tiny_data) == answers(opened(run), tiny_data) == expected

    def test_a_model_saved_with_what_was_observed_opens_the_same_memory(self, run, opened, tiny_data, tmp_path):
        first = opened(run)
        first.observe(later(tiny_data))
        first.save_pretrained(tmp_path / "saved")
        again = opened(tmp_path / "saved")
        assert answers(again, tiny_data) == answers(first, tiny_data)
        assert origin_of(load_model(tmp_path / "saved")).fingerprint == origin_of(load_model(run)).fingerprint

    def test_a_correction_counts_as_if_it_had_been_observed_so(self, run, opened, tiny_data):
        posts = [
            {"post_id": "a", "user_id": "new", "timestamp": "2025-01-01", "caption": "a walk", "hashtags": ["fog"]},
            {"post_id": "b", "user_id": "new", "timestamp": "2025-01-02", "caption": "with cake", "hashtags": ["ice"]},
        ]
        corrected, right = opened(run), Recommender.from_pretrained(run)
        corrected.observe(posts)
        corrected.correct({"post_id": "b", "caption": "quiet harbour #zen", "user_id": "ignored"})
        right.observe([posts[0], {**posts[1], "caption": "quiet harbour", "hashtags": ["zen"]}])
        assert answers(corrected, tiny_data) == answers(right, tiny_data) == answers(opened(run), tiny_data)
        corrected.correct({"post_id": "b", "hashtags": ["#Tea"]})
        corrected.withdraw("a")
        right = Recommender.from_pretrained(run)
        right.observe({**posts[1], "caption": "quiet harbour", "hashtags": ["tea"]})
        assert answers(corrected, tiny_data) == answers(right, tiny_data) == answers(opened(run), tiny_data)


def test_what_is_not_remembered_cannot_be_corrected_or_withdrawn(habit_run, opened):
    for recommender in (opened(habit_run), Recommender.from_pretrained(habit_run)):
        for call in (
            lambda it=recommender: it.correct({"hashtags": ["fog"]}),
            lambda it=recommender: it.withdraw("x"),
            lambda it=recommender: it.withdraw(""),
        ):
            with pytest.raises(UserError, match="is not remembered; give the post_id of a post that was observed"):
                call()
        with pytest.raises(UserError, match="post 't003' is already remembered; every post needs an id of its own"):
            recommender.observe({"post_id": "t003"})


def test_forgetting_leaves_nothing_in_a_saved_model(habit_run, opened, tmp_path):
    for number, recommender in enumerate((opened(habit_run), Recommender.from_pretrained(habit_run))):
        recommender.observe({"user_id": "mallory", "post_id": "m1", "hashtags": ["secretive"]})
        recommender.feedback("m1", accepted=["secretive"])
        assert recommender.recommend(user_id="mallory", k=1)[0].hashtag == "secretive"
        assert len(recommender.export("mallory")["events"]) == (2 if number == 0 else 1)
        others = recommender.recommend(user_id="user3", k=5)
        assert recommender.forget("mallory") == 1
        assert "secretive" not in [one.hashtag for one in recommender.recommend(user_id="mallory", k=5)]
        assert recommender.recommend(user_id="user3", k=5) == others
        assert recommender.forget("user3") > 0
        recommender.save_pretrained(tmp_path / f"saved {number}")
        saved = b"".join(path.read_bytes() for path in (tmp_path / f"saved {number}").rglob("*") if path.is_file())
        assert not any(word in saved for word in (b"mallory", b'"m1"', b"secretive", b'"user3"'))
        recommender.compact()
        assert [event["kind"] for event in recommender.export("mallory")["events"]] == ["forgotten"]
        assert recommender.export("user3")["model_posts"] == []


def test_what_others_said_of_a_forgotten_users_post_stays_theirs(habit_run, opened, tmp_path):
    recommender = opened(habit_run)
    recommender.observe({"user_id": "bob", "post_id": "b1", "hashtags": ["sea"]})
    recommender.observe({"user_id": "ann", "post_id": "the post of ann", "hashtags": ["a"]})
    recommender.feedback("the post of ann", user_id="bob", rejected=["sea"], added=["bobslike"])
    assert "bob" not in json.dumps(recommender.export("ann")["events"])
    given = [event for event in recommender.export("bob")["events"] if event["kind"] == "feedback"]
    recommender.forget("ann")
    expected = recommender.recommend(user_id="bob", k=5)
    assert expected[0].hashtag == "bobslike"
    recommender.compact()
    recommender.save_pretrained(tmp_path / "saved")
    assert recommender.recommend(user_id="bob", k=5) == expected
    kept = [event for event in recommender.export("bob")["events"] if event["kind"] == "feedback"]
    assert kept == [{**given[0], "post_id": None}]
    recommender.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"the post of ann" in path.read_bytes() for path in files)
    shutil.rmtree(tmp_path / "memory.sqlite.files" / "snapshot")
    assert opened(habit_run).recommend(user_id="bob", k=5) == expected


def test_compacting_where_the_last_entry_is_about_a_forgotten_users_post(habit_run, opened):
    recommender = opened(habit_run)
    recommender.observe({"user_id": "ann", "post_id": "a1", "hashtags": ["fog"]})
    recommender.forget("ann")
    recommender.feedback("a1", user_id="bob", accepted=["sea"])
    expected = recommender.recommend(user_id="bob", k=5)
    recommender.compact()
    assert recommender.recommend(user_id="bob", k=5) == expected
    assert opened(habit_run).recommend(user_id="bob", k=5) == expected


@pytest.mark.parametrize("compacts", [False, True])
def test_forgetting_again_adds_nothing_until_something_comes(habit_run, opened, tmp_path, compacts):
    for recommender in (opened(habit_run), Recommender.from_pretrained(habit_run)):
        for user_id in ("made up", "user3"):
            forgotten = []
            for happens in (None, None, {"hashtags": ["fog"]}, None):
                if happens is not None:
                    recommender.observe({"user_id": user_id, **happens})
                forgotten.append(recommender.forget(user_id))
                if compacts:
                    recommender.compact()
            assert (forgotten[0] > 0, forgotten[1:]) == (user_id == "user3", [0, 1, 0])
            events = recommender.export(user_id)["events"]
            assert [event["kind"] for event in events if event["kind"] == "forgotten"] == ["forgotten"] * 2
        recommender.set_rules("made up", {"never": ["ad"]})
        assert (recommender.forget("made up"), recommender.rules("made up")) == (0, {})
    assert len([*(tmp_path / "memory.sqlite.files" / "forgotten").iterdir()]) == 5


def test_feedback_is_kept(habit_run, opened):
    recommender = opened(habit_run)
    recommender.observe({"user_id": "ann", "post_id": "a1", "hashtags": ["fog"]})
    answer = recommender.recommend(user_id="ann", k=2)
    recommender.feedback(answer, user_id="ann", accepted=[answer[0].hashtag], rejected=["#" + answer[1].hashtag])
    recommender.feedback("a1", added=["#Fog"])
    given = [event for event in opened(habit_run).export("ann")["events"] if event["kind"] == "feedback"]
    assert [event["shown"] for event in given] == [[one.hashtag for one in answer], []]
    assert [event["accepted"] for event in given] == [[answer[0].hashtag], []]
    assert [event["rejected"] for event in given] == [[answer[1].hashtag], []]
    assert [(event["post_id"], event["added"]) for event in given] == [(None, []), ("a1", ["fog"])]
    with pytest.raises(UserError, match="hashtags: 'sea' is not a list of texts"):
        recommender.feedback("a1", accepted="sea")


def test_feedback_that_could_never_count_is_refused(habit_run, opened):
    recommender = opened(habit_run)
    recommender.observe([{"post_id": "nobody's", "hashtags": ["fog"]}, {"post_id": "a1", "user_id": "ann"}])
    number, answer = recommender.live.number, recommender.recommend(user_id="ann", k=2)
    for about, named, message in (
        ("unknown", {}, "user_id: feedback counts for its user, and no user of the post 'unknown' is remembered; give"),
        ("nobody's", {}, 'no user of the post "nobody\'s" is remembered; give user_id.'),
        (answer, {"post_id": "unknown"}, "no user of the post 'unknown' is remembered; give user_id."),
        (answer, {}, "user_id: feedback counts for its user, and no post is given; give user_id."),
        ("", {}, "and no post is given; give user_id."),
    ):
        with pytest.raises(UserError, match=message):
            recommender.feedback(about, accepted=["sea"], **named)
    for nothing in ({}, {"accepted": []}, {"accepted": ["123", "!!"], "added": [""]}):
        with pytest.raises(UserError, match="no usable hashtag was accepted, rejected or added; give at least one"):
            recommender.feedback(answer, user_id="ann", **nothing)
    assert recommender.live.number == number


def test_feedback_on_a_post_that_another_process_has_just_observed(habit_run, opened):
    here, there = opened(habit_run, refresh_s=1e9), opened(habit_run)
    there.observe({"user_id": "ann", "post_id": "a1", "hashtags": ["fog"]})
    here.feedback("a1", added=["sea"])
    assert [event["kind"] for event in here.export("ann")["events"]] == ["observed", "feedback"]


def test_captions_are_kept_by_choice_and_pictures_never(habit_run, opened, tmp_path):
    for keep in (False, True):
        recommender = opened(habit_run, tmp_path / f"{keep}.sqlite", keep_captions=keep)
        picture = tiny_picture(tmp_path)
        recommender.observe({"user_id": "ann", "caption": "low tide #fog", "image": picture})
        (event,) = recommender.export("ann")["events"]
        assert event["caption"] == ("low tide" if keep else None)
        assert str(picture) not in json.dumps(event)


def tiny_picture(folder):
    from PIL import Image

    Image.new("RGB", (8, 8)).save(folder / "secret.png")
    return folder / "secret.png"


def test_replicas_that_observe_the_same_post(habit_run, opened):
    first, second = opened(habit_run, refresh_s=1e9), opened(habit_run, refresh_s=1e9)
    first.refresh()
    second.recommend(user_id="ann")
    first.observe({"post_id": "same", "hashtags": ["fog"]})
    with pytest.raises(PostExistsError, match=r"post 'same' is in the log .*memory.sqlite already"):
        second.observe({"post_id": "same", "hashtags": ["fog"]})
    for recommender in (first, second):
        recommender.observe({"hashtags": ["nameless"]})
    assert second.refresh() + first.refresh() >= 1
    assert len(first.memory) == len(second.memory) == 96 + 3


def test_another_model_is_told_what_to_do(habit_run, opened, other_tiny_data, tmp_path):
    opened(habit_run).observe({"user_id": "ann", "hashtags": ["fog"]})
    train_run(validate_config({"system": "user_habit"}), other_tiny_data, tmp_path / "other")
    with pytest.raises(StoreError, match="holds vectors of another model") as refused:
        opened(tmp_path / "other")
    again = f"multimodal-hashtags memory rebuild --run {tmp_path / 'other'} --memory … --to …"
    assert again in str(refused.value)


def test_a_log_that_is_gone(habit_run, opened, tmp_path):
    recommender = opened(habit_run)
    recommender.observe({"user_id": "ann", "hashtags": ["fog"]})
    before = recommender.recommend(user_id="ann")
    (tmp_path / "memory.sqlite").rename(tmp_path / "away")
    with pytest.raises(StoreUnavailableError, match="was moved, deleted or replaced while it was open"):
        recommender.observe({"user_id": "ann", "hashtags": ["sea"]})
    assert recommender.recommend(user_id="ann") == before
    (tmp_path / "away").rename(tmp_path / "memory.sqlite")
    recommender.observe({"user_id": "ann", "hashtags": ["sea"]})
    assert recommender.recommend(user_id="ann", k=1)[0].hashtag == "sea"


@pytest.mark.parametrize("user_id", ["", None, float("nan")])
def test_nobody_can_be_neither_forgotten_nor_exported(habit_run, opened, user_id):
    recommender = opened(habit_run)
    for call in (recommender.forget, recommender.export):
        with pytest.raises(UserError, match="names nobody; give the id of a user"):
            call(user_id)


def test_a_fork_keeps_what_it_observes_and_follows_its_parent(habit_run, tmp_path):
    code = f"""
import os, sys
from multimodal import Recommender
recommender = Recommender.from_pretrained({str(habit_run)!r}, memory={str(tmp_path / "memory.sqlite")!r}, refresh_s=0)
recommender.observe({{"post_id": "before", "hashtags": ["fog"]}})
child = os.fork()
if not child:
    recommender.observe({{"post_id": "child", "hashtags": ["fog"]}})
    os._exit(0)
status = os.waitpid(child, 0)[1]
recommender.observe({{"post_id": "parent", "hashtags": ["fog"]}})
raise SystemExit(status or list(recommender.memory.post_ids[-3:]) != ["before", "child", "parent"])
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
