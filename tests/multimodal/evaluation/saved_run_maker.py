"""Runs with saved evaluations, made in code: a config, per-post values, slices, no model."""

import json
from datetime import datetime, timedelta, timezone

import numpy as np
import yaml
from evaluation_reference import make_rankings, make_vocabulary

from data_loaders.posts import Post
from multimodal.evaluation.files.results import write_per_post
from multimodal.evaluation.metrics.sweep import evaluate_rankings
from multimodal.evaluation.slices.slice_files import write_post_slices
from multimodal.evaluation.slices.slices import slice_posts
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.ranking.rankings import Rankings

TAGS = [f"tag{number:02d}" for number in range(12)]
FREQUENCIES = dict.fromkeys(TAGS[:8], 5)
VOCABULARY = make_vocabulary(FREQUENCIES)
START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def make_posts(count=40, users=5):
    rng = np.random.default_rng(1)
    captions = [None, "a short one", "long " * 20, "Короткий"]
    return [
        Post(
            post_id=f"post{number}",
            user_id=None if number % 11 == 10 else f"user{number % users}",
            timestamp=START + timedelta(hours=number),
            caption=captions[number % 4],
            image=None if number % 3 else "picture.png",
            hashtags=tuple(rng.permutation(TAGS)[: rng.integers(1, 6)].tolist()),
            sequence=number,
        )
        for number in range(count)
    ]


def rank(posts, skill, seed=0):
    """Lists that are the better the higher the skill; skill may be a number per post."""
    rng = np.random.default_rng([seed, 7])
    skills = np.broadcast_to(np.asarray(skill, float), len(posts))
    lists = [
        sorted(TAGS, key=lambda tag: (tag not in post.hashtags) * own + rng.random())[:6]
        for post, own in zip(posts, skills, strict=True)
    ]
    rankings = make_rankings(lists, k=6, names=TAGS)
    return Rankings([post.post_id for post in posts], rankings.indices, rankings.scores, rankings.names)


def make_run(folder, posts, skill=0.3, seed=0, ks=(1, 3, 5), config=None, history="rolling", truth=None):
    """Write what `evaluate` leaves, as far as comparisons read it."""
    rankings = rank(posts, skill, seed)
    truth = [post.hashtags for post in posts] if truth is None else truth
    users = [post.user_id for post in posts]
    evaluation = evaluate_rankings(rankings, truth, ks, VOCABULARY, train_hashtags=TAGS[:10], user_ids=users)
    evaluated = folder / "evaluation" / ("test" if history == "rolling" else f"test-{history}")
    evaluated.mkdir(parents=True)
    write_per_post(evaluated / "per_post.parquet", evaluation.outcomes, truth)
    memory = PostMemory(HashtagIdMap(TAGS[:8], [5] * 8))
    memory.append(posts)
    write_post_slices(
        evaluated / "slices.parquet",
        slice_posts(posts, evaluation.outcomes, rankings, memory, VOCABULARY, TAGS[:10], {"user0", "user1"}),
    )
    settings = {"history": history, "split": "test", "seed": seed}
    (evaluated / "metrics.json").write_text(json.dumps({"settings": settings}))
    (folder / "config.yaml").write_text(yaml.safe_dump({"system": "habit", "seed": seed, **(config or {})}))
    return folder
