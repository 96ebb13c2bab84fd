"""`Parts`: the indices of all spans, built when they are first needed."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data_loaders.errors import RunError
from multimodal.memory.search.columns import WORDS, PostColumns
from multimodal.memory.search.cover import SpanPlace
from multimodal.memory.search.dense.span import DenseSpan, build_dense, open_dense
from multimodal.memory.search.gathered import unit_rows
from multimodal.memory.search.part_files import check_part, part_name, save_part
from multimodal.memory.search.settings import IndexSettings
from multimodal.memory.search.time_order import OrderedPosts, Timed
from multimodal.memory.search.word_span import WordSpan

logger = logging.getLogger(__name__)
_Key = tuple[int, SpanPlace, str]
_SAMPLED = 16


class Parts:
    """One part for each span and space: kept in memory, or in files where there is a folder; forks share them.

    Args:
        settings: of the index.
        folder: of the files; None for none.
        fingerprints: of the encoders of dense spaces.
    """

    def __init__(self, settings: IndexSettings, folder: Path | None, fingerprints: Mapping[str, str]) -> None:
        self._settings, self._folder, self._fingerprints = settings, folder, fingerprints
        self._built: dict[_Key, Any] = {}
        self._building: dict[_Key, threading.Lock] = {}
        self._lock = threading.Lock()
        self._warned = False

    def words(self, columns: PostColumns, posts: OrderedPosts, place: SpanPlace) -> WordSpan:
        """Return the inverted index of a span."""
        part: WordSpan = self.build(columns, posts, place, WORDS)
        return part

    def dense(self, columns: PostColumns, posts: OrderedPosts, place: SpanPlace, space: str) -> DenseSpan:
        """Return the index of a dense space over a span."""
        part: DenseSpan = self.build(columns, posts, place, space)
        return part

    def build(self, columns: PostColumns, posts: OrderedPosts, place: SpanPlace, space: str) -> Any:
        """Return the part of a span for a space; it is built, or its files are opened, where it is not there."""
        key = (posts.lineage(place.stop // self._settings.slice_posts - 1), place, space)
        part = self._built.get(key)
        if part is not None:
            return part
        with self._lock:
            building = self._building.setdefault(key, threading.Lock())
        with building:
            if key not in self._built:
                self._built[key] = self._open_or_build(columns, posts.part(place.start, place.stop), space)
        return self._built[key]

    def _open_or_build(self, columns: PostColumns, posts: Timed, space: str) -> Any:
        build, save, open_ = self._words() if space == WORDS else self._vectors(space)
        if self._folder is None:
            return build(columns, posts)
        folder = self._folder / part_name(posts, self._made_of(space), _sample(columns, posts, space))
        if folder.exists():
            try:
                check_part(folder)
                return open_(folder)
            except RunError as error:
                logger.warning("%s It is built again from the posts.", error)
                shutil.rmtree(folder, ignore_errors=True)
        part = build(columns, posts)
        try:
            save_part(folder, lambda beside: save(part, beside))
            return open_(folder)
        except OSError as error:
            self._warn(error)
            return part

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            logger.warning("the memory's index cannot be kept in %s (%s); it stays in memory.", self._folder, error)
        self._warned = True

    def _made_of(self, space: str) -> str:
        if space == WORDS:
            return f"{space} {self._settings.champions}"
        return f"{space} {self._fingerprints.get(space, '')} {self._settings.dense}"

    def _words(self) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
        def build(columns: PostColumns, posts: Timed) -> WordSpan:
            return WordSpan.of(columns.terms_at(posts.positions), self._settings.champions)

        return build, WordSpan.save, WordSpan.open

    def _vectors(self, space: str) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
        fingerprint = self._fingerprints.get(space, "")

        def build(columns: PostColumns, posts: Timed) -> DenseSpan:
            vectors = unit_rows(columns.vectors_at(space, posts.positions))
            return build_dense(vectors, self._settings.dense, fingerprint)

        def open_(folder: Path) -> DenseSpan:
            return open_dense(folder, fingerprint)

        return build, DenseSpan.save, open_


def _sample(columns: PostColumns, posts: Timed, space: str) -> bytes:
    """Return the rows of some posts, so that other posts at the same positions give another name."""
    some = posts.positions[np.linspace(0, len(posts) - 1, _SAMPLED).astype(np.int64)]
    if space != WORDS:
        return columns.vectors_at(space, some).tobytes()
    rows = columns.terms_at(some)
    return bytes(rows.indices.astype(np.int32).tobytes()) + bytes(rows.data.tobytes())
