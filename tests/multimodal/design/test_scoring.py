"""Scoring: what is kept of a memory between two calls."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from multimodal.design.scoring import row_batches
from multimodal.design.system import DesignSystem
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.systems.config_loading import load_config

DEBUG = Path(__file__).resolve().parents[3] / "configs" / "debug.yaml"


@pytest.fixture(scope="module")
def system(tiny_data):
    system = DesignSystem(load_config(DEBUG))
    system.id_map = HashtagIdMap(tiny_data.vocabulary.hashtags, tiny_data.vocabulary.frequencies)
    system.build(["a walk"], True)
    return system


class TestBank:
    def test_holds_the_vectors_of_the_memory(self, system, tiny_data):
        memory = system.new_memory()
        for first in (0, 20):
            system.add_posts(memory, tiny_data.posts[first : first + 20])
            assert torch.equal(system.scorer.bank(memory), torch.from_numpy(memory.vectors))

    def test_is_copied_to_a_device_once_for_each_state_of_a_memory(self, system, tiny_data):
        banks, meta = system.scorer._banks, torch.device("meta")
        memory = system.new_memory()
        system.add_posts(memory, tiny_data.posts[:20])
        first = banks.of(memory, meta)
        assert first.device == meta
        assert banks.of(memory, meta) is first
        system.add_posts(memory, tiny_data.posts[20:30])
        longer = banks.of(memory, meta)
        assert len(longer) == 30
        assert banks.of(memory, meta) is longer
        other = system.new_memory()
        system.add_posts(other, tiny_data.posts[:30])
        assert banks.of(other, meta) is not longer
        with other.fork() as fork:
            assert banks.of(fork, meta) is not banks.of(other, meta)


def test_rows_are_cut_into_batches_in_their_order():
    assert row_batches([]) == []
    batches = row_batches(range(300))
    assert [len(batch) for batch in batches] == [128, 128, 44]
    assert [row for batch in batches for row in batch] == list(range(300))
