"""HashtagCatalogue: the vocabulary first, then whatever comes."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal.memory.hashtag_id_map import HashtagCatalogue


def test_the_vocabulary_keeps_its_indices_as_the_catalogue_grows():
    catalogue = HashtagCatalogue(["sea", "sky"], [5, 3])
    assert catalogue.add(["sky", "new", "sea", "new"]) == [1, 2, 0, 2]
    assert list(catalogue.names) == ["sea", "sky", "new"]
    assert catalogue.vocabulary_size == 2
    assert (catalogue.find("new"), catalogue.find("other"), catalogue[2]) == (2, None, "new")
    assert "new" in catalogue
    assert len(catalogue) == 3


def test_frequencies_are_zero_outside_the_vocabulary():
    catalogue = HashtagCatalogue(["sea", "sky"], [5, 3])
    catalogue.add(["new"])
    assert catalogue.frequency_of(np.array([[2, 1], [0, -1]])).tolist() == [[0, 3], [5, 0]]
    assert HashtagCatalogue().frequency_of(np.array([0, 3])).tolist() == [0, 0]


def test_repeats_and_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match="names a hashtag twice"):
        HashtagCatalogue(["a", "a"])
    with pytest.raises(ValueError, match="1 frequencies for 2 hashtags"):
        HashtagCatalogue(["a", "b"], [1])


def test_a_fork_grows_by_itself():
    catalogue = HashtagCatalogue(["sea"], [5])
    fork = catalogue.fork()
    assert fork.add(["new", "sea"]) == [1, 0]
    assert "new" not in catalogue
    assert fork.frequency_of(np.array([0, 1])).tolist() == [5, 0]
    assert catalogue.add(["other"]) == [1]
