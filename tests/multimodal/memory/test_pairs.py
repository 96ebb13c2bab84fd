"""The similarity of posts to remembered posts that are chosen already, against a loop."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from scipy import sparse

from data_loaders.posts import Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.pairs import similarity_to
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.likeness import Likeness

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def unit(rows):
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)


@pytest.mark.parametrize("weights", [{"words": 1.0}, {"words": 0.5, "caption": 0.5}, {"caption": 2.0}])
def test_equals_a_loop(weights):
    generator = np.random.default_rng(0)
    terms = sparse.csr_matrix(unit(generator.random((9, 7)) * (generator.random((9, 7)) < 0.4)))
    vectors = generator.normal(size=(9, 4)).astype(np.float32)
    vectors[3] = 0
    memory = PostMemory(HashtagIdMap(), slots=7, spaces={"caption": 4})
    posts = [Post(post_id=f"p{n}", timestamp=START + timedelta(days=n)) for n in range(6)]
    memory.append(posts, terms=terms[:6], spaces={"caption": vectors[:6]})
    positions = np.array([[0, 3, -1], [5, 5, 1], [-1, -1, -1]])
    likeness = Likeness(weights, power=4, decay=0.3)
    asked = terms[6:] if "words" in weights else None
    found = similarity_to(likeness, asked, {"caption": vectors[6:]}, memory, positions)
    units = unit(vectors)
    for row, column in np.ndindex(positions.shape):
        position, expected = positions[row, column], 0.0
        if position >= 0:
            words = float((terms[6 + row] @ terms[position].T).toarray()[0, 0])
            cosine = max(float(units[6 + row].astype(np.float64) @ units[position]), 0)
            expected = weights.get("words", 0) * words + weights.get("caption", 0) * cosine
        assert found[row, column] == pytest.approx(expected, abs=1.1e-5)
        assert found[row, column] == np.float32(round(float(found[row, column]), 5))


def test_without_any_remembered_post_all_is_nothing():
    memory = PostMemory(HashtagIdMap(), spaces={"caption": 4})
    positions = np.full((2, 3), -1)
    likeness = Likeness({"caption": 1.0})
    assert not similarity_to(likeness, None, {"caption": np.ones((2, 4), np.float32)}, memory, positions).any()
