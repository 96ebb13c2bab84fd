"""The table of candidates: which are true, and what is left without a source."""

from __future__ import annotations

import numpy as np
import pytest

from data_loaders.posts import Post
from multimodal.hybrid.assembly import assembled
from multimodal.hybrid.candidates import CandidateTable, Feature
from multimodal.hybrid.config import SearchConfig
from multimodal.hybrid.names import HashtagNames
from multimodal.hybrid.spaces import PostSpaces
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.caption_vectors import SLOTS, CaptionVectors


@pytest.fixture
def table():
    return CandidateTable(
        posts=3,
        rows=np.array([0, 0, 2]),
        hashtags=np.array([0, 1, 1]),
        texts=["beach", "sea"],
        values=np.array([[1, 0, 5], [2, 1, 5], [3, np.nan, 7]], np.float32),
        features=(Feature("own.share", "own"), Feature("words.max", "words"), Feature("post.length", "post")),
        proposers=("own", "words"),
        proposed=np.array([[True, False], [False, True], [True, True]]),
    )


def test_candidates_are_true_for_their_own_post_only(table):
    assert table.labels([("sea",), ("beach",), ("sea", "sun")]).tolist() == [False, True, True]


def test_without_a_source_its_columns_and_what_only_it_proposed_are_gone(table):
    left = table.without(["words"])
    assert left.names == ("own.share", "post.length")
    assert (left.rows.tolist(), left.hashtags.tolist()) == ([0, 2], [0, 1])
    assert left.values.tolist() == [[1, 5], [3, 7]]
    assert (left.proposers, left.proposed.tolist(), left.posts) == (("own",), [[True], [True]], 3)


def test_words_that_never_were_hashtags_get_numbers_behind_those_of_the_memory():
    id_map = HashtagIdMap(["beach"])
    names = HashtagNames(id_map)
    assert [names.number_of(text) for text in ("sun", "beach", "sky", "sun")] == [1, 0, 2, 1]
    assert [names[number] for number in range(len(names))] == ["beach", "sun", "sky"]
    assert "sun" not in id_map


def test_hashtags_that_come_later_do_not_shift_the_numbers():
    id_map = HashtagIdMap(["beach"])
    names = HashtagNames(id_map)
    first = names.number_of("sun")
    id_map.add(["sea", "sun"])
    assert (names.number_of("sun"), names[first]) == (first, "sun")


def test_a_post_without_candidates_has_a_table_with_all_columns():
    spaces = PostSpaces("plain", CaptionVectors.fit([], 0.5), None, None, None)
    memory = PostMemory(HashtagIdMap(["sea"], [3]), 0, SLOTS)
    builder = assembled(SearchConfig(), (), None, [])
    table = builder.table(spaces.questions([Post(post_id="p0")], memory))
    assert table.values.shape == (0, len(builder.features))
    assert (table.posts, len(table), table.proposed.shape) == (1, 0, (0, len(builder.sources)))
