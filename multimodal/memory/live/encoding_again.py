"""A log whose vectors are another model's, written again for a model of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from data_loaders.posts import Post
from multimodal.memory.live.events_of_posts import contents_of
from multimodal.memory.live.live_memory import Encode
from multimodal.memory.log.errors import StoreError
from multimodal.memory.log.events import Event, PostCorrected, PostObserved
from multimodal.memory.log.store import EventStore
from multimodal.memory.post_memory import PostMemory

_EVENTS_AT_ONCE = 1_024


@dataclass(frozen=True, slots=True)
class EncodedAgain:
    """What was written.

    Attributes:
        events: how many.
        posts: how many of them are posts.
        without_caption: posts whose caption was not kept: they have their user, instant and hashtags only.
    """

    events: int
    posts: int
    without_caption: int


def encode_log_again(
    source: EventStore,
    target: EventStore,
    empty: PostMemory,
    encode: Encode,
    advance: Callable[[int], None] = lambda steps: None,
) -> EncodedAgain:
    """Copy a log with the vectors of another model, made from the captions that it kept; pictures are never kept.

    Args:
        source: nobody appends to it meanwhile.
        target: empty, for the other model.
        empty: a memory of the other model.
        encode: appends posts with the other model's vectors to such a memory.
        advance: called with numbers of entries that were written.

    Raises:
        StoreError: `target` is not empty.
        StoreUnavailableError: one of the two cannot be reached or written.
    """
    if target.last():
        raise StoreError(
            f"{target.location} holds {target.last():,} entries already; choose an empty database, or a path where no "
            "file is."
        )
    events = posts = without = 0
    after = 0
    while page := list(source.read(after, _EVENTS_AT_ONCE)):
        after = page[-1][0]
        written = _encoded([event for _, event in page], empty, encode)
        target.append(written)
        advance(len(written))
        observed = [event for event in written if isinstance(event, PostObserved)]
        events, posts = events + len(written), posts + len(observed)
        without += sum(event.caption is None for event in observed)
    return EncodedAgain(events, posts, without)


def _encoded(events: Sequence[Event], empty: PostMemory, encode: Encode) -> list[Event]:
    # A correction without a caption was of the hashtags, or its caption was not kept: the vectors stay as they are.
    chosen = [
        row
        for row, event in enumerate(events)
        if isinstance(event, PostObserved) or (isinstance(event, PostCorrected) and event.caption is not None)
    ]
    posts = [_post(row, events[row]) for row in chosen]
    with empty.fork() as made:
        if posts:
            encode(made, posts)
        contents = contents_of(made, len(posts))
    written = [
        replace(event, terms=None, vectors=None) if isinstance(event, PostCorrected) else event for event in events
    ]
    for row, content in zip(chosen, contents, strict=True):
        event = events[row]
        if isinstance(event, (PostObserved, PostCorrected)):
            known = event.caption is not None
            language = content.language or event.language if known else event.language
            mentions = content.mentions if known else event.mentions
            vectors = content.vectors or {}
            written[row] = replace(event, terms=content.terms, vectors=vectors, language=language, mentions=mentions)
    return written


def _post(row: int, event: Event) -> Post:
    # A post may be corrected within a page, so ids would repeat.
    caption = event.caption if isinstance(event, (PostObserved, PostCorrected)) else None
    hashtags = event.hashtags if isinstance(event, (PostObserved, PostCorrected)) else None
    return Post(post_id=str(row), caption=caption, hashtags=hashtags or ())
