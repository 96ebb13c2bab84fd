"""How the vectors of a span are indexed."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from data_loaders.errors import ConfigError, nearest, short_repr

KINDS = ("auto", "flat", "ivf", "hnsw")
CODES = ("int8", "float16")


@dataclass(frozen=True, kw_only=True)
class DenseSettings:
    """Choices for the index of one dense space; None leaves a number to the size of the span.

    Attributes:
        kind: `flat` compares a question with every vector, `ivf` with those of the nearest lists of an inverted file,
            `hnsw` walks a graph; `auto` is `flat` while a span is small, then `ivf`.
        codes: how a vector is kept: `int8`, a byte per dimension, or `float16`.
        flat_up_to: the largest number of vectors that `auto` keeps flat.
        lists: lists of an inverted file.
        probes: lists that a question reads.
        links: links of a vector in a graph; twice as many at its bottom.
        ef_construction: candidates kept while a graph is built.
        ef_search: candidates kept while a question is answered.

    Raises:
        ConfigError: an unknown kind or codes, or a number below 1.
    """

    kind: str = "auto"
    codes: str = "int8"
    flat_up_to: int = 8_192
    lists: int | None = None
    probes: int | None = None
    links: int = 16
    ef_construction: int = 80
    ef_search: int = 128

    def __post_init__(self) -> None:
        for name, accepted in (("kind", KINDS), ("codes", CODES)):
            value = getattr(self, name)
            if value not in accepted:
                near = nearest(str(value), accepted)
                raise ConfigError(f"{name} is {short_repr(value)}; it must be one of {', '.join(accepted)}.{near}")
        for field in fields(self)[2:]:
            value = getattr(self, field.name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigError(f"{field.name} is {short_repr(value)}; it must be a whole number of at least 1.")

    def kind_of(self, size: int) -> str:
        """Return the kind of the index of so many vectors."""
        if not size:
            return "flat"
        if self.kind != "auto":
            return self.kind
        return "flat" if size <= self.flat_up_to else "ivf"

    def lists_of(self, size: int) -> int:
        """Return how many lists hold so many vectors: 4·√n unless told, at most as many as there are vectors."""
        return min(self.lists or 4 * math.isqrt(size), size)

    def probes_of(self, lists: int) -> int:
        """Return how many of the lists a question reads."""
        return min(self.probes or _PROBES, lists)


_PROBES = 16
