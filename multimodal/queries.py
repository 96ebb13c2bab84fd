"""From what a caller gives (a `Post`, or a record of the exchange format) to the query that a System ranks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from data_loaders.errors import UserError, nearest
from data_loaders.images.loading import ImageSource, load_image
from data_loaders.posts import Post
from data_loaders.text.captions import DEFAULT_PROFILE, leaks
from data_loaders.text.hashtags import canonical_list, extract, remove_hashtags
from data_loaders.text.inline_hashtags import keep_inline_words
from data_loaders.text.timestamps import ACCEPTED, read_timestamp

# A post, or a record of the exchange format.
GivenPost: TypeAlias = "Post | Mapping[str, Any]"
_KEYS = ("post_id", "user_id", "timestamp", "caption", "image", "hashtags")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# An eighth of a large JPEG is enough to see that it can be decoded.
_CHECK_SIZE_PX = 64


def read_post(given: GivenPost, post_id: str) -> Post:
    """Return a given post as a `Post` whose values have the right types.

    Args:
        given: a `Post`, or a mapping with the keys of the exchange format, each optional.
        post_id: the id of a record that has none.

    Raises:
        UserError: an unknown key, or a value of another type; the message names it and what is accepted.
    """
    if isinstance(given, Post):
        return given
    if not isinstance(given, Mapping):
        raise UserError(f"a post was given as {type(given).__name__}; give a Post or a dict with {', '.join(_KEYS)}.")
    for key in given:
        if key not in _KEYS:
            raise UserError(f"post: unknown key {key!r}.{nearest(str(key), _KEYS)} Accepted: {', '.join(_KEYS)}.")
    hashtags = given.get("hashtags")
    if hashtags is not None and (isinstance(hashtags, str) or not all(isinstance(tag, str) for tag in hashtags)):
        raise UserError(f"hashtags: {hashtags!r} is not a list of texts, for instance ['sunset', 'beach'].")
    return Post(
        post_id=as_text("post_id", given.get("post_id")) or post_id,
        user_id=as_text("user_id", given.get("user_id")) or None,
        timestamp=as_instant(given.get("timestamp")),
        caption=as_text("caption", given.get("caption")),
        image=given.get("image"),
        hashtags=canonical_list(hashtags or ())[0],
    )


def as_text(key: str, value: Any) -> str | None:
    """Return a text, or a whole number that is given as an id, as text.

    Raises:
        UserError: it is of another type; the message names `key`.
    """
    if key in ("post_id", "user_id") and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return None
    if not isinstance(value, str):
        raise UserError(f"{key}: {value!r} is {type(value).__name__}; give a text.")
    # Half a surrogate pair, as truncated text may end with, can be neither printed nor saved.
    return value if key == "caption" else value.encode("utf-8", "replace").decode("utf-8")


def as_instant(value: str | float | date | None) -> datetime | None:
    """Return a timestamp given in any form; a `datetime` is returned unchanged.

    Raises:
        UserError: it cannot be read; the message names the accepted forms.
    """
    if value is None or isinstance(value, datetime):
        return value
    try:
        return read_timestamp(value)
    except (ValueError, TypeError) as error:
        raise UserError(f"timestamp {value!r} cannot be used: {error}. Accepted: {ACCEPTED}.") from None


def moment(instant_us: int) -> datetime | None:
    """Return an instant as a `datetime`; None where the calendar ends."""
    try:
        return _EPOCH + timedelta(microseconds=instant_us)
    except OverflowError:
        return None


def is_now(post: Post) -> bool:
    """Return whether a post is being written now: it has neither a timestamp nor a place in a prepared folder."""
    return post.timestamp is None and post.sequence is None


def to_history_post(
    post: Post, profile: str = DEFAULT_PROFILE, timestamp: datetime | None = None, check_image: bool = False
) -> Post:
    """Return a post as it is remembered: without hashtags in its caption, which count where it gives no others.

    Args:
        post: the post.
        profile: how the System cleans captions; one that leaks keeps hashtags in the middle of the text as words.
        timestamp: of a post that is being written now; None leaves it without.
        check_image: decode the picture, so that one that cannot be used is refused here.

    Raises:
        DataError: the picture cannot be used; the message names it and the reason.
    """
    caption, inline = _split_caption(post.caption, profile)
    return replace(
        post,
        timestamp=timestamp if is_now(post) else post.timestamp,
        caption=caption,
        image=usable_image(post.image, check_image),
        hashtags=post.hashtags or inline,
    )


def to_query(
    post: Post,
    include_caption_hashtags: bool = False,
    profile: str = DEFAULT_PROFILE,
    now: datetime | None = None,
    check_image: bool = False,
) -> tuple[Post, frozenset[str]]:
    """Return a post as `System.rank` takes it, and the hashtags that must not be recommended.

    The post loses its own hashtags, those in its caption included: no System ever sees them, unless a profile that
    leaks lets it.

    Args:
        post: the post; its caption may contain hashtags.
        include_caption_hashtags: whether those may be recommended all the same.
        profile: how the System cleans captions.
        now: timestamp of a post that is being written now; None leaves it without.
        check_image: decode the picture, so that one that cannot be used is refused here.

    Raises:
        DataError: the picture cannot be used; the message names it and the reason.
    """
    caption, inline = _split_caption(post.caption, profile)
    query = replace(
        post,
        timestamp=now if is_now(post) else post.timestamp,
        caption=caption,
        image=usable_image(post.image, check_image),
        hashtags=(),
    )
    return query, frozenset(() if include_caption_hashtags else inline)


def to_queries(
    posts: Sequence[Post],
    include_caption_hashtags: bool = False,
    profile: str = DEFAULT_PROFILE,
    now: datetime | None = None,
    check_image: bool = False,
) -> tuple[list[Post], list[frozenset[str]]]:
    """Return `to_query` of many posts, as `System.rank` takes them."""
    pairs = [to_query(post, include_caption_hashtags, profile, now, check_image) for post in posts]
    return [post for post, _ in pairs], [excluded for _, excluded in pairs]


def _split_caption(caption: str | None, profile: str) -> tuple[str | None, tuple[str, ...]]:
    """Return a caption without its hashtags, and those in canonical form."""
    surfaces = extract(caption or "")
    if not surfaces:
        return caption, ()
    text = keep_inline_words(caption or "") if leaks(profile) else remove_hashtags(caption or "")
    return text, canonical_list(surfaces)[0]


def usable_image(source: ImageSource | None, check: bool = False) -> ImageSource | None:
    """Return a picture that can be opened any number of times.

    Args:
        source: a path, bytes, a Pillow image or an array; None for none.
        check: decode it, so that one that cannot be used is refused here.

    Raises:
        DataError: the picture cannot be used; the message names it and the reason.
    """
    if source is None:
        return None
    if isinstance(source, (bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, Image.Image):
        # A copy: Pillow may decode an opened file at reduced scale, for good.
        return load_image(source)
    if check or not isinstance(source, (str, Path, bytes, np.ndarray)):
        load_image(source, size_hint_px=_CHECK_SIZE_PX)
    return source
