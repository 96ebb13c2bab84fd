"""`own_neighbours`: the most similar of each user's own posts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.batches import Related
from multimodal.memory.search.likeness import Likeness

Ints = NDArray[np.int64]
Vectors = Mapping[str, NDArray[np.float32]]
_QUERIES_AT_ONCE = 4_096


class HasPosts(Protocol):
    """What a `PostMemory` is asked here."""

    def history(self, user_ids: Sequence[str | None], instants_us: Ints, limit: int) -> Ints:
        """Return each user's newest posts."""

    def neighbours(
        self,
        terms: sparse.csr_matrix | None,
        vectors: Vectors,
        instants_us: Ints,
        count: int,
        likeness: Likeness,
        among: Ints,
    ) -> Related:
        """Return the most similar posts among some."""


def own_neighbours(
    memory: HasPosts,
    user_ids: Sequence[str | None],
    content: tuple[sparse.csr_matrix | None, Vectors],
    moments_us: Ints,
    count: int,
    likeness: Likeness,
    last: int,
) -> Related:
    """Return the most similar of each user's newest posts, block by block of questions.

    Args:
        memory: has the posts.
        user_ids: Q users.
        content: caption terms and vectors of the questions.
        moments_us: (Q,) their instants.
        count, likeness, last: see `PostMemory.own_neighbours`.
    """
    terms, vectors = content
    parts = []
    for start in range(0, max(len(moments_us), 1), _QUERIES_AT_ONCE):
        part = slice(start, start + _QUERIES_AT_ONCE)
        among = memory.history(user_ids[part], moments_us[part], last)
        asked = None if terms is None else terms[part], {space: rows[part] for space, rows in vectors.items()}
        parts.append(memory.neighbours(*asked, moments_us[part], count, likeness, among))
    pairs = [(part.positions, part.similarity) for part in parts]
    return Related(*map(np.concatenate, zip(*pairs, strict=True)))
