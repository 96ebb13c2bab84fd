"""The log is the truth: a memory follows it, and whatever is read again from it gives the same answers."""

from __future__ import annotations

import logging
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_examples import base, empty, encode, facts, logged, post, stream

from data_loaders.errors import UserError
from data_loaders.posts import NOW_US, UNDATED_EPOCH_US, Post
from multimodal.memory.live.live_memory import LiveMemory
from multimodal.memory.live.snapshot import LogPlace
from multimodal.memory.log.errors import PostExistsError, StoreUnavailableError
from multimodal.memory.log.events import FeedbackGiven, PostObserved, PostWithdrawn, UserForgotten
from multimodal.memory.log.in_process import InProcessStore


def read_again(live, memory=None):
    """Return a memory that has read the whole log."""
    again = logged(memory, live.store)
    again.refresh()
    return again


class Away(InProcessStore):
    """A log that can be switched off."""

    away = False

    def read(self, after=0, limit=None):
        self._require()
        return super().read(after, limit)

    def append(self, events):
        self._require()
        return super().append(events)

    def _require(self):
        if self.away:
            raise StoreUnavailableError("the log is away. Try again when it is back.")


class TestObserving:
    def test_the_log_gives_the_same_memory_again(self):
        live = logged()
        live.observe(stream(5, 10), encode)
        live.observe([post(20, "dot", ("new",))], encode)
        plain = base()
        encode(plain, stream(5, 10))
        encode(plain, [post(20, "dot", ("new",))])
        assert facts(live.memory) == facts(plain) == facts(read_again(live).memory)
        assert live.number == live.store.last() == 6

    def test_posts_of_every_time_are_given_the_same_instant_again(self):
        live = logged()
        posts = [
            Post(post_id="now", user_id="ann"),
            Post(post_id="undated", user_id="ann", sequence=7),
            post(30, when=-62_135_596_800),
            post(31, when=253_402_300_799),
        ]
        for one in posts:
            live.observe([one], encode)
        # The calendar ends, and two more are written now.
        live.observe([Post(post_id="later", user_id="ann")], encode)
        live.observe([Post(post_id="still later", user_id="ann")], encode)
        instants = live.memory.instants_us[4:].tolist()
        assert instants[:2] == [4 * 1_000_000 - 1_000_000 + 1, UNDATED_EPOCH_US + 7]
        assert instants[4:] == [instants[3] + 1_000_001 - 1_000_000, instants[3] + 2]
        assert max(instants) < NOW_US
        assert facts(read_again(live).memory) == facts(live.memory)

    def test_posts_of_the_model_are_left_out(self):
        live = logged()
        live.observe(stream(3, 10), encode)
        saved = base()
        encode(saved, stream(3, 10))
        assert facts(read_again(live, saved).memory) == facts(live.memory)

    def test_a_post_that_another_process_has_observed(self):
        first = logged()
        second = logged(store=first.store)
        first.observe([post(10)], encode)
        before = facts(second.memory)
        with pytest.raises(PostExistsError, match=r"post 'p10' is in the log in this process already; none of the 2"):
            second.observe([post(11), post(10)], encode)
        assert facts(second.memory) == before
        assert first.store.last() == 1

    def test_what_cannot_be_encoded_leaves_both_as_they_were(self):
        live = logged()

        def fail(memory, posts):
            encode(memory, posts)
            raise RuntimeError("no picture")

        with pytest.raises(RuntimeError, match="no picture"):
            live.observe([post(10, hashtags=("lost",))], fail)
        assert facts(live.memory) == facts(base())
        assert live.store.last() == 0
        assert "lost" not in live.memory.id_map

    def test_captions_are_kept_by_choice(self):
        for keep in (False, True):
            live = logged(keep_captions=keep)
            live.observe([post(10, caption="low tide")], encode)
            ((_, event),) = live.store.read()
            assert event.caption == ("low tide" if keep else None)

    def test_an_empty_batch_is_nothing(self):
        live = logged()
        live.append([])
        assert live.store.last() == 0


class TestChanges:
    def test_a_post_is_corrected(self):
        live = logged()
        live.observe(stream(4, 10), encode)
        live.correct(post(10, hashtags=("right",)), None)
        live.correct(post(11, hashtags=("other",), caption="another caption"), encode)
        plain = base()
        encode(plain, [*stream(4, 10)[2:], post(10, "cem", ("right",))])
        encode(plain, [post(11, None, ("other",), caption="another caption")])
        assert facts(live.memory) == facts(plain) == facts(read_again(live).memory)

    def test_a_post_is_withdrawn_also_one_of_the_model(self):
        live = logged()
        live.observe(stream(3, 10), encode)
        live.withdraw("p1")
        live.withdraw("p11")
        plain = empty()
        encode(plain, [one for one in [*stream(4), *stream(3, 10)] if one.post_id not in ("p1", "p11")])
        assert facts(live.memory) == facts(plain) == facts(read_again(live).memory)
        with pytest.raises(UserError, match="post 'p11' is not remembered; give the post_id of a post that was"):
            live.withdraw("p11")
        with pytest.raises(UserError, match="post 'p11' is not remembered"):
            live.correct(post(11), None)

    def test_a_user_is_forgotten_also_in_the_posts_of_the_model(self):
        live = logged()
        live.observe(stream(8, 10), encode)
        assert live.forget("bob") == 3
        plain = empty()
        encode(plain, [one for one in [*stream(4), *stream(8, 10)] if one.user_id != "bob"])
        assert facts(live.memory) == facts(plain) == facts(read_again(live).memory)
        live.compact()
        assert facts(live.memory) == facts(plain) == facts(read_again(live).memory)
        assert live.forget("nobody") == 0

    def test_who_comes_back_starts_anew(self):
        live = logged()
        live.forget("ann")
        live.observe([post(20, "ann", ("again",))], encode)
        live.compact()
        assert facts(live.memory)[1]["ann"] == ["p20"]
        assert facts(read_again(live).memory) == facts(live.memory)

    def test_nothing_is_done_twice(self):
        live = logged()
        live.observe(stream(4, 10), encode)
        live.correct(post(10, hashtags=("right",)), None)
        live.withdraw("p11")
        before = facts(live.memory)
        live.place = LogPlace()
        live.refresh()
        assert facts(live.memory) == before


class TestFollowing:
    def test_two_that_append_in_turn_have_the_same_order(self):
        first = logged()
        second = logged(store=first.store)
        for number in range(10, 30, 2):
            first.observe([post(number, "ann", when=5)], encode)
            second.observe([post(number + 1, "ann", when=5)], encode)
        first.refresh()
        assert facts(first.memory) == facts(second.memory) == facts(read_again(first).memory)

    def test_its_own_writes_are_read_at_once_also_behind_those_of_others(self):
        first = logged(refresh_s=1e9)
        second = logged(store=first.store, refresh_s=1e9)
        first.follow()
        second.observe([post(10)], encode)
        assert "p10" not in first.memory
        first.follow()
        assert "p10" not in first.memory
        first.observe([post(11)], encode)
        assert {"p10", "p11"} <= set(first.memory.post_ids)
        assert facts(first.memory) == facts(read_again(first).memory)

    def test_refresh_says_how_much_was_new(self):
        first = logged()
        second = logged(store=first.store)
        first.observe(stream(5, 10), encode)
        counted = []
        assert (second.refresh(counted.append), counted, second.refresh()) == (5, [5], 0)

    def test_while_the_log_is_away_answers_go_on(self, caplog):
        store = Away("model-a")
        live = logged(store=store)
        live.observe([post(10)], encode)
        before = facts(live.memory)
        store.away = True
        with caplog.at_level(logging.WARNING):
            live.follow()
            live.follow()
        assert [record.getMessage() for record in caplog.records] == [
            "answers go on from the 5 posts that are known: the log is away. Try again when it is back."
        ]
        for call in (
            lambda: live.observe([post(11)], encode),
            lambda: live.correct(post(10), encode),
            lambda: live.withdraw("p10"),
            lambda: live.forget("ann"),
            live.refresh,
            live.compact,
        ):
            with pytest.raises(StoreUnavailableError, match="the log is away"):
                call()
            assert facts(live.memory) == before
        store.away = False
        live.observe([post(11)], encode)
        assert store.last() == 2
        assert facts(read_again(live).memory) == facts(live.memory)

    def test_threads_observe_and_follow(self):
        first = logged()
        second = logged(store=first.store)

        def work(live, start):
            for number in range(start, start + 30):
                live.observe([post(number, f"user{start}")], encode)
                live.follow()

        starts = {1_000: first, 2_000: first, 3_000: second, 4_000: second}
        threads = [threading.Thread(target=work, args=(live, start)) for start, live in starts.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first.refresh()
        second.refresh()
        assert len(first.memory) == 4 + 120
        assert facts(first.memory) == facts(second.memory) == facts(read_again(first).memory)


class TestWithoutALog:
    def test_the_memory_is_all_there_is(self):
        live = LiveMemory(base())
        live.observe(stream(4, 10), encode)
        live.withdraw("p10")
        live.correct(post(11, hashtags=("right",)), None)
        live.give_feedback(FeedbackGiven(user_id="ann", instant_us=1, accepted=("sea",)))
        assert [type(event) for _, event in live.store.read()] == [FeedbackGiven]
        assert live.forget("ann") == 2
        assert live.store.of_user("ann")[-1][1].user_id != "ann"
        assert "ann" not in {event.user_id for _, event in live.store.read()}
        plain = empty()
        encode(plain, [*stream(4)[1:], stream(4, 10)[3], post(11, None, ("right",), caption="words of 11")])
        assert {one[0] for one in facts(live.memory)[0]} == {one[0] for one in facts(plain)[0]}
        live.follow()
        live.compact()
        assert live.memory.alive is None


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("observe"), st.integers(1, 4)),
        st.tuples(st.sampled_from(["withdraw", "correct", "rewrite"]), st.integers(0, 60)),
        st.tuples(st.just("forget"), st.sampled_from(["ann", "bob", "cem", "nobody"])),
        st.tuples(st.sampled_from(["compact", "follow"]), st.none()),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(CHANGES, st.lists(st.booleans(), min_size=25, max_size=25))
def test_whatever_happens_the_log_gives_the_same_memory(changes, by_second):
    """Two processes change one log in any order; both, and one that reads it from the start, know the same."""
    first = logged()
    second = logged(store=first.store)
    number = 100
    for (what, value), second_does in zip(changes, by_second, strict=False):
        live = second if second_does else first
        live.refresh()
        if what == "observe":
            live.observe([post(number + row, ["ann", "bob", "cem"][row % 3], when=row) for row in range(value)], encode)
            number += value
        elif what in ("withdraw", "correct", "rewrite"):
            living = [one[0] for one in facts(live.memory)[0]]
            if living:
                chosen = living[value % len(living)]
                right = Post(post_id=chosen, hashtags=(f"tag{value}",), caption=f"right {value}")
                if what == "withdraw":
                    live.withdraw(chosen)
                else:
                    live.correct(right, encode if what == "rewrite" else None)
        elif what == "forget":
            live.forget(value)
        else:
            getattr(live, what)()
    first.refresh()
    second.refresh()
    again = read_again(first)
    assert facts(first.memory) == facts(second.memory) == facts(again.memory)


def test_events_that_are_made_elsewhere_are_done(tmp_path):
    live = logged()
    vectors = {"content": np.zeros(3, np.float32), "caption": np.ones(2, np.float32)}
    observed = PostObserved(post_id="x", user_id="eve", instant_us=5, hashtags=("sea",), vectors=vectors)
    live.append([observed, PostWithdrawn(post_id="unknown"), UserForgotten(user_id="nobody", instant_us=6)])
    assert live.number == 3
    assert "x" in live.memory
    assert live.memory.terms_at(np.array([live.memory.position_of("x")])).nnz == 0
