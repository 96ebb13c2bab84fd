"""A log moves to another place; what was copied is compared."""

from __future__ import annotations

import pytest
from live_examples import encode, facts, logged, post, stream

from multimodal.memory.live import moving
from multimodal.memory.live.moving import copy_log
from multimodal.memory.log.errors import StoreError
from multimodal.memory.log.events import FeedbackGiven, PostWithdrawn
from multimodal.memory.log.in_process import InProcessStore
from multimodal.memory.log.opening import open_store


@pytest.fixture(autouse=True)
def short_batches(monkeypatch):
    monkeypatch.setattr(moving, "_EVENTS_AT_ONCE", 4)


@pytest.fixture
def source():
    live = logged(keep_captions=True)
    live.observe(stream(9, 10), encode)
    live.correct(post(10, hashtags=("right",)), encode)
    live.withdraw("p11")
    live.give_feedback(FeedbackGiven(user_id="ann", instant_us=1, added=("x",)))
    live.forget("bob")
    live.compact()
    return live


def test_every_entry_is_there_and_the_memory_is_the_same(source, tmp_path):
    steps = []
    with open_store(tmp_path / "copy.sqlite", "model-a") as target:
        moved = copy_log(source.store, target, steps.append)
        assert moved.kinds == {"observed": 7, "corrected": 1, "withdrawn": 1, "feedback": 1, "forgotten": 1}
        assert moved.copied == target.last() == sum(steps) == 11
        again = logged(store=target)
        again.refresh()
        assert facts(again.memory) == facts(source.memory)


def test_an_interrupted_copy_goes_on(source):
    target = InProcessStore("model-a")
    events = [event for _, event in source.store.read()]
    target.append(events[:5])
    assert copy_log(source.store, target).copied == 6
    assert copy_log(source.store, target).copied == 0


def test_a_place_that_is_taken(source):
    target = InProcessStore("model-a")
    target.append([PostWithdrawn(post_id="other")])
    with pytest.raises(
        StoreError, match=r"holds other entries than in this process: it is not a copy of it. Choose an e"
    ):
        copy_log(source.store, target)
    assert target.last() == 1


def test_a_place_that_has_more(source):
    target = InProcessStore("model-a")
    target.append([*(event for _, event in source.store.read()), PostWithdrawn(post_id="other")])
    with pytest.raises(StoreError, match="holds other entries than"):
        copy_log(source.store, target)


def test_what_is_appended_meanwhile_is_noticed(source):
    class Busy(InProcessStore):
        def append(self, events):
            super().append(events)
            return super().append([PostWithdrawn(post_id="other")])

    with pytest.raises(StoreError, match=r"differs after \d+ entries: something else was appended to one of"):
        copy_log(source.store, Busy("model-a"))
