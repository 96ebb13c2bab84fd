"""What the searches by faiss share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.search.dense.admitted import Admitted
from multimodal.memory.search.dense.codes import Rows, Vectors
from multimodal.memory.search.dense.library import faiss_library


def code_type(codes: str) -> int:
    """Return faiss' number of a kind of codes."""
    faiss = faiss_library()
    number: int = getattr(faiss.ScalarQuantizer, {"int8": "QT_8bit_direct_signed", "float16": "QT_fp16"}[codes])
    return number


def point_at(vector: Any, array: NDArray[Any]) -> None:
    """Let a vector of faiss be an array, which has to outlive it; before faiss 1.11 it becomes a copy."""
    faiss = faiss_library()
    if not hasattr(vector, "c_ptr"):
        faiss.copy_array_to_vector(array, vector)
        return
    address = faiss.swig_ptr(array)
    vector.is_owned = False
    vector.view_data = vector.c_ptr = address
    vector.view_size = vector.c_size = array.size


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep faiss to the calling thread.

    A question alone is too small to share, and a process forked from one with threads of OpenMP would wait for ever
    for threads that it does not have.
    """
    faiss = faiss_library()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


class FaissSearch(ABC):
    """Answers questions one by one, so that a question alone is answered as in a batch."""

    def find(self, questions: Vectors, count: int, admitted: Admitted | None) -> Rows:
        """Return the indices of the vectors nearest to each question, best first.

        Args:
            questions: (Q, D), no row zero, as `questions_for` returns them.
            count: indices to find, k, at least 1 and at most the number of vectors.
            admitted: which may be found, None for all.

        Returns:
            (Q, k), -1 where fewer are admitted.
        """
        if len(questions) == 1:
            with one_thread():
                return self._answer(questions, count, admitted)
        found: Rows = np.empty((len(questions), count), np.int64)
        with one_thread():
            for index in range(len(questions)):
                found[index] = self._answer(questions[index : index + 1], count, admitted)
        return found

    @abstractmethod
    def _answer(self, question: Vectors, count: int, admitted: Admitted | None) -> Rows:
        """Answer one question, (1, D) ▶ (1, k)."""


def is_short(found: Rows, admitted: Admitted | None) -> bool:
    """Return whether an answer, (1, k), has fewer indices than are admitted."""
    count = found.shape[1]
    return bool(found[0, (count if admitted is None else min(count, admitted.count)) - 1] < 0)
