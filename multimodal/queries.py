"""From what a caller gives (a `Post`, a record of the exchange format, loose values) to what a System is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from data_loaders.errors import UserError, nearest
from data_loaders.images.loading import load_image
from data_loaders.posts import Post
from data_loaders.text.captions import DEFAULT_PROFILE, leaks
from data_loaders.text.hashtags import canonical_list, extract, remove_hashtags
from data_loaders.text.inline_hashtags import keep_inline_words
from data_loaders.timestamps import ACCEPTED, read_timestamp

# A post, or a record of the exchange format.
GivenPost: TypeAlias = "Post | Mapping[str, Any]"
_KEYS = ("post_id", "user_id", "timestamp", "caption", "image", "hashtags")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# An eighth of a large JPEG is enough to see that it can be decoded.
_CHECK_SIZE_PX = 64


def read_post(given: GivenPost, post_id: str) -> Post:
    """Return what was given as a `Post` whose values have the right types.

    Args:
        given: a `Post`, or a mapping with the keys of the exchange format, each optional.
        post_id: the id of a record that has none.

    Raises:
        UserError: an unknown key, or a value of another kind; the message names it and what is accepted.
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
        post_id=_text("post_id", given.get("post_id")) or post_id,
        user_id=_text("user_id", given.get("user_id")) or None,
        timestamp=as_instant(given.get("timestamp")),
        caption=_text("caption", given.get("caption")),
        image=given.get("image"),
        hashtags=canonical_list(hashtags or ())[0],
    )


def _text(key: str, value: Any) -> str | None:
    if key in ("post_id", "user_id") and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return None
    if not isinstance(value, str):
        raise UserError(f"{key}: {value!r} is {type(value).__name__}; give a text.")
    # Half a surrogate pair, as cut-off text may end with, can be neither printed nor saved.
    return value if key == "caption" else value.encode("utf-8", "replace").decode("utf-8")


def as_instant(value: str | float | date | None) -> datetime | None:
    """Return a timestamp given in any form; a `datetime` is taken as it is.

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


def to_history_post(post: Post, profile: str = DEFAULT_PROFILE) -> Post:
    """Return a post as it is remembered: hashtags, where it gives none, from its caption, which then loses them.

    Args:
        post: the post.
        profile: how the System cleans captions; one that leaks keeps those in the middle of the text as words.
    """
    surfaces = extract(post.caption or "")
    if not surfaces:
        return post
    return replace(
        post,
        caption=_without_hashtags(post.caption or "", profile),
        hashtags=post.hashtags or canonical_list(surfaces)[0],
    )


def _without_hashtags(caption: str, profile: str) -> str:
    return keep_inline_words(caption) if leaks(profile) else remove_hashtags(caption)


def to_query(
    post: Post, include_caption_hashtags: bool = False, profile: str = DEFAULT_PROFILE
) -> tuple[Post, frozenset[str]]:
    """Return a post as a System is asked about it, and the hashtags it must not name.

    The post's own hashtags are taken away, also out of its caption: no System ever sees them, unless it was told to by
    a profile that leaks.

    Args:
        post: the post; its caption may hold hashtags.
        include_caption_hashtags: whether those may be named all the same.
        profile: how the System cleans captions.
    """
    surfaces = extract(post.caption or "")
    caption = _without_hashtags(post.caption or "", profile) if surfaces else post.caption
    excluded = () if include_caption_hashtags else canonical_list(surfaces)[0]
    return replace(post, caption=caption, hashtags=()), frozenset(excluded)


def to_queries(
    posts: Sequence[Post], include_caption_hashtags: bool = False, profile: str = DEFAULT_PROFILE
) -> tuple[list[Post], list[frozenset[str]]]:
    """Return `to_query` of many posts, as `System.rank` takes them."""
    pairs = [to_query(post, include_caption_hashtags, profile) for post in posts]
    return [post for post, _ in pairs], [excluded for _, excluded in pairs]


def usable_image(post: Post, check: bool) -> Post:
    """Return the post with a picture that can be opened again and again.

    Args:
        post: its image may be a path, bytes, a Pillow image or an array.
        check: decode it, so that one that cannot be used is refused here.

    Raises:
        DataError: the picture cannot be used; the message names it and the reason.
    """
    source = post.image
    if source is None:
        return post
    if isinstance(source, (bytearray, memoryview)):
        source = bytes(source)
    elif isinstance(source, Image.Image):
        # A copy: Pillow may decode an opened file at reduced scale, for good.
        source = load_image(source)
    elif check or not isinstance(source, (str, Path, bytes, np.ndarray)):
        load_image(source, size_hint_px=_CHECK_SIZE_PX)
    return replace(post, image=source)
