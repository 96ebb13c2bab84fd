"""The public face: what may be asked, what is answered, what is refused."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import multimodal
from data_loaders.errors import RunError, UserError
from data_loaders.posts import Post
from multimodal import Recommendation, Recommender, default_model
from multimodal.systems.config_loading import load_config
from multimodal.systems.queries import moment, read_post
from multimodal.training.run import train_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def design_run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "design"
    train_run(load_config(ROOT / "configs" / "debug.yaml", ["training.epochs=1"]), tiny_data, folder)
    return folder


def names(answer):
    return [one.hashtag for one in answer]


def content(memory):
    """Everything that a memory knows, to compare bit by bit."""
    arrays, values = memory.state()
    timelines = memory._state.timelines.sorted
    parts = {**arrays, "positions": timelines.positions, "times": timelines.instants_us, "starts": timelines.starts}
    known = {name: (part.dtype, part.shape, part.tobytes()) for name, part in parts.items()}
    numbers = [[memory.position_of(post_id) for post_id in memory.post_ids], memory.newest_us, len(memory.terms.data)]
    return known, values, list(memory.id_map.names), sorted(memory.id_map._numbers._index), numbers


def nested(depth):
    value = ["sea"]
    for _ in range(depth):
        value = [value]
    return value


def stopped_at(line, call):
    """Call, raise an error at a line of the modules of the memory, and return whether that line was reached."""
    room, count = str(ROOT / "multimodal" / "memory"), 0

    def trace(frame, event, argument):
        nonlocal count
        if not frame.f_code.co_filename.startswith(room):
            return None
        count += event == "line"
        if event == "line" and count == line + 1:
            raise InterruptedError(line)
        return trace

    sys.settrace(trace)
    try:
        call()
    except InterruptedError:
        return True
    finally:
        sys.settrace(None)
    return False


class TestAnswers:
    def test_exactly_k_hashtags_with_scores_best_first(self, habit):
        for k in (1, 5, 9):
            answer = habit.recommend(user_id="user3", k=k)
            assert len(set(names(answer))) == len(answer) == k
            assert [one.score for one in answer] == sorted((one.score for one in answer), reverse=True)
        assert answer[0] == Recommendation(answer[0].hashtag, answer[0].score)
        assert str(answer[0]) == f"#{answer[0].hashtag}"

    def test_hashtags_of_the_caption_are_not_named_again_unless_asked(self, habit):
        first = habit.recommend(user_id="user3", k=1)[0].hashtag
        caption = f"look ＃{first.upper()} here"
        assert first not in names(habit.recommend(caption=caption, user_id="user3", k=9))
        assert names(habit.recommend(caption=caption, user_id="user3", include_caption_hashtags=True))[0] == first
        (answer,) = habit.recommend_many([{"caption": caption, "user_id": "user3"}], 9)
        assert first not in names(answer)

    def test_one_post_that_is_short_need_not_cost_the_others(self, habit, tiny_data):
        popular = list(tiny_data.vocabulary.hashtags)
        posts = [{"caption": "hello"}, {"caption": " ".join(f"#{name}" for name in popular[:-2])}, {"user_id": "user3"}]
        with pytest.raises(UserError, match="k: 5 hashtags were requested for query 2, but only 2 can be recommended"):
            habit.recommend_many(posts, 5)
        fewer = habit.recommend_many(posts, 5, on_short="fewer")
        assert [names(answer) for answer in fewer[:2]] == [popular[:5], popular[-2:]]
        assert fewer[2] == habit.recommend(user_id="user3")
        everything = habit.recommend_many([{"caption": "hello"}], 10**12, on_short="fewer")
        assert names(everything[0]) == popular
        with pytest.raises(UserError, match="on_short: 'skip' is not known; accepted: raise, fewer"):
            habit.recommend_many(posts, 5, on_short="skip")
        with pytest.raises(UserError, match="give at least 1"):
            habit.recommend_many(posts, 0, on_short="fewer")

    def test_unknown_users_and_no_user_get_what_is_popular(self, habit, tiny_data):
        popular = list(tiny_data.vocabulary.hashtags[:5])
        assert names(habit.recommend(user_id="nobody")) == names(habit.recommend(caption="hello")) == popular

    def test_many_are_answered_like_one(self, habit, tiny_data):
        posts = tiny_data.split("test")
        many = habit.recommend_many(posts, 4)
        for post, answer in zip(posts, many, strict=True):
            alone = habit.recommend(post.image, post.caption or "", post.user_id, 4, timestamp=post.timestamp)
            assert alone == answer
        records = [
            {"user_id": post.user_id, "timestamp": post.timestamp.isoformat(), "hashtags": ["zen"]} for post in posts
        ]
        assert habit.recommend_many(records, 4) == many
        assert habit.recommend_many([]) == []

    def test_only_what_came_before_the_timestamp_counts(self, habit, tiny_data):
        first = tiny_data.posts[0]
        assert names(habit.recommend(user_id=first.user_id, timestamp=first.timestamp, k=3)) == list(
            tiny_data.vocabulary.hashtags[:3]
        )
        later = (first.timestamp + timedelta(seconds=1)).isoformat()
        assert set(names(habit.recommend(user_id=first.user_id, timestamp=later, k=3))) & set(first.hashtags)

    @pytest.mark.parametrize("caption", ["", "\ud800 half \x00\x07", "word " * 20_000, "#" * 1_000])
    def test_odd_captions(self, habit, caption):
        assert len(habit.recommend(caption=caption)) == 5

    def test_odd_ids(self, habit, tmp_path):
        habit.observe({"user_id": "half \ud83d", "caption": "#tea"})
        assert names(habit.recommend(user_id="half \ud83d", k=1)) == ["tea"]
        habit.observe({"user_id": 42, "hashtags": ["ice"]})
        assert names(habit.recommend(user_id="42", k=1)) == ["ice"]
        habit.save_pretrained(tmp_path / "model")


def test_a_forked_process_answers_from_a_copy(design_run):
    code = f"""
import os, signal
from multimodal import Recommender
recommender = Recommender.from_pretrained({str(design_run)!r})
posts = [{{"caption": f"to the sea {{i}}", "user_id": "user3"}} for i in range(64)]
answers = recommender.recommend_many(posts)
child = os.fork()
if not child:
    signal.alarm(60)
    same = recommender.recommend_many(posts) == answers
    recommender.observe({{"post_id": "child", "user_id": "user3"}})
    os._exit(0 if same and "child" in recommender.memory else 1)
raise SystemExit(os.waitpid(child, 0)[1] or "child" in recommender.memory)
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_a_post_is_built_twice_as_it_is_given_and_as_a_query(habit, monkeypatch):
    built, initialise = [], Post.__init__

    def counted(self, **values):
        initialise(self, **values)
        built.append(self)

    monkeypatch.setattr(Post, "__init__", counted)
    habit.recommend(None, "to the #sea", "user3")
    given, query = built
    assert (given.caption, given.timestamp) == ("to the #sea", None)
    assert (query.caption, query.timestamp) == ("to the", moment(habit.memory.now_us))


class TestRefused:
    def check(self, call, *messages):
        with pytest.raises(UserError) as error:
            call()
        for message in messages:
            assert message in str(error.value)

    def test_nothing_given(self, habit):
        self.check(habit.recommend, "give at least one of image, caption and user_id")

    @pytest.mark.parametrize(
        ("k", "message"),
        [
            (0, "k: 0 hashtags cannot be recommended; give at least 1"),
            (-3, "k: -3 hashtags cannot be recommended"),
            (2.5, "k: 2.5 is not a whole number"),
            ("5", "k: '5' is not a whole number"),
            (True, "k: True is not a whole number"),
            (None, "k: None is not a whole number"),
            (10**12, "k: 1000000000000 hashtags were requested, but only "),
            (np.True_, "k: np.True_ is not a whole number"),
            (np.array([5, 6]), "k: array([5, 6]) is not a whole number"),
            pytest.param(10**5000, "k: a value of type int that is too large to print hashtags were", id="huge"),
        ],
    )
    def test_k(self, habit, k, message):
        self.check(lambda: habit.recommend(user_id="user3", k=k), message)
        self.check(lambda: habit.recommend_many([{"user_id": "user3"}], k), message)

    def test_k_above_what_can_be_named_says_how_many(self, habit, tiny_data):
        size = len(tiny_data.vocabulary)
        assert len(habit.recommend(user_id="nobody", k=size)) == size
        self.check(
            lambda: habit.recommend(user_id="nobody", k=size + 1),
            f"k: {size + 1} hashtags",
            f"only {size} can be recommended",
        )

    @pytest.mark.parametrize(
        ("record", "message"),
        [
            ({"captoin": "x"}, "post: unknown key 'captoin'. Did you mean 'caption'? Accepted: post_id, user_id"),
            ({"caption": 3}, "caption: 3 is int; give a text"),
            ({"user_id": 1.5}, "user_id: 1.5 is float; give a text"),
            ({"timestamp": "soon"}, "timestamp 'soon' cannot be used: not a date or time. Accepted: ISO 8601"),
            ({"timestamp": "1066-10-14"}, "is before 1990"),
            ({"hashtags": "sea sky"}, "hashtags: 'sea sky' is not a list of texts"),
            ("text", "a post was given as str; give a Post or a dict with post_id"),
        ],
    )
    def test_records(self, habit, record, message):
        self.check(lambda: habit.recommend_many([record]), message)

    @pytest.mark.parametrize(
        ("image", "message"),
        [
            ("no/such.jpg", "image no/such.jpg cannot be used: there is no such file"),
            (b"", "image given as 0 bytes cannot be used: the file is empty"),
            (b"no picture", "not a picture in a known format"),
            (3, "image given as int cannot be used"),
            (np.zeros((2, 2, 7), np.uint8), "image given as an array cannot be used"),
        ],
    )
    @pytest.mark.parametrize("run", ["habit_run", "design_run"])
    def test_pictures(self, image, message, run, request):
        recommender = Recommender.from_pretrained(request.getfixturevalue(run))
        self.check(lambda: recommender.recommend(image), message)
        self.check(lambda: recommender.observe({"image": image, "user_id": "x", "hashtags": ["sea"]}), message)
        assert len(recommender.memory) == 96


class TestPictures:
    def test_every_form_of_the_same_picture_has_the_same_answer(self, design_run, tmp_path):
        recommender = Recommender.from_pretrained(design_run)
        picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 48, 3), np.uint8))
        path = tmp_path / "picture.png"
        picture.save(path)
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        expected = recommender.recommend(path, "a walk")
        for image in (str(path), buffer.getvalue(), bytearray(buffer.getvalue()), picture, np.asarray(picture)):
            assert recommender.recommend(image, "a walk") == expected
        assert recommender.recommend(None, "a walk") != expected

    def test_a_picture_that_was_opened_stays_as_it_is(self, design_run, tmp_path):
        path = tmp_path / "large.jpg"
        Image.new("RGB", (640, 480), (200, 30, 30)).save(path)
        with Image.open(path) as picture:
            recommender = Recommender.from_pretrained(design_run)
            first = recommender.recommend(picture)
            assert picture.size == (640, 480)
            assert recommender.recommend(picture) == first


class TestObserve:
    def test_the_next_answer_knows_it(self, habit):
        habit.observe(Post(post_id="new", user_id="user3", hashtags=("brandnew",)))
        assert names(habit.recommend(user_id="user3", k=1)) == ["brandnew"]
        assert "new" in habit.memory

    def test_hashtags_come_from_the_caption_where_none_are_given(self, habit):
        habit.observe(
            [{"user_id": "dee", "caption": "hi #Größe #x"}, {"user_id": "dee", "caption": "#y", "hashtags": ["#Z"]}]
        )
        assert set(names(habit.recommend(user_id="dee", k=3))) == {"grösse", "x", "z"}

    def test_posts_written_now_keep_their_order(self, habit):
        habit.observe([{"user_id": "dee", "hashtags": [tag]} for tag in ("one", "two", "three")])
        positions = habit.memory.history(["dee"], np.array([2**61]), 5)[0]
        assert [habit.memory.id_map[habit.memory.hashtags_of(p)[0]] for p in positions if p >= 0] == [
            "three", "two", "one",
        ]  # fmt: skip

    @pytest.mark.parametrize("ids", [["t000"], ["a", "a"]])
    def test_a_post_is_remembered_once(self, habit, ids):
        posts = [{"post_id": post_id, "user_id": "x"} for post_id in ["fresh", *ids]]
        with pytest.raises(UserError, match=f"post '{ids[0]}' is already remembered"):
            habit.observe(posts)
        assert "fresh" not in habit.memory

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            ({"timestamp": 10**400}, "the number is too large. Accepted: ISO 8601"),
            ({"timestamp": 10**5000}, "timestamp a value of type int that is too large to print cannot be used"),
            ({"user_id": 10**5000}, "user_id: a value of type int that is too large to print is int; give a text"),
            ({"post_id": 10**5000}, "post_id: a value of type int that is too large to print"),
            ({"hashtags": 5}, "hashtags: 5 is not a list of texts"),
            ({"hashtags": np.array(["sea", None], object)}, "is not a list of texts"),
            ({"hashtags": [10**5000]}, "hashtags: a value of type list that is too large to print is not a list"),
            ({"image": 3}, "image given as int cannot be used"),
            (Post(post_id="bad", user_id=1.5), "user_id: 1.5 is float; give a text"),
            (Post(post_id="bad", caption=["x"]), "caption: ['x'] is list; give a text"),
            (Post(post_id="bad", timestamp=object()), "cannot be used"),
            (Post(post_id="bad", hashtags="sea"), "hashtags: 'sea' is not a list of texts"),
            (Post(post_id="bad", sequence=10**400), "is not a row of a prepared folder"),
            (Post(post_id="bad", sequence=True), "sequence: True is not a row of a prepared folder"),
            ({10**5000: 1}, "post: unknown key a value of type int that is too large to print. Accepted: post_id"),
            ({("user", "id"): 1}, "post: unknown key ('user', 'id'). Accepted: post_id"),
            ({"hashtags": nested(5_000)}, "hashtags: a value of type list that is too large to print is not"),
            ({"user_id": 1.05012e18}, "user_id: 1.05012e+18 is float; give a text"),
            ({"user_id": True}, "user_id: True is bool; give a text"),
            ({"user_id": pd.Series(["a"])}, "is Series; give a text"),
            ({"timestamp": np.timedelta64(3, "s")}, "cannot be used"),
            ({"timestamp": np.datetime64("30000-01-01")}, "cannot be used"),
            ({"timestamp": np.datetime64(10**12, "Y")}, "cannot be used"),
            ({"timestamp": float("inf")}, "timestamp inf cannot be used: not a finite number"),
            (pd.DataFrame({"caption": ["a"]}), "given as DataFrame; give a Post or a dict"),
        ],
    )
    def test_one_bad_value_and_none_is_remembered(self, habit, bad, message):
        before = content(habit.memory)
        with pytest.raises(UserError) as error:
            habit.observe([{"post_id": "good", "user_id": "ann", "hashtags": ["brandnew"]}, bad])
        assert message in str(error.value)
        assert content(habit.memory) == before
        with pytest.raises(UserError) as error:
            habit.recommend(caption="x", history=[{"hashtags": ["brandnew"]}, bad])
        assert message in str(error.value)
        assert content(habit.memory) == before
        habit.observe({"post_id": "next", "user_id": "ann", "hashtags": ["third"]})
        assert names(habit.recommend(user_id="ann", k=1)) == ["third"]

    def test_rows_of_pandas(self, habit):
        table = pd.DataFrame(
            {
                "post_id": [7, 8],
                "user_id": [77.0, np.nan],
                "timestamp": pd.to_datetime(["2024-02-01T10:00:00Z", None]),
                "caption": ["dawn", np.nan],
                "image": [np.nan, None],
                "hashtags": [np.array(["Fog", "#sea"], object), np.nan],
            }
        )
        now_us = habit.memory.now_us + 1
        habit.observe(table.to_dict("records"))
        habit.observe(
            {"post_id": np.int64(9), "user_id": np.int64(78), "timestamp": np.datetime64("2024-02-02", "ns"),
             "caption": pd.NA, "image": pd.NaT, "hashtags": pd.Series(["ice"])}
        )  # fmt: skip
        habit.observe(Post(post_id="a", user_id=np.str_("78"), timestamp=pd.NaT, hashtags=("tea",)))
        assert {"7", "8", "9", "a"} <= set(habit.memory.post_ids)
        at = {post_id: habit.memory.instants_us[habit.memory.position_of(post_id)] for post_id in ("7", "8", "9", "a")}
        assert (at["7"], at["9"]) == (1_706_781_600_000_000, 1_706_832_000_000_000)
        assert (at["8"], at["a"] + 1) == (now_us, habit.memory.now_us)
        for user_id in (77, 77.0, "77", "77.0", np.float32(77)):
            assert set(names(habit.recommend(user_id=user_id, k=2))) == {"fog", "sea"}
        assert names(habit.recommend(user_id=np.int64(78), k=2, timestamp=pd.NaT)) == ["tea", "ice"]
        (answer,) = habit.recommend_many(
            [{"user_id": np.int64(78), "timestamp": np.datetime64("NaT"), "caption": np.nan}], 2
        )
        assert names(answer) == ["tea", "ice"]

    def test_a_row_of_a_table_is_a_post(self, habit):
        table = pd.DataFrame({"post_id": [7], "user_id": ["ann"], "hashtags": [["fog"]], "timestamp": [pd.NaT]})
        for _, row in table.iterrows():
            habit.observe(row)
        assert names(habit.recommend(user_id="ann", k=1)) == ["fog"]
        (query,) = [row for _, row in pd.DataFrame({"user_id": ["ann"], "caption": [np.nan]}).iterrows()]
        assert names(habit.recommend_many([query], 1)[0]) == ["fog"]
        with pytest.raises(UserError, match=r"The posts of a table are its rows: table.to_dict\('records'\)"):
            habit.observe(table)

    @pytest.mark.parametrize("bad", [5, "text", b"x", Path("x"), np.array(5), pd.DataFrame({"caption": ["a"]})])
    def test_what_is_no_list_of_posts(self, habit, bad):
        before = content(habit.memory)
        for call in (habit.observe, habit.recommend_many, lambda given: habit.recommend(caption="x", history=given)):
            with pytest.raises(UserError, match=r"a post was given as .*; give a Post or a dict with post_id"):
                call(bad)
        assert content(habit.memory) == before

    def test_any_iterable_of_posts_or_a_single_one(self, habit):
        for number, many in enumerate((tuple, iter, lambda posts: np.array(posts, object))):
            habit.observe(many([{"user_id": f"u{number}", "hashtags": np.array(tag)[None]} for tag in ("fog", "ice")]))
            assert set(names(habit.recommend(user_id=f"u{number}", k=2))) == {"fog", "ice"}
            answers = habit.recommend_many(many([{"user_id": f"u{number}"}, {"user_id": f"u{number}"}]), 2)
            assert answers == habit.recommend_many({"user_id": f"u{number}"}, 2) * 2
        given = {"user_id": "x", "hashtags": ["own"]}
        assert names(habit.recommend(user_id="x", k=1, history=given)) == ["own"]
        assert habit.recommend(user_id="x", history=[]) == habit.recommend(user_id="x", history=np.nan)

    def test_ids_are_read_as_prepare_reads_them(self, habit):
        habit.observe({"user_id": " ann\n", "hashtags": {"sea", "fog", "ice", "tea"}})
        assert names(habit.recommend(user_id="ann", k=4)) == names(habit.recommend(user_id="ann ", k=4))
        assert [habit.memory.id_map[i] for i in habit.memory.hashtags_of(len(habit.memory) - 1)] == [
            "fog", "ice", "sea", "tea",
        ]  # fmt: skip

    def test_missing_values_are_nothing_to_recommend_for(self, habit):
        with pytest.raises(UserError, match="nothing to recommend for"):
            habit.recommend(pd.NA, np.nan, pd.NaT)

    @pytest.mark.parametrize("run", ["habit_run", "design_run"])
    def test_an_error_at_any_line_leaves_the_memory_as_it_was(self, run, request):
        recommender = Recommender.from_pretrained(request.getfixturevalue(run))
        posts = [{"user_id": "eve", "caption": f"tea {i}", "hashtags": ["tea", f"own{i}"]} for i in range(3)]
        before = content(recommender.memory)
        lines = 0
        while stopped_at(lines, lambda: recommender.observe(posts)):
            assert content(recommender.memory) == before, lines
            lines += 1
        assert lines > 50
        fresh = Recommender.from_pretrained(request.getfixturevalue(run))
        fresh.observe(posts)
        assert content(recommender.memory) == content(fresh.memory) != before

    def test_threads_that_fail_leave_what_others_observe(self, habit):
        before = len(habit.memory)

        def work(number):
            for turn in range(20):
                own = {"post_id": f"{number} {turn}", "user_id": f"user {number}", "hashtags": [f"tag{number}"]}
                habit.observe(own)
                with pytest.raises(UserError):
                    habit.observe([{"post_id": f"lost {number} {turn}", "hashtags": [f"lost{number}"]}, own])

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(habit.memory) == len(habit.memory.instants_us) == before + 80
        assert not any(f"lost{number}" in habit.memory.id_map for number in range(4))
        assert all(names(habit.recommend(user_id=f"user {number}", k=1)) == [f"tag{number}"] for number in range(4))

    def test_what_was_observed_is_saved(self, habit, tmp_path):
        habit.observe({"post_id": "new", "user_id": "user3", "hashtags": ["brandnew"]})
        habit.save_pretrained(tmp_path / "saved")
        again = Recommender.from_pretrained(tmp_path / "saved")
        assert again.recommend(user_id="user3", k=9) == habit.recommend(user_id="user3", k=9)


class TestHistory:
    GIVEN = ({"hashtags": ["old"]}, {"caption": "see #newer"})

    def test_it_counts_for_this_answer_only(self, habit):
        before, size = habit.recommend(user_id="user3", k=9), len(habit.memory)
        answer = names(habit.recommend(user_id="user3", k=3, history=self.GIVEN))
        assert {"old", "newer"} <= set(answer)
        assert habit.recommend(user_id="user3", k=9) == before
        assert len(habit.memory) == size
        assert "newer" not in habit.memory.id_map

    def test_somebody_without_an_id_can_bring_one(self, habit):
        assert names(habit.recommend(caption="x", k=2, history=[{"hashtags": ["own"]}]))[0] == "own"

    def test_posts_of_somebody_else_are_refused(self, habit):
        ann, bob, nobody = ({"user_id": user_id, "hashtags": ["own"]} for user_id in ("ann", "bob", None))
        accepted = "give earlier posts of one user, or leave out their user_id."
        with pytest.raises(UserError, match=f"history.1: it is a post of 'bob', but the user is 'ann'; {accepted}"):
            habit.recommend(user_id="ann", history=[ann, bob])
        before_it = f"history.2: it is a post of 'bob', but those before it are of 'ann'; {accepted}"
        with pytest.raises(UserError, match=before_it):
            habit.recommend(caption="x", history=[ann, nobody, bob])
        assert names(habit.recommend(caption="x", k=1, history=[nobody, ann])) == ["own"]
        assert names(habit.recommend(user_id="ann", k=1, history=[nobody, ann])) == ["own"]

    def test_equals_having_observed_it(self, habit, design_run):
        for recommender in (habit, Recommender.from_pretrained(design_run)):
            posts = [
                Post(post_id=f"g{i}", user_id="gus", caption=f"about {tag}", hashtags=(tag,),
                     timestamp=recommender_time(recommender, i)) for i, tag in enumerate(["sea", "own", "sea"])
            ]  # fmt: skip
            asked = {"caption": "about the quiet harbour", "user_id": "gus", "k": 6}
            given = recommender.recommend(**asked, history=[replace(post, user_id=None) for post in posts])
            recommender.observe(posts)
            known = recommender.recommend(**asked)
            assert names(given) == names(known)
            assert recommender.recommend(**asked, history=posts) == known

    def test_later_posts_do_not_count(self, habit, tiny_data):
        asked = tiny_data.split("test")[0].timestamp
        history = [
            {"timestamp": asked, "hashtags": ["equal"]},
            {"timestamp": asked + timedelta(1), "hashtags": ["late"]},
        ]
        answer = names(
            habit.recommend(user_id="gus", timestamp=asked, k=4, history=[*history, {"hashtags": ["early"]}])
        )
        assert answer[0] == "early"
        assert not {"equal", "late"} & set(answer)


def recommender_time(recommender, number):
    return moment(recommender.memory.newest_us + 1 + number)


class TestDefaultModel:
    @pytest.fixture(autouse=True)
    def elsewhere(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv(default_model.MODEL_VARIABLE, raising=False)
        default_model._read_once.cache_clear()

    def test_without_any_the_message_names_both_ways(self):
        with pytest.raises(RunError) as error:
            multimodal.recommend(caption="x")
        text = str(error.value)
        assert "$MULTIMODAL_MODEL is not set and runs/sample does not exist" in text
        assert "multimodal-hashtags train --config sample --data data/prepared --output runs/sample" in text

    def test_the_variable_names_it_and_it_is_read_once(self, habit_run, habit, monkeypatch):
        monkeypatch.setenv(default_model.MODEL_VARIABLE, str(habit_run))
        assert multimodal.recommend(None, "x", "user3", 4) == habit.recommend(None, "x", "user3", 4)
        assert default_model.default_recommender() is default_model.default_recommender()

    def test_runs_sample_is_the_one_otherwise(self, habit_run, habit, tmp_path):
        (tmp_path / "runs").mkdir()
        (tmp_path / "runs" / "sample").symlink_to(habit_run)
        assert multimodal.recommend(user_id="user3") == habit.recommend(user_id="user3")

    def test_the_hybrid_comes_before_it(self, habit_run, habit, tmp_path):
        (tmp_path / "runs" / "sample").mkdir(parents=True)
        (tmp_path / "runs" / "hybrid").symlink_to(habit_run)
        assert multimodal.recommend(user_id="user3") == habit.recommend(user_id="user3")

    def test_a_variable_that_names_nothing(self, monkeypatch):
        monkeypatch.setenv(default_model.MODEL_VARIABLE, "/no/such/run")
        with pytest.raises(RunError, match=r"\$MULTIMODAL_MODEL: run folder '/no/such/run' does not exist"):
            multimodal.recommend(caption="x")


def test_importing_the_package_imports_no_torch():
    code = "import sys, multimodal; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("user_id", [77, 77.0, "77", "77.0", " 77 "])
def test_a_user_is_the_same_in_any_type(user_id):
    assert read_post({"user_id": user_id}, "1").user_id == "77"


def test_a_user_id_that_a_spreadsheet_rounded_is_refused():
    with pytest.raises(UserError, match=r"user_id: '1.05012E\+18' is a number whose last digits are lost"):
        read_post({"user_id": "1.05012E+18"}, "1")
