"""Configuration: strict, all errors at once, overrides in YAML syntax."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_loaders.errors import ConfigError
from multimodal.config import dump_config
from multimodal.systems.config_loading import load_config, validate_config
from multimodal.systems.registry import get_system, list_systems, register_system

ROOT = Path(__file__).resolve().parents[2]


def write(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_overrides_win_and_later_ones_over_earlier(tmp_path):
    path = write(tmp_path, "system: user_habit\nrecency: {history_posts: 7, epsilon_days: 1}\n")
    config = load_config(path, ["recency.epsilon_days=5e-1", "seed=1", "seed=2"])
    assert (config.recency.history_posts, config.recency.epsilon_days, config.seed) == (7, 0.5, 2)


def test_a_section_given_by_name_starts_from_its_own_defaults_and_can_be_added_to(tmp_path):
    path = write(tmp_path, "system: design\nencoder: {caption: {name: small, width: 64, layers: 0}}\n")
    alone = load_config(path, ["encoder.caption=sa_lstm"]).encoder.caption
    assert (alone.name, alone.width, alone.layers) == ("sa_lstm", 300, 2)
    more = load_config(path, ["encoder.caption=sa_lstm", "encoder.caption.layers=1"]).encoder.caption
    assert (more.name, more.width, more.layers) == ("sa_lstm", 300, 1)


def test_without_a_file_the_system_is_an_override():
    assert load_config(None, ["system=popularity"]).system == "popularity"
    with pytest.raises(ConfigError, match="the command line: the key 'system' is missing"):
        load_config(None, ["seed=3"])


def test_what_is_dumped_reads_back_the_same(tmp_path):
    config = load_config(None, ["system=user_habit", "recency.decays=[0.5]"])
    assert load_config(write(tmp_path, dump_config(config))) == config


def test_defaults_lie_under_the_file(tmp_path):
    path = write(tmp_path, "recency: {epsilon_days: 1}\n")
    config = load_config(path, defaults={"system": "user_habit", "recency": {"history_posts": 3, "epsilon_days": 2}})
    assert (config.recency.history_posts, config.recency.epsilon_days) == (3, 1)


def test_all_problems_are_reported_at_once(tmp_path):
    path = write(tmp_path, "system: user_habit\nseeds: 1\nseed: -1\nrecency: {histroy_posts: 3, decays: []}\n")
    with pytest.raises(ConfigError) as error:
        load_config(path)
    text = str(error.value)
    assert f"{path}: 4 problems" in text
    assert "seeds: unknown key. Did you mean 'seed'? Accepted here: system, seed, recency. Its value: " in text
    assert "recency.histroy_posts: unknown key. Did you mean 'history_posts'?" in text
    assert "seed: Input should be greater than or equal to 0, got -1" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "contains a list, not keys and values"),
        ("system: [popularity\n", "cannot be read"),
        (
            "system: popularty\n",
            f"unknown system 'popularty'. Did you mean 'popularity'? Known: {', '.join(list_systems())}.",
        ),
    ],
)
def test_a_file_that_is_not_a_configuration(tmp_path, text, message):
    with pytest.raises(ConfigError) as error:
        load_config(write(tmp_path, text))
    assert message in str(error.value)


def test_a_key_given_twice_is_refused_with_its_lines(tmp_path):
    path = write(tmp_path, "system: user_habit\nseed: 0\nrecency: {history_posts: 7}\n'seed': 1\n")
    with pytest.raises(ConfigError, match="the key 'seed' is given twice, in lines 2 and 4; give it once"):
        load_config(path)
    with pytest.raises(ConfigError, match="the key 'history_posts' is given twice, in line 1"):
        load_config(None, ["system=user_habit", "recency={history_posts: 7, history_posts: 8}"])


def test_a_key_that_is_merged_may_be_given_again(tmp_path):
    merged = "system: user_habit\nrecency: &common {history_posts: 7}\n"
    path = write(tmp_path, merged.replace("{h", "{<<: {history_posts: 3, epsilon_days: 2}, h"))
    assert load_config(path).recency.history_posts == 7
    assert load_config(path).recency.epsilon_days == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("recency.epsilon_days=yes", "recency.epsilon_days: Input should be a number, not true or false, got True"),
        ("seed=off", "seed: Input should be a number, not true or false, got False"),
        ("recency.decays=[0.5, on]", r"recency.decays: Input should be a number, .* got \[0.5, True\]"),
    ],
)
def test_true_and_false_are_no_numbers(override, message):
    with pytest.raises(ConfigError, match=message):
        load_config(None, ["system=user_habit", override])


def test_a_missing_file_names_those_that_exist():
    with pytest.raises(ConfigError) as error:
        load_config(ROOT / "configs" / "popularty.yaml")
    assert "does not exist. Did you mean 'popularity.yaml'? Files in" in str(error.value)


@pytest.mark.parametrize(
    "text", ["seed", "=3", "seed=[1", "seed=2024-13-45", "seed=" + "9" * 5_000, "seed=" + "[" * 5_000]
)
def test_a_malformed_override(text):
    with pytest.raises(ConfigError, match="override"):
        load_config(None, ["system=popularity", text])


def test_a_configuration_cannot_change_later():
    config = validate_config({"system": "popularity"})
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3


def test_every_shipped_configuration_is_valid_and_says_its_command():
    files = sorted((ROOT / "configs").glob("*.yaml"))
    assert {path.stem for path in files} >= {"popularity", "user_habit"}
    for path in files:
        assert load_config(path).system in list_systems()
        assert f"--config {path.stem}" in path.read_text(encoding="utf-8")


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match="the system 'popularity' is already registered"):
        register_system("popularity")(get_system("user_habit"))


def test_a_retired_key_is_accepted_as_it_was_when_off_and_refused_otherwise(tmp_path):
    path = write(tmp_path, "system: design\nhistory: {hashtag_dropout: 0.0, posts: 3}\n")
    config = load_config(path)
    assert config == load_config(None, ["system=design", "history.posts=3"])
    assert "hashtag_dropout" not in dump_config(config)
    with pytest.raises(ConfigError) as error:
        load_config(path, ["history.hashtag_dropout=0.2", "seed=-1"])
    text = str(error.value)
    assert f"{path}: 2 problems" in text
    assert "history: hashtag_dropout=0.2 was removed and is only accepted as 0 (off); leave it out" in text


def test_a_bare_no_is_the_precision_of_that_name():
    config = load_config(None, ["system=design", "training.precision=no"])
    assert config.training.precision == "no"
