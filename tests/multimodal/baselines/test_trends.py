"""`trends`: worked by hand, and against a slow loop."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from data_loaders.errors import ConfigError
from data_loaders.posts import Post
from data_loaders.prepare.vocabulary import Vocabulary
from multimodal.baselines.trends import Trends
from multimodal.storage.run_folder import RunFolder, read_json
from multimodal.systems.config_loading import load_config

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def post(number, day, *hashtags):
    return Post(post_id=f"p{number}", timestamp=START + timedelta(days=day), hashtags=hashtags)


TRAIN = [post(0, 0, "tea"), post(1, 0, "tea", "sea"), post(2, 4, "sea"), post(3, 5, "new")]
ASKED = post(9, 6)


def fitted(folder, validation=(), train=TRAIN, **settings):
    splits = {"train": train, "validation": list(validation)}
    data = SimpleNamespace(split=splits.__getitem__, vocabulary=Vocabulary(("sea", "tea", "sky"), (2, 2, 1), 1))
    system = Trends(load_config("trends", [f"{key}={value}" for key, value in settings.items()]))
    system.fit(data, RunFolder(folder))
    memory = system.new_memory()
    system.add_posts(memory, train)
    return system, memory


def test_decayed_counts_by_hand_then_popular_hashtags(tmp_path):
    system, memory = fitted(tmp_path, half_lives_days="[1]")
    (ranking,) = system.rank([ASKED], memory, 5)
    assert [hashtag for hashtag, _ in ranking] == ["new", "sea", "tea", "sky"]
    expected = [2**-1, 2**-2 + 2**-6, 2 * 2**-6]
    assert [score for _, score in ranking[:3]] == pytest.approx([math.log(count) for count in expected], abs=1e-6)
    assert ranking[3][1] == pytest.approx(-100 + math.log(1 / 4))


def test_a_hashtag_that_nobody_used_before_train_ended_is_named(tmp_path):
    system, memory = fitted(tmp_path, half_lives_days="[1]")
    system.add_posts(memory, [post(4, 5.9, "born"), post(5, 6, "same_instant")])
    (ranking,) = system.rank([ASKED], memory, 9)
    assert ranking[0][0] == "born"
    assert "same_instant" not in dict(ranking)


def test_what_is_excluded_makes_room(tmp_path):
    system, memory = fitted(tmp_path, half_lives_days="[1]")
    rankings = system.rank([ASKED, ASKED], memory, 2, [frozenset(["new", "sea", "no"]), frozenset()])
    assert [[hashtag for hashtag, _ in one] for one in rankings] == [["tea", "sky"], ["new", "sea"]]


def test_the_half_life_is_the_one_with_the_best_windows(tmp_path):
    burst = [post(10 + hour, 11 + hour / 24, "now" if hour % 8 else "tea") for hour in range(24)]
    old = [post(100 + day, day / 10, "tea", "sea", "sky", "map", "old") for day in range(40)]
    asked = [post(200 + hour, 12 + hour / 24, "now") for hour in range(4)]
    system, _ = fitted(tmp_path / "a", asked, [*old, *burst], half_lives_days="[365, 0.1]", **{"tuning.windows": 1})
    assert system.half_life_days == 0.1
    lines = (tmp_path / "a" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert ['"half_life_days": 365' in lines[0], '"half_life_days": 0.1' in lines[1]] == [True, True]


def test_saved_with_its_half_life(tmp_path):
    system, memory = fitted(tmp_path, half_lives_days="[2]")
    system.save(tmp_path)
    assert read_json(tmp_path / "trends.json", "trends") == {"train_posts": 4, "half_life_days": 2.0}
    loaded = Trends.load(tmp_path, system.config, system.id_map)
    assert loaded.rank([ASKED], memory, 4).of(0) == system.rank([ASKED], memory, 4).of(0)


def test_the_post_itself_is_not_read(tmp_path):
    system, memory = fitted(tmp_path, half_lives_days="[2]")
    other = replace(ASKED, user_id="ann", caption="sky sky sky", hashtags=("sky",))
    assert system.rank([other], memory, 4).of(0) == system.rank([ASKED], memory, 4).of(0)


class TestLanguages:
    ENGLISH, RUSSIAN = "Sending a hug to whoever needs it", "Обнимаю всех, кому это нужно"

    @pytest.fixture
    def made(self, tmp_path):
        captions = [self.ENGLISH, self.RUSSIAN, self.RUSSIAN, None]
        train = [replace(one, caption=caption) for one, caption in zip(TRAIN, captions, strict=True)]
        return fitted(tmp_path, train=train, half_lives_days="[1]", language="true")

    def test_trends_of_the_captions_language_and_of_all_where_it_is_not_known(self, made):
        system, memory = made
        asked = [replace(ASKED, caption=caption) for caption in (self.ENGLISH, self.RUSSIAN, "ok", None)]
        lists = [[hashtag for hashtag, _ in one] for one in system.rank(asked, memory, 2)]
        assert lists == [["tea", "sea"], ["sea", "tea"], ["new", "sea"], ["new", "sea"]]
        alone = [next(iter(system.rank([one], memory, 2))) for one in asked]
        assert alone == list(system.rank(asked, memory, 2))

    def test_without_the_switch_languages_do_not_count(self, tmp_path):
        system, memory = fitted(tmp_path, half_lives_days="[1]")
        assert not memory.detect_languages
        asked = [replace(ASKED, caption=caption) for caption in (self.ENGLISH, self.RUSSIAN)]
        first, second = system.rank(asked, memory, 3)
        assert first == second


def test_half_lives_out_of_range_are_refused():
    with pytest.raises(ConfigError, match=r"half_lives_days\.0: Input should be greater than or equal to 0.001"):
        load_config("trends", ["half_lives_days=[0]"])
