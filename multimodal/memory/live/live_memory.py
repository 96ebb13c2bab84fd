"""`LiveMemory`: the memory of a Recommender, derived from a log of events and following it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from data_loaders.errors import UserError
from data_loaders.posts import Post
from multimodal.distributed.forking import ForkSafeLock
from multimodal.memory.live.events_of_posts import apply, corrected, observed, spaces_of
from multimodal.memory.live.files_beside import FilesBeside
from multimodal.memory.live.snapshot import (
    LogPlace,
    SnapshotError,
    generation_of,
    mark,
    read_snapshot,
    refuse_foreign_log,
    seen_of,
    write_snapshot,
)
from multimodal.memory.live.tombstones import Tombstone, tombstone
from multimodal.memory.log.errors import StoreError, StoreUnavailableError
from multimodal.memory.log.events import Event, FeedbackGiven, PostWithdrawn, RulesSet, UserForgotten
from multimodal.memory.log.in_process import InProcessStore
from multimodal.memory.log.store import EventStore, NumberedEvent
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.search.index import NeighbourIndex
from multimodal.memory.search.settings import IndexSettings

logger = logging.getLogger(__name__)

_EVENTS_AT_ONCE = 4_096
_SHARE_BEHIND = 10
_ABOUT_USERS = (FeedbackGiven, RulesSet, UserForgotten)
# Appends posts, with their vectors, to a memory.
Encode = Callable[[PostMemory, Sequence[Post]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """How a memory is kept.

    Attributes:
        keep_captions: whether the log holds the captions of posts.
        refresh_s: how often a memory looks for what other processes have appended, at least 0 s.
        log_posts: False where the memory ends with the process and need not be derived from a log.
        snapshot_events: behind so many events, and a tenth of the posts, the next snapshot is written.
        index: how neighbours are found; None for the settings that the memory has.
    """

    keep_captions: bool = False
    refresh_s: float = 0.1
    log_posts: bool = True
    snapshot_events: int = 20_000
    index: IndexSettings | None = None


@dataclass(frozen=True, slots=True)
class Compaction:
    """What was done to a log and the files beside it.

    Attributes:
        users: how many forgotten users were erased.
        entries: how many entries of the log were taken out.
        posts: how many posts are left in the memory.
        number: of the last event that is in the snapshot.
    """

    users: int
    entries: int
    posts: int
    number: int


class LiveMemory:
    """A memory and the log that it is derived from.

    Events are appended to the log, then done to the memory. What other processes append is followed in the order of
    the log, so that all that have read the same events give the same answers. Threads may share one.

    Attributes:
        memory: of all posts; another object after `compact`.
        store: the log.
        place: up to which the memory has read the log.

    Args:
        memory: what the posts of the model and the events up to `place` give.
        store: None for one that ends with the process.
        settings: how the memory is kept.
        files: what is kept beside the log; None for nothing.
        place: None for the beginning.
    """

    def __init__(
        self,
        memory: PostMemory,
        store: EventStore | None = None,
        settings: LiveSettings | None = None,
        files: FilesBeside | None = None,
        place: LogPlace | None = None,
    ) -> None:
        self.store = store or InProcessStore("")
        self.settings = settings or LiveSettings(log_posts=store is not None)
        self.files, self.place = files, place or LogPlace()
        self.memory = self._searchable(memory)
        self._empty = memory.emptied()
        self._lock, self._files_lock = ForkSafeLock(), ForkSafeLock()
        self._next_look_s = 0.0
        self._away = False
        self._snapshot_number = self.place.number
        self._seen_snapshot = None if files is None else seen_of(files.snapshot)
        self._stones: list[Tombstone] = []
        self._writer: threading.Thread | None = None

    @property
    def number(self) -> int:
        """Number of the last event that is in the memory."""
        return self.place.number

    # -- following ---------------------------------------------------------------------------------------------

    def refresh(self, advance: Callable[[int], None] = lambda events: None) -> int:
        """Do to the memory what was appended to the log since; returns how many events.

        Args:
            advance: called with numbers of events that were done.

        Raises:
            StoreUnavailableError: the log cannot be reached at the moment.
            StoreDamagedError: an entry cannot be read.
        """
        with self._lock:
            first = self.number
            self._follow_compaction()
            self._read_on(self.memory, advance)
            return self.number - first

    def _read_on(self, memory: PostMemory, advance: Callable[[int], None] = lambda events: None) -> None:
        while page := list(self.store.read(self.number, _EVENTS_AT_ONCE)):
            self._advance(memory, page)
            advance(len(page))
        self.store.last()  # refuses a log that ends before what was read from it
        self._away = False

    @property
    def is_due(self) -> bool:
        """Whether `follow` would look at the log."""
        return self.settings.log_posts and time.monotonic() >= self._next_look_s

    def follow(self) -> None:
        """Refresh, but at most every `refresh_s` seconds; while the log is away, what is known goes on to be used."""
        with self._lock:
            if not self.is_due:
                return
            try:
                self.refresh()
            except StoreUnavailableError as error:
                if not self._away:
                    logger.warning("answers go on from the %s posts that are known: %s", f"{len(self.memory):,}", error)
                self._away = True
            self._next_look_s = time.monotonic() + self.settings.refresh_s

    def _advance(self, memory: PostMemory, page: Sequence[NumberedEvent]) -> None:
        apply(memory, [event for _, event in page])
        number, event = page[-1]
        self.place = replace(self.place, number=number, last_event=mark(event))
        if self.files is not None:
            forgotten = [(number, event) for number, event in page if isinstance(event, UserForgotten)]
            self._stones += [tombstone(number, event, self.store.salt) for number, event in forgotten]
            self._set_stones()
            self._write_behind()

    def _set_stones(self) -> None:
        """Write tombstones; those that cannot be written now, because the disk is full, are tried again."""
        while self._stones and self.files is not None:
            try:
                self.files.tombstones.add(self._stones[0])
            except StoreError as error:
                logger.warning("a backup that is restored would bring a forgotten user back: %s", error)
                return
            del self._stones[0]

    def _record(self, events: Sequence[Event]) -> None:
        """Append events to the log, then do them to the memory; under the lock."""
        if not self.settings.log_posts:
            apply(self.memory, events)
            self.store.append([event for event in events if isinstance(event, _ABOUT_USERS)])
            return
        last = self.store.append(events)
        if last - len(events) == self.number:
            self._advance(self.memory, [*enumerate(events, start=self.number + 1)])
        else:
            # Others have appended in between.
            self._next_look_s = 0.0
            self.follow()

    @contextmanager
    def fork(self, change: Callable[[PostMemory], None] = lambda memory: None) -> Iterator[PostMemory]:
        """Lend a fork of the memory for a `with` block, as other threads may at the same time.

        Args:
            change: what is done to the fork before.
        """
        lent = ExitStack()
        try:
            with self._lock:
                memory = lent.enter_context(self.memory.fork())
                change(memory)
            yield memory
        finally:
            with self._lock:
                lent.close()

    # -- what happens ------------------------------------------------------------------------------------------

    def observe(self, posts: Sequence[Post], encode: Encode) -> None:
        """Remember posts, all or none: they are in the log when this returns.

        Args:
            posts: N posts as they are remembered; none is in the memory.
            encode: appends them, with their vectors, to an empty memory.

        Raises:
            PostExistsError: a post was observed before, by another process perhaps.
            StoreUnavailableError: the log cannot be written at the moment.
        """
        if not self.settings.log_posts:
            return encode(self.memory, posts)
        with self._lock:
            instants_us = self.memory.resolve(np.array([post.instant_us for post in posts], np.int64))
            with self._empty.fork() as made:
                encode(made, posts)
                events = observed(posts, instants_us, made, self.settings.keep_captions)
            self.append(events)
        return None

    def append(self, events: Sequence[Event]) -> None:
        """Append events that are made elsewhere to the log, all or none, and do them to the memory; see `observe`."""
        with self._lock:
            if events:
                self._record(events)

    def correct(self, post: Post, encode: Encode | None) -> None:
        """Give a remembered post other hashtags, and other vectors; user and instant stay.

        Args:
            post: the id and what is right.
            encode: see `observe`; None where caption and picture stay as they are.

        Raises:
            UserError: the post is not remembered.
            StoreUnavailableError: the log cannot be written at the moment.
        """
        with self._lock:
            self._require(post.post_id)
            user_id = self.author_of(post.post_id)
            with self._empty.fork() as made:
                if encode is not None:
                    encode(made, [post])
                event = corrected(post, user_id, made if encode is not None else None, self.settings.keep_captions)
            self._record([event])

    def withdraw(self, post_id: str) -> None:
        """Take a remembered post out of all answers.

        Raises:
            UserError: the post is not remembered.
            StoreUnavailableError: the log cannot be written at the moment.
        """
        with self._lock:
            self._require(post_id)
            self._record([PostWithdrawn(post_id=post_id, user_id=self.author_of(post_id))])

    def give_feedback(self, feedback: FeedbackGiven) -> None:
        """Append to the log what a user did with an answer.

        Raises:
            StoreUnavailableError: the log cannot be written at the moment.
        """
        with self._lock:
            self._record([feedback])

    def set_rules(self, user_id: str, rules: Mapping[str, Any]) -> None:
        """Keep a user's rules for answers, as JSON holds them, in place of earlier ones; empty for none.

        Raises:
            StoreUnavailableError: the log cannot be written at the moment.
        """
        with self._lock:
            self._record([RulesSet(user_id=user_id, instant_us=time.time_ns() // 1_000, rules=rules)])

    def forget(self, user_id: str) -> int:
        """Forget a user: at once for all answers, physically with the next `compact`.

        Returns:
            How many posts of the user were remembered.

        Raises:
            StoreUnavailableError: the log cannot be written at the moment.
        """
        with self._lock:
            self.follow()
            posts = len(self.positions_of(user_id))
            self._record([UserForgotten(user_id=user_id, instant_us=time.time_ns() // 1_000)])
            if not self.settings.log_posts:
                self.store.erase(user_id)
            return posts

    def positions_of(self, user_id: str) -> list[int]:
        """Return the positions of a user's posts, in the order of time."""
        limit = len(self.memory)
        found = self.memory.history([user_id], np.array([np.iinfo(np.int64).max]), limit)[0]
        return [int(position) for position in found[::-1] if position >= 0]

    def author_of(self, post_id: str) -> str | None:
        """Return the user of a post; None if there is none, or if the post is not remembered."""
        position = self.memory.position_of(post_id)
        user = -1 if position is None else int(self.memory.users[position])
        return None if user < 0 else self.memory.user_ids[user]

    def _require(self, post_id: str) -> None:
        if post_id not in self.memory:
            raise UserError(f"post {post_id!r} is not remembered; give the post_id of a post that was observed.")

    # -- files -------------------------------------------------------------------------------------------------

    def compact(self) -> Compaction:
        """Erase forgotten users physically: from the log, the files beside it and this memory; write a new snapshot.

        Answering goes on meanwhile. Posts get new positions, and the memory is another object. All files of the index
        are read and compared with their checksums.

        Raises:
            StoreUnavailableError: the log cannot be reached or written at the moment.
            RunError: the files cannot be written; what was there before is untouched.
            FolderInUseError: another process is compacting.
        """
        with self._files_lock:
            with self._lock:
                self.refresh()
                self._set_stones()
                users = self.store.to_erase()
            if self.files is not None:
                self._write_snapshot(living=True)
            entries = sum(self.store.erase(user_id) for user_id in users)
            self.store.clean()
            with self._lock:
                self._reopen()
                done, index = Compaction(len(users), entries, len(self.memory), self.number), self.memory.index
            if self.files is not None:
                for problem in index.verify():
                    logger.warning("%s It is built again from the posts.", problem)
            return done

    def _reopen(self) -> None:
        """Exchange the memory for one of the living posts alone, in one step: other threads ask it meanwhile."""
        empty = self._empty.emptied()
        read = None if self.files is None else read_snapshot(self.files.snapshot, empty, self.files.origin)
        if self.files is None or read is None:
            self.memory = self._searchable(self.memory.living())
        else:
            memory, place = read
            refuse_foreign_log(self.files.snapshot, place, self.store)
            before, self.place = self.place, place
            try:
                self._read_on(self._searchable(memory))
            except BaseException:
                self.place = before
                raise
            self.memory = memory
        if self.files is not None:
            self.files.remove_spans(self.place.generation)

    def _follow_compaction(self) -> None:
        """Take over the memory that another process has compacted: its positions, and nothing of forgotten users."""
        seen = None if self.files is None else seen_of(self.files.snapshot)
        if self.files is None or seen == self._seen_snapshot:
            return
        if generation_of(self.files.snapshot) > self.place.generation:
            try:
                self._reopen()
            except SnapshotError as error:
                logger.warning("the compacted memory is not taken over: %s", error)
        self._seen_snapshot = seen

    def _searchable(self, memory: PostMemory) -> PostMemory:
        """Return a memory that finds neighbours by the settings, in the files of the present generation."""
        settings, folder, fingerprint = self.settings.index, None, ""
        if self.files is not None:
            settings = settings or memory.index.settings
            folder, fingerprint = self.files.spans(self.place.generation), self.files.origin.fingerprint
        if settings is not None:
            fingerprints = dict.fromkeys(spaces_of(memory), fingerprint)
            background = folder is not None
            memory.search_with(
                NeighbourIndex(memory, settings, folder, fingerprints=fingerprints, background=background)
            )
        return memory

    def _write_behind(self) -> None:
        """Write a snapshot beside answering, if many events stand behind the last one."""
        behind = self.number - self._snapshot_number
        writing = self._writer is not None and self._writer.is_alive()
        if writing or behind < max(self.settings.snapshot_events, len(self.memory) // _SHARE_BEHIND):
            return
        self._snapshot_number = self.number
        self._writer = threading.Thread(target=self._try_snapshot, name="snapshot of a memory", daemon=True)
        self._writer.start()

    def _try_snapshot(self) -> None:
        try:
            with self._files_lock:
                self._write_snapshot()
        except (UserError, OSError) as error:
            logger.warning("no snapshot of the memory was written, which then opens more slowly: %s", error)

    def _write_snapshot(self, living: bool = False) -> None:
        """Write the memory beside answering, or its living posts alone; under the lock of the files."""
        if self.files is None:
            return
        with self._lock:
            lent, place = self.memory.fork(), self.place
            memory = lent.__enter__()
        try:
            if living:
                generation = max(place.generation, generation_of(self.files.snapshot)) + (memory.alive is not None)
                place, memory = replace(place, generation=generation), memory.living()
            write_snapshot(self.files.snapshot, memory, self.files.origin, place)
            self._snapshot_number = place.number
        finally:
            with self._lock:
                lent.__exit__(None, None, None)

    def close(self) -> None:
        """Let go of the log, after a snapshot that is being written; the memory still answers."""
        if self._writer is not None:
            self._writer.join()
        self.store.close()
