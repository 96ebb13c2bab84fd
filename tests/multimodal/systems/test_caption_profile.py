"""A profile that leaks: asked for by name, told loudly, and the same in training, evaluation and serving."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta, timezone

import pytest

from data_loaders.posts import Post
from data_loaders.prepare.prepare import prepare
from data_loaders.prepare.settings import PrepareSettings
from data_loaders.prepared import PreparedData
from multimodal.captions.neural.tweet_models import LstmConfig
from multimodal.config import RunConfig
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.recommender import Recommender
from multimodal.systems.caption_profile import captions_for, profile_of
from multimodal.systems.queries import to_history_post, to_query
from multimodal.training.run import train_run

LEAKING = "tweet_inline_words"
SMALL = {"encoder": {"width": 16, "hidden": 8}, "training": {"epochs": 1, "batch_size": 8}}
CAPTION = "My #cat sleeps all day #pets"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inline")
    tags = ("cat", "dog", "sea")
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    lines = [
        json.dumps(
            {
                "post_id": str(number),
                "user_id": f"u{number % 4}",
                "timestamp": (start + timedelta(hours=number)).isoformat(),
                "caption": f"word{number} my #{tags[number % 3]} sleeps #pets",
            }
        )
        for number in range(60)
    ]
    (folder / "posts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    prepare(folder / "posts.jsonl", folder / "prepared", PrepareSettings(minimum_frequency=1))
    return PreparedData.open(folder / "prepared")


def test_a_profile_that_does_not_leak_changes_nothing(data, caplog):
    assert captions_for(LstmConfig(), data) is data
    assert profile_of(RunConfig(system="popularity")) == "plain"
    assert caplog.records == []


def test_questions_and_what_is_remembered_keep_the_words():
    post = Post(post_id="1", caption=CAPTION)
    assert to_query(post)[0].caption == "My sleeps all day"
    question, excluded = to_query(post, profile=LEAKING)
    assert question.caption == "My cat sleeps all day"
    assert excluded == {"cat", "pets"}
    remembered = to_history_post(post, LEAKING)
    assert (remembered.caption, remembered.hashtags) == ("My cat sleeps all day", ("cat", "pets"))


def test_training_evaluation_and_serving_see_the_same_words(data, tmp_path, caplog):
    config = LstmConfig(caption_profile=LEAKING, **SMALL)
    with caplog.at_level(logging.WARNING):
        system = train_run(config, data, tmp_path / "run").system
    assert f"THE CAPTION PROFILE '{LEAKING}' LEAKS" in caplog.text
    assert {"cat", "dog", "sea"} <= set(system.network.encoder.vocabulary.words)
    assert "pets" not in system.network.encoder.vocabulary.words
    saved = evaluate_run(tmp_path / "run", data, history="frozen")
    recommender = Recommender.from_pretrained(tmp_path / "run")
    for row, post in enumerate(data.split("test")):
        original = f"word{post.post_id} my #{('cat', 'dog', 'sea')[int(post.post_id) % 3]} sleeps #pets"
        answer = recommender.recommend(None, original, None, 4, include_caption_hashtags=True)
        assert [(one.hashtag, one.score) for one in answer] == saved.rankings.of(row)
