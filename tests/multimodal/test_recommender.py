"""The public face: what may be asked, what is answered, what is refused."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import multimodal
from data_loaders.errors import RunError, UserError
from data_loaders.posts import Post
from multimodal import Recommendation, Recommender, default_model
from multimodal.queries import moment
from multimodal.systems.config_loading import load_config, validate_config
from multimodal.training.run import train_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def habit_run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "habit"
    train_run(validate_config({"system": "user_habit"}), tiny_data, folder)
    return folder


@pytest.fixture(scope="module")
def design_run(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "design"
    train_run(load_config(ROOT / "configs" / "debug.yaml", ["training.epochs=1"]), tiny_data, folder)
    return folder


@pytest.fixture
def habit(habit_run):
    return Recommender.from_pretrained(habit_run)


def names(answer):
    return [one.hashtag for one in answer]


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

    def test_threads_may_share_one(self, habit):
        expected, answers = habit.recommend(user_id="user3"), []

        def work(number):
            history = [{"user_id": "x", "hashtags": [f"own{number}"]}]
            for _ in range(5):
                answers.append(habit.recommend(user_id=f"guest{number}", history=history)[0].hashtag == f"own{number}")
                answers.append(habit.recommend(user_id="user3") == expected)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [True] * 40


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

    def test_a_variable_that_names_nothing(self, monkeypatch):
        monkeypatch.setenv(default_model.MODEL_VARIABLE, "/no/such/run")
        with pytest.raises(RunError, match=r"\$MULTIMODAL_MODEL: run folder '/no/such/run' does not exist"):
            multimodal.recommend(caption="x")


def test_importing_the_package_imports_no_torch():
    code = "import sys, multimodal; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
