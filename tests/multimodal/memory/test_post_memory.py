"""PostMemory: strictly earlier, by user; the fast paths against slow loops."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from data_loaders.posts import NOW_US, UNDATED_EPOCH_US, Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.likeness import Likeness

START = datetime(2020, 1, 1, tzinfo=timezone.utc)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def make_post(number, user="ann", minutes=0, hashtags=("a",), **fields):
    fields.setdefault("timestamp", START + timedelta(minutes=minutes))
    return Post(post_id=f"p{number}", user_id=user, hashtags=tuple(hashtags), **fields)


def make_memory(posts=(), width=0, vectors=None):
    memory = PostMemory(HashtagIdMap(["a", "b"], [2, 1]), width)
    memory.append(posts, vectors)
    return memory


def history_ids(memory, user, post, limit=10):
    (row,) = memory.history([user], np.array([post.instant_us]), limit)
    return [memory.post_ids[position] for position in row if position >= 0]


def slow_history(posts, user, instant_us, limit):
    """Posts as (position, instant, user); the definition, word by word."""
    earlier = [(when, position) for position, when, who in posts if user is not None and who == user]
    earlier = sorted(pair for pair in earlier if pair[0] < instant_us)
    newest_first = [position for _, position in reversed(earlier)]
    return (newest_first + [-1] * limit)[:limit]


users = st.sampled_from(["ann", "bob", "cem", None])
instants = st.integers(-5, 5)
rows = st.lists(st.tuples(users, instants, st.lists(st.sampled_from("abcde"), unique=True, max_size=4)), max_size=40)


def dated(microseconds):
    return EPOCH + timedelta(microseconds=microseconds)


class TestHistory:
    def test_newest_first_and_no_more_than_asked(self):
        memory = make_memory([make_post(i, minutes=i) for i in (3, 1, 2)])
        assert history_ids(memory, "ann", make_post(9, minutes=9)) == ["p3", "p2", "p1"]
        assert history_ids(memory, "ann", make_post(9, minutes=9), limit=2) == ["p3", "p2"]

    def test_an_equal_instant_is_not_earlier_even_in_another_time_zone(self):
        memory = make_memory([make_post(1, minutes=5)])
        same = (START + timedelta(minutes=5)).astimezone(timezone(timedelta(hours=9)))
        assert history_ids(memory, "ann", make_post(2, timestamp=same)) == []
        assert history_ids(memory, "ann", make_post(2, timestamp=same + timedelta(microseconds=1))) == ["p1"]

    def test_unknown_users_and_none_have_no_history(self):
        memory = make_memory([make_post(1), make_post(2, user=None)])
        for user in ("nobody", None):
            assert history_ids(memory, user, make_post(9, minutes=9)) == []

    def test_undated_posts_are_earlier_than_dated_ones_and_keep_their_order(self):
        undated = [make_post(i, timestamp=None, sequence=i) for i in (7, 4)]
        memory = make_memory([*undated, make_post(1, timestamp=dated(-(10**15)))])
        assert history_ids(memory, "ann", make_post(9)) == ["p1", "p7", "p4"]
        assert history_ids(memory, "ann", undated[0]) == ["p4"]
        assert undated[0].instant_us == UNDATED_EPOCH_US + 7

    def test_a_post_written_now_is_found_by_the_next_question(self):
        memory = make_memory([make_post(1)])
        memory.append([make_post(2, timestamp=None)])
        assert history_ids(memory, "ann", make_post(3, timestamp=None)) == ["p2", "p1"]
        assert memory.newest_us == START.timestamp() * 1e6 + 1 < NOW_US

    def test_an_empty_memory_answers(self):
        memory = make_memory()
        assert history_ids(memory, "ann", make_post(1)) == []
        assert memory.newest_us == 0
        assert memory.hashtags_table(np.array([[-1, -1]])).shape == (1, 2, 1)

    @settings(max_examples=60, deadline=None)
    @given(rows=rows, bulk=st.integers(1, 41), limit=st.integers(1, 6))
    def test_equals_the_slow_loop_however_posts_came_in(self, rows, bulk, limit):
        posts = [make_post(i, user, timestamp=dated(when), hashtags=tags) for i, (user, when, tags) in enumerate(rows)]
        memory = make_memory()
        for start in range(0, len(posts), bulk):
            memory.append(posts[start : start + bulk])
        known = [(i, when, user) for i, (user, when, _) in enumerate(rows)]
        questions = [(user, when) for user in ("ann", "bob", "cem", None, "nobody") for when in range(-6, 7)]
        answers = memory.history([q[0] for q in questions], np.array([q[1] for q in questions]), limit)
        assert answers.tolist() == [slow_history(known, user, when, limit) for user, when in questions]

    @settings(max_examples=40, deadline=None)
    @given(rows=rows, late=rows)
    def test_a_few_late_posts_are_put_where_sorting_would_put_them(self, rows, late):
        many = [make_post(i, user, timestamp=dated(when)) for i, (user, when, _) in enumerate(rows * 30)]
        few = [make_post(10_000 + i, user, timestamp=dated(when)) for i, (user, when, _) in enumerate(late)]
        step_by_step, at_once = make_memory(many), make_memory([*many, *few])
        for start in range(0, len(few), 3):
            step_by_step.append(few[start : start + 3])
        ask = (["ann", "bob", "cem"], np.full(3, 3), 2_000)
        assert step_by_step.history(*ask).tolist() == at_once.history(*ask).tolist()


class TestHashtags:
    @settings(max_examples=60, deadline=None)
    @given(rows=rows, data=st.data())
    def test_table_and_pairs_equal_a_loop(self, rows, data):
        posts = [make_post(i, user, timestamp=dated(when), hashtags=tags) for i, (user, when, tags) in enumerate(rows)]
        memory = make_memory(posts)
        positions = np.array(data.draw(st.lists(st.integers(-1, len(posts) - 1), max_size=12)), np.int64)
        expected = [[] if p < 0 else list(posts[p].hashtags) for p in positions]
        names = memory.id_map.names
        table = memory.hashtags_table(positions)
        assert [[names[i] for i in row if i >= 0] for row in table] == expected
        assert [[names[i] for i in memory.hashtags_of(p)] for p in positions if p >= 0] == [
            row for row, p in zip(expected, positions, strict=True) if p >= 0
        ]
        places, indices = memory.hashtag_pairs(positions)
        assert [(int(place), names[i]) for place, i in zip(places, indices, strict=True)] == [
            (place, tag) for place, row in enumerate(expected) for tag in row
        ]

    def test_new_hashtags_follow_the_vocabulary(self):
        memory = make_memory([make_post(1, hashtags=("zebra", "b"))])
        assert list(memory.id_map.names) == ["a", "b", "zebra"]


class TestAppend:
    @pytest.mark.parametrize("batch", [["p1"], ["p5", "p1"], ["p5", "p5"]])
    def test_a_known_id_is_refused_and_nothing_changes(self, batch):
        memory = make_memory([make_post(1)], width=2, vectors=np.zeros((1, 2), np.float32))
        posts = [Post(post_id=post_id, user_id="ann", hashtags=("new",)) for post_id in batch]
        with pytest.raises(ValueError, match="is already remembered"):
            memory.append(posts, np.zeros((len(posts), 2), np.float32))
        assert len(memory) == len(memory.vectors) == 1
        assert "p5" not in memory
        assert "new" not in memory.id_map

    def test_vectors_of_the_wrong_shape_are_refused(self):
        memory = make_memory(width=3)
        with pytest.raises(ValueError, match=r"vectors of shape \(1, 2\); expected \(1, 3\)"):
            memory.append([make_post(1)], np.zeros((1, 2), np.float32))
        with pytest.raises(ValueError, match="vectors of shape None"):
            memory.append([make_post(1)])
        assert len(memory) == 0

    def test_every_dense_space_is_needed_and_no_other(self):
        memory = PostMemory(HashtagIdMap(), spaces={"image": 2})
        for spaces, message in (
            ({}, r"vectors of the space 'image' of shape None; expected \(1, 2\)"),
            ({"image": np.zeros((1, 3), np.float32)}, r"vectors of the space 'image' of shape \(1, 3\)"),
            ({"image": np.zeros((1, 2)), "sound": np.zeros((1, 2))}, "vectors of the space 'sound' .* expected none"),
        ):
            with pytest.raises(ValueError, match=message):
                memory.append([make_post(1)], spaces=spaces)
        assert len(memory) == 0


def test_the_matrix_of_terms_is_built_once_for_each_state_of_the_memory():
    rows = sparse.csr_matrix(np.array([[0, 2, 0], [1, 0, 3], [0, 0, 0]], np.float32))
    memory = PostMemory(HashtagIdMap(), slots=3)
    memory.append([make_post(0), make_post(1)], terms=rows[:2])
    first = memory.terms
    assert memory.terms is first
    with memory.fork() as fork:
        fork.append([make_post(2)], terms=rows[2:])
        assert fork.terms.toarray().tolist() == rows.toarray().tolist()
        assert memory.terms is first
    memory.append([make_post(3)], terms=rows[1:2])
    assert memory.terms.toarray().tolist() == rows[[0, 1, 1]].toarray().tolist()


class TestNow:
    def test_is_just_after_everything_remembered(self):
        assert make_memory().now_us == 1
        assert make_memory([make_post(0, timestamp=None, sequence=5)]).now_us == 1
        assert make_memory([make_post(0, minutes=5), make_post(1)]).now_us == make_post(0, minutes=5).instant_us + 1

    def test_stands_where_a_post_is_written_now(self):
        memory = make_memory([make_post(0)])
        instants = np.array([[NOW_US, 3], [UNDATED_EPOCH_US, NOW_US]])
        assert memory.resolve(instants).tolist() == [[memory.now_us, 3], [UNDATED_EPOCH_US, memory.now_us]]

    def test_follows_state_and_fork(self):
        memory = make_memory([make_post(0, minutes=5), make_post(1)])
        arrays, values = memory.state()
        assert PostMemory.from_state(arrays, values, memory.id_map).now_us == memory.now_us
        with memory.fork() as fork:
            fork.append([make_post(2, timestamp=None)])
            assert fork.newest_us == memory.now_us == fork.now_us - 1


class TestFork:
    def test_appending_to_a_fork_leaves_the_original_as_it_was(self):
        memory = make_memory([make_post(i, minutes=i) for i in range(30)])
        before = memory.state()
        question = make_post(99, minutes=99)
        with memory.fork() as fork:
            fork.append([make_post(50, minutes=50, hashtags=("new",)), make_post(51, "newcomer", 51)])
            assert history_ids(fork, "ann", question, 2) == ["p50", "p29"]
            assert history_ids(fork, "newcomer", question) == ["p51"]
            assert fork.id_map.names[fork.hashtags_of(30)[0]] == "new"
            assert history_ids(memory, "ann", question, 1) == ["p29"]
        assert "p50" not in memory
        assert "new" not in memory.id_map
        after = memory.state()
        assert after[1] == before[1]
        assert all(np.array_equal(after[0][name], before[0][name]) for name in before[0])

    def test_forks_and_original_can_grow_side_by_side(self):
        memory = make_memory([make_post(i, minutes=i) for i in range(8)], 1, np.arange(8, dtype=np.float32)[:, None])
        memory.append([make_post(8, minutes=8)], np.full((1, 1), 8, np.float32))
        with memory.fork() as one, memory.fork() as two:
            one.append([make_post(100, minutes=100)], np.full((1, 1), 100, np.float32))
            two.append([make_post(200, minutes=200)], np.full((1, 1), 200, np.float32))
            memory.append([make_post(9, minutes=9)], np.full((1, 1), 9, np.float32))
            assert one.vectors[-1] == 100
            assert two.vectors[-1] == 200
            assert memory.vectors[-1] == 9
        memory.append([make_post(10, minutes=10)], np.full((1, 1), 10, np.float32))
        assert memory.vectors.ravel().tolist() == list(range(11))
        assert history_ids(memory, "ann", make_post(99, minutes=99), 2) == ["p10", "p9"]

    def test_an_original_that_grows_first_misleads_no_fork(self):
        memory = make_memory([make_post(0)])
        with memory.fork() as fork:
            memory.append([make_post(1, "bob", 1, hashtags=("theirs", "both"))])
            assert "p1" not in fork
            assert fork.position_of("p1") is None
            assert fork.id_map.find("theirs") is None
            fork.append([make_post(2, "cat", 2, hashtags=("both", "mine")), make_post(1, "bob", 3)])
            assert list(fork.post_ids) == ["p0", "p2", "p1"]
            assert list(fork.user_ids) == ["ann", "cat", "bob"]
            assert [fork.id_map[index] for index in fork.hashtags_of(1)] == ["both", "mine"]
            question = make_post(9, minutes=9)
            assert history_ids(fork, "bob", question) == ["p1"]
            assert fork.hashtags_of(2).tolist() == [0]
        assert list(memory.post_ids) == ["p0", "p1"]
        assert [memory.id_map[index] for index in memory.hashtags_of(1)] == ["theirs", "both"]

    def test_what_finds_neighbours_is_made_once_for_all_forks(self):
        one = sparse.csr_matrix(np.eye(1, 3, dtype=np.float32))
        memory = PostMemory(HashtagIdMap(), slots=3)
        memory.append([make_post(0)], terms=one)
        made = []
        for number in (1, 2):
            with memory.fork() as fork:
                fork.append([make_post(number, minutes=number)], terms=one)
                made.append(memory._index)
                found = fork.neighbours(one, {}, np.array([NOW_US]), 3, Likeness())
                assert found.positions.tolist() == [[1, 0, -1]]
        assert made[0] is made[1] is memory.index
        assert memory.neighbours(one, {}, np.array([NOW_US]), 3, Likeness()).positions.tolist() == [[0, -1, -1]]

    def test_a_fork_refuses_to_be_used_after_its_block(self):
        memory = make_memory([make_post(0)])
        with memory.fork() as fork:
            pass
        with pytest.raises(ValueError, match="this fork was released; it cannot be used any longer"):
            fork.append([make_post(1)])
        with pytest.raises(ValueError, match="this fork was released"):
            history_ids(fork, "ann", make_post(9)) or fork.hashtags_of(0)

    def test_a_released_fork_gives_its_room_back(self):
        memory = make_memory([make_post(i) for i in range(8)])
        memory.append([make_post(8)])
        room = memory.instants_us.base
        for number in range(3):
            with memory.fork() as fork:
                fork.append([make_post(100 + number)])
                assert fork.instants_us.base is room
        memory.append([make_post(9)])
        assert memory.instants_us.base is room


@settings(max_examples=30, deadline=None)
@given(rows=rows, width=st.integers(0, 2))
def test_state_rebuilds_the_memory(rows, width):
    posts = [make_post(i, user, timestamp=dated(when), hashtags=tags) for i, (user, when, tags) in enumerate(rows)]
    vectors = np.arange(len(posts) * width, dtype=np.float32).reshape(len(posts), width) if width else None
    memory = make_memory(posts, width, vectors)
    again = PostMemory.from_state(*memory.state(), memory.id_map)
    assert list(again.post_ids) == list(memory.post_ids)
    assert list(again.user_ids) == list(memory.user_ids)
    assert again.vectors.tolist() == memory.vectors.tolist()
    ask = (["ann", "bob", "cem", None], np.full(4, 2), 5)
    assert again.history(*ask).tolist() == memory.history(*ask).tolist()
    again.append([make_post(1_000, "dee")], np.zeros((1, width), np.float32) if width else None)
    assert history_ids(again, "dee", make_post(1_001, minutes=1)) == ["p1000"]


@pytest.mark.parametrize("bad", [{"timestamp": "soon"}, {"sequence": 2**70, "timestamp": None}, {"user": ["x"]}])
def test_a_batch_with_a_value_that_cannot_be_used_leaves_the_memory_whole(bad):
    memory = make_memory([make_post(1)])
    with pytest.raises((AttributeError, OverflowError, TypeError)):
        memory.append([make_post(2), make_post(3, **bad)])
    assert len(memory) == len(memory.instants_us) == 1
    memory.append([make_post(2, minutes=2)])
    assert history_ids(memory, "ann", make_post(9, minutes=9)) == ["p2", "p1"]
