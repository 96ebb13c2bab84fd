"""Offsets of sources from feedback."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from multimodal.memory.posts.user_notes import Feedback
from multimodal.ranking.source_offsets import OffsetSettings, source_offsets

SOURCES = ("own", "trends")


def feedback(instant_us, accepted=(), rejected=(), effects=None, chance=0.5):
    tags = (*accepted, *rejected)
    effects = effects or {"own": 1.0}
    return Feedback(
        given_us=instant_us,
        instant_us=instant_us,
        accepted=tuple(accepted),
        rejected=tuple(rejected),
        chances=dict.fromkeys(tags, chance),
        effects=dict.fromkeys(tags, effects),
    )


def test_by_hand():
    # One accepted hashtag of chance 0.5 and effect 2: θ = 2 · 0.5 / (4 · 0.25 + 1 / 0.25) = 0.2.
    told = source_offsets([feedback(1, ["sea"], effects={"own": 2.0})], SOURCES, 2, OffsetSettings(spread=0.5))
    assert told.tolist() == [pytest.approx(0.2), 0.0]


def test_nothing_is_learned_without_what_brought_the_hashtags():
    bare = Feedback(given_us=1, instant_us=1, accepted=("sea",))
    assert source_offsets([bare], SOURCES, 2).tolist() == [0.0, 0.0]
    assert source_offsets([], SOURCES, 2).tolist() == [0.0, 0.0]


def test_only_earlier_feedback_counts():
    told = [feedback(1, ["sea"]), feedback(5, rejected=["sky"])]
    assert source_offsets(told, SOURCES, 5).tolist() == source_offsets(told[:1], SOURCES, 2).tolist()
    assert source_offsets(told, SOURCES, 1).tolist() == [0.0, 0.0]


def test_a_source_whose_hashtags_are_taken_rises_and_one_whose_are_turned_down_falls():
    told = [feedback(i, ["sea"], effects={"own": 1.0}) for i in range(5)]
    told += [feedback(i, rejected=["sky"], effects={"trends": 1.0}) for i in range(5)]
    own, trends = source_offsets(told, SOURCES, 9)
    assert own > 0 > trends


def test_it_is_one_step_towards_the_most_likely():
    draw = np.random.default_rng(0)
    told = []
    for number in range(40):
        judged = (["a"], []) if draw.random() < 0.7 else ([], ["a"])
        told.append(feedback(number, *judged, {"own": draw.normal(), "trends": draw.normal()}))
    found = source_offsets(told, SOURCES, 99, OffsetSettings(spread=0.25))
    rows = np.array([[one.effects["a"][name] for name in SOURCES] for one in told])
    truth = np.array([bool(one.accepted) for one in told])

    def loss(theta):
        logits = rows @ theta
        return np.logaddexp(0, np.where(truth, -logits, logits)).sum() + theta @ theta / (2 * 0.25**2)

    assert found == pytest.approx(minimize(loss, np.zeros(2)).x, abs=0.02)


@given(st.lists(st.tuples(st.booleans(), st.floats(-50, 50), st.floats(0, 1)), max_size=30))
def test_it_is_bounded(rows):
    judged = [(["a"], []) if up else ([], ["a"]) for up, _, _ in rows]
    told = [feedback(i, *judged[i], {"own": x}, chance) for i, (_, x, chance) in enumerate(rows)]
    offsets = source_offsets(told, SOURCES, 99, OffsetSettings(spread=10.0, bound=0.5))
    assert np.isfinite(offsets).all()
    assert (np.abs(offsets) <= 0.5).all()
