"""A prepared folder that several processes train on."""

from __future__ import annotations

import json
import os

import pytest

from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings


@pytest.fixture(scope="session")
def data(textured_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    lines = [
        {
            "post_id": post.post_id,
            "user_id": post.user_id,
            "timestamp": post.timestamp.isoformat(),
            "caption": post.caption,
            "image": None if post.image is None else os.path.relpath(post.image, textured_data.folder),
            "hashtags": list(post.hashtags),
        }
        for post in textured_data.posts
    ]
    dump = textured_data.folder / "posts.jsonl"
    dump.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    prepare(dump, folder / "prepared", PrepareSettings(near_duplicates=False))
    return folder / "prepared"
