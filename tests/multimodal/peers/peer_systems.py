"""Peers of a few numbers, for tests."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from multimodal.encoders.features.inputs import cleaned_captions
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.systems.config_loading import load_config
from multimodal.systems.registry import get_system

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
SMALL = [
    "width=16",
    "encoder.caption={name: small, width: 16, layers: 0, maximum_tokens: 32, vocabulary_size: 500}",
    "encoder.image={name: small, pretrained: false, trainable: null, width: 16, size_px: 32}",
    "training={epochs: 2, batch_size: 16, learning_rate: 0.005, precision: no}",
    "feature_cache=null",
]
OWN = {
    "amnn": ["image_hidden=8", "hidden=12", "steps=6"],
    "coa": ["attention_width=8"],
    "tagnet": [
        "attention_width=8",
        "history_posts=4",
        "graph={neighbours: 3, encoder: {name: small, trainable: false, width: 16, size_px: 32}}",
    ],
    "macon": ["habit.posts=4"],
}


def config_of(name, *overrides):
    """A peer's configuration that trains in seconds."""
    return load_config(CONFIGS / f"{name}.yaml", [*SMALL, *OWN[name], *overrides])


def untrained(name, data, *overrides):
    """A peer with random weights."""
    system = get_system(name)(config_of(name, *overrides))
    system.id_map = HashtagIdMap(data.vocabulary.hashtags, data.vocabulary.frequencies)
    torch.manual_seed(0)
    system.build(cleaned_captions(data.split("train"), system.config.caption_profile), True)
    return system


def learner_of(name, data, *overrides, train=None, validation=None):
    """A peer with random weights and its learner, at the start of an epoch."""
    system = untrained(name, data, *overrides)
    learner = system.make_learner(train or data.split("train"), validation or data.split("validation"))
    learner.start_epoch(0, torch.device("cpu"))
    return system, learner


def memory_of(system, posts):
    """A memory of posts."""
    memory = system.new_memory()
    system.add_posts(memory, posts)
    return memory


def lists(rankings):
    """Rankings that can be compared."""
    return [[hashtag for hashtag, _ in ranking] for ranking in rankings]


def records(folder):
    """Lines of metrics.jsonl without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: one for key, one in line.items() if key not in ("posts_per_second", "seconds")} for line in lines]
