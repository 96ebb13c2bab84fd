"""What a search may try is accepted by the configuration it is tried in."""

from __future__ import annotations

import json

import pytest

from multimodal.config import Choice
from multimodal.experiments.benchmark.entries import choose_entries
from multimodal.systems.config_loading import load_config
from multimodal.systems.registry import get_system, list_systems


@pytest.mark.parametrize("name", list_systems())
def test_every_value_at_the_ends_is_accepted(name):
    (entry,) = choose_entries(name)
    for key, tried in get_system(name).config_type.search_space.items():
        values = tried.values if isinstance(tried, Choice) else (tried.low, tried.high)
        assert len(set(values)) > 1
        assert isinstance(tried, Choice) or 0 <= tried.low < tried.high
        assert isinstance(tried, Choice) or not tried.log or tried.low > 0
        for value in values:
            config = load_config(entry.config, [f"{key}={json.dumps(value)}"])
            found = config
            for part in key.split("."):
                found = getattr(found, part)
            assert found == value


@pytest.mark.parametrize("name", list_systems())
def test_the_configuration_that_is_compared_is_searched_whole(name):
    (entry,) = choose_entries(name)
    assert load_config(entry.config).searchable() == get_system(name).config_type.search_space


def test_design_of_the_paper_stays_without_neighbours_and_pointer_and_all_that_is_tried_is_accepted():
    space = load_config("design_vit_weighted").searchable()
    assert {"training.learning_rate", "fusion.name"} < set(space)
    assert not [key for key in space if key.startswith("history.")]
    in_sample = load_config("sample").searchable()
    assert {"history.named", "history.divided", "history.neighbours", "history.power"} < set(in_sample)
    for change in ("history.pointer=false", "heads.multilabel=false"):
        assert set(in_sample) - set(load_config("sample", [change]).searchable()) == {
            "history.named", "history.divided",
        }  # fmt: skip
    assert "history.bigrams" not in load_config("sample", ["history.neighbours=0"]).searchable()
