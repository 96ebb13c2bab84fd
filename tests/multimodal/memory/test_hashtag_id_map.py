"""HashtagIdMap: the vocabulary first, then whatever comes."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal.memory.hashtag_id_map import HashtagIdMap


def test_the_vocabulary_keeps_its_indices_as_the_catalogue_grows():
    id_map = HashtagIdMap(["sea", "sky"], [5, 3])
    assert id_map.add(["sky", "new", "sea", "new"]) == [1, 2, 0, 2]
    assert list(id_map.names) == ["sea", "sky", "new"]
    assert id_map.vocabulary_size == 2
    assert (id_map.find("new"), id_map.find("other"), id_map[2]) == (2, None, "new")
    assert "new" in id_map
    assert len(id_map) == 3


def test_frequencies_are_zero_outside_the_vocabulary():
    id_map = HashtagIdMap(["sea", "sky"], [5, 3])
    id_map.add(["new"])
    assert id_map.frequency_of(np.array([[2, 1], [0, -1]])).tolist() == [[0, 3], [5, 0]]
    assert HashtagIdMap().frequency_of(np.array([0, 3])).tolist() == [0, 0]


def test_repeats_and_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match="names a hashtag twice"):
        HashtagIdMap(["a", "a"])
    with pytest.raises(ValueError, match="1 frequencies for 2 hashtags"):
        HashtagIdMap(["a", "b"], [1])


def test_a_fork_grows_by_itself():
    id_map = HashtagIdMap(["sea"], [5])
    fork = id_map.fork()
    assert fork.add(["new", "sea"]) == [1, 0]
    assert "new" not in id_map
    assert fork.frequency_of(np.array([0, 1])).tolist() == [5, 0]
    assert id_map.add(["other"]) == [1]
