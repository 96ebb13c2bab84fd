"""Posts of one instant have one order in the folder, whatever the order of the dump."""

import json
import random
from datetime import datetime, timedelta, timezone

import pytest

from data_loaders.prepare.folder_format import POSTS, VOCABULARY
from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepared import PreparedData

DAY = datetime(2024, 1, 1, tzinfo=timezone.utc)


def dump(folder, order, dated=lambda number: True):
    folder.mkdir(parents=True)
    records = [
        {"post_id": f"p{number}", "user_id": f"u{number % 3}", "caption": f"number {number}", "hashtags": ["sea"],
         "timestamp": (DAY + timedelta(days=number // 9)).isoformat() if dated(number) else None}
        for number in order
    ]  # fmt: skip
    (folder / "posts.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder / "posts.jsonl"


def shuffled(seed):
    order = list(range(90))
    random.Random(seed).shuffle(order)
    return order


@pytest.mark.parametrize("rows_at_once", [1, 10, 1 << 18])
def test_of_one_instant_by_id(tmp_path, monkeypatch, rows_at_once):
    monkeypatch.setattr("data_loaders.prepare.folder_order._ROWS_AT_ONCE", rows_at_once)
    contents = []
    for seed in (1, 2):
        prepare(dump(tmp_path / str(seed), shuffled(seed)), tmp_path / f"prepared{seed}", PrepareSettings(split="time"))
        contents.append([(tmp_path / f"prepared{seed}" / name).read_bytes() for name in (POSTS, VOCABULARY)])
    assert contents[0] == contents[1]


def test_by_day_then_id_as_text_and_undated_ones_as_in_the_dump(tmp_path):
    order = shuffled(3)
    prepare(dump(tmp_path / "dump", order, lambda number: number % 10 != 0), tmp_path / "prepared")
    posts = [post.post_id for post in PreparedData.open(tmp_path / "prepared").posts()]
    undated = [f"p{number}" for number in order if number % 10 == 0]
    dated = sorted((number for number in range(90) if number % 10 != 0), key=lambda number: (number // 9, f"p{number}"))
    assert posts == undated + [f"p{number}" for number in dated]
