"""`PostMemory`: earlier posts by user and by recency, ordered by time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.posts import NOW_US, UNDATED_EPOCH_US, Post
from multimodal.memory.hashtag_id_map import HashtagIdMap
from multimodal.memory.posts.dense_spaces import CONTENT, checked_terms, checked_vectors
from multimodal.memory.posts.growing_array import GrowingArray
from multimodal.memory.posts.languages import languages_of, refuse_unknown
from multimodal.memory.posts.mentions import Slots, mentions_of
from multimodal.memory.posts.numbering import Numbering
from multimodal.memory.posts.rows import PostRows
from multimodal.memory.posts.state import PostsState
from multimodal.memory.posts.user_notes import UserNotes
from multimodal.memory.questions.columns import Extent
from multimodal.memory.questions.memory_questions import MemoryQuestions

if TYPE_CHECKING:
    from data_loaders.batches import Related
    from multimodal.memory.search.index import NeighbourIndex
    from multimodal.memory.search.likeness import Likeness

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

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
        detect_languages: find out the language of each caption that comes in, see `language_of`.
        keep_mentions: keep the names that captions address, hashed, see `find_mentions`.
    """

    def __init__(
        self,
        id_map: HashtagIdMap,
        width: int = 0,
        slots: int = 0,
        spaces: Mapping[str, int] | None = None,
        detect_languages: bool = False,
        keep_mentions: bool = False,
    ) -> None:
        self.id_map, self.detect_languages, self.keep_mentions = id_map, detect_languages, keep_mentions
        self.width, self.slots, self.spaces = width, slots, dict(spaces or {})
        self._user_numbers, self._post_numbers = Numbering(), Numbering()
        self._rows = PostRows(slots, self._widths)
        self._state = PostsState()
        self._index: NeighbourIndex | None = None
        self._questions = MemoryQuestions(self)

    def __getstate__(self) -> dict[str, Any]:
        # What is derived from the posts cannot go to another process, which makes its own.
        return {name: value for name, value in self.__dict__.items() if name not in ("_index", "_questions")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _index=None, _questions=MemoryQuestions(self))

    def __len__(self) -> int:
        return self._state.length

    def __contains__(self, post_id: str) -> bool:
        return self.position_of(post_id) is not None

    @property
    def vocabulary_size(self) -> int:
        """Number of hashtags in the vocabulary."""
        return self.id_map.vocabulary_size

    @property
    def _widths(self) -> dict[str, int]:
        return {CONTENT: self.width, **self.spaces} if self.width else self.spaces

    @property
    def post_ids(self) -> Sequence[str]:
        """Ids by position."""
        return self._post_numbers.names

    @property
    def users(self) -> Ints:
        """(N,) user numbers by position, -1 for none; do not change them."""
        return self._rows.users.values[: len(self)]

    @property
    def instants_us(self) -> Ints:
        """(N,) instants by position, in microseconds since 1970; do not change them."""
        return self._rows.instants.values[: len(self)]

    @property
    def user_ids(self) -> Sequence[str]:
        """User ids by user number."""
        return self._user_numbers.names

    @property
    def alive(self) -> Flags | None:
        """(N,) by position, False for posts that were withdrawn, corrected or forgotten; None if all are alive."""
        return self._state.flags

    @property
    def extent(self) -> Extent:
        """How many posts there are and which of them are alive, read in one step."""
        state = self._state
        return Extent(state.length, state.dead, state.flags)

    @property
    def languages(self) -> Sequence[str]:
        """Codes of the captions' languages by language number."""
        return self._rows.languages.codes

    def languages_at(self, positions: Ints) -> list[str | None]:
        """Return the code of the language of the caption of each position, (N,), None where it is not known."""
        return self._rows.languages.codes_at(positions)

    def language_numbers(self, positions: Ints) -> Ints:
        """Return the language number of the caption of each position, -1 for none; same shape."""
        return self._rows.languages.at(positions)

    def mentions_at(self, positions: Ints) -> list[list[int]]:
        """Return the slots of the names that the caption of each position addresses, each position at least 0."""
        return [self._rows.mentions.of(position).tolist() for position in positions.tolist()]

    def mention_pairs(self, positions: Ints) -> tuple[Ints, Ints]:
        """Return every (post, slot of a name) pair, see `hashtag_pairs`; of dead posts too."""
        return self._rows.mentions.pairs(positions)

    @property
    def vectors(self) -> Floats:
        """(N, width) content vectors by position, a copy if some lie in a file: see `vectors_at`."""
        return self._rows.vectors[CONTENT].values if self.width else np.empty((len(self), 0), np.float32)

    @property
    def terms(self) -> sparse.csr_matrix:
        """(N, slots) sparse caption terms by position, made once for each state of the memory: see `terms_at`."""
        return self._rows.terms.matrix

    def vectors_at(self, space: str, positions: Ints) -> Floats:
        """Return the vectors of N positions in a dense space, (N, its width), each position at least 0.

        Raises:
            KeyError: the memory has no such space.
        """
        return self._rows.vectors[space].at(positions)

    def terms_at(self, positions: Ints) -> sparse.csr_matrix:
        """Return the caption terms of N positions, (N, slots), each position at least 0."""
        return self._rows.terms.at(positions)

    @property
    def notes(self) -> UserNotes:
        """What users asked for, beside their posts."""
        return self._state.notes

    @property
    def newest_us(self) -> int:
        """The latest instant remembered, 0 if the memory is empty."""
        return self._state.newest_us

    @property
    def now_us(self) -> int:
        """The instant of a post that is being written now: just after everything remembered."""
        return max(self.newest_us, 0) + 1

    def resolve(self, instants_us: Ints) -> Ints:
        """Return instants with `now_us` in place of `NOW_US`; same shape."""
        resolved: Ints = np.where(instants_us == NOW_US, self.now_us, instants_us)
        return resolved

    def position_of(self, post_id: str) -> int | None:
        """Return the position of a remembered post, or None."""
        state, position = self._state, self._post_numbers.find(post_id)
        complete = position is not None and position < state.length
        return position if complete and state.alive.values[position] else None

    # -- changes -----------------------------------------------------------------------------------------------

    def append(
        self,
        posts: Sequence[Post],
        vectors: Floats | None = None,
        terms: sparse.csr_matrix | None = None,
        spaces: Mapping[str, Floats] | None = None,
        languages: Sequence[str | None] | None = None,
        mentions: Slots | None = None,
    ) -> None:
        """Remember all of `posts`, or none if anything fails; ids already remembered are refused.

        Args:
            posts: any order of time. A post with neither timestamp nor sequence counts as posted now.
            vectors: (len(posts), width), required when `width` is not 0.
            terms: (len(posts), slots), required when `slots` is not 0.
            spaces: vectors of each further dense space.
            languages: code of each caption's language, None where it is not known; without this they are found out, if
                the memory does so.
            mentions: slots of the names that captions address, if the memory keeps them; without this they are found.

        Raises:
            ValueError: an id is already remembered, or the vectors have another shape.
        """
        if not posts:
            return
        self._refuse_known([post.post_id for post in posts])
        given = checked_vectors(len(posts), self._widths, vectors, spaces or {})
        terms = checked_terms(len(posts), self.slots, terms)
        known = languages_of(posts, languages, self.detect_languages)
        named = mentions_of(posts, mentions, self.keep_mentions)
        instants_us = self.resolve(np.array([post.instant_us for post in posts], np.int64))
        with self._all_or_nothing():
            self._state = self._with(self._state, posts, instants_us, known, named, given, terms)

    def withdraw(self, post_ids: Collection[str]) -> None:
        """Forget posts; answers are from now on those of a memory that never had them.

        Raises:
            ValueError: a post is not remembered; then none is withdrawn.
        """
        positions = np.array(sorted({self._known_position(post_id) for post_id in post_ids}), np.int64)
        if len(positions):
            self._state = self._never_had(self._without(self._state, positions), positions)

    def correct(
        self,
        post: Post,
        vectors: Floats | None = None,
        terms: sparse.csr_matrix | None = None,
        spaces: Mapping[str, Floats] | None = None,
        languages: Sequence[str | None] | None = None,
        mentions: Slots | None = None,
    ) -> None:
        """Give a remembered post other hashtags: its position dies; a new one has the same user and instant.

        Args:
            post: its id and its hashtags are read.
            vectors, terms, spaces, languages, mentions: see `append`, of one post; what is not given stays as it is.

        Raises:
            ValueError: the post is not remembered, or the vectors have another shape.
        """
        position = self._known_position(post.post_id)
        old = np.array([position])
        corrected = replace(self._post_at(position), hashtags=post.hashtags)
        kept = {space: self.vectors_at(space, old) for space in self.spaces}
        vectors = self.vectors_at(CONTENT, old) if vectors is None and self.width else vectors
        terms = self.terms_at(old) if terms is None and self.slots else terms
        given = checked_vectors(1, self._widths, vectors, {**kept, **(spaces or {})})
        terms = checked_terms(1, self.slots, terms)
        known = languages_of([corrected], languages or self.languages_at(old), False)
        named = mentions_of([corrected], mentions or self.mentions_at(old), self.keep_mentions)
        with self._all_or_nothing():
            # Replaced once, so that there is no instant without the post.
            without = self._without(self._state, old)
            self._state = self._with(without, [corrected], self.instants_us[old], known, named, given, terms)

    def forget(self, user_id: str) -> int:
        """Forget a user and all posts of that user; returns how many posts they were, 0 for an unknown user."""
        self.note(self.notes.without(user_id))
        state, number = self._state, self._user_number(user_id, self._state.forgotten)
        if number is None:
            return 0
        positions = np.flatnonzero(self.users == number)
        living = positions[state.alive.values[positions]]
        forgotten = replace(state, forgotten=state.forgotten | {number})
        forgotten = self._without(forgotten, living) if len(living) else forgotten
        self._state = self._never_had(forgotten, positions)
        return len(living)

    def note(self, notes: UserNotes) -> None:
        """Keep what users asked for, in place of what they asked for before."""
        self._state = replace(self._state, notes=notes)

    def _known_position(self, post_id: str) -> int:
        position = self.position_of(post_id)
        if position is None:
            raise ValueError(f"post {post_id!r} is not remembered")
        return position

    def _with(
        self,
        state: PostsState,
        posts: Sequence[Post],
        instants_us: Ints,
        languages: Sequence[str | None],
        mentions: Slots,
        vectors: dict[str, Floats],
        terms: sparse.csr_matrix | None,
    ) -> PostsState:
        """Write posts behind the others and return the state in which they are seen."""
        for post in posts:
            self._post_numbers.add_again(post.post_id)
        users = np.array([self._number_of(post.user_id, state.forgotten) for post in posts], np.int64)
        hashtags = [self.id_map.add(post.hashtags) for post in posts]
        self._rows.extend(users, instants_us, hashtags, languages, vectors, terms, mentions)
        state.alive.extend(np.ones(len(posts), np.bool_))
        newest_us = state.newest_us if state.length > state.dead else UNDATED_EPOCH_US
        newest_us = max(int(instants_us.max()), newest_us)
        return self._sorted_in(replace(state, length=state.length + len(posts), newest_us=newest_us))

    def _without(self, state: PostsState, positions: Ints) -> PostsState:
        """Return the state in which living posts are dead."""
        timelines = state.timelines.without(positions, self._rows.users.values[positions])
        # A copy, because forks share the flags.
        flags, alive = GrowingArray(np.bool_), state.alive.values[: state.length].copy()
        alive[positions] = False
        flags.extend(alive)
        instants_us, newest_us = self._rows.instants.values[: state.length], state.newest_us
        if (instants_us[positions] == newest_us).any():
            newest_us = int(instants_us[alive].max()) if alive.any() else 0
        dead = state.dead + len(positions)
        return self._sorted_in(replace(state, dead=dead, newest_us=newest_us, timelines=timelines, alive=flags))

    def _never_had(self, state: PostsState, positions: Ints) -> PostsState:
        """Return the state with the feedback that a memory without these dead posts would have."""
        if not len(positions) or not state.notes.have_feedback:
            return state
        instants_us = self._rows.instants.values[: state.length]
        gone = {self._post_numbers.names[position] for position in positions.tolist()}
        living_us = instants_us[state.alive.values[: state.length]]
        return replace(state, notes=state.notes.without_posts(gone, instants_us[positions], state.newest_us, living_us))

    def _sorted_in(self, state: PostsState) -> PostsState:
        length, users, instants_us = state.length, self._rows.users.values, self._rows.instants.values
        columns = users[:length], instants_us[:length], state.alive.values[:length]
        return replace(state, timelines=state.timelines.grown(*columns, len(self._user_numbers)))

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Take back everything that is written in a `with` block that fails."""
        state, names = self._state, (self._post_numbers, self._user_numbers)
        lengths, hashtags = [len(numbering) for numbering in names], len(self.id_map)
        try:
            yield
        except BaseException:
            self._state = state
            state.alive.truncate(state.length)
            self._rows.truncate(state.length)
            self.id_map.truncate(hashtags)
            for numbering, length in zip(names, lengths, strict=True):
                numbering.truncate(length)
            raise

    def _user_number(self, user_id: str | None, forgotten: frozenset[int]) -> int | None:
        number = None if user_id is None else self._user_numbers.find(user_id)
        return None if number in forgotten else number

    def _number_of(self, user_id: str | None, forgotten: frozenset[int]) -> int:
        if user_id is None:
            return -1
        number = self._user_number(user_id, forgotten)
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
        state = self._state
        columns = self._rows.users.values[: state.length], self._rows.instants.values[: state.length]
        return state.timelines.before(self._numbers_of(user_ids, state), instants_us, limit, columns, state.flags)

    def user_numbers(self, user_ids: Sequence[str | None]) -> Ints:
        """Return the number of each of Q users, (Q,), -1 for unknown ones and None."""
        return self._numbers_of(user_ids, self._state)

    def _numbers_of(self, user_ids: Sequence[str | None], state: PostsState) -> Ints:
        known = [self._user_number(user, state.forgotten) for user in user_ids]
        return np.array([-1 if number is None else number for number in known], np.int64)

    def neighbours(
        self,
        terms: sparse.csr_matrix | None,
        vectors: Mapping[str, Floats],
        instants_us: Ints,
        count: int,
        likeness: Likeness,
        among: Ints | None = None,
        language: str | None = None,
    ) -> Related:
        """Find the most similar posts strictly before each of Q instants; see `NeighbourIndex.find`.

        Args:
            terms: (Q, slots) caption terms; None where words do not count.
            vectors: of each dense space that counts, (Q, its width).
            instants_us: (Q,).
            count: how many to find.
            likeness: by what posts are compared.
            among: (Q, H) positions to choose from, -1 for none; None for all.
            language: code of the captions' language; None for all posts. A ValueError where no language is known.
        """
        refuse_unknown(language, self.languages, self.detect_languages)
        admitted = None if language is None else self._rows.languages.mask(language, len(self))
        return self.index.find(terms, vectors, self.resolve(instants_us), count, likeness, among, admitted)

    def own_neighbours(
        self,
        user_ids: Sequence[str | None],
        terms: sparse.csr_matrix | None,
        vectors: Mapping[str, Floats],
        instants_us: Ints,
        count: int,
        likeness: Likeness,
        last: int = 1_024,
    ) -> Related:
        """Find those of each user's own posts that are most similar, see `neighbours`; all of them are compared.

        Args:
            user_ids: Q users; unknown ones and None have no posts.
            terms, vectors, instants_us, count, likeness: see `neighbours`.
            last: how many of a user's newest posts are compared.
        """
        from multimodal.memory.search.own_neighbours import own_neighbours

        return own_neighbours(self, user_ids, (terms, vectors), self.resolve(instants_us), count, likeness, last)

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
        return self._rows.hashtags.of(position)

    def hashtags_table(self, positions: Ints) -> Ints:
        """Return hashtags of many posts as one padded table.

        Args:
            positions: any shape S, -1 for none.

        Returns:
            S + (M,) hashtag indices padded with -1; M is the longest list among them, at least 1.
        """
        return self._rows.hashtags.table(self._living(positions))

    def hashtag_pairs(self, positions: Ints, *, dead: bool = False) -> tuple[Ints, Ints]:
        """Return every (post, hashtag) pair of many posts, flat, for posts whose lists differ much in length.

        Args:
            positions: (N,) positions, -1 for none.
            dead: of dead posts too.

        Returns:
            The index into `positions` and the hashtag index of each pair, both (pairs,), in order.
        """
        return self._rows.hashtags.pairs(positions if dead else self._living(positions))

    def hashtag_counts(self, positions: Ints) -> Ints:
        """Return how many hashtags N living posts have, (N,), each position at least 0."""
        return self._rows.hashtags.sizes(positions)

    def _living(self, positions: Ints) -> Ints:
        """Return positions with -1 in place of the dead; same shape."""
        state = self._state
        return np.where(state.alive.values[positions], positions, -1) if state.dead else positions

    # -- copies ------------------------------------------------------------------------------------------------

    @contextmanager
    def fork(self) -> Iterator[PostMemory]:
        """Lend a memory of the same posts for a `with` block; what happens to either is unseen by the other.

        Nothing is copied. After the block the fork refuses to be used.
        """
        fork = PostMemory.__new__(PostMemory)
        fork.__dict__.update(self.__dict__, id_map=self.id_map.fork(), _index=None)
        fork._user_numbers, fork._post_numbers = self._user_numbers.fork(), self._post_numbers.fork()
        state, rows = self._state, self._rows.fork()
        fork._rows, fork._state = rows, replace(state, alive=state.alive.fork())
        if self.slots or self.spaces:
            # What finds neighbours here is made once, not by every fork.
            fork._index = self.index.fork(fork)
        fork._questions = self._questions.fork(fork)
        alive = fork._state.alive
        try:
            yield fork
        finally:
            self._rows.release(rows)
            state.alive.release(alive)

    def emptied(self) -> PostMemory:
        """Return an empty memory of the same sizes, with the same vocabulary."""
        more = self.detect_languages, self.keep_mentions
        return PostMemory(self.id_map.vocabulary(), self.width, self.slots, self.spaces, *more)

    def living(self) -> PostMemory:
        """Return a memory of the living posts alone, with new numbers of everything; itself if nothing died."""
        state, rows = self._state, self._rows
        if not state.dead:
            return self
        memory = self.emptied()
        memory.note(self.notes)
        positions = np.flatnonzero(state.alive.values[: state.length])
        for start in range(0, len(positions), _COPIED_AT_ONCE):
            part = positions[start : start + _COPIED_AT_ONCE]
            vectors = {space: column.at(part) for space, column in rows.vectors.items()}
            posts = [self._post_at(position) for position in part.tolist()]
            languages, terms = rows.languages.codes_at(part), rows.terms.at(part) if self.slots else None
            instants_us, mentions = rows.instants.values[part], self.mentions_at(part)
            memory._state = memory._with(memory._state, posts, instants_us, languages, mentions, vectors, terms)
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
        if self._state.dead and not dead:
            raise ValueError("the memory has dead posts, which must not be saved; save its `living()`")
        arrays = self._rows.arrays(self.keep_mentions)
        values = {"width": self.width, "slots": self.slots, "post_ids": list(self.post_ids)}
        values["user_ids"] = list(self.user_ids)
        if self.languages:
            values["languages"] = list(self.languages)
        values |= self.notes.as_values() | ({"mentions": True} if self.keep_mentions else {})
        if dead:
            arrays["alive"] = self._state.alive.values[: len(self)]
            values["forgotten_users"] = sorted(self._state.forgotten)
        return arrays, {**values, "spaces": self.spaces} if self.spaces else values

    @classmethod
    def from_state(cls, arrays: dict[str, NDArray[Any]], values: dict[str, Any], id_map: HashtagIdMap) -> PostMemory:
        """Rebuild a memory from `state`; vectors and terms are not copied, so they may be memory-mapped.

        Args:
            arrays, values: see `state`.
            id_map: the one it was saved with.
        """
        memory = cls(id_map, int(values["width"]), int(values["slots"]), values.get("spaces"))
        numbered = Numbering.with_repeats if "alive" in arrays else Numbering
        memory._post_numbers, memory._user_numbers = numbered(values["post_ids"]), numbered(values["user_ids"])
        memory.keep_mentions = "mentions" in arrays
        memory._rows.fill(arrays, values.get("languages", ()))
        memory._state = memory._sorted_in(PostsState.of_saved(arrays, values))
        return memory
