"""Words of remembered posts in a memory and out again."""

from __future__ import annotations

import numpy as np
import pytest

from data_loaders.posts import Post
from multimodal.captions.hmemn2n.remembered_words import MOST_WORDS, histories, word_vectors_of, words_at
from multimodal.encoders.captions.words import WordVocabulary
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory

VOCABULARY = WordVocabulary(["cat", "dog", "sea", "the"])
POSTS = [
    Post(post_id="a", user_id="u", caption="The cat and the #dog", hashtags=("sea", "dog"), sequence=1),
    Post(post_id="b", user_id="u", caption=None, sequence=2),
    Post(post_id="c", user_id="v", caption="dog dog dog", hashtags=("nosuchword",), sequence=3),
]
CAT, DOG, SEA, THE = (VOCABULARY.ids(word, 1)[0] for word in ("cat", "dog", "sea", "the"))


def test_hashtags_first_then_the_words_that_are_known():
    rows = word_vectors_of(POSTS, VOCABULARY, "tweet", 6, with_hashtags=True)
    assert rows.tolist() == [[SEA, DOG, THE, CAT, THE, 0], [0] * 6, [DOG, DOG, DOG, 0, 0, 0]]


def test_without_hashtags_they_are_not_read_and_the_caption_s_own_are_cleaned_out():
    rows = word_vectors_of(POSTS, VOCABULARY, "tweet", 6, with_hashtags=False)
    assert rows[0].tolist() == [THE, CAT, THE, 0, 0, 0]


def test_long_posts_are_cut():
    long = [Post(post_id="x", caption="cat " * 10_000, hashtags=("sea",))]
    assert word_vectors_of(long, VOCABULARY, "tweet", 3, with_hashtags=True).tolist() == [[SEA, CAT, CAT]]


def test_word_ids_survive_a_memory_and_its_saved_state():
    numbers = np.array([[1, 2**23 + 1, MOST_WORDS - 1]])
    memory = PostMemory(HashtagIdMap(), width=3)
    memory.append(POSTS[:1], numbers.astype(np.float32))
    arrays, values = memory.state()
    again = PostMemory.from_state(arrays, values, HashtagIdMap(memory.id_map.names))
    for one in (memory, again):
        assert words_at(one, np.array([[0, -1]])).tolist() == [[numbers[0].tolist(), [0, 0, 0]]]


def test_an_empty_memory_holds_no_words():
    memory = PostMemory(HashtagIdMap(), width=3)
    found = words_at(memory, histories(memory, POSTS, 2))
    assert found.shape == (3, 2, 3)
    assert not found.any()


@pytest.mark.parametrize("limit", [1, 2])
def test_a_history_is_the_user_s_own_strictly_earlier_posts_newest_first(limit):
    memory = PostMemory(HashtagIdMap(), width=6)
    memory.append(POSTS, word_vectors_of(POSTS, VOCABULARY, "tweet", 6, with_hashtags=True))
    asked = [Post(post_id="q", user_id="u", sequence=9), Post(post_id="r", user_id="u", sequence=2), POSTS[2]]
    expected = [[1, 0], [0, -1], [-1, -1]]
    assert histories(memory, asked, limit).tolist() == [row[:limit] for row in expected]
