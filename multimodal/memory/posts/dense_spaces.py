"""The dense spaces of a memory: their names, and vectors and terms that are as long as they have to be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float32]

CONTENT = "content"
"""The dense space of the content vectors; a memory may have others beside it."""


def array_name(space: str) -> str:
    """Return the name of the array that holds the vectors of a dense space."""
    return "vectors" if space == CONTENT else f"vectors.{space}"


def checked_vectors(
    count: int, widths: Mapping[str, int], vectors: Floats | None, spaces: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Return the vectors of posts by dense space.

    Args:
        count: how many posts.
        widths: lengths of the vectors, by name of their space.
        vectors: content vectors, (count, width); None where there are none.
        spaces: vectors of each further space.

    Raises:
        ValueError: a space is missing or unknown, or its vectors have another shape.
    """
    given = {CONTENT: vectors, **spaces} if CONTENT in widths else dict(spaces)
    for space in {**widths, **given}:
        shape = getattr(given.get(space), "shape", None)
        if space not in widths or shape != (count, widths[space]):
            which = "" if space == CONTENT else f" of the space {space!r}"
            expected = f"({count}, {widths[space]})" if space in widths else f"none{which}"
            raise ValueError(f"vectors{which} of shape {shape}; expected {expected}")
    return {space: np.asarray(array, np.float32) for space, array in given.items() if array is not None}


def checked_terms(count: int, slots: int, terms: sparse.csr_matrix | None) -> sparse.csr_matrix | None:
    """Return the caption terms of posts, None where there are no slots.

    Raises:
        ValueError: they are not (count, slots).
    """
    if not slots:
        return None
    if terms is None or terms.shape != (count, slots):
        raise ValueError(f"terms of shape {getattr(terms, 'shape', None)}; expected ({count}, {slots})")
    return terms
