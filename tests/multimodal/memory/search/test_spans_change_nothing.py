"""What may not change an answer: later posts, batches, files, sealing and forks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_streams import ask, slow_find, stream

from multimodal.memory.search.cover import cover, frozen_spans
from multimodal.memory.search.dense.settings import DenseSettings
from multimodal.memory.search.index import NeighbourIndex
from multimodal.memory.search.likeness import Likeness
from multimodal.memory.search.settings import IndexSettings

HOUR = 3_600_000_000
MIX = Likeness({"words": 0.5, "caption": 0.3, "image": 0.2}, power=4, decay=0.3)
KINDS = ("flat", "ivf", "hnsw")


def tiny(kind="flat", slice_posts=4, **changes):
    """Spans of a few posts, indices that find a few of them: answers are far from exact."""
    sizes = {
        "exact_posts": 1,
        "slice_posts": slice_posts,
        "fan_out": 2,
        "champions": 3,
        "postings": 6,
        "word_candidates": 5,
        "candidates": 3,
        **changes,
    }
    return IndexSettings(**sizes, dense=DenseSettings(kind=kind, flat_up_to=2))


def same(one, other):
    assert one.positions.tolist() == other.positions.tolist()
    assert one.similarity.tobytes() == other.similarity.tobytes()


times = st.lists(st.integers(0, 3), min_size=20, max_size=90).map(lambda steps: np.cumsum(steps) * HOUR)


@pytest.mark.parametrize("kind", KINDS)
@given(times, st.integers(0, 9), st.floats(0.2, 0.9), st.data())
@settings(max_examples=25, deadline=None)
def test_later_posts(kind, instants, seed, share, data):
    posts = stream(len(instants), seed, instants)
    asked_us = int(instants[-1] * share)
    known = int(np.searchsorted(instants, asked_us, side="left"))
    asked = stream(3, seed + 100, instants=[asked_us] * 3)
    before = ask(NeighbourIndex(posts.part(0, known), tiny(kind)), asked, 4, MIX)
    growing = NeighbourIndex(posts.part(0, known), tiny(kind))
    while len(growing.columns) < len(posts):
        start = len(growing.columns)
        growing.columns.extend(posts.part(start, start + data.draw(st.integers(1, 20))))
        if data.draw(st.booleans()):
            growing.seal(("words", "caption", "image"))
        same(ask(growing, asked, 4, MIX), before)
    same(ask(NeighbourIndex(posts, tiny(kind)), asked, 4, MIX), before)


@pytest.mark.parametrize("kind", KINDS)
@given(times, st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_batches(kind, instants, seed):
    index = NeighbourIndex(stream(len(instants), seed, instants), tiny(kind))
    asked = stream(8, seed + 100, instants=np.linspace(0, instants[-1] + 1, 8).astype(np.int64))
    whole = ask(index, asked, 4, MIX)
    for row in range(8):
        alone = ask(index, asked, 4, MIX, rows=[row])
        assert alone.positions[0].tolist() == whole.positions[row].tolist()
        assert alone.similarity[0].tobytes() == whole.similarity[row].tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_files_and_sealing(kind, tmp_path):
    posts, asked = stream(200), stream(9, 1, instants=np.linspace(0, 250, 9).astype(np.int64) * HOUR)
    answer = ask(NeighbourIndex(posts, tiny(kind)), asked, 5, MIX)
    sealed = NeighbourIndex(posts, tiny(kind))
    sealed.seal(("words", "caption", "image"))
    same(ask(sealed, asked, 5, MIX), answer)
    for _ in range(2):
        same(ask(NeighbourIndex(posts, tiny(kind), tmp_path), asked, 5, MIX), answer)
    assert any(tmp_path.iterdir())


def test_forks_share_spans_and_see_their_own_posts_alone():
    posts = stream(60)
    index, copy = NeighbourIndex(posts, tiny()), stream(60)
    asked = stream(3, 1, instants=[70 * HOUR] * 3)
    before = ask(index, asked, 4, MIX)
    fork = index.fork(copy)
    copy.extend(stream(30, 2, instants=np.arange(60, 90) * HOUR // 10 + 59 * HOUR))
    forked = ask(fork, asked, 4, MIX)
    same(ask(index, asked, 4, MIX), before)
    same(forked, ask(NeighbourIndex(copy, tiny()), asked, 4, MIX))
    posts.extend(stream(30, 3, instants=np.arange(60, 90) * HOUR // 10 + 59 * HOUR))
    same(ask(fork, asked, 4, MIX), forked)
    same(ask(index, asked, 4, MIX), ask(NeighbourIndex(posts, tiny()), asked, 4, MIX))


@given(st.integers(1, 40), st.integers(2, 5), st.integers(0, 3_000))
@settings(max_examples=100, deadline=None)
def test_the_cover_is_contiguous_aligned_and_old_enough(size, fan_out, earlier):
    sizes = IndexSettings(exact_posts=1, slice_posts=size, fan_out=fan_out)
    places = cover(earlier, sizes)
    edge = 0
    for place in places:
        assert place.start == edge
        assert place.start % len(place) == 0
        assert place.stop + max(size + sizes.freeze_posts, len(place) // 4) <= earlier
        edge = place.stop
    # Behind the spans there is less than what makes another slice fit.
    assert earlier - edge < 2 * size + sizes.freeze_posts
    assert [place.start for place in frozen_spans(earlier, sizes)][:1] == ([0] if earlier >= size else [])


def test_few_posts_are_compared_exactly():
    assert cover(16_384, IndexSettings()) == []
    assert cover(16_385, IndexSettings())[-1].stop <= 16_385 - 1_280


@given(times, st.integers(0, 9), st.data())
@settings(max_examples=40, deadline=None)
def test_batches_of_arrivals(instants, seed, data):
    """Posts in any order, in batches of any size: the same order, late posts and version."""
    shuffled = data.draw(st.permutations(list(instants))) if data.draw(st.booleans()) else instants
    posts = stream(len(instants), seed, np.array(shuffled))
    asked = stream(3, seed + 100, instants=[int(max(instants)) + 1] * 3)
    at_once, growing = NeighbourIndex(posts, tiny()), NeighbourIndex(posts.part(0, 0), tiny())
    while len(growing.columns) < len(posts):
        start = len(growing.columns)
        growing.columns.extend(posts.part(start, start + data.draw(st.integers(1, 20))))
        assert growing.version <= at_once.version
    same(ask(growing, asked, 4, MIX), ask(at_once, asked, 4, MIX))
    assert growing.version == at_once.version


def test_late_posts_are_found_exactly_until_they_are_sorted_in():
    posts = stream(100)
    index = NeighbourIndex(posts, tiny(slice_posts=16))
    asked = stream(3, 1, instants=[200 * HOUR] * 3)
    ask(index, asked, 4, MIX)
    late = stream(3, 1, instants=[5 * HOUR, 30 * HOUR, 31 * HOUR])
    posts.extend(late)
    for row, positions in enumerate(ask(index, asked, 1, MIX).positions):
        assert positions[0] in slow_find(posts, asked, row, MIX, 1)[0]
    assert index.version == 0
    index.reindex()
    assert index.version == 1
    again = NeighbourIndex(posts, tiny(slice_posts=16), reindexed=index.reindexed)
    same(ask(again, asked, 4, MIX), ask(index, asked, 4, MIX))
    assert again.version == 1


def test_many_late_posts_are_sorted_in_by_themselves():
    draw = np.random.default_rng(0)
    index = NeighbourIndex(stream(500, instants=draw.permutation(500) * HOUR), tiny())
    assert index.version > 0
    assert len(index._posts().late) <= 100


def test_exact_on_request():
    posts, asked = stream(150), stream(5, 1, instants=np.array([3, 40, 90, 149, 300]) * HOUR)
    found = ask(NeighbourIndex(posts, tiny()), asked, 4, MIX, exact=True)
    for row in range(5):
        positions = slow_find(posts, asked, row, MIX, 4)[0]
        assert found.positions[row].tolist() == positions + [-1] * (4 - len(positions))


@pytest.mark.parametrize("share", [0.001, 0.01, 0.5])
@pytest.mark.parametrize("kind", KINDS)
def test_as_many_are_found_as_were_asked_for_under_every_filter(kind, share, monkeypatch):
    # As if a memory had far more posts than are scanned for their rarity.
    monkeypatch.setattr("multimodal.memory.search.search_run._SCANNED_POSTS", 3)
    posts, draw = stream(3_000), np.random.default_rng(5)
    admitted = draw.random(3_000) < share
    asked = stream(6, 1, instants=[5_000 * HOUR] * 6)
    index = NeighbourIndex(posts, tiny(kind, slice_posts=32))
    wanted = [len(slow_find(posts, asked, row, MIX, 8, admitted)[0]) for row in range(6)]
    for found in (ask(index, asked, 8, MIX, admitted=admitted), _with_dead(index, asked, ~admitted)):
        assert ((found.positions >= 0).sum(1) == wanted).all()
        assert admitted[found.positions[found.positions >= 0]].all()


def _with_dead(index, asked, dead):
    index.columns.alive = ~dead
    return ask(index, asked, 8, MIX)
