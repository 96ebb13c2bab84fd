"""How the vectors of a span are indexed."""

from __future__ import annotations

from dataclasses import dataclass, fields

from data_loaders.errors import ConfigError, nearest, short_repr

KINDS = ("auto", "flat", "ivf", "hnsw")
CODES = ("int8", "float16", "float32")


@dataclass(frozen=True, kw_only=True)
class DenseSettings:
    """Choices for the index of one dense space; None leaves a number to the size of the span.

    Attributes:
        kind: `flat` compares a question with every vector, `ivf` with those of the nearest lists of an inverted file,
            `hnsw` walks a graph; `auto` is `flat` while a span is small, then `ivf`.
        codes: how a vector is kept: `int8` (a byte per dimension), `float16` or `float32`.
        flat_up_to: the largest number of vectors that `auto` keeps flat.
        lists: lists of an inverted file.
        probes: lists that a question reads.
        links: links of a vector in the graph; twice as many at its bottom.
        ef_construction: candidates kept while the graph is built.
        ef_search: candidates kept while a question is answered.

    Raises:
        ConfigError: an unknown kind or codes, or a number below 1.
    """

    kind: str = "auto"
    codes: str = "int8"
    flat_up_to: int = 4_096
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
