"""What a part of the index is made of, built with and read back by: words, or one dense space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from multimodal.memory.search.columns import WORDS, PostColumns
from multimodal.memory.search.dense.span import DenseSpan, build_dense, open_dense
from multimodal.memory.search.gathered import unit_vectors
from multimodal.memory.search.settings import IndexSettings
from multimodal.memory.search.time_order import Timed
from multimodal.memory.search.word_span import WordSpan

_SAMPLED = 16
_REBUILD = "`multimodal-hashtags memory rebuild` builds all spans again"


@dataclass(frozen=True, slots=True)
class PartKind:
    """How the parts of one space are made.

    Attributes:
        space: its name.
        made_of: what determines a part beside its posts, as text.
        build: from columns and posts.
        save: writes a part into a folder, which it makes.
        open: maps what `save` wrote.
    """

    space: str
    made_of: str
    build: Callable[[PostColumns, Timed], Any]
    save: Callable[[Any, Path], None]
    open: Callable[[Path], Any]

    @classmethod
    def of(cls, space: str, settings: IndexSettings, fingerprints: Mapping[str, str]) -> PartKind:
        """Return the kind of a space.

        Args:
            space: its name.
            settings: of the index.
            fingerprints: of the encoders of dense spaces.
        """
        if space == WORDS:
            return cls(space, f"{space} {settings.champions}", _words(settings.champions), WordSpan.save, WordSpan.open)
        fingerprint = fingerprints.get(space, "")

        def build(columns: PostColumns, posts: Timed) -> DenseSpan:
            return build_dense(unit_vectors(columns, space, posts.positions), settings.dense, fingerprint)

        def open_(folder: Path) -> DenseSpan:
            return open_dense(folder, fingerprint, _REBUILD)

        return cls(space, f"{space} {fingerprint} {settings.dense}", build, DenseSpan.save, open_)

    def sample(self, columns: PostColumns, posts: Timed) -> bytes:
        """Return the rows of some posts, which tell them from other posts at the same positions."""
        some = posts.positions[np.linspace(0, len(posts) - 1, _SAMPLED).astype(np.int64)]
        if self.space != WORDS:
            return columns.vectors_at(self.space, some).tobytes()
        rows = columns.terms_at(some)
        return bytes(rows.indices.astype(np.int32).tobytes()) + bytes(rows.data.tobytes())


def _words(champions: int) -> Callable[[PostColumns, Timed], WordSpan]:
    def build(columns: PostColumns, posts: Timed) -> WordSpan:
        return WordSpan.of(columns.terms_at(posts.positions), champions)

    return build
