"""The table of candidates: which are true, and what is left without a source."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal.hybrid.candidates import CandidateTable, Feature
from multimodal.hybrid.names import HashtagNames
from multimodal.memory.hashtag_id_map import HashtagIdMap


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
