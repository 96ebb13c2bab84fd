"""Scoring: what is kept of a memory between two calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from multimodal.design import scoring
from multimodal.design.system import DesignSystem
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.systems.config_loading import load_config
from multimodal.systems.post_networks.scoring import row_batches
from multimodal.systems.post_networks.sequences.decoding import decode_scores

DEBUG = Path(__file__).resolve().parents[3] / "configs" / "debug.yaml"


@pytest.fixture(scope="module")
def system(tiny_data):
    system = DesignSystem(load_config(DEBUG))
    system.id_map = HashtagIdMap(tiny_data.vocabulary.hashtags, tiny_data.vocabulary.frequencies)
    system.build(["a walk"], True)
    system.alpha = 0.5
    return system


def test_ranking_reads_the_vectors_of_the_posts_that_it_attends_to_and_no_others(system, tiny_data, monkeypatch):
    memory = system.new_memory()
    system.add_posts(memory, tiny_data.posts[:60])
    read = []

    def watched(space, positions):
        read.extend(positions.tolist())
        return PostMemory.vectors_at(memory, space, positions)

    monkeypatch.setattr(memory, "vectors_at", watched)
    posts = [post for post in tiny_data.posts[40:60] if post.user_id is not None][:2]
    batch = system.scorer.datasets.dataset(posts, memory).batch([0, 1])
    attended = {*batch.history.flatten().tolist(), *batch.neighbours.flatten().tolist()} - {-1}
    system.rank(posts, memory, 3)
    assert sorted(read) == sorted(attended)
    assert 0 < len(attended) < 60


@pytest.mark.parametrize(("rule", "decodes"), [("minmax", False), ("reciprocal_rank", False), ("interleave", True)])
def test_a_sequence_without_weight_is_not_decoded(system, tiny_data, rule, decodes, monkeypatch):
    memory = system.new_memory()
    system.add_posts(memory, tiny_data.posts[:60])
    batch, bank = system.scorer.bank(memory).place(
        system.scorer.datasets.dataset(tiny_data.posts[60:70], memory).batch(range(10))
    )
    config = system.config.model_copy(update={"ranking": system.config.ranking.model_copy(update={"aggregate": rule})})
    monkeypatch.setattr(system.scorer, "config", config)
    decoded = []
    monkeypatch.setattr(scoring, "decode_scores", lambda *given: decoded.append(given) or decode_scores(*given))
    system.network.eval()
    (expected, _), columns = system.scorer.scores(batch, bank, [1.0, 0.5])
    assert len(decoded) == 1
    (found,), same = system.scorer.scores(batch, bank, [1.0])
    assert found.tolist() == expected.tolist()
    assert same.tolist() == columns.tolist()
    assert len(decoded) == 1 + decodes


def test_rows_are_cut_into_batches_in_their_order():
    assert row_batches([]) == []
    batches = row_batches(range(300))
    assert [len(batch) for batch in batches] == [128, 128, 44]
    assert [row for batch in batches for row in batch] == list(range(300))
