"""What Systems that fall back on popular hashtags save and restore."""

from __future__ import annotations

import json

import pytest

from data_loaders.errors import RunError
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.systems.config_loading import validate_config
from multimodal.systems.registry import get_system

ID_MAP = HashtagIdMap(["sea", "sky", "sun"], [1, 4, 2])


def test_the_prior_and_the_chosen_numbers_are_saved_and_restored(tmp_path):
    config = validate_config({"system": "user_habit"})
    system = get_system("user_habit")(config)
    system.start(ID_MAP, 8)
    system.decay, system.rank_decay = 0.75, 0.5
    system.save(tmp_path)
    assert json.loads((tmp_path / "user_habit.json").read_text()) == {
        "train_posts": 8,
        "decay": 0.75,
        "rank_decay": 0.5,
    }
    loaded = get_system("user_habit").load(tmp_path, config, ID_MAP)
    assert (loaded.decay, loaded.rank_decay) == (0.75, 0.5)
    assert loaded.prior.order.tolist() == [1, 2, 0]
    assert loaded.prior.shares.tolist() == [0.5, 0.25, 0.125]
    assert loaded.prior.scores.tolist() == [0.125, 0.5, 0.25]


def test_a_missing_file_is_named(tmp_path):
    config = validate_config({"system": "popularity"})
    with pytest.raises(RunError, match=r"popularity\.json \(state of popularity\) is missing"):
        get_system("popularity").load(tmp_path, config, ID_MAP)
