"""What the index of a span holds, as plain arrays: in memory once built, memory-mapped once opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multimodal.memory.search.dense.codes import Rows

Arrays = Mapping[str, NDArray[Any]]
_TYPES: dict[str, np.dtype[Any]] = {"int8": np.dtype(np.uint8), "float16": np.dtype(np.float16)}
# faiss aligns the numbers behind the codes of a list.
_MOST_EFFORT = 1 << 20
_ALIGNED = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class SpanContents:
    """The arrays of an index, and how it is searched.

    Attributes:
        kind: `flat`, `ivf` or `hnsw`.
        codes: `int8` or `float16`.
        length: rows of the span, n.
        width: dimensions of a vector, D.
        arrays: `rows` (m,) of those that have a vector, absent if all have one; and by kind
            `flat`: `codes` (m, D);
            `ivf`: `centroids` (L, D), `sizes` (L,), `lists`: for each list its codes and their indices below m;
            `hnsw`: `codes`, `links`, `ends` (m + 1,) and `levels` (m,) of the graph.
        probes: lists that a question reads.
        ef_search: candidates kept while a question is answered.
        degree: links of a vector in the graph; twice as many at its bottom.
        entry: where a walk of the graph begins.
    """

    kind: str
    codes: str
    length: int
    width: int
    arrays: Arrays
    probes: int = 1
    ef_search: int = 1
    degree: int = 1
    entry: int = 0

    @property
    def rows(self) -> Rows | None:
        """Rows of the vectors, None if every row has one."""
        return self.arrays.get("rows")

    @property
    def size(self) -> int:
        """How many rows have a vector, m."""
        return self.length if self.rows is None else len(self.rows)

    def stored(self) -> Iterator[tuple[Rows, NDArray[Any]]]:
        """Yield parts of the vectors: their indices below m, and their codes (k, D)."""
        if self.kind != "ivf":
            yield np.arange(self.size), self.arrays["codes"]
            return
        for size, start, middle in zip(*layout(self.arrays["sizes"], self.code_bytes), strict=True):
            codes = self.arrays["lists"][start : start + size * self.code_bytes].view(_TYPES[self.codes])
            numbers = self.arrays["lists"][middle : middle + size * _ALIGNED].view(np.int64)
            yield numbers, codes.reshape(size, self.width)

    @property
    def code_bytes(self) -> int:
        """Bytes of a vector."""
        return int(self.width * _TYPES[self.codes].itemsize)

    def problem(self) -> str | None:
        """Return what in the arrays does not fit together, so that nothing outside of them is ever read."""
        arrays, size, codes = self.arrays, self.size, (self.size, self.width)
        used = {"flat": (), "ivf": ("probes",), "hnsw": ("degree", "ef_search")}[self.kind]
        wrong = [name for name in used if not 1 <= getattr(self, name) <= _MOST_EFFORT]
        if wrong:
            return f"{wrong[0]} is {getattr(self, wrong[0])}, not 1 to {_MOST_EFFORT:,}"
        forms: dict[str, tuple[Any, tuple[int, ...]]] = {}
        if self.rows is not None:
            forms["rows"] = (np.int64, (size,))
        if self.kind == "ivf":
            lists = arrays["sizes"].size
            forms |= {"centroids": (np.uint8, (lists, self.width)), "sizes": (np.int64, (lists,))}
            forms["lists"] = (np.uint8, (arrays["lists"].size,))
        else:
            forms["codes"] = (_TYPES[self.codes], codes)
        if self.kind == "hnsw":
            forms |= {"links": (np.int32, (arrays["links"].size,)), "levels": (np.int32, (size,))}
            forms["ends"] = (np.int64, (size + 1,))
        for name, (kind, shape) in forms.items():
            if arrays[name].dtype != kind or arrays[name].shape != shape:
                return f"{name} is of type {arrays[name].dtype} and shape {arrays[name].shape}"
        if self.rows is not None and not _increase(self.rows, self.length):
            return "rows do not increase below the length"
        checks = {"flat": lambda contents: None, "ivf": _problem_of_lists, "hnsw": _problem_of_graph}
        return checks[self.kind](self)


def layout(sizes: NDArray[np.int64], code_bytes: int) -> tuple[Rows, Rows, Rows]:
    """Return size, start of the codes and start of the indices of each list, in bytes from the first list's start."""
    capacities = -(-sizes // _ALIGNED) * _ALIGNED
    ends = np.cumsum(capacities * (code_bytes + _ALIGNED))
    starts = np.concatenate([[0], ends[:-1]])
    return sizes, starts, starts + capacities * code_bytes


def bytes_of_lists(sizes: NDArray[np.int64], code_bytes: int) -> int:
    """Return how many bytes all lists take."""
    return int((-(-sizes // _ALIGNED) * _ALIGNED * (code_bytes + _ALIGNED)).sum())


def _increase(rows: Rows, length: int) -> bool:
    return not rows.size or bool(rows[0] >= 0 and rows[-1] < length and (np.diff(rows) > 0).all())


def _problem_of_lists(contents: SpanContents) -> str | None:
    sizes = contents.arrays["sizes"]
    if not sizes.size or (sizes < 0).any() or (sizes > contents.size).any() or sizes.sum() != contents.size:
        return "the sizes of the lists do not add up"
    if contents.arrays["lists"].size != bytes_of_lists(sizes, contents.code_bytes):
        return "the lists are of another size"
    seen = np.zeros(contents.size, bool)
    for numbers, _ in contents.stored():
        if numbers.size and (numbers.min() < 0 or numbers.max() >= contents.size):
            return "a list holds an index that does not exist"
        seen[numbers] = True
    return None if seen.all() else "a list holds an index twice"


def _problem_of_graph(contents: SpanContents) -> str | None:
    links, ends, levels = (contents.arrays[name] for name in ("links", "ends", "levels"))
    if not 0 <= contents.entry < contents.size or (levels < 1).any():
        return "the entry or a level does not exist"
    if ends[0] != 0 or ends[-1] != links.size or (np.diff(ends) != (levels + 1) * contents.degree).any():
        return "the ends of the links do not fit the levels"
    if (links < -1).any() or (links >= contents.size).any():
        return "a link leads nowhere"
    for level in range(1, int(levels.max())):
        starts = ends[:-1][levels > level] + (level + 1) * contents.degree
        above = links[starts[:, None] + np.arange(contents.degree)]
        if (levels[above[above >= 0]] <= level).any():
            return "a link leads to a vector of a lower level"
    return None
