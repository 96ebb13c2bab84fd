"""A hybrid with DESIGN among its sources, fitted on the tiny data once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import load_config
from multimodal.training.run import train_run
from tests.multimodal.conftest import TinyData

ROOT = Path(__file__).resolve().parents[3]


def hybrid_config(*settings):
    small = ["ranker={rounds: 20, least_rows: 5}", "feature_cache=null"]
    return load_config(ROOT / "configs" / "hybrid.yaml", [*small, *settings])


@pytest.fixture(scope="session")
def hybrid_run(tiny_data, tmp_path_factory):
    """The run of a hybrid that keeps all of its sources."""
    folder = tmp_path_factory.mktemp("hybrid") / "run"
    config = hybrid_config("sources={design: debug}", "rows.choose=false")
    train_run(config, tiny_data, folder)
    return RunFolder(folder)


@pytest.fixture(scope="session")
def named_data(tiny_data):
    """`tiny_data` with captions that address the users themselves, some by a hashtag of the post."""
    posts = []
    for number, post in enumerate(tiny_data.posts):
        names = f"@{post.hashtags[0]} @{post.user_id} mail@example.com" if number % 5 else f"@{post.user_id}"
        posts.append(replace(post, caption=post.caption and f"{post.caption} {names}"))
    return TinyData(tiny_data.folder, posts, "named")


@pytest.fixture(scope="session")
def named_run(named_data, tmp_path_factory):
    """The run of a hybrid that asks for the people whom captions address."""
    folder = tmp_path_factory.mktemp("hybrid_named") / "run"
    train_run(hybrid_config("sources={design: debug}", "rows.choose=false"), named_data, folder)
    return RunFolder(folder)


@pytest.fixture(scope="session")
def texts_run(tiny_data, tiny_bert, tmp_path_factory):
    """The run of a hybrid with a sentence encoder, which so knows hashtags as texts."""
    folder = tmp_path_factory.mktemp("hybrid_texts") / "run"
    encoder = f"encoder.caption={{name: transformer, pretrained: {tiny_bert}, maximum_tokens: 32}}"
    train_run(hybrid_config(encoder, "rows.choose=false"), tiny_data, folder)
    return RunFolder(folder)
