"""`random_prior`: the training frequencies for every post."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from data_loaders.posts import Post
from data_loaders.prepare.vocabulary import Vocabulary
from multimodal.captions.random_prior import RandomPrior, RandomPriorConfig
from multimodal.storage.run_folder import RunFolder

TRAIN = [("a", "b"), ("a",), ("c",), (), ("a", "b"), ()]


@dataclass
class Data:
    posts: list[Post]
    vocabulary: Vocabulary = field(init=False)

    def __post_init__(self):
        self.vocabulary = Vocabulary.from_posts([post.hashtags for post in self.posts], 1)

    def split(self, name):
        return self.posts if name == "train" else []


@pytest.fixture
def system(tmp_path):
    data = Data([Post(post_id=str(number), hashtags=tags) for number, tags in enumerate(TRAIN)])
    system = RandomPrior(RandomPriorConfig())
    system.fit(data, RunFolder(tmp_path))
    return system


def test_every_post_gets_the_share_of_posts_with_hashtags(system):
    posts = [Post(post_id="1", caption="a b c"), Post(post_id="2")]
    rankings = list(system.rank(posts, system.new_memory(), 3))
    expected = [("a", 3 / 4), ("b", 2 / 4), ("c", 1 / 4)]
    for ranking in rankings:
        assert [name for name, _ in ranking] == [name for name, _ in expected]
        assert [score for _, score in ranking] == pytest.approx([score for _, score in expected], abs=1e-6)
    assert not system.can_score(["a", ""]).any()
    np.testing.assert_allclose(system.scores(["x", "y"]), system.scores_or_prior(["x", "y"]))


def test_what_is_saved_gives_the_same_answer(system, tmp_path):
    system.save(tmp_path)
    loaded = RandomPrior.load(tmp_path, system.config, system.id_map)
    np.testing.assert_array_equal(loaded.scores_or_prior([""]), system.scores_or_prior([""]))
