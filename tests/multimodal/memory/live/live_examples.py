"""Posts for the tests of live memories, a stand-in for a System that encodes them, and all that a memory answers."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta, timezone

import numpy as np
from scipy import sparse

from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.live.live_memory import LiveMemory, LiveSettings
from multimodal.memory.live.snapshot import Origin
from multimodal.memory.log.in_process import InProcessStore
from multimodal.memory.post_memory import PostMemory

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
ORIGIN = Origin("model-a", "base-a")
USERS = ("ann", "bob", "cem", None)
SLOTS = 16


def empty():
    hashtags, kept = HashtagIdMap(["sea", "sky"], [2, 1]), {"keep_mentions": True}
    return PostMemory(hashtags, width=3, slots=SLOTS, spaces={"caption": 2}, **kept)


def post(number, user="ann", hashtags=("sea",), when=None, caption=None):
    timestamp = EPOCH + timedelta(seconds=number if when is None else when)
    return Post(
        post_id=f"p{number}",
        user_id=user,
        timestamp=timestamp,
        hashtags=tuple(hashtags),
        caption=f"words of {number} for @name{number % 3}" if caption is None else caption,
    )


def stream(count, first=0):
    """Posts by changing users, each with a hashtag of its own."""
    numbers = range(first, first + count)
    return [post(number, USERS[number % 4], ("sea", f"own{number}")[number % 2 :]) for number in numbers]


def encode(memory, posts):
    """Append posts with vectors, terms and a language that follow from their captions, as a System does."""
    draws = [np.random.default_rng(zlib.crc32((one.caption or "").encode())) for one in posts]
    rows = np.array([draw.normal(size=5) for draw in draws], np.float32)
    terms = np.array([draw.random(SLOTS) * (draw.random(SLOTS) < 0.3) for draw in draws], np.float32)
    languages = [("en", "de", None)[int(draw.integers(3))] for draw in draws]
    memory.append(posts, rows[:, :3], sparse.csr_matrix(terms), {"caption": rows[:, 3:]}, languages)


def base(count=4):
    """A memory of the posts that come with a model."""
    memory = empty()
    if count:
        encode(memory, stream(count))
    return memory


def logged(memory=None, store=None, **settings):
    """A live memory that keeps its posts in a log."""
    store = store or InProcessStore("model-a")
    memory = base() if memory is None else memory
    return LiveMemory(memory, store, settings=LiveSettings(**{"refresh_s": 0, **settings}))


def facts(memory):
    """All that a memory knows of its living posts, in their order, without numbers of anything."""
    alive = np.ones(len(memory), bool) if memory.alive is None else memory.alive
    known = []
    for position in np.flatnonzero(alive).tolist():
        at = np.array([position])
        user = int(memory.users[position])
        known.append(
            (
                memory.post_ids[position],
                None if user < 0 else memory.user_ids[user],
                int(memory.instants_us[position]),
                [memory.id_map[index] for index in memory.hashtags_of(position).tolist()],
                memory.terms_at(at).toarray().tobytes(),
                [memory.vectors_at(space, at).tobytes() for space in ("content", "caption")],
                memory.languages_at(at),
                memory.mentions_at(at),
            )
        )
    histories = {user: [memory.post_ids[p] for p in _history(memory, user)] for user in USERS}
    return known, histories, memory.now_us


def _history(memory, user):
    positions = memory.history([user], np.array([2**61]), len(memory) + 1)[0]
    return positions[positions >= 0].tolist()
