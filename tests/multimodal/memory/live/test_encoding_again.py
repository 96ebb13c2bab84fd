"""A log is written again for another model, from the captions that it kept."""

from __future__ import annotations

import numpy as np
import pytest
from live_examples import base, empty, encode, facts, logged, post, stream

from multimodal.memory.live import encoding_again
from multimodal.memory.live.encoding_again import encode_log_again
from multimodal.memory.log.errors import StoreError
from multimodal.memory.log.in_process import InProcessStore
from multimodal.memory.posts.mentions import mention_slots


def other_encode(memory, posts):
    """Append posts with the vectors of another model: twice as long, and of the captions alone."""
    plain = empty()
    encode(plain, posts)
    at = np.arange(len(posts))
    content, spaces = 2 * plain.vectors_at("content", at), {"caption": plain.vectors_at("caption", at)}
    memory.append(posts, content, plain.terms_at(at), spaces, plain.languages_at(at))


@pytest.mark.parametrize("events_at_once", [2, 1_024])
def test_vectors_are_those_of_the_other_model(events_at_once, monkeypatch):
    monkeypatch.setattr(encoding_again, "_EVENTS_AT_ONCE", events_at_once)

    def happen(live, encode_posts):
        live.observe(stream(5, 10), encode_posts)
        live.correct(post(10, hashtags=("right",)), None)
        live.correct(post(11, hashtags=("new",), caption="another caption"), encode_posts)
        live.withdraw("p12")
        live.observe([post(13 + 20)], encode_posts)
        live.forget("ann")

    source, right = logged(base(0), keep_captions=True), logged(base(0))
    happen(source, encode)
    happen(right, other_encode)
    target, steps = InProcessStore("model-b"), []
    done = encode_log_again(source.store, target, empty(), other_encode, steps.append)
    assert (done.events, done.posts, done.without_caption) == (10, 6, 0)
    assert sum(steps) == 10
    again = logged(base(0), target)
    again.refresh()
    assert facts(again.memory) == facts(right.memory)


def test_posts_whose_captions_were_not_kept_are_counted():
    source = logged(base(0))
    source.observe(stream(3, 10), encode)
    source.correct(post(11, caption="another", hashtags=("new",)), encode)
    target = InProcessStore("model-b")
    done = encode_log_again(source.store, target, empty(), other_encode)
    assert (done.posts, done.without_caption) == (3, 3)
    again = logged(base(0), target)
    again.refresh()
    kept = [(one[:4], one[-2]) for one in facts(again.memory)[0]]
    assert kept == [(one[:4], one[-2]) for one in facts(source.memory)[0]]
    named = mention_slots(["@name1", "", "@name0"])
    assert [one[-1][0] for one in facts(again.memory)[0]] == [named[0], named[2], named[1]]


def test_the_new_log_must_be_empty():
    source = logged()
    source.observe([post(10)], encode)
    with pytest.raises(StoreError, match="in this process holds 1 entries already; choose an empty database, or"):
        encode_log_again(source.store, source.store, empty(), encode)
