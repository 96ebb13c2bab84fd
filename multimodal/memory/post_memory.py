"""`PostMemory`: earlier posts by user and by recency, ordered by time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.posts import NOW_US, UNDATED_EPOCH_US, Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.posts.column import Column
from multimodal.memory.posts.growing_array import GrowingArray
from multimodal.memory.posts.growing_timelines import GrowingTimelines
from multimodal.memory.posts.hashtag_lists import HashtagLists
from multimodal.memory.posts.languages import Languages
from multimodal.memory.posts.numbering import Numbering
from multimodal.memory.posts.term_rows import TermRows
from multimodal.memory.questions.memory_questions import MemoryQuestions

if TYPE_CHECKING:
    from data_loaders.batches import Related
    from multimodal.memory.search.index import NeighbourIndex
    from multimodal.memory.search.likeness import Likeness

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

# The dense space of the content vectors; a memory may have others beside it.
CONTENT = "content"
_COLUMNS = ("_users", "_instants", "_alive", "_hashtags", "_languages", "_terms")
# What is replaced as a whole, never changed in place.
_PLAIN = ("_length", "_dead", "_newest_us", "_timelines", "_forgotten", "_alive")
_COPIED_AT_ONCE = 65_536


class PostMemory:
    """Posts with their user, instant, hashtags and (optionally) vectors.

    Every query sees only posts *strictly earlier* than its instant: a post never finds itself, nor another post of
    the same instant. So a memory of a whole stream gives each of its posts exactly what was known at the time (the
    `rolling` protocol); a memory of the train posts alone gives the `frozen` protocol.

    A position is a post's number in the order of appending; positions never change. Posts that are withdrawn, corrected
    or forgotten leave dead positions, which no answer contains: answers are those of a memory that never had the posts.
    What a saved memory holds is only what is alive, with new positions.

    While one thread changes a memory others may ask it questions, and see posts that are complete; only forks and
    copies have to wait.

    Args:
        id_map: numbers of the hashtags; new hashtags are added as posts come in.
        width: length of a content vector, 0 for none.
        slots: length of a sparse vector of caption terms, 0 for none.
        spaces: lengths of further vectors, by name of their dense space.
    """

    def __init__(
        self, id_map: HashtagIdMap, width: int = 0, slots: int = 0, spaces: Mapping[str, int] | None = None
    ) -> None:
        self.id_map = id_map
        self.width, self.slots, self.spaces = width, slots, dict(spaces or {})
        self._user_numbers = Numbering()
        self._forgotten: frozenset[int] = frozenset()
        self._post_numbers = Numbering()
        self._length = self._dead = self._newest_us = 0
        self._users = GrowingArray(np.int64)
        self._instants = GrowingArray(np.int64)
        self._alive = GrowingArray(np.bool_)
        self._hashtags = HashtagLists()
        self._languages = Languages()
        self._terms = TermRows(slots)
        widths = {CONTENT: width, **self.spaces} if width else self.spaces
        self._vectors = {space: Column(np.float32, length) for space, length in widths.items()}
        self._timelines = GrowingTimelines()
        self._index: NeighbourIndex | None = None
        self._questions = MemoryQuestions(self)

    def __getstate__(self) -> dict[str, Any]:
        # What is derived from the posts cannot go to another process, which makes its own.
        return {name: value for name, value in self.__dict__.items() if name not in ("_index", "_questions")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _index=None, _questions=MemoryQuestions(self))

    def __len__(self) -> int:
        return self._length

    def __contains__(self, post_id: str) -> bool:
        return self.position_of(post_id) is not None

    @property
    def vocabulary_size(self) -> int:
        """Number of hashtags in the vocabulary."""
        return self.id_map.vocabulary_size

    @property
    def post_ids(self) -> Sequence[str]:
        """Ids by position."""
        return self._post_numbers.names

    @property
    def users(self) -> Ints:
        """(N,) user numbers by position, -1 for none; do not change them."""
        return self._users.values[: self._length]

    @property
    def instants_us(self) -> Ints:
        """(N,) instants by position, in microseconds since 1970; do not change them."""
        return self._instants.values[: self._length]

    @property
    def user_ids(self) -> Sequence[str]:
        """User ids by user number."""
        return self._user_numbers.names

    @property
    def alive(self) -> Flags | None:
        """(N,) by position, False for posts that were withdrawn, corrected or forgotten; None if all are alive."""
        return self._alive.values[: self._length] if self._dead else None

    @property
    def dead_count(self) -> int:
        """How many positions are not alive."""
        return self._dead

    @property
    def languages(self) -> Sequence[str]:
        """Codes of the captions' languages by language number."""
        return self._languages.codes

    def language_numbers(self, positions: Ints) -> Ints:
        """Return the language number of the caption of each position, -1 for none; same shape."""
        return self._languages.at(positions)

    @property
    def vectors(self) -> Floats:
        """(N, width) content vectors by position, a copy if some lie in a file: see `vectors_at`."""
        return self._vectors[CONTENT].values if self.width else np.empty((len(self), 0), np.float32)

    @property
    def terms(self) -> sparse.csr_matrix:
        """(N, slots) sparse caption terms by position, made once for each state of the memory: see `terms_at`."""
        return self._terms.matrix

    def vectors_at(self, space: str, positions: Ints) -> Floats:
        """Return the vectors of N positions in a dense space, (N, its width), each position at least 0.

        Raises:
            KeyError: the memory has no such space.
        """
        return self._vectors[space].at(positions)

    def terms_at(self, positions: Ints) -> sparse.csr_matrix:
        """Return the caption terms of N positions, (N, slots), each position at least 0."""
        return self._terms.at(positions)

    @property
    def newest_us(self) -> int:
        """The latest instant remembered, 0 if the memory is empty."""
        return self._newest_us

    @property
    def now_us(self) -> int:
        """The instant of a post that is being written now: just after everything remembered."""
        return max(self._newest_us, 0) + 1

    def resolve(self, instants_us: Ints) -> Ints:
        """Return instants with `now_us` in place of `NOW_US`; same shape."""
        resolved: Ints = np.where(instants_us == NOW_US, self.now_us, instants_us)
        return resolved

    def position_of(self, post_id: str) -> int | None:
        """Return the position of a remembered post, or None."""
        position = self._post_numbers.find(post_id)
        complete = position is not None and position < self._length
        return position if complete and self._alive.values[position] else None

    # -- changes -----------------------------------------------------------------------------------------------

    def append(
        self,
        posts: Sequence[Post],
        vectors: Floats | None = None,
        terms: sparse.csr_matrix | None = None,
        spaces: Mapping[str, Floats] | None = None,
        languages: Sequence[str | None] | None = None,
    ) -> None:
        """Remember all of `posts`, or none if anything fails; ids already remembered are refused.

        Args:
            posts: any order of time. A post with neither timestamp nor sequence counts as posted now.
            vectors: (len(posts), width), required when `width` is not 0.
            terms: (len(posts), slots), required when `slots` is not 0.
            spaces: vectors of each further dense space.
            languages: code of each caption's language, None where it is not known.

        Raises:
            ValueError: an id is already remembered, or the vectors have another shape.
        """
        if not posts:
            return
        self._refuse_known([post.post_id for post in posts])
        known = languages if languages is not None else [None] * len(posts)
        given = self._checked(len(posts), vectors, terms, spaces or {})
        with self._all_or_nothing():
            self._extend(posts, self.resolve(np.array([post.instant_us for post in posts], np.int64)), known, *given)

    def withdraw(self, post_ids: Collection[str]) -> None:
        """Forget posts; answers are from now on those of a memory that never had them.

        Raises:
            ValueError: a post is not remembered; then none is withdrawn.
        """
        positions = np.array(sorted({self._known_position(post_id) for post_id in post_ids}), np.int64)
        if len(positions):
            with self._all_or_nothing():
                self._kill(positions)

    def correct(
        self,
        post: Post,
        vectors: Floats | None = None,
        terms: sparse.csr_matrix | None = None,
        spaces: Mapping[str, Floats] | None = None,
    ) -> None:
        """Give a remembered post other hashtags: its position dies; a new one has the same user and instant.

        Args:
            post: its id and its hashtags are read.
            vectors, terms, spaces: see `append`, of one post; those that are not given stay as they are.

        Raises:
            ValueError: the post is not remembered, or the vectors have another shape.
        """
        position = self._known_position(post.post_id)
        old = np.array([position])
        corrected = replace(self._post_at(position), hashtags=post.hashtags)
        kept = {space: self.vectors_at(space, old) for space in self.spaces}
        vectors = self.vectors_at(CONTENT, old) if vectors is None and self.width else vectors
        terms = self.terms_at(old) if terms is None and self.slots else terms
        given = self._checked(1, vectors, terms, {**kept, **(spaces or {})})
        with self._all_or_nothing():
            self._kill(old)
            self._extend([corrected], self.instants_us[old], self._languages.codes_at(old), *given)

    def forget(self, user_id: str) -> int:
        """Forget a user and all posts of that user; returns how many posts they were, 0 for an unknown user."""
        number = self._user_number(user_id)
        if number is None:
            return 0
        positions = np.flatnonzero((self.users == number) & self._alive.values[: self._length])
        with self._all_or_nothing():
            self._forgotten |= {number}
            if len(positions):
                self._kill(positions)
        return len(positions)

    def _known_position(self, post_id: str) -> int:
        position = self.position_of(post_id)
        if position is None:
            raise ValueError(f"post {post_id!r} is not remembered")
        return position

    def _checked(
        self, count: int, vectors: Floats | None, terms: sparse.csr_matrix | None, spaces: Mapping[str, Floats]
    ) -> tuple[dict[str, Floats], sparse.csr_matrix | None]:
        given = {CONTENT: vectors, **spaces} if self.width else dict(spaces)
        for space in {*self._vectors, *given}:
            shape, width = getattr(given.get(space), "shape", None), self.spaces.get(space, self.width)
            if space not in self._vectors or shape != (count, width):
                which = "" if space == CONTENT else f" of the space {space!r}"
                expected = f"({count}, {width})" if space in self._vectors else f"none{which}"
                raise ValueError(f"vectors{which} of shape {shape}; expected {expected}")
        if self.slots and (terms is None or terms.shape != (count, self.slots)):
            raise ValueError(f"terms of shape {getattr(terms, 'shape', None)}; expected ({count}, {self.slots})")
        rows = {space: np.asarray(array, np.float32) for space, array in given.items() if array is not None}
        return rows, terms if self.slots else None

    def _extend(
        self,
        posts: Sequence[Post],
        instants_us: Ints,
        languages: Sequence[str | None],
        vectors: dict[str, Floats],
        terms: sparse.csr_matrix | None,
    ) -> None:
        self._newest_us = max(int(instants_us.max()), self._newest_us if self._holds_any() else UNDATED_EPOCH_US)
        for post in posts:
            self._post_numbers.add_again(post.post_id)
        self._users.extend(np.array([self._number_of(post.user_id) for post in posts], np.int64))
        self._instants.extend(instants_us)
        self._alive.extend(np.ones(len(posts), np.bool_))
        self._hashtags.extend([self.id_map.add(post.hashtags) for post in posts])
        self._languages.extend(languages)
        for space, rows in vectors.items():
            self._vectors[space].extend(rows)
        if terms is not None:
            self._terms.extend(terms)
        # Last, so that a reader beside sees posts that are complete.
        self._length += len(posts)
        self._sort_in()

    def _kill(self, positions: Ints) -> None:
        self._timelines = self._timelines.without(positions, self.users[positions])
        # A copy, because forks share the flags.
        alive = self._alive.values.copy()
        alive[positions] = False
        flags = GrowingArray(np.bool_)
        flags.extend(alive)
        self._alive = flags
        self._dead += len(positions)
        if (self.instants_us[positions] == self._newest_us).any():
            self._newest_us = int(self.instants_us[alive].max()) if alive.any() else 0
        self._sort_in()

    def _holds_any(self) -> bool:
        return self._length > self._dead

    def _sort_in(self) -> None:
        columns = self.users, self.instants_us, self._alive.values
        self._timelines = self._timelines.grown(*columns, len(self._user_numbers))

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        undo = self._undoing()
        try:
            yield
        except BaseException:
            undo()
            raise

    def _undoing(self) -> Callable[[], None]:
        """Return a function that takes back everything that changes from now on."""
        growing: list[Any] = [self._post_numbers, self._user_numbers, self.id_map, *self._vectors.values()]
        growing += [getattr(self, name) for name in _COLUMNS]
        lengths = [len(part) for part in growing]
        plain = {name: getattr(self, name) for name in _PLAIN}

        def undo() -> None:
            for name, value in plain.items():
                setattr(self, name, value)
            for part, length in zip(growing, lengths, strict=True):
                part.truncate(length)

        return undo

    def _user_number(self, user_id: str | None) -> int | None:
        number = None if user_id is None else self._user_numbers.find(user_id)
        return None if number in self._forgotten else number

    def _number_of(self, user_id: str | None) -> int:
        if user_id is None:
            return -1
        number = self._user_number(user_id)
        return self._user_numbers.add_again(user_id) if number is None else number

    def _refuse_known(self, post_ids: Sequence[str]) -> None:
        # Before anything is written, so that a refused batch leaves the memory as it was.
        new = set()
        for post_id in post_ids:
            if post_id in self or post_id in new:
                raise ValueError(f"post {post_id!r} is already remembered")
            new.add(post_id)

    # -- questions ---------------------------------------------------------------------------------------------

    def history(self, user_ids: Sequence[str | None], instants_us: Ints, limit: int) -> Ints:
        """Return the positions of each user's most recent posts strictly before an instant.

        Args:
            user_ids: Q users; unknown ones and None have no history.
            instants_us: (Q,) microseconds since 1970.
            limit: how many posts at most, H.

        Returns:
            (Q, H) positions, newest first, padded with -1.
        """
        known = [self._user_number(user) for user in user_ids]
        numbers = np.array([-1 if number is None else number for number in known], np.int64)
        timelines, length = self._timelines, self._length
        columns = self._users.values[:length], self._instants.values[:length]
        alive = self._alive.values[:length] if self._dead else None
        return timelines.before(numbers, instants_us, limit, columns, alive)

    def neighbours(
        self,
        terms: sparse.csr_matrix | None,
        vectors: Mapping[str, Floats],
        instants_us: Ints,
        count: int,
        likeness: Likeness,
        among: Ints | None = None,
    ) -> Related:
        """Find the most similar posts strictly before each of Q instants; see `NeighbourIndex.find`.

        Args:
            terms: (Q, slots) caption terms; None where words do not count.
            vectors: of each dense space that counts, (Q, its width).
            instants_us: (Q,).
            count: how many to find.
            likeness: by what posts are compared.
            among: (Q, H) positions to choose from, -1 for none; None for all.
        """
        return self.index.find(terms, vectors, instants_us, count, likeness, among)

    @property
    def index(self) -> NeighbourIndex:
        """What finds neighbours; made when it is first asked for."""
        if self._index is None:
            from multimodal.memory.search.index import NeighbourIndex

            self._index = NeighbourIndex(self)
        return self._index

    def search_with(self, index: NeighbourIndex) -> None:
        """Find neighbours by this index of the memory from now on, one with other settings or files."""
        self._index = index

    @property
    def questions(self) -> MemoryQuestions:
        """Trends, hashtags used together, hashtags of words and of users, each strictly before an instant."""
        return self._questions

    def hashtags_of(self, position: int) -> Ints:
        """Return the hashtag indices of one remembered post's hashtags."""
        return self._hashtags.of(position)

    def hashtags_table(self, positions: Ints) -> Ints:
        """Return hashtags of many posts as one padded table.

        Args:
            positions: any shape S, -1 for none.

        Returns:
            S + (M,) hashtag indices padded with -1; M is the longest list among them, at least 1.
        """
        return self._hashtags.table(self._living(positions))

    def hashtag_pairs(self, positions: Ints, *, dead: bool = False) -> tuple[Ints, Ints]:
        """Return every (post, hashtag) pair of many posts, flat, for posts whose lists differ much in length.

        Args:
            positions: (N,) positions, -1 for none.
            dead: of dead posts too.

        Returns:
            The index into `positions` and the hashtag index of each pair, both (pairs,), in order.
        """
        return self._hashtags.pairs(positions if dead else self._living(positions))

    def _living(self, positions: Ints) -> Ints:
        """Return positions with -1 in place of the dead; same shape."""
        return np.where(self._alive.values[positions], positions, -1) if self._dead else positions

    # -- copies ------------------------------------------------------------------------------------------------

    @contextmanager
    def fork(self) -> Iterator[PostMemory]:
        """Lend a memory of the same posts for a `with` block; what happens to either is unseen by the other.

        Nothing is copied. After the block the fork refuses to be used.
        """
        fork = PostMemory(self.id_map.fork(), self.width, self.slots, self.spaces)
        fork._user_numbers, fork._post_numbers = self._user_numbers.fork(), self._post_numbers.fork()
        for name in _PLAIN:
            setattr(fork, name, getattr(self, name))
        lent = {name: getattr(self, name) for name in _COLUMNS}
        for name, column in lent.items():
            setattr(fork, name, column.fork())
        fork._vectors = {space: column.fork() for space, column in self._vectors.items()}
        if self.slots or self.spaces:
            # What finds neighbours here is made once, not by every fork.
            fork._index = self.index.fork(fork)
        fork._questions = self._questions.fork(fork)
        borrowed = [*(getattr(fork, name) for name in _COLUMNS), *fork._vectors.values()]
        try:
            yield fork
        finally:
            for column, other in zip([*lent.values(), *self._vectors.values()], borrowed, strict=True):
                column.release(other)

    def living(self) -> PostMemory:
        """Return a memory of the living posts alone, with new numbers of everything; itself if nothing died."""
        if not self._dead:
            return self
        memory = PostMemory(self.id_map.vocabulary(), self.width, self.slots, self.spaces)
        positions = np.flatnonzero(self._alive.values)
        for start in range(0, len(positions), _COPIED_AT_ONCE):
            part = positions[start : start + _COPIED_AT_ONCE]
            vectors = {space: column.at(part) for space, column in self._vectors.items()}
            posts = [self._post_at(position) for position in part.tolist()]
            languages, terms = self._languages.codes_at(part), self.terms_at(part) if self.slots else None
            memory._extend(posts, self.instants_us[part], languages, vectors, terms)
        return memory

    def _post_at(self, position: int) -> Post:
        user, hashtags = int(self.users[position]), self.hashtags_of(position).tolist()
        return Post(
            post_id=self.post_ids[position],
            user_id=None if user < 0 else self.user_ids[user],
            hashtags=tuple(self.id_map[index] for index in hashtags),
        )

    def state(self, dead: bool = False) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the content of the memory: arrays for safetensors and values for JSON.

        Args:
            dead: keep dead positions too, so that all positions stay what they are.

        Raises:
            ValueError: there are dead positions, which are not to be kept; see `living`.
        """
        if self._dead and not dead:
            raise ValueError("the memory has dead posts, which must not be saved; save its `living()`")
        arrays: dict[str, NDArray[Any]] = {
            "users": self.users,
            "instants_us": self.instants_us,
            "hashtags": self._hashtags.indices,
            "hashtag_ends": self._hashtags.ends,
        }
        for space, column in self._vectors.items():
            arrays[array_name(space)] = column.values
        if self.slots:
            arrays.update(self._terms.arrays())
        values = {"width": self.width, "slots": self.slots, "post_ids": list(self.post_ids)}
        values["user_ids"] = list(self.user_ids)
        if dead:
            arrays["alive"] = self._alive.values[: self._length]
            values["forgotten_users"] = sorted(self._forgotten)
        return arrays, {**values, "spaces": self.spaces} if self.spaces else values

    @classmethod
    def from_state(cls, arrays: dict[str, NDArray[Any]], values: dict[str, Any], id_map: HashtagIdMap) -> PostMemory:
        """Rebuild a memory from `state`; vectors and terms are not copied, so they may be memory-mapped.

        Args:
            arrays, values: see `state`.
            id_map: the one it was saved with.
        """
        memory = cls(id_map, int(values["width"]), int(values["slots"]), values.get("spaces"))
        numbered = _numbered_again if "alive" in arrays else Numbering
        memory._post_numbers, memory._user_numbers = numbered(values["post_ids"]), numbered(values["user_ids"])
        memory._forgotten = frozenset(values.get("forgotten_users", ()))
        alive = arrays.get("alive", np.ones(len(arrays["users"]), np.bool_))
        memory._users.extend(arrays["users"])
        memory._instants.extend(arrays["instants_us"])
        memory._alive.extend(alive)
        memory._hashtags.extend_flat(arrays["hashtags"], arrays["hashtag_ends"])
        memory._languages.extend([None] * len(alive))
        for space in memory._vectors:
            base = arrays[array_name(space)]
            memory._vectors[space] = Column(np.float32, base.shape[1], base)
        if memory.slots:
            memory._terms = TermRows(memory.slots, arrays)
        memory._length = len(memory._instants)
        memory._dead = len(alive) - int(alive.sum())
        memory._newest_us = int(memory.instants_us[alive].max()) if memory._holds_any() else 0
        memory._sort_in()
        return memory


def _numbered_again(names: Sequence[str]) -> Numbering:
    """Number names of which some come again: of posts that were corrected, of users that were forgotten."""
    if len(set(names)) == len(names):
        return Numbering(names)
    numbering = Numbering()
    for name in names:
        numbering.add_again(name)
    return numbering


def array_name(space: str) -> str:
    """Return the name of the array that holds the vectors of a dense space."""
    return "vectors" if space == CONTENT else f"vectors.{space}"
