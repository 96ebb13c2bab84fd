"""What every log does, wherever it is kept."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from event_examples import EVERY_KIND, numbered, post, same, terms, vector

from data_loaders.errors import UserError
from multimodal.memory.log.errors import PostExistsError, StoreError
from multimodal.memory.log.event_coding import encode
from multimodal.memory.log.events import FeedbackGiven, PostCorrected, PostWithdrawn, RulesSet, UserForgotten
from multimodal.memory.log.pseudonyms import pseudonym


class TestAppendAndRead:
    def test_events_of_every_kind_come_back_as_they_were(self, store):
        assert store.last() == 0
        assert store.append(EVERY_KIND) == len(EVERY_KIND) == store.last()
        read = list(store.read())
        assert [number for number, _ in read] == list(range(1, len(EVERY_KIND) + 1))
        assert all(same(event, given) for (_, event), given in zip(read, EVERY_KIND, strict=True))

    def test_numbers_go_on_and_reading_starts_behind_any(self, store):
        assert store.append([post("a"), post("b")]) == 2
        assert store.append([post("c")]) == 3
        assert [event.post_id for _, event in store.read(after=1)] == ["b", "c"]
        assert [event.post_id for _, event in store.read(limit=2)] == ["a", "b"]
        assert [event.post_id for _, event in store.read(after=1, limit=1)] == ["b"]
        assert list(store.read(after=3)) == list(store.read(after=99)) == list(store.read(limit=0)) == []

    def test_many_events_are_read_in_order(self, store):
        store.append([post(f"p{number}", instant_us=-number) for number in range(2_500)])
        assert [event.post_id for _, event in store.read()] == [f"p{number}" for number in range(2_500)]
        assert [number for number, _ in store.read(after=990, limit=1_020)] == list(range(991, 2_011))

    def test_nothing_is_appended_by_nothing(self, store):
        assert store.append([]) == 0
        store.append([post("a")])
        assert store.append([]) == 1

    def test_what_is_appended_is_a_copy(self, store):
        values = vector(1, 2)
        store.append([post("a", vectors={"caption": values})])
        values[:] = 9
        ((_, event),) = store.read()
        assert event.vectors["caption"].tolist() == [1, 2]

    def test_arrays_have_the_type_and_length_they_had(self, store):
        store.append([post("a", terms=terms(1, 2, 3), vectors={"image": vector(1)})])
        ((_, event),) = store.read()
        assert (event.terms.slots.dtype, event.terms.weights.dtype) == (np.int32, np.float32)
        assert event.terms.slots.tolist() == [1, 2, 3]
        assert (event.vectors["image"].dtype, event.vectors["image"].shape) == (np.float32, (1,))

    def test_threads_append_and_read_at_once(self, store):
        def write(name):
            for number in range(10):
                store.append([post(f"{name}{number}a"), post(f"{name}{number}b")])

        threads = [threading.Thread(target=write, args=(name,)) for name in "wxyz"]
        for thread in threads:
            thread.start()
        seen = []
        while len(seen) < 80:
            # Whoever asks behind the last number that was read misses nothing.
            seen += list(store.read(after=seen[-1][0] if seen else 0))
        for thread in threads:
            thread.join()
        assert [number for number, _ in seen] == list(range(1, 81))
        ids = [event.post_id for _, event in seen]
        assert len(set(ids)) == 80
        assert all(first[:-1] == second[:-1] for first, second in zip(ids[::2], ids[1::2], strict=True))


class TestRefusals:
    def test_a_post_is_observed_once_and_its_batch_is_refused_whole(self, store):
        store.append([post("a")])
        with pytest.raises(PostExistsError, match=r"post 'a' is in the log .* already; none of the 2 posts was append"):
            store.append([post("b"), post("a")])
        with pytest.raises(PostExistsError, match=r"post 'c' is in the batch twice; none of the 2 posts was appended"):
            store.append([post("c"), post("c")])
        assert store.last() == 1
        assert store.append([post("b")]) == 2

    def test_other_events_of_a_refused_batch_are_refused_too(self, store):
        store.append([post("a")])
        with pytest.raises(PostExistsError, match=r"correct it \(`Recommender.correct`\) if it has changed"):
            store.append([PostWithdrawn(post_id="a"), post("a")])
        assert [type(event).__name__ for _, event in store.read()] == ["PostObserved"]

    @pytest.mark.parametrize(
        ("event", "text"),
        [
            ("a post", "'a post' is not an event; accepted: PostObserved, PostCorrected"),
            (post(""), "PostObserved: post_id is ''; accepted: a text that is not empty"),
            (post("a\0"), r"PostObserved: post_id is 'a\\x00'; accepted: .* without NUL"),
            (post("a", user_id="\ud800"), "PostObserved of post 'a': user_id is .*; accepted: a text .* valid Unicode"),
            (post("a", user_id=7), "PostObserved of post 'a': user_id is 7; accepted: a text"),
            (post("a", instant_us=1.5), "PostObserved of post 'a': instant_us is 1.5; accepted: microseconds"),
            (post("a", instant_us=2**63), "instant_us is 9223372036854775808; accepted: .* of 64 bits"),
            (post("a", instant_us=True), "instant_us is True"),
            (post("a", hashtags="sea"), "PostObserved of post 'a': hashtags is 'sea'; accepted: a tuple of texts"),
            (post("a", hashtags=(1,)), r"hashtags is \(1,\); accepted: a tuple of texts"),
            (post("a", hashtags=None), "hashtags is None; accepted: a tuple of texts"),
            (post("a", caption=b"x"), "caption is b'x'; accepted: a text"),
            (post("a", vectors=[1]), r"vectors is \[1\]; accepted: a mapping from names of spaces"),
            (post("a", vectors=None), "vectors is None; accepted: a mapping from names of spaces"),
            (post("a", vectors={"x": [1.0]}), r"vectors\['x'\] is \[1.0\]; accepted: one dimension of float32, finite"),
            (
                post("a", vectors={"x": np.ones(2)}),
                r"vectors\['x'\] is float64 of shape \(2,\); accepted: .*float32",
            ),
            (
                post("a", vectors={"x": np.ones((1, 2), np.float32)}),
                r"is float32 of shape \(1, 2\); accepted: one dim",
            ),
            (post("a", vectors={"x": vector(1, np.nan)}), r"vectors\['x'\] is numbers that are not finite; accepted"),
            (post("a", terms=(1, 2)), r"terms is \(1, 2\); accepted: Terms"),
            (post("a", terms=type(terms())(terms(1).slots, terms().weights)), "terms is 1 slots and 0 weights"),
            (
                post("a", mentions=("ann",)),
                r"mentions is \('ann',\); accepted: a tuple of whole numbers from 0 to 262,143",
            ),
            (post("a", mentions=(-1,)), r"mentions is \(-1,\); accepted: a tuple of whole numbers"),
            (UserForgotten(user_id=None, instant_us=1), "UserForgotten: user_id is None"),
            (FeedbackGiven(user_id="a", instant_us=None), "FeedbackGiven: instant_us is None"),
            (PostCorrected(post_id=None), "PostCorrected: post_id is None"),
            (RulesSet(user_id=None, instant_us=1), "RulesSet: user_id is None"),
            (
                RulesSet(user_id="a", instant_us=1, rules={"only": {1}}),
                r"rules is \{'only': \{1\}\}; accepted: a dictionary",
            ),
            (RulesSet(user_id="a", instant_us=1, rules=["a"]), r"rules is \['a'\]; accepted: a dictionary that JSON"),
        ],
    )
    def test_values_of_another_type_or_range(self, store, event, text):
        with pytest.raises(UserError, match=text):
            store.append([post("fine"), event])
        assert store.last() == 0


class TestUsers:
    @pytest.fixture
    def filled(self, store):
        store.append(
            [
                post("a1"),
                post("b1", user_id="bob"),
                PostCorrected(post_id="a1", caption="about ann"),
                PostWithdrawn(post_id="elsewhere", user_id="ann"),
                FeedbackGiven(user_id="ann", instant_us=5, shown=("x",)),
                FeedbackGiven(user_id="bob", instant_us=6, post_id="a1"),
                post("n1", user_id=None),
            ]
        )
        return store

    def test_all_that_is_held_about_a_user(self, filled):
        assert [number for number, _ in filled.of_user("ann")] == [1, 3, 4, 5]
        assert [number for number, _ in filled.of_user("bob")] == [2, 6]
        assert filled.of_user("nobody") == filled.of_user("None") == []

    def test_erasing_takes_out_everything_but_the_forgetting(self, filled):
        filled.append([UserForgotten(user_id="ann", instant_us=9)])
        others = [row for row in numbered(filled) if row[0] in (2, 7)]
        assert filled.to_erase() == ["ann"]
        assert filled.erase("ann") == 4
        assert filled.to_erase() == []
        assert [number for number, _ in filled.read()] == [2, 6, 7, 8]
        assert [row for row in numbered(filled) if row[0] in (2, 7)] == others
        *_, (_, forgotten) = filled.read()
        assert forgotten.user_id == pseudonym("ann", filled.salt)
        assert forgotten.is_about("ann")
        assert not forgotten.is_about("bob")
        assert not forgotten.is_about(None)
        assert filled.erase("ann") == 0

    def test_what_others_said_of_the_posts_stays_without_their_ids(self, filled):
        filled.append(
            [
                UserForgotten(user_id="ann", instant_us=9),
                FeedbackGiven(user_id="bob", instant_us=10, post_id="a1", rejected=("y",)),
                FeedbackGiven(user_id="ann", instant_us=11, post_id="a1", accepted=("z",)),
                FeedbackGiven(user_id="bob", instant_us=12, post_id="b1"),
            ]
        )
        filled.erase("ann")
        kept = [event for _, event in filled.read() if isinstance(event, FeedbackGiven)]
        assert [(one.user_id, one.instant_us, one.post_id) for one in kept] == [
            ("bob", 6, None),
            ("bob", 10, None),
            ("ann", 11, None),
            ("bob", 12, "b1"),
        ]
        assert (kept[1].rejected, kept[2].accepted) == (("y",), ("z",))

    def test_rules_are_held_about_their_user_and_erased(self, filled):
        filled.append([RulesSet(user_id="ann", instant_us=8, rules={"never": ["x"]})])
        assert [number for number, _ in filled.of_user("ann")] == [1, 3, 4, 5, 8]
        filled.append([UserForgotten(user_id="ann", instant_us=9)])
        assert filled.erase("ann") == 5
        assert [number for number, _ in filled.read()] == [2, 6, 7, 9]

    def test_numbers_are_not_used_again(self, filled):
        filled.append([UserForgotten(user_id="ann", instant_us=9)])
        filled.erase("ann")
        assert filled.append([post("new")]) == 9
        assert [number for number, _ in filled.read(limit=2)] == [2, 6]
        assert [number for number, _ in filled.read(after=2, limit=2)] == [6, 7]

    def test_who_comes_back_keeps_what_is_new(self, filled):
        filled.append([UserForgotten(user_id="ann", instant_us=9), post("a1"[::-1])])
        assert filled.erase("ann") == 4
        assert [number for number, _ in filled.of_user("ann")] == [8, 9]
        filled.append([UserForgotten(user_id="ann", instant_us=10)])
        assert filled.to_erase() == ["ann"]
        assert filled.erase("ann") == 1
        assert [number for number, _ in filled.of_user("ann")] == [8, 10]

    def test_an_id_that_was_erased_may_be_observed_again(self, filled):
        filled.append([UserForgotten(user_id="ann", instant_us=9)])
        filled.erase("ann")
        assert filled.append([post("a1", user_id="carl")]) == 9

    def test_forget_before_erasing(self, filled):
        with pytest.raises(StoreError, match=r"user 'ann' was not forgotten in the log .*; append UserForgotten"):
            filled.erase("ann")
        assert [number for number, _ in filled.of_user("ann")] == [1, 3, 4, 5]


def test_encoding_is_the_same_again():
    assert all(encode(event) == encode(event) for event in EVERY_KIND)
