"""`DenseSpan`: the vectors of one span of posts in one dense space, and the rows nearest to a question."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_loaders.errors import RunError
from multimodal.memory.search.dense.settings import DenseSettings

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


class DenseSpan:
    """The vectors of one span in one dense space; immutable.

    Args:
        vectors: (n, D) rows of length 1; a zero row means that a post has no vector.
        fingerprint: of the encoder that made the vectors.
    """

    def __init__(self, vectors: Vectors, fingerprint: str = "") -> None:
        self._vectors = vectors
        self._present = vectors.any(1)
        self.fingerprint = fingerprint

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def width(self) -> int:
        """The number of dimensions, D."""
        return int(self._vectors.shape[1])

    def candidates(
        self, queries: Vectors, count: int, below: int | None = None, admitted: NDArray[np.bool_] | None = None
    ) -> Rows:
        """Find the rows with the largest inner product, best first, for each question as if it were asked alone.

        Args:
            queries: (Q, D) rows of length 1; a zero row finds nothing.
            count: rows to find, n.
            below: only rows below this one.
            admitted: (n,) which rows may be found, None for all.

        Returns:
            (Q, n), -1 where fewer rows are admitted.
        """
        found: Rows = np.full((len(queries), count), -1, np.int64)
        usable: NDArray[np.bool_] = np.logical_and(self._present, True if admitted is None else admitted)
        if below is not None:
            usable[below:] = False
        rows = np.flatnonzero(usable)
        for index, query in enumerate(queries):
            if query.any():
                products = self._vectors @ query
                best = np.lexsort((rows, -products[rows]))[:count]
                found[index, : len(best)] = rows[best]
        return found

    def save(self, folder: Path) -> None:
        """Write the files of the span into a folder, which is made."""
        folder.mkdir(parents=True)
        np.save(folder / "vectors.npy", self._vectors)
        (folder / "dense.json").write_text(json.dumps({"fingerprint": self.fingerprint}), encoding="utf-8")


def build_dense(vectors: Vectors, settings: DenseSettings | None = None, fingerprint: str = "") -> DenseSpan:
    """Index the vectors of a span: a pure function of its arguments.

    Args:
        vectors: (n, D) rows of length 1; a zero row means that a post has no vector.
        settings: None for the defaults.
        fingerprint: of the encoder that made the vectors.
    """
    return DenseSpan(np.ascontiguousarray(vectors, np.float32), fingerprint)


def open_dense(folder: Path, fingerprint: str | None = None, rebuild: str = "build it again") -> DenseSpan:
    """Open what `DenseSpan.save` wrote, memory-mapped.

    Args:
        folder: of the span.
        fingerprint: of the encoder whose vectors are asked for, None for any.
        rebuild: what builds the span again, for messages.

    Raises:
        RunError: damaged, or of another encoder.
    """
    kept = json.loads((folder / "dense.json").read_text(encoding="utf-8"))["fingerprint"]
    if fingerprint is not None and kept != fingerprint:
        raise RunError(f"{folder} holds vectors of another encoder ({kept}, not {fingerprint}); {rebuild}.")
    return DenseSpan(np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False), kept)
