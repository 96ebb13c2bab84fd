"""popularity and user_habit: worked by hand, and against a slow loop."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_loaders.posts import Post, instant_us
from data_loaders.prepare.vocabulary import Vocabulary
from multimodal.baselines import user_habit
from multimodal.baselines.activation import remembered_uses
from multimodal.baselines.popularity import Popularity, PopularityConfig
from multimodal.baselines.user_habit import UserHabit, UserHabitConfig
from multimodal.storage.run_folder import RunFolder

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def post(number, user, day, *hashtags, **fields):
    fields.setdefault("timestamp", START + timedelta(days=day))
    return Post(post_id=f"p{number}", user_id=user, hashtags=hashtags, **fields)


TRAIN = [
    post(0, "ann", 0, "tea", "sea"),
    post(1, "ann", 6, "sea"),
    post(2, "bob", 7, "sky", "tea"),
    post(3, "bob", 8, "tea", "own"),
]
ASKED = post(9, "ann", 10)


def data(validation=()):
    splits = {"train": TRAIN, "validation": list(validation), "test": []}
    return SimpleNamespace(
        split=splits.__getitem__, vocabulary=Vocabulary(("tea", "sea", "sky"), (3, 2, 1), 1), folder="tiny"
    )


def fitted(tmp_path, validation=(), **recency):
    recency = {"decays": [1.0], "rank_decays": [0.0], **recency}
    system = UserHabit(UserHabitConfig(recency=recency))
    system.fit(data(validation), RunFolder(tmp_path))
    memory = system.new_memory()
    system.add_posts(memory, TRAIN)
    return system, memory


def named(rankings):
    return [[hashtag for hashtag, _ in ranking] for ranking in rankings]


class TestPopularity:
    def test_shares_of_the_train_posts(self, tmp_path):
        system = Popularity(PopularityConfig())
        system.fit(data(), RunFolder(tmp_path))
        rankings = system.rank([ASKED], system.new_memory(), 3)
        assert rankings.of(0) == [("tea", 0.75), ("sea", 0.5), ("sky", 0.25)]

    def test_a_list_is_short_only_where_nothing_is_left(self, tmp_path):
        system = Popularity(PopularityConfig())
        system.fit(data(), RunFolder(tmp_path))
        rankings = system.rank([ASKED, ASKED], system.new_memory(), 5, [frozenset(), frozenset(["tea", "other"])])
        assert named(rankings) == [["tea", "sea", "sky"], ["sea", "sky"]]


class TestUserHabit:
    def test_worked_by_hand(self, tmp_path):
        system, memory = fitted(tmp_path, epsilon_days=0.5)
        (ranking,) = system.rank([ASKED], memory, 3)
        # ann: sea 10 and 4 days ago, tea 10 days ago; then sky, from popularity.
        sea, tea = 1 / 10.5 + 1 / 4.5, 1 / 10.5
        assert [hashtag for hashtag, _ in ranking] == ["sea", "tea", "sky"]
        scores = [math.log(sea), math.log(tea), -100 + math.log(1 / 4)]
        assert [score for _, score in ranking] == pytest.approx(scores, abs=1e-6)

    def test_the_rank_of_a_post_counts_beside_its_age(self, tmp_path):
        system, memory = fitted(tmp_path, decays=[0.0], rank_decays=[2.0])
        (ranking,) = system.rank([ASKED], memory, 2)
        assert dict(ranking) == pytest.approx({"sea": math.log(1 + 1 / 4), "tea": math.log(1 / 4)}, abs=1e-6)

    def test_own_hashtags_outside_the_vocabulary_come_before_popular_ones(self, tmp_path):
        system, memory = fitted(tmp_path)
        assert named(system.rank([post(9, "bob", 10)], memory, 4)) == [["tea", "own", "sky", "sea"]]

    @pytest.mark.parametrize("user", [None, "nobody"])
    def test_nobody_known_gets_popularity(self, tmp_path, user):
        system, memory = fitted(tmp_path)
        assert named(system.rank([post(9, user, 10)], memory, 2)) == [["tea", "sea"]]

    def test_only_the_newest_posts_are_looked_at(self, tmp_path):
        system, memory = fitted(tmp_path, history_posts=1)
        (ranking,) = system.rank([ASKED], memory, 2)
        assert ranking[0][0] == "sea"
        assert ranking[1][1] < -100

    def test_undated_posts_are_ordered_by_rank_alone(self, tmp_path):
        system, _ = fitted(tmp_path, rank_decays=[1.0])
        memory = system.new_memory()
        system.add_posts(memory, [post(i, "ann", 0, tag, timestamp=None, sequence=i) for i, tag in enumerate("abc")])
        assert named(system.rank([post(9, "ann", 0, timestamp=None, sequence=9)], memory, 3)) == [["c", "b", "a"]]
        assert named(system.rank([post(9, "ann", 0, timestamp=None)], memory, 3)) == [["c", "b", "a"]]

    def test_a_post_written_now_knows_how_old_the_others_are(self, tmp_path):
        system, memory = fitted(tmp_path, epsilon_days=0.5)
        system.add_posts(memory, [post(5, "ann", 9, "new"), post(6, "cem", 10, "x")])
        now = system.rank([post(9, "ann", 0, timestamp=None)], memory, 3)
        dated = system.rank([post(9, "ann", 0, timestamp=START + timedelta(days=10, microseconds=1))], memory, 3)
        assert list(now) == list(dated)

    def test_chunks_change_nothing(self, tmp_path, monkeypatch):
        system, memory = fitted(tmp_path)
        asked = [post(i, user, 10 + i) for i, user in enumerate(["ann", None, "bob", "ann", "nobody"])]
        whole = list(system.rank(asked, memory, 4))
        monkeypatch.setattr(user_habit, "_POSTS_AT_ONCE", 1)
        assert list(system.rank(asked, memory, 4)) == whole

    def test_the_exponents_are_chosen_on_the_validation_split(self, tmp_path):
        # Old habits hold: with d = 3 only yesterday counts, with d = 0 the frequent one wins.
        old = [post(100 + i, "dee", i, "habit", f"x{i}") for i in range(10)]
        new = [post(200 + i, "dee", 19.9, f"y{i}") for i in range(5)]
        asked = [post(300 + i, "dee", 20 + i / 100, "habit") for i in range(3)]
        run = RunFolder(tmp_path / "run")
        system = UserHabit(UserHabitConfig(recency={"decays": [3.0, 0.0], "rank_decays": [0.0]}))
        split = {"train": TRAIN + old, "validation": new + asked, "test": []}.__getitem__
        system.fit(SimpleNamespace(split=split, vocabulary=data().vocabulary), run)
        assert (system.decay, system.rank_decay) == (0.0, 0.0)
        assert run.metrics.read_text().count('"event": "validation"') == 2

    def test_without_a_validation_post_the_exponents_are_one(self, tmp_path):
        system, _ = fitted(tmp_path, decays=[0.5, 1.0, 2.0], rank_decays=[0.0, 1.0])
        assert (system.decay, system.rank_decay) == (1.0, 1.0)


moments = st.integers(-3, 3)
history = st.lists(
    st.tuples(st.sampled_from(["ann", "bob", None]), moments, st.lists(st.sampled_from("abcd"), unique=True)),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(rows=history, at=moments, limit=st.integers(1, 5), exponents=st.sampled_from([(1.0, 0.0), (0.5, 1.0)]))
def test_activation_equals_the_formula(rows, at, limit, exponents):
    posts = [post(i, user, day, *tags) for i, (user, day, tags) in enumerate(rows)]
    system = Popularity(PopularityConfig())
    system.id_map = user_habit.HashtagIdMap(["d"], [1])
    memory = system.new_memory()
    memory.append(posts)
    users = ["ann", None, "bob", "nobody"]
    uses = remembered_uses(memory, users, np.full(4, instant_us(START + timedelta(days=at))), limit, 0.25)
    activation = uses.activation(*exponents)
    for row, user in enumerate(users):
        own = [(day, place) for place, (who, day, _) in enumerate(rows) if who == user and day < at and user]
        newest = sorted(own, reverse=True)[:limit]
        expected = {}
        for rank, (day, place) in enumerate(newest, start=1):
            for tag in rows[place][2]:
                weight = (at - day + 0.25) ** -exponents[0] * rank ** -exponents[1]
                expected[tag] = expected.get(tag, 0.0) + weight
        part = uses.of(row)
        found = {memory.id_map[i]: value for i, value in zip(uses.hashtags[part], activation[part], strict=True)}
        assert found == pytest.approx({tag: math.log(weight) for tag, weight in expected.items()})


def test_wrong_settings_are_refused_by_name():
    from data_loaders.errors import ConfigError
    from multimodal.systems.config_loading import validate_config

    with pytest.raises(ConfigError, match="2 problems") as error:
        validate_config({"system": "user_habit", "recency": {"epsilon_day": 1, "history_posts": 0}})
    assert "recency.epsilon_day: unknown key. Did you mean 'epsilon_days'?" in str(error.value)
    assert "recency.history_posts: Input should be greater than or equal to 1, got 0" in str(error.value)
