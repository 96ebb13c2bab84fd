"""`Parts`: the indices of all spans, built when they are first needed."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_loaders.errors import RunError
from multimodal.distributed.forking import ForkSafeLock
from multimodal.memory.search.columns import WORDS, PostColumns
from multimodal.memory.search.cover import SpanPlace
from multimodal.memory.search.dense.span import DenseSpan
from multimodal.memory.search.part_files import check_part, part_name, save_part, seal_part
from multimodal.memory.search.part_kinds import PartKind
from multimodal.memory.search.settings import IndexSettings
from multimodal.memory.search.time_order import OrderedPosts, Timed
from multimodal.memory.search.word_span import WordSpan

logger = logging.getLogger(__name__)
_Key = tuple[int, SpanPlace, str]
# Of each space parts are kept that hold each post so many times; each is at most once in those that a question asks.
_KEPT_COPIES = 3
_LEFT_S = 86_400.0


@dataclass(slots=True)
class _Kept:
    part: Any
    folder: Path | None
    used: int = 0


class Parts:
    """One part for each span and space: kept in memory, or in files where there is a folder; forks share them.

    Args:
        settings: of the index.
        folder: of the files; None for none.
        fingerprints: of the encoders of dense spaces.
    """

    def __init__(self, settings: IndexSettings, folder: Path | None, fingerprints: Mapping[str, str]) -> None:
        self._settings, self._folder, self._fingerprints = settings, folder, fingerprints
        self._kinds: dict[str, PartKind] = {}
        self._kept: dict[_Key, _Kept] = {}
        self._uses = itertools.count()
        self._lock = ForkSafeLock()
        self._process, self._building = os.getpid(), dict[_Key, threading.Lock]()
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
        kept = self._kept.get(key)
        if kept is None:
            with self._building_lock(key):
                kept = self._kept.get(key)
                if kept is None:
                    kept = _Kept(*self._open_or_build(columns, posts.part(place.start, place.stop), space))
                    self._keep(key, kept)
        kept.used = next(self._uses)
        return kept.part

    def name(self, columns: PostColumns, posts: OrderedPosts, place: SpanPlace, space: str) -> str:
        """Return the name of the folder that keeps the part of a span: a hash of what it is built from."""
        kind = PartKind.of(space, self._settings, self._fingerprints)
        return _name(kind, columns, posts.part(place.start, place.stop))

    def write(self, columns: PostColumns, posts: OrderedPosts, place: SpanPlace, space: str, folder: Path) -> None:
        """Build the part of a span and write it into an empty folder, from which `build` opens it.

        Raises:
            OSError: the disk is full or the folder cannot be written.
        """
        kind = PartKind.of(space, self._settings, self._fingerprints)
        part = kind.build(columns, posts.part(place.start, place.stop))
        folder.rmdir()  # `save` makes it
        kind.save(part, folder)
        seal_part(folder)

    def _building_lock(self, key: _Key) -> threading.Lock:
        with self._lock:
            if self._process != os.getpid():
                # The threads that were building do not exist in a forked process.
                self._process, self._building = os.getpid(), {}
            return self._building.setdefault(key, threading.Lock())

    def _keep(self, key: _Key, kept: _Kept) -> None:
        kept.used = next(self._uses)
        with self._lock:
            self._kept[key] = kept
            same = sorted((other for other in self._kept if other[2] == key[2]), key=lambda one: self._kept[one].used)
            spare = sum(len(place) for _, place, _ in same) - _KEPT_COPIES * max(place.stop for _, place, _ in same)
            for other in same[:-1]:
                spare -= len(other[1])
                if spare < 0:
                    break
                self._drop(other)

    def _drop(self, key: _Key) -> None:
        folder = self._kept.pop(key).folder
        self._building.pop(key, None)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _open_or_build(self, columns: PostColumns, posts: Timed, space: str) -> tuple[Any, Path | None]:
        kind = PartKind.of(space, self._settings, self._fingerprints)
        if self._folder is None:
            return kind.build(columns, posts), None
        folder = self._folder / _name(kind, columns, posts)
        if folder.exists():
            try:
                check_part(folder)
                return kind.open(folder), folder
            except RunError as error:
                logger.warning("%s It is built again from the posts.", error)
                shutil.rmtree(folder, ignore_errors=True)
        part = kind.build(columns, posts)
        try:
            save_part(folder, lambda beside: kind.save(part, beside))
            return kind.open(folder), folder
        except (OSError, RunError) as error:
            # A full disk; or another process has dropped what was just written.
            self._warn(error)
            return part, None

    def _warn(self, error: OSError | RunError) -> None:
        if not self._warned:
            logger.warning("the memory's index cannot be kept in %s (%s); it stays in memory.", self._folder, error)
        self._warned = True

    def verify(self) -> list[str]:
        """Read all files; return what is wrong with damaged ones, which are removed and built again when needed.

        What processes left that were killed while they wrote is removed as well.
        """
        for folder in self._on_disk("."):
            if _age_s(folder) > _LEFT_S:
                shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            keys = {kept.folder: key for key, kept in self._kept.items() if kept.folder is not None}
        problems = []
        for folder in {**keys, **dict.fromkeys(self._on_disk())}:
            try:
                check_part(folder, whole=True)
            except RunError as error:
                problems.append(str(error))
                with self._lock:
                    if keys.get(folder) in self._kept:
                        self._drop(keys[folder])
                shutil.rmtree(folder, ignore_errors=True)
        return problems

    def _on_disk(self, first: str = "[!.]") -> list[Path]:
        """Return the folders of all parts; the names of those that are being written begin with a dot."""
        return [] if self._folder is None else sorted(self._folder.glob(f"{first}*"))

    def prune(self) -> None:
        """Remove the files of all parts but those in use."""
        with self._lock:
            used = {kept.folder for kept in self._kept.values()}
            for folder in self._on_disk(""):
                if folder not in used:
                    shutil.rmtree(folder, ignore_errors=True)


def _age_s(folder: Path) -> float:
    """Return since when a folder is as it is; 0 s if it is gone, because a thread has finished writing it."""
    try:
        return time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _name(kind: PartKind, columns: PostColumns, posts: Timed) -> str:
    return part_name(posts, kind.made_of, kind.sample(columns, posts))
