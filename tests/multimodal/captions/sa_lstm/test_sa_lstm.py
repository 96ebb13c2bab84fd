"""`sa_lstm`: new hashtags from the words of a caption, all the way to the metrics and to what is served."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from data_loaders.errors import ConfigError, DataError, RunError
from data_loaders.posts import Post
from data_loaders.prepare.vocabulary import Vocabulary
from multimodal.captions.sa_lstm.config import SaLstmConfig
from multimodal.encoders import load_caption_encoder
from multimodal.evaluation.files.predictions import read_predictions
from multimodal.evaluation.pipeline import evaluate_run
from multimodal.recommender import Recommender
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.config_loading import validate_config
from multimodal.systems.model_folder import load_model
from multimodal.training.run import train_run

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
SMALL = {
    "system": "sa_lstm",
    "encoder": {"width": 24, "hidden": 16, "heads": 4, "layers": 1, "dropout": 0.0},
    "spans": 2,
    "dropout": 0.0,
    "training": {"epochs": 12, "batch_size": 16, "learning_rate": 0.01, "patience": 12},
}


@dataclass
class Sentences:
    """Posts that say "visit PLACE today" with the place as their hashtag; every place comes up once, hence new."""

    fingerprint = "made up"

    folder: Path
    posts: list[Post] = field(init=False)
    vocabulary: Vocabulary = field(init=False)

    def __post_init__(self):
        self.posts = []
        for number in range(200):
            two = number % 4 == 0
            place = f"{chr(97 + number % 26)}{'xyzuvw'[number // 26 % 6]}ton{chr(97 + number // 7 % 26)}"
            caption = f"please visit {'saint ' if two else ''}{place} today"
            tags = ((f"saint{place}" if two else place), *(("travel",) if number % 2 else ()))
            when = START + timedelta(hours=number)
            self.posts.append(Post(post_id=f"p{number}", timestamp=when, caption=caption, hashtags=tags))
        self.vocabulary = Vocabulary.from_posts([post.hashtags for post in self.split("train")], 2)

    def split(self, name):
        start, stop = {"train": (0, 140), "validation": (140, 170), "test": (170, 200)}[name]
        return self.posts[start:stop]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return Sentences(tmp_path_factory.mktemp("sentences"))


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "sa_lstm"
    train_run(validate_config(SMALL), data, folder)
    return folder


@pytest.fixture(scope="module")
def evaluated(run, data):
    return evaluate_run(run, data, ks=[1, 2], batch_size=7)


def test_hashtags_that_nobody_used_before_are_named_first(data, evaluated):
    seen = {tag for split in ("train", "validation") for post in data.split(split) for tag in post.hashtags}
    right = [
        ranking[0][0] in set(post.hashtags) - seen
        for post, ranking in zip(data.split("test"), evaluated.rankings, strict=True)
    ]
    assert sum(right) > 0.9 * len(right)


def test_the_metrics_count_them(evaluated):
    assert evaluated.metrics.at(1)["new_hashtag_recall"] > 0.9


def test_they_are_saved_and_read_back(evaluated):
    saved = read_predictions(evaluated.folder / "predictions.parquet")
    assert list(saved.post_ids) == list(evaluated.rankings.post_ids)
    assert [[name for name, _ in one] for one in saved] == [[name for name, _ in one] for one in evaluated.rankings]


def test_what_is_served_is_what_was_evaluated(data, run, evaluated):
    recommender = Recommender.from_pretrained(run)
    answers = recommender.recommend_many(data.split("test"), 2)
    expected = [[name for name, _ in one[:2]] for one in evaluated.rankings]
    assert [[one.hashtag for one in answer] for answer in answers] == expected
    alone = recommender.recommend(caption="please visit saint neverheard today", k=2)
    assert "saintneverheard" in {one.hashtag for one in alone}
    history = [{"caption": "hello", "hashtags": ["othertag"]}]
    again = recommender.recommend(caption="please visit saint neverheard today", k=2, history=history)
    assert [one.hashtag for one in again] == [one.hashtag for one in alone]


def test_naming_words_leaves_the_memory_as_it_was(data, run):
    model = load_model(run)
    before = list(model.memory.id_map.names)
    first = model.system.rank(data.split("test"), model.memory, 5)
    assert list(model.memory.id_map.names) == before
    listed = list(first)
    model.system.add_posts(model.memory, data.split("test"))
    assert list(first) == listed, "an answer stays what it is when the memory grows"


def test_the_log_says_what_words_can_reach_and_how_often_the_top_word_is_right(run):
    records = [json.loads(line) for line in RunFolder(run).metrics.read_text().splitlines()]
    words = next(record for record in records if record["event"] == "words")
    assert words["train_hashtags_in_caption"] == pytest.approx(140 / 210)
    assert words["positive_share_2"] > 0
    validation = [record for record in records if record["event"] == "validation"]
    assert max(record["top_word_precision"] for record in validation) > 0.9
    assert all(record["top_word_precision_reachable"] >= record["top_word_precision"] for record in validation)


@pytest.mark.parametrize("caption", [None, "", "😀", "https://x.org", "?!", "2022"])
def test_a_caption_without_words_gets_the_prior(run, caption):
    model = load_model(run)
    ranking = next(iter(model.system.rank([Post(post_id="q", caption=caption)], model.memory, 1)))
    assert ranking == [("travel", pytest.approx(0.5))]


@pytest.mark.parametrize("caption", ["word " * 10_000, "ქართული ენა", "日本語", "x" * 100_000, "\x00\ud800 a"])
def test_any_caption_gets_an_answer_without_repeats(run, caption):
    model = load_model(run)
    names = [name for name, _ in next(iter(model.system.rank([Post(post_id="q", caption=caption)], model.memory, 2)))]
    assert len(set(names)) == len(names) == 2


def test_a_word_of_the_caption_can_be_excluded(run):
    model = load_model(run)
    post = Post(post_id="q", caption="please visit saint abcton today")
    plain = [name for name, _ in next(iter(model.system.rank([post], model.memory, 3)))]
    excluded = [name for name, _ in next(iter(model.system.rank([post], model.memory, 2, [frozenset(plain[:1])])))]
    assert excluded == plain[1:3]


def test_words_first_names_words_before_all_else(data, tmp_path):
    config = validate_config({**SMALL, "words_first": True, "training": {**SMALL["training"], "epochs": 1}})
    system = train_run(config, data, tmp_path / "run").system
    rankings = system.rank(data.split("test"), system.new_memory(), 5)
    for post, ranking in zip(data.split("test"), rankings, strict=True):
        words = post.caption.split()
        first = [name for name, _ in ranking]
        assert len(set(first)) == 5
        assert all(any(name in (word, f"{other}{word}") for other in words for word in words) for name in first)


def test_in_half_precision_it_answers_and_cannot_be_saved(run, tmp_path):
    whole, half = load_model(run), load_model(run)
    half.system.use_precision("bf16")
    asked = [Post(post_id="q", caption="please visit saint abcton today")]
    (expected,), (ranking,) = (one.system.rank(asked, one.memory, 3) for one in (whole, half))
    assert ranking[0] == (expected[0][0], pytest.approx(expected[0][1], abs=0.05))
    with pytest.raises(RunError, match="the encoder is in bf16, a lower precision than it was trained in"):
        half.system.save(tmp_path)


def test_design_can_take_the_encoder(run):
    encoder = load_caption_encoder(run / "model" / "caption_encoder")
    assert encoder.config.name == "sa_lstm"


def test_a_shorter_encoder_that_was_trained_before_is_taken_as_it_is(data, run, tmp_path):
    pretrained = {"pretrained": str(run), "maximum_tokens": 200}
    config = validate_config({**SMALL, "encoder": pretrained, "training": {**SMALL["training"], "epochs": 1}})
    system = train_run(config, data, tmp_path / "run").system
    assert system.encoder.maximum_tokens == 30
    names = [
        name for name, _ in next(iter(system.rank([Post(post_id="q", caption="word " * 60)], system.new_memory(), 1)))
    ]
    assert len(names) == 1


def test_without_captions_it_says_so(data, tmp_path):
    bare = Sentences(data.folder)
    bare.posts = [replace(post, caption=None) for post in data.posts]
    with pytest.raises(DataError, match="system sa_lstm learns from captions alone, and no train post has both"):
        train_run(validate_config(SMALL), bare, tmp_path / "run")


def test_the_sizes_of_the_article_and_one_word_a_hashtag_are_the_defaults():
    config = SaLstmConfig()
    assert (config.encoder.width, config.encoder.hidden, config.encoder.heads, config.spans) == (300, 192, 6, 1)


def test_another_encoder_is_refused():
    with pytest.raises(ConfigError, match="this system has the encoder 'sa_lstm', not 'lstm'"):
        validate_config({"system": "sa_lstm", "encoder": {"name": "lstm"}})
