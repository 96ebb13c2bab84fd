"""Withdrawn, corrected and forgotten posts: every answer is that of a memory that never had them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.live.events_of_posts import apply
from multimodal.memory.log.events import FeedbackGiven
from multimodal.memory.memory_files import read_memory, write_memory
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts import growing_timelines

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
USERS = ("ann", "bob", "cem", None)


def empty():
    return PostMemory(HashtagIdMap(["a", "b"], [2, 1]), width=2, slots=5, spaces={"caption": 3})


def make_post(number, user="ann", when=0, hashtags=("a",)):
    timestamp = EPOCH + timedelta(microseconds=when)
    return Post(post_id=f"p{number}", user_id=user, timestamp=timestamp, hashtags=tuple(hashtags))


def append(memory, posts):
    """Append posts with vectors and terms that tell them apart."""
    numbers = np.array([int(post.post_id[1:]) for post in posts], np.float32)
    terms = np.zeros((len(posts), 5), np.float32)
    terms[np.arange(len(posts)), numbers.astype(int) % 5] = numbers + 1
    rows = numbers[:, None] + np.arange(5, dtype=np.float32)
    memory.append(posts, rows[:, :2], sparse.csr_matrix(terms), {"caption": rows[:, 2:]})


def filled(posts):
    memory = empty()
    append(memory, posts)
    return memory


def facts(memory, position):
    """All that is known of a post, without numbers of anything."""
    if position < 0:
        return None
    one = np.array([position])
    names = [memory.id_map[index] for index in memory.hashtags_table(one)[0] if index >= 0]
    pairs = [memory.id_map[index] for index in memory.hashtag_pairs(one)[1]]
    assert names == pairs == [memory.id_map[index] for index in memory.hashtags_of(position)]
    vectors = [memory.vectors_at(space, one).tolist() for space in ("content", "caption")]
    return memory.post_ids[position], int(memory.instants_us[position]), names, vectors, memory.terms_at(one).toarray()


def answers(memory, limit):
    questions = [(user, when) for user in (*USERS, "nobody") for when in range(-4, 6)]
    found = memory.history([q[0] for q in questions], np.array([q[1] for q in questions]), limit)
    return repr([[facts(memory, position) for position in row] for row in found])


def living_ids(memory):
    return [
        post_id for position, post_id in enumerate(memory.post_ids) if memory.alive is None or memory.alive[position]
    ]


steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("append"),
            st.lists(
                st.tuples(st.sampled_from(USERS), st.integers(-3, 3), st.lists(st.sampled_from("abcxyz"), unique=True)),
                max_size=6,
            ),
        ),
        st.tuples(st.just("withdraw"), st.lists(st.integers(0, 30), max_size=4)),
        st.tuples(st.just("correct"), st.tuples(st.integers(0, 30), st.lists(st.sampled_from("abxw"), unique=True))),
        st.tuples(st.just("forget"), st.sampled_from(USERS[:3])),
        st.tuples(st.just("fork"), st.integers(0, 30)),
    ),
    max_size=14,
)


def play(steps, memory):
    """Change a memory step by step; return the posts that are alive then, in the order of their positions."""
    alive: dict[str, Post] = {}
    number = 0
    for kind, what in steps:
        if kind == "append":
            posts = [make_post(number + i, *values) for i, values in enumerate(what)]
            append(memory, posts)
            alive.update({post.post_id: post for post in posts})
            number += len(posts)
        elif kind == "withdraw":
            gone = [f"p{i}" for i in what if f"p{i}" in alive]
            memory.withdraw(gone)
            alive = {post_id: post for post_id, post in alive.items() if post_id not in gone}
        elif kind == "correct" and f"p{what[0]}" in alive:
            old = alive.pop(f"p{what[0]}")
            corrected = Post(post_id=old.post_id, user_id=old.user_id, timestamp=old.timestamp, hashtags=tuple(what[1]))
            memory.correct(Post(post_id=old.post_id, hashtags=tuple(what[1])))
            alive[old.post_id] = corrected
        elif kind == "forget":
            own = [post_id for post_id, post in alive.items() if post.user_id == what]
            assert memory.forget(what) == len(own)
            alive = {post_id: post for post_id, post in alive.items() if post_id not in own}
        elif kind == "fork":
            with memory.fork() as fork:
                append(fork, [make_post(1_000)])
                fork.withdraw(["p1000", *(post_id for post_id in [f"p{what}"] if post_id in alive)])
                fork.forget("bob")
    return list(alive.values())


@settings(max_examples=80, deadline=None)
@given(steps=steps, limit=st.integers(0, 5))
@pytest.mark.parametrize("fewest", [1, 4_096])
def test_answers_are_those_of_a_memory_that_never_had_them(steps, limit, fewest):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growing_timelines, "_FEWEST_SORTED_IN", fewest)
        memory = empty()
        alive = play(steps, memory)
        never = filled(alive)
        assert answers(memory, limit) == answers(never, limit)
        assert living_ids(memory) == [post.post_id for post in alive]
        assert {post.post_id for post in alive} == {f"p{i}" for i in range(90) if f"p{i}" in memory}
        assert memory.now_us == never.now_us
        assert memory.newest_us == never.newest_us
        state, expected = memory.living().state(), never.state()
        assert state[1] == expected[1]
        assert list(memory.living().id_map.names) == list(never.id_map.names)
        assert all(np.array_equal(state[0][name], expected[0][name]) for name in expected[0])


def test_what_is_withdrawn_can_be_remembered_again():
    memory = filled([make_post(1), make_post(2, when=1)])
    memory.withdraw(["p1"])
    assert "p1" not in memory
    assert memory.position_of("p1") is None
    append(memory, [make_post(1, "bob", 5, ("b",))])
    assert memory.position_of("p1") == 2
    assert memory.alive.tolist() == [False, True, True]
    with pytest.raises(ValueError, match="post 'p1' is already remembered"):
        append(memory, [make_post(1)])


def test_a_user_who_is_forgotten_may_come_back_as_somebody_new():
    memory = filled([make_post(1, when=1), make_post(2, "bob", 2)])
    assert memory.forget("ann") == 1
    assert memory.forget("ann") == memory.forget("nobody") == 0
    append(memory, [make_post(3, when=3)])
    assert memory.history(["ann", "bob"], np.array([9, 9]), 2).tolist() == [[2, -1], [1, -1]]


def test_a_fork_keeps_what_the_memory_forgets():
    memory = filled([make_post(i, when=i) for i in range(4)])
    with memory.fork() as fork:
        memory.forget("ann")
        append(memory, [make_post(1, "bob", 9)])
        assert memory.history(["ann", "bob"], np.array([99, 99]), 1).tolist() == [[-1], [4]]
        assert fork.history(["ann", "bob"], np.array([99, 99]), 2).tolist() == [[3, 2], [-1, -1]]
        assert fork.position_of("p1") == 1
        assert fork.alive is None


@pytest.mark.parametrize("change", [lambda m: m.withdraw(["p0", "p7"]), lambda m: m.correct(make_post(7))])
def test_a_post_that_is_not_remembered_is_named_and_nothing_changes(change):
    memory = filled([make_post(0)])
    with pytest.raises(ValueError, match="post 'p7' is not remembered"):
        change(memory)
    assert memory.alive is None


def test_a_correction_that_fails_leaves_the_memory_whole(monkeypatch):
    memory = filled([make_post(i, when=i) for i in range(3)])

    def fail(hashtags):
        raise MemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(memory.id_map, "add", fail)
        with pytest.raises(MemoryError):
            memory.correct(make_post(2, hashtags=("b",)))
    assert answers(memory, 5) == answers(filled([make_post(i, when=i) for i in range(3)]), 5)
    assert memory.newest_us == 2
    memory.correct(make_post(2, hashtags=("b",)))
    assert memory.history(["ann"], np.array([9]), 5).tolist() == [[3, 1, 0, -1, -1]]


def test_saved_files_hold_nothing_of_a_user_who_is_forgotten(tmp_path):
    memory = filled([make_post(7_777, "secret_user", 5, ("secret_hashtag", "a")), make_post(2, "bob", 3, ("kept",))])
    memory.forget("secret_user")
    with pytest.raises(ValueError, match=r"dead posts, which must not be saved; save its `living\(\)`"):
        memory.state()
    write_memory(tmp_path, memory)
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"kept" in held
    assert b"secret" not in held
    assert b"p7777" not in held
    assert np.float32(7_777).tobytes() not in held
    again = read_memory(tmp_path, empty())
    assert list(again.post_ids) == ["p2"]
    assert list(again.user_ids) == ["bob"]
    assert again.vectors_at("caption", np.array([0])).tolist() == [[4, 5, 6]]


def test_questions_beside_changes_see_posts_that_are_complete():
    memory, done = empty(), threading.Event()

    def check():
        known = len(memory)
        (row,) = memory.history(["ann"], np.array([10_000]), 50)
        positions = np.append(row[row >= 0], known - 1) if known else row[row >= 0]
        assert memory.vectors_at("content", positions)[:, 0].tolist() == positions.tolist()
        assert memory.instants_us[positions].tolist() == positions.tolist()
        assert [memory.post_ids[position] for position in positions] == [f"p{position}" for position in positions]
        assert memory.terms_at(positions).data.tolist() == [position + 1 for position in positions]
        assert set(memory.hashtags_table(positions).flatten().tolist()) <= {0, -1}
        memory.position_of(f"p{known}")

    def ask():
        while not done.is_set():
            check()

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        try:
            for number in range(1_500):
                append(memory, [make_post(number, when=number)])
                if number % 50 == 49:
                    memory.withdraw([f"p{number - 20}"])
        finally:
            done.set()
        for one in asking:
            one.result()
    assert len(memory) == 1_500


@given(st.lists(st.tuples(st.sampled_from(USERS), st.booleans()), min_size=1, max_size=12), st.data())
@settings(deadline=None)
def test_feedback_is_that_of_a_memory_that_never_had_the_posts(steps, data):
    """Posts in order of time, and feedback of others on them, which counts from the newest post that is known."""
    gone = {number for number in range(len(steps)) if data.draw(st.booleans())}
    forgotten = data.draw(st.booleans()) and "ann"

    def remembered(numbers):
        memory = empty()
        for number, (user, tells) in enumerate(steps):
            if number in numbers:
                append(memory, [make_post(number, user, 10 * (number + 1))])
            if tells:
                about = f"p{number}" if number in numbers else None
                given = FeedbackGiven(user_id="dan", instant_us=10**6 + number, post_id=about, accepted=("a",))
                apply(memory, [given])
        return memory

    memory = remembered(range(len(steps)))
    memory.withdraw([f"p{number}" for number in gone])
    kept = set(range(len(steps))) - gone
    if forgotten:
        memory.forget(forgotten)
        kept = {number for number in kept if steps[number][0] != forgotten}
    expected = remembered(kept).notes.as_values()
    assert memory.notes.as_values() == expected
    assert memory.living().notes.as_values() == expected
