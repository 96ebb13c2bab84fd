import json

import pytest

from multimodal.recommender import Recommender


@pytest.fixture(scope="session")
def recommender(habit_run):
    return Recommender.from_pretrained(habit_run, device="cpu")


@pytest.fixture(scope="session")
def dump(tiny_data, tmp_path_factory):
    """The posts of `tiny_data` as JSON Lines, beside their pictures, and records that are not posts."""
    folder = tmp_path_factory.mktemp("dump")
    with (folder / "posts.jsonl").open("w") as file:
        for post in tiny_data.posts:
            record = {
                "post_id": post.post_id,
                "user_id": post.user_id,
                "timestamp": post.timestamp.isoformat(),
                "caption": " ".join([post.caption or "", *(f"#{tag}" for tag in post.hashtags)]),
            }
            if post.image is not None:
                (folder / post.image.name).write_bytes(post.image.read_bytes())
                record["image"] = post.image.name
            file.write(json.dumps(record) + "\n")
        file.write('{"post_id": "t000", "caption": "again"}\n{"caption": "no id"}\nno JSON\n')
    return folder / "posts.jsonl"
