"""All that is held about a user, as JSON."""

from __future__ import annotations

import json

import numpy as np
from live_examples import base, encode, logged, post, stream

from data_loaders.posts import Post
from multimodal.memory.live.exporting import export_user
from multimodal.memory.live.live_memory import LiveMemory
from multimodal.memory.log.events import FeedbackGiven
from multimodal.memory.posts.mentions import mention_slots


def test_posts_of_the_model_and_entries_of_the_log():
    live = logged(keep_captions=True)
    live.observe([post(10, "ann", ("fog", "sea"), caption="low tide"), *stream(3, 21)], encode)
    live.give_feedback(FeedbackGiven(user_id="ann", instant_us=7_000_000, shown=("sea",), rejected=("sea",)))
    live.withdraw("p10")
    exported = export_user(live, "ann")
    assert json.loads(json.dumps(exported)) == exported
    assert exported["user_id"] == "ann"
    (own,) = exported["model_posts"]
    assert (own["post_id"], own["timestamp"], own["hashtags"]) == ("p0", "1970-01-01T00:00:00+00:00", ["sea", "own0"])
    memory = base()
    assert own["vectors"] == {
        space: memory.vectors_at(space, np.array([0]))[0].tolist() for space in ("content", "caption")
    }
    assert len(own["terms"]["slots"]) == len(own["terms"]["weights"]) == memory.terms_at(np.array([0])).nnz
    assert own["mentions"] == mention_slots(["@name0"])[0]
    assert own["language"] == memory.languages_at(np.array([0]))[0]
    observed, feedback, withdrawn = exported["events"]
    assert [event["kind"] for event in exported["events"]] == ["observed", "feedback", "withdrawn"]
    assert observed["number"] == 1
    assert observed["caption"] == "low tide"
    assert observed["hashtags"] == ["fog", "sea"]
    assert set(observed["vectors"]) == {"content", "caption"}
    assert observed["terms"]["slots"]
    assert (feedback["timestamp"], feedback["shown"]) == ("1970-01-01T00:00:07+00:00", ["sea"])
    assert (feedback["accepted"], feedback["rejected"]) == ([], ["sea"])
    assert withdrawn["post_id"] == "p10"


def test_a_user_of_whom_nothing_is_known():
    assert export_user(logged(), "nobody") == {"user_id": "nobody", "model_posts": [], "events": []}


def test_what_is_not_erased_yet_is_held():
    live = logged()
    live.observe([post(10)], encode)
    live.forget("ann")
    exported = export_user(live, "ann")
    assert exported["model_posts"] == []
    assert [event["kind"] for event in exported["events"]] == ["observed", "forgotten"]
    live.compact()
    assert [event["kind"] for event in export_user(live, "ann")["events"]] == ["forgotten"]


def test_without_a_log_and_without_a_date():
    live = LiveMemory(base(0))
    live.observe([Post(post_id="undated", user_id="ann", sequence=3)], encode)
    (own,) = export_user(live, "ann")["model_posts"]
    assert (own["instant_us"], "timestamp" in own) == (-(2**62) + 3, False)
