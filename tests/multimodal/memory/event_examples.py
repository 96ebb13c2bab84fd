"""Events for the tests of logs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from multimodal.memory.log.event_coding import encode
from multimodal.memory.log.events import (
    FeedbackGiven,
    PostCorrected,
    PostObserved,
    PostWithdrawn,
    RulesSet,
    Terms,
    UserForgotten,
)


def post(post_id="p", user_id="ann", instant_us=1_000, **values):
    return PostObserved(
        **{"post_id": post_id, "user_id": user_id, "instant_us": instant_us, "hashtags": ("sea",), **values}
    )


def terms(*slots):
    return Terms(np.array(slots, np.int32), np.linspace(0.5, 1, len(slots), dtype=np.float32))


def vector(*values):
    return np.array(values, np.float32)


EVERY_KIND = [
    post("full", caption="Am Meer \0 ☕ \ud800", language="de", terms=terms(3, 2**18 - 1), mentions=(7, 2**18 - 1),
        vectors={"caption": vector(0.25, -1.5), "image": vector(1e-38, 3e38, 0), "empty": vector()}),
    post("bare", user_id=None, instant_us=-(2**62), hashtags=()),
    post("Ünïcode \N{SNOWMAN}", user_id="ü", instant_us=2**62, terms=terms(), vectors={}),
    PostCorrected(post_id="full", user_id="ann", hashtags=("see", "sea"), caption="", language="", vectors={}),
    PostCorrected(post_id="elsewhere", terms=terms(7), mentions=(), vectors={"caption": vector(1, 2)}),
    PostWithdrawn(post_id="bare"),
    FeedbackGiven(user_id="bob", instant_us=5, post_id="full", shown=("a", "b"), accepted=("a",), added=("c",)),
    FeedbackGiven(user_id=None, instant_us=6, rejected=("b",)),
    RulesSet(user_id="bob", instant_us=7, rules={"only": "mine", "never": ["ad*"], "replace": {"ü": "u"}}),
    RulesSet(user_id="bob", instant_us=8),
    UserForgotten(user_id="bob", instant_us=7),
]  # fmt: skip


def same(event, other):
    """Return whether two events are of one kind and have the same values, bit for bit."""
    return type(event) is type(other) and encode(event) == encode(other)


def numbered(store, after=0, limit=None):
    return [(number, encode(event)) for number, event in store.read(after, limit)]


def changed(event, **values):
    return replace(event, **values)
