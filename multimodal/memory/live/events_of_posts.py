"""Posts as the events of a log, and what events do to a memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data_loaders.posts import UNDATED_EPOCH_US, Post
from multimodal.memory.log.events import (
    Event,
    FeedbackGiven,
    PostCorrected,
    PostObserved,
    PostWithdrawn,
    RulesSet,
    Terms,
    UserForgotten,
)
from multimodal.memory.log.pseudonyms import is_pseudonym, unmasked
from multimodal.memory.post_memory import PostMemory
from multimodal.memory.posts.dense_spaces import CONTENT
from multimodal.memory.posts.user_notes import Feedback

Floats = NDArray[np.float32]
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST_DATED_US = (datetime.min.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)
_LAST_DATED_US = (datetime.max.replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(microseconds=1)


def observed(
    posts: Sequence[Post], instants_us: NDArray[np.int64], made: PostMemory, keep_captions: bool
) -> list[PostObserved]:
    """Return posts as events.

    Args:
        posts: N posts as they are remembered.
        instants_us: (N,) their instants.
        made: a memory of these posts alone, in their order: their vectors, caption terms and languages.
        keep_captions: whether the events hold the captions.
    """
    contents = contents_of(made, len(posts))
    return [
        PostObserved(
            post_id=post.post_id,
            user_id=post.user_id,
            instant_us=int(instant_us),
            hashtags=tuple(post.hashtags),
            caption=post.caption if keep_captions else None,
            language=content.language,
            terms=content.terms,
            mentions=content.mentions,
            vectors=content.vectors or {},
        )
        for post, instant_us, content in zip(posts, instants_us, contents, strict=True)
    ]


def corrected(post: Post, user_id: str | None, made: PostMemory | None, keep_captions: bool) -> PostCorrected:
    """Return a correction as an event.

    Args:
        post: the remembered post's id and its new hashtags; the caption, where it is another.
        user_id: the author.
        made: a memory of the new post alone; None where vectors and terms stay as they are.
        keep_captions: whether the event holds the caption.
    """
    content = Contents() if made is None else contents_of(made, 1)[0]
    return PostCorrected(
        post_id=post.post_id,
        user_id=user_id,
        hashtags=tuple(post.hashtags),
        caption=post.caption if keep_captions and made is not None else None,
        language=content.language,
        terms=content.terms,
        mentions=content.mentions,
        vectors=content.vectors,
    )


class Contents(NamedTuple):
    """What a memory makes of a post's content, as events hold it."""

    terms: Terms | None = None
    vectors: dict[str, Floats] | None = None
    language: str | None = None
    mentions: tuple[int, ...] | None = None


def contents_of(made: PostMemory, count: int) -> list[Contents]:
    """Return what a memory has made of its first posts."""
    positions = np.arange(count)
    terms: list[Terms | None] = [None] * count
    if made.slots:
        rows = made.terms_at(positions)
        ends = [*zip(rows.indptr[:-1], rows.indptr[1:], strict=True)]
        slots, weights = rows.indices.astype(np.int32), rows.data.astype(np.float32)
        terms = [Terms(slots[start:stop], weights[start:stop]) for start, stop in ends]
    vectors = {space: made.vectors_at(space, positions) for space in spaces_of(made)}
    languages = made.languages_at(positions)
    mentions = map(tuple, made.mentions_at(positions)) if made.keep_mentions else [None] * count
    return [
        Contents(terms[row], {space: rows[row] for space, rows in vectors.items()}, languages[row], named)
        for row, named in enumerate(mentions)
    ]


def spaces_of(memory: PostMemory) -> list[str]:
    """Return the names of all dense spaces of a memory."""
    return [*([CONTENT] if memory.width else []), *memory.spaces]


def apply(memory: PostMemory, events: Sequence[Event]) -> None:
    """Do to a memory what happened, in this order; what is done already is not done again.

    Posts that the memory knows are left out: those of the model, if it was saved after they were observed.
    """
    for kind, group in groupby(events, type):
        if kind is PostObserved:
            _append(memory, [event for event in group if isinstance(event, PostObserved)])
        else:
            for event in group:
                _change(memory, event)


def _append(memory: PostMemory, events: Sequence[PostObserved]) -> None:
    new = {event.post_id: event for event in events if event.post_id not in memory}
    events = list(new.values())
    if events:
        posts = [_post(event.post_id, event.user_id, event.instant_us, event.hashtags) for event in events]
        vectors = {space: np.stack([event.vectors[space] for event in events]) for space in spaces_of(memory)}
        terms = _matrix([event.terms for event in events], memory.slots)
        languages, mentions = [event.language for event in events], [event.mentions or () for event in events]
        memory.append(posts, vectors.pop(CONTENT, None), terms, vectors, languages, mentions)


def _post(post_id: str, user_id: str | None, instant_us: int, hashtags: Sequence[str]) -> Post:
    timestamp, sequence = None, None
    if _FIRST_DATED_US <= instant_us <= _LAST_DATED_US:
        timestamp = _EPOCH + timedelta(microseconds=instant_us)
    elif instant_us < _FIRST_DATED_US:
        sequence = instant_us - UNDATED_EPOCH_US
    # Behind the end of the calendar it counts as written now, as it did when it was observed.
    return Post(post_id=post_id, user_id=user_id, timestamp=timestamp, hashtags=tuple(hashtags), sequence=sequence)


def _matrix(terms: Sequence[Terms | None], slots: int) -> sparse.csr_matrix | None:
    if not slots:
        return None
    rows = [row if row is not None else _NO_TERMS for row in terms]
    ends = np.cumsum([0, *(len(row.slots) for row in rows)])
    parts = np.concatenate([row.weights for row in rows]), np.concatenate([row.slots for row in rows]), ends
    return sparse.csr_matrix(parts, shape=(len(rows), slots))


_NO_TERMS = Terms(np.empty(0, np.int32), np.empty(0, np.float32))


def _change(memory: PostMemory, event: Event) -> None:
    if isinstance(event, PostWithdrawn) and event.post_id in memory:
        memory.withdraw([event.post_id])
    elif isinstance(event, PostCorrected) and event.post_id in memory:
        _correct(memory, event)
    elif isinstance(event, FeedbackGiven):
        _note(memory, event)
    elif isinstance(event, RulesSet):
        memory.note(memory.notes.with_rules(event.user_id, event.rules))
    elif isinstance(event, UserForgotten):
        for user_id in users_of(memory, event):
            memory.forget(user_id)


def _note(memory: PostMemory, event: FeedbackGiven) -> None:
    if event.user_id is None:
        return
    # It counts from the next post on, also where posts are older than the clock says.
    feedback = Feedback(
        given_us=event.instant_us,
        instant_us=min(event.instant_us, memory.newest_us),
        post_id=event.post_id,
        accepted=(*event.accepted, *event.added),
        rejected=event.rejected,
        chances=event.chances,
        effects=event.effects,
    )
    memory.note(memory.notes.with_feedback(event.user_id, feedback))


def _correct(memory: PostMemory, event: PostCorrected) -> None:
    hashtags = event.hashtags
    if hashtags is None:
        position = int(memory.position_of(event.post_id) or 0)
        hashtags = tuple(memory.id_map[index] for index in memory.hashtags_of(position).tolist())
    spaces = None if event.vectors is None else {space: row[None] for space, row in event.vectors.items()}
    content = None if spaces is None else spaces.pop(CONTENT, None)
    terms = None if event.terms is None else _matrix([event.terms], memory.slots)
    # A new content has its own language, or none that is known.
    languages = None if event.vectors is None and event.language is None else [event.language]
    mentions = None if event.mentions is None else [event.mentions]
    memory.correct(Post(post_id=event.post_id, hashtags=hashtags), content, terms, spaces, languages, mentions)


def users_of(memory: PostMemory, event: UserForgotten) -> list[str]:
    """Return the ids of the forgotten user in a memory: one, or none where only the pseudonym is known any longer."""
    if not is_pseudonym(event.user_id):
        return [event.user_id]
    named = dict.fromkeys([*memory.user_ids, *memory.notes.user_ids])
    return list(unmasked([event.user_id], named).values())
