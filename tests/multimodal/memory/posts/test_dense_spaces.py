"""Vectors and terms that do not fit a memory are refused by name."""

import numpy as np
import pytest
from scipy import sparse

from multimodal.memory.posts.dense_spaces import CONTENT, array_name, checked_terms, checked_vectors

WIDTHS = {CONTENT: 3, "sentence": 2}


def test_vectors_of_every_space_are_returned_in_single_precision():
    given = checked_vectors(2, WIDTHS, np.ones((2, 3)), {"sentence": np.zeros((2, 2), np.float64)})
    assert {space: (rows.shape, rows.dtype) for space, rows in given.items()} == {
        CONTENT: ((2, 3), np.dtype(np.float32)),
        "sentence": ((2, 2), np.dtype(np.float32)),
    }
    assert checked_vectors(2, {}, None, {}) == {}


@pytest.mark.parametrize(
    ("vectors", "spaces", "message"),
    [
        (None, {"sentence": np.zeros((2, 2))}, r"^vectors of shape None; expected \(2, 3\)$"),
        (np.ones((2, 3)), {}, r"^vectors of the space 'sentence' of shape None; expected \(2, 2\)$"),
        (
            np.ones((2, 3)),
            {"sentence": np.zeros((2, 2)), "other": np.zeros((2, 9))},
            r"^vectors of the space 'other' of shape \(2, 9\); expected none of the space 'other'$",
        ),
    ],
)
def test_vectors_that_do_not_fit(vectors, spaces, message):
    with pytest.raises(ValueError, match=message):
        checked_vectors(2, WIDTHS, vectors, spaces)


def test_terms_that_do_not_fit():
    assert checked_terms(2, 0, None) is None
    terms = sparse.csr_matrix((2, 7))
    assert checked_terms(2, 7, terms) is terms
    with pytest.raises(ValueError, match=r"^terms of shape None; expected \(2, 7\)$"):
        checked_terms(2, 7, None)


def test_content_vectors_keep_their_name_in_files():
    assert [array_name(space) for space in (CONTENT, "sentence")] == ["vectors", "vectors.sentence"]
