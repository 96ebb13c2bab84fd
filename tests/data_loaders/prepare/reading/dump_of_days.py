"""A dump of five days, each a part of its own, and what a prepared folder holds."""

import json
import random
from datetime import datetime, timedelta, timezone

from data_loaders.readers import several_files

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
WORDS = ("low", "tide", "dusk", "gulls", "home", "market", "bread", "coffee", "river", "bridge", "snow", "night")


def record(number, **changed):
    draw = random.Random(number)
    tags = draw.sample(("sea", "sky", "tea", "art", "été", "空"), 2)
    fields = {
        "post_id": f"p{number}",
        "user_id": f"user{number % 4}" if number % 7 else None,
        "timestamp": (START + timedelta(hours=draw.randrange(900))).isoformat() if number % 5 else None,
        "caption": " ".join(draw.choices(WORDS, k=9)) + "".join(f" #{tag}" for tag in tags),
    }
    return {**fields, **changed}


def days(folder, monkeypatch, records=None):
    """Write a dump of five files, each of which is a part of its own."""
    monkeypatch.setattr(several_files, "_PART_BYTES", 1)
    folder.mkdir(parents=True)
    records = records or [record(number) for number in range(60)]
    for day in range(5):
        lines = [json.dumps(fields) for fields in records[day * 12 : day * 12 + 12]]
        (folder / f"day{day}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def bytes_of(folder):
    """Return the content of every file of a prepared folder; its own name is not in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
