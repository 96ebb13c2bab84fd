"""`DenseSpan`: the vectors of one span of posts in one dense space, and the rows nearest to a question."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from data_loaders.errors import RunError
from multimodal.memory.search.dense.admitted import Admitted
from multimodal.memory.search.dense.asked_vectors import AskedVectors
from multimodal.memory.search.dense.building import index_vectors
from multimodal.memory.search.dense.codes import Rows, Vectors
from multimodal.memory.search.dense.contents import SpanContents
from multimodal.memory.search.dense.exact_search import ExactSearch
from multimodal.memory.search.dense.flat_search import FlatSearch
from multimodal.memory.search.dense.hnsw_search import HnswSearch
from multimodal.memory.search.dense.ivf_search import IvfSearch
from multimodal.memory.search.dense.library import has_faiss
from multimodal.memory.search.dense.settings import DenseSettings
from multimodal.storage.model_files import Count, Form, read_json_as
from multimodal.storage.npy_files import map_array

_HEADER, _WHAT = "dense.json", "the vectors of a span"
_SEARCHES: dict[str, Callable[[SpanContents], Any]] = {"flat": FlatSearch, "ivf": IvfSearch, "hnsw": HnswSearch}


class _Header(Form):
    fingerprint: str
    kind: Annotated[str, Field(pattern="^(flat|ivf|hnsw)$")]
    codes: Annotated[str, Field(pattern="^(int8|float16)$")]
    length: Count
    width: Count
    probes: Count
    ef_search: Count
    degree: Count
    entry: Count
    arrays: list[str]


class DenseSpan:
    """The vectors of one span in one dense space; immutable.

    Args:
        contents: their index.
        fingerprint: of the encoder that made the vectors.
    """

    def __init__(self, contents: SpanContents, fingerprint: str = "") -> None:
        self._contents, self.fingerprint = contents, fingerprint
        self._search: Any = None
        if contents.size:
            self._search = (_SEARCHES[contents.kind] if has_faiss() else ExactSearch)(contents)

    def __len__(self) -> int:
        return self._contents.length

    @property
    def width(self) -> int:
        """The number of dimensions, D."""
        return self._contents.width

    def candidates(
        self,
        queries: Vectors | AskedVectors,
        count: int,
        below: int | None = None,
        admitted: NDArray[np.bool_] | None = None,
    ) -> Rows:
        """Find the rows with the largest inner product, best first, for each question as if it were asked alone.

        Args:
            queries: (Q, D) rows of length 1, prepared where several spans are asked; a zero row finds nothing.
            count: rows to find, n.
            below: only rows below this one.
            admitted: (n,) which rows may be found, None for all.

        Returns:
            (Q, n), -1 where fewer rows are admitted.
        """
        asked = queries if isinstance(queries, AskedVectors) else AskedVectors(queries)
        wanted, usable = min(count, self._contents.size), self._usable(below, admitted)
        if self._search is None or not len(asked.rows) or not wanted or (usable is not None and not usable.count):
            return np.full((len(asked), count), -1, np.int64)
        rows, indices = self._contents.rows, self._search.find(asked.for_codes(self._contents.codes), wanted, usable)
        nearest: Rows = indices if rows is None else np.where(indices >= 0, rows[indices], -1)
        if nearest.shape == (len(asked), count):
            return nearest
        found: Rows = np.full((len(asked), count), -1, np.int64)
        found[asked.rows, :wanted] = nearest
        return found

    def _usable(self, below: int | None, admitted: NDArray[np.bool_] | None) -> Admitted | None:
        if below is None and admitted is None:
            return None
        rows, edge = self._contents.rows, len(self) if below is None else below
        if rows is not None:
            edge = int(np.searchsorted(rows, edge))
            admitted = None if admitted is None else admitted[rows]
        return Admitted(self._contents.size, edge, admitted)

    def save(self, folder: Path) -> None:
        """Write the files of the span into a folder, which is made."""
        folder.mkdir(parents=True)
        contents = self._contents
        for name, array in contents.arrays.items():
            np.save(folder / f"{name}.npy", array)
        header = _Header(
            fingerprint=self.fingerprint,
            kind=contents.kind,
            codes=contents.codes,
            length=contents.length,
            width=contents.width,
            probes=contents.probes,
            ef_search=contents.ef_search,
            degree=contents.degree,
            entry=contents.entry,
            arrays=sorted(contents.arrays),
        )
        (folder / _HEADER).write_text(header.model_dump_json(), encoding="utf-8")


def build_dense(vectors: Vectors, settings: DenseSettings | None = None, fingerprint: str = "") -> DenseSpan:
    """Index the vectors of a span: a pure function of its arguments.

    Args:
        vectors: (n, D) rows of length 1; a zero row means that a post has no vector.
        settings: None for the defaults.
        fingerprint: of the encoder that made the vectors.

    Raises:
        DataError: a row that is not finite, or whose length is neither 0 nor 1.
    """
    return DenseSpan(index_vectors(vectors, settings or DenseSettings()), fingerprint)


def open_dense(folder: Path, fingerprint: str | None = None, rebuild: str = "build it again") -> DenseSpan:
    """Open what `DenseSpan.save` wrote, memory-mapped.

    Args:
        folder: of the span.
        fingerprint: of the encoder whose vectors are asked for, None for any.
        rebuild: what builds the span again, for messages.

    Raises:
        RunError: damaged, or of another encoder.
    """
    header = read_json_as(folder / _HEADER, _WHAT, _Header)
    if fingerprint is not None and header.fingerprint != fingerprint:
        raise RunError(
            f"{folder} holds vectors of another encoder ({header.fingerprint}, not {fingerprint}); {rebuild}."
        )
    values = header.model_dump(exclude={"fingerprint", "arrays"})
    try:
        arrays = {name: map_array(folder / f"{name}.npy") for name in header.arrays}
        contents = SpanContents(**values, arrays=arrays)
        problem = contents.problem()
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{folder} ({_WHAT}) is damaged: {error}; {rebuild}.") from None
    if problem is not None:
        raise RunError(f"{folder} ({_WHAT}) is damaged: {problem}; {rebuild}.")
    return DenseSpan(contents, header.fingerprint)
