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
