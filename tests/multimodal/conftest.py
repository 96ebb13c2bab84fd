"""A tiny prepared data set made in code, every System fitted on it once, and small random models."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from data_loaders.posts import Post
from data_loaders.prepare.vocabulary import Vocabulary
from multimodal.recommender import Recommender
from multimodal.systems.config_loading import validate_config
from multimodal.training.run import train_run

# Lets tests import `model_folders`, whatever pytest's import mode.
sys.path.insert(0, str(Path(__file__).parent))
START = datetime(2024, 1, 1, tzinfo=timezone.utc)
TAGS = ("sea", "sky", "sun", "tea", "cat", "dog", "run", "art", "car", "bus", "map", "zen", "ice", "fog", "kiwi")
PIECES = ["a", "cat", "dog", "on", "the", "mat", "sun", "##set", "##s", "город", "море", ",", "!"]
WORDS = ("a", "walk", "along", "the", "quiet", "harbour", "with", "friends", "and", "cake", "before", "rain")


class TinyPosts(list):
    """Posts of which some can be taken, as of a `PostTable`."""

    def take(self, rows):
        return TinyPosts(self[row] for row in rows)


@dataclass
class TinyData:
    """What Systems use of a prepared folder."""

    folder: Path
    posts: list[Post]
    fingerprint: str = "tiny"
    statistics: dict = field(default_factory=dict)
    vocabulary: Vocabulary = field(init=False)

    def __post_init__(self):
        self.vocabulary = Vocabulary.from_posts([post.hashtags for post in self.split("train")], 2)

    def split(self, name):
        cuts = {"train": (0, 96), "validation": (96, 108), "test": (108, None)}
        start, stop = cuts[name]
        return TinyPosts(self.posts[start:stop])


def make_posts(folder, seed=0):
    """120 posts by 12 users, one an hour; every user has three favourite hashtags, some posts a picture."""
    draw = random.Random(seed)
    favourites = [draw.sample(TAGS, 3) for _ in range(12)]
    posts = []
    for number in range(120):
        user = draw.randrange(12)
        tags = draw.sample(favourites[user], draw.randint(1, 3))
        tags += draw.sample(TAGS, 1) if draw.random() < 0.3 else []
        tags += [f"rare{user}"] if draw.random() < 0.1 else []
        image = None
        if number % 3 == 0:
            image = folder / f"{number}.png"
            colour = tuple(17 * (TAGS.index(tag) if tag in TAGS else 0) for tag in (tags * 3)[:3])
            Image.new("RGB", (24, 20), colour).save(image)
        caption = " ".join([*draw.sample(WORDS, 4), *tags[:1]]) if number % 4 else None
        posts.append(
            Post(
                post_id=f"t{number:03d}",
                user_id=None if number % 17 == 5 else f"user{user}",
                timestamp=START + timedelta(hours=number),
                caption=caption,
                image=image,
                hashtags=tuple(dict.fromkeys(tags)),
                sequence=number,
            )
        )
    return posts


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    return TinyData(folder, make_posts(folder))


@pytest.fixture(scope="session")
def other_tiny_data(tmp_path_factory):
    """Other hashtags, so that what was learned from `tiny_data` shows."""
    folder = tmp_path_factory.mktemp("other")
    posts = make_posts(folder, seed=1)
    renamed = [replace(post, hashtags=tuple(f"{tag}x" for tag in post.hashtags)) for post in posts]
    return TinyData(folder, renamed, "other")


@pytest.fixture(scope="session")
def textured_data(tmp_path_factory):
    """`tiny_data` with pictures that look different from everywhere."""
    folder = tmp_path_factory.mktemp("textured")
    posts = make_posts(folder)
    draw = np.random.default_rng(0)
    for post in posts:
        if post.image is not None:
            Image.fromarray(draw.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(post.image)
    return TinyData(folder, posts)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """A BERT of two layers with a WordPiece vocabulary, as the transformers library saves one."""
    return make_tiny_bert(tmp_path_factory.mktemp("tiny_bert"))


def make_tiny_bert(folder):
    """Save the BERT of `tiny_bert` in a folder; return it."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PIECES]
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizerFast(vocab={word: i for i, word in enumerate(vocabulary)}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def habit_run(tiny_data, tmp_path_factory):
    """A run of user_habit; none may write into it."""
    folder = tmp_path_factory.mktemp("runs") / "habit"
    train_run(validate_config({"system": "user_habit"}), tiny_data, folder)
    return folder


@pytest.fixture
def habit(habit_run):
    """A Recommender of its own for each test."""
    return Recommender.from_pretrained(habit_run)
