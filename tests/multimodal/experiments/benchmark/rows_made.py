"""Data for rows of a benchmark, and what it has written about them without the times that it took."""

import json
from datetime import datetime, timedelta, timezone
from hashlib import sha256

from data_loaders.prepare.prepare import prepare
from data_loaders.prepared import PreparedData
from multimodal.experiments.benchmark.running import SEARCHES
from multimodal.experiments.benchmark.searching import read_trials

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
_WITH_TIMES = "model.json"
TAGS = ("sea", "sky", "tea", "art", "fog")


def prepared(folder, monkeypatch):
    """Prepare 60 posts of four users, who have habits."""
    monkeypatch.setattr("data_loaders.prepare.prepare.draw_plots", lambda *_: [])
    folder.mkdir(parents=True)
    posts = [
        {
            "post_id": f"p{number}",
            "user_id": f"user{number % 4}",
            "timestamp": (START + timedelta(hours=number)).isoformat(),
            "caption": f"Low tide {number}",
            "hashtags": [TAGS[number % 4], TAGS[number % 5], *([f"own{number}"] if number % 3 else [])],
        }
        for number in range(60)
    ]
    (folder / "posts.jsonl").write_text("".join(json.dumps(post) + "\n" for post in posts))
    prepare(folder / "posts.jsonl", folder / "prepared")
    return PreparedData.open(folder / "prepared")


def written(folder, entries):
    """Return checksums of models and predictions of all rows, their figures, and their trials."""
    kept = ("model/*", "evaluation/*/predictions.parquet")
    files = [path for entry in entries for pattern in kept for path in (folder / entry.name).glob(pattern)]
    content = {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if path.is_file() and path.name != _WITH_TIMES
    }
    figures = [
        json.loads(path.read_text())["table"]
        for entry in entries
        for path in sorted((folder / entry.name).glob("evaluation/*/metrics.json"))
    ]
    trials = read_trials(folder / SEARCHES, entries).drop(columns="seconds").astype(str).to_dict("records")
    return content, figures, trials
