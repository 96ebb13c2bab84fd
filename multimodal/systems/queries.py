"""From what a caller gives (a `Post`, or a record of the exchange format) to the query that a System ranks for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from data_loaders.errors import UserError, nearest, short_repr
from data_loaders.images.loading import ImageSource, load_image
from data_loaders.posts import Post, instant_us
from data_loaders.text.captions import DEFAULT_PROFILE, leaks
from data_loaders.text.cut_hashtags import without_cut
from data_loaders.text.hashtags import canonical_list, extract, remove_hashtags
from data_loaders.text.identifiers import is_rounded, plain_identifier, says_missing
from data_loaders.text.inline_hashtags import keep_inline_words
from data_loaders.text.tag_lists import read_tag_list
from data_loaders.text.timestamps import ACCEPTED, read_timestamp

# A post, or a record of the exchange format.
GivenPost: TypeAlias = "Post | Mapping[str, Any]"
_KEYS = ("post_id", "user_id", "timestamp", "caption", "image", "hashtags")
# The classes of pandas.NaT and pandas.NA, by name: recommending does without pandas.
_MISSING = ("NaTType", "NAType")
# Larger numbers are not ids: floating point has rounded them, and Python refuses to write those of thousands of digits.
_EXACT_FLOAT, _LARGEST_ID = 2**53, 10**100
_MOST_ROWS = 2**61
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EARLIEST, _LATEST = np.datetime64("0001"), np.datetime64("9999")
# An eighth of a large JPEG is enough to see that it can be decoded.
_CHECK_SIZE_PX = 64


def read_post(given: GivenPost, post_id: str) -> Post:
    """Return a given post as a `Post` whose values have the right types.

    Args:
        given: a `Post`, or a mapping with the keys of the exchange format, each optional; a row of a pandas table is
            one. Values may be those of numpy and pandas; NaN, NaT and NA count as missing.
        post_id: the id of a post that has none.

    Raises:
        UserError: an unknown key, or a value of another type; the message names it and what is accepted.
    """
    record, sequence = _as_record(given)
    for key in record:
        if not (isinstance(key, str) and key in _KEYS):
            hint = nearest(key, _KEYS) if isinstance(key, str) else ""
            raise UserError(f"post: unknown key {short_repr(key)}.{hint} Accepted: {', '.join(_KEYS)}.")
    return Post(
        post_id=_as_text("post_id", record.get("post_id")) or post_id,
        user_id=_as_text("user_id", record.get("user_id")) or None,
        timestamp=_as_instant(record.get("timestamp")),
        caption=_as_text("caption", record.get("caption")),
        image=_plain(record.get("image")),
        hashtags=canonical_list(_surfaces(record.get("hashtags")))[0],
        sequence=_as_sequence(sequence),
    )


def read_posts(given: GivenPost | Iterable[GivenPost], name: str, first: int = 1) -> list[Post]:
    """Return several given posts, or a single one, as `read_post` does.

    Args:
        given: the posts.
        name: those without an id are called `name 1`, `name 2` …
        first: number of the first post.

    Raises:
        UserError: see `read_post`.
    """
    single = (
        isinstance(given, (Post, Mapping, str, bytes)) or hasattr(given, "to_dict") or not getattr(given, "ndim", 1)
    )
    posts: list[Any] = list(given) if isinstance(given, Iterable) and not single else [given]
    return [read_post(post, f"{name} {number}") for number, post in enumerate(posts, start=first)]


def unusable(hashtags: Iterable[str]) -> list[str]:
    """Return which of the hashtags given with a post nothing is left of, such as numbers and signs alone.

    Raises:
        DataError: see `read_tag_list`, as for the post.

    >>> unusable(["#Sea", "123", "!!", "", "fog,77"])
    ['123', '!!', '77']
    """
    return [tag for tag in read_tag_list([*hashtags]) if tag.strip() and not canonical_list([tag])[0]]


def refuse_others(history: Sequence[Post], user_id: str | None) -> None:
    """Refuse earlier posts that are of somebody else than the user they are given for, or than each other.

    Args:
        history: earlier posts; one without a user is of the same.
        user_id: the user; None for one without an id.

    Raises:
        UserError: there is such a post; the message names it.
    """
    own = user_id
    for number, post in enumerate(history):
        own = own or post.user_id
        if post.user_id not in (None, own):
            whose = "the user is" if user_id is not None else "those before it are of"
            raise UserError(
                f"history.{number}: it is a post of {short_repr(post.user_id)}, but {whose} {short_repr(own)}; give "
                "earlier posts of one user, or leave out their user_id."
            )


def is_missing(value: Any) -> bool:
    """Return whether a value is None, or what tables hold where there is no value: NaN, NaT or NA."""
    return _plain(value) is None


def _as_record(given: Any) -> tuple[Mapping[str, Any], Any]:
    """Return a given post as a mapping, and its place in a prepared folder."""
    if isinstance(given, Post):
        return {key: getattr(given, key) for key in _KEYS}, given.sequence
    if type(given).__name__ == "Series":
        given = given.to_dict()
    if not isinstance(given, Mapping):
        rows = " The posts of a table are its rows: table.to_dict('records')." if hasattr(given, "to_dict") else ""
        accepted = f"give a Post or a dict with {', '.join(_KEYS)}."
        raise UserError(f"a post was given as {type(given).__name__}; {accepted}{rows}")
    return given, None


def _plain(value: Any) -> Any:
    """Return a scalar of numpy as Python's own, and None for a missing value."""
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]
    if isinstance(value, np.datetime64):
        # Numpy has years that Python's calendar lacks, and writes them as numbers.
        in_calendar = np.isnat(value) or _EARLIEST <= value.astype("datetime64[Y]") <= _LATEST
        return value.astype("datetime64[us]").item() if in_calendar else value
    if isinstance(value, np.generic):
        value = value.item()
    missing = isinstance(value, float) and math.isnan(value)
    return None if missing or type(value).__name__ in _MISSING else value


def _surfaces(value: Any) -> list[str]:
    value = _plain(value)
    if value is None:
        return []
    tags = list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)) else None
    if tags is None or not all(isinstance(tag, str) for tag in tags):
        raise UserError(f"hashtags: {short_repr(value)} is not a list of texts, for instance ['sunset', 'beach'].")
    # A set has no order of its own, and Python's differs between processes.
    return read_tag_list(sorted(tags) if isinstance(value, (set, frozenset)) else tags)


def _as_sequence(value: Any) -> int | None:
    value = _plain(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_ROWS):
        return value
    raise UserError(f"sequence: {short_repr(value)} is not a row of a prepared folder; give None.")


def _as_text(key: str, value: Any) -> str | None:
    """Return a text, or a whole number given as an id, as text; None for a missing value, or a word for it as an id.

    Raises:
        UserError: it is of another type, or too large a number; the message names `key`.
    """
    value = _plain(value)
    if key != "caption":
        value = _without_fraction(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST_ID:
            value = str(value)
    if value is None:
        return None
    if not isinstance(value, str):
        raise UserError(f"{key}: {short_repr(value)} is {type(value).__name__}; give a text.")
    # Half a surrogate pair, as truncated text may end with, can be neither printed nor saved.
    if key == "caption":
        return value
    if is_rounded(value):
        raise UserError(f"{key}: {value!r} is a number whose last digits are lost; give the whole id.")
    return None if says_missing(value) else plain_identifier(value.encode("utf-8", "replace").decode("utf-8"))


def _without_fraction(value: Any) -> Any:
    # A column of whole numbers holds 77.0 if one of them is missing.
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_FLOAT
    return int(value) if whole else value


def _as_instant(value: Any) -> datetime | None:
    """Return a timestamp given in any form; a `datetime` is returned unchanged, a missing value as None.

    Raises:
        UserError: it cannot be read; the message names the accepted forms.
    """
    value = _plain(value)
    if value is None:
        return None
    try:
        instant = value if isinstance(value, datetime) else read_timestamp(value)
        instant_us(instant)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise UserError(f"timestamp {short_repr(value)} cannot be used: {error}. Accepted: {ACCEPTED}.") from None
    return instant


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
    caption, inline = _split_caption(post.caption, profile, post.hashtags)
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


def _split_caption(caption: str | None, profile: str, listed: Sequence[str] = ()) -> tuple[str | None, tuple[str, ...]]:
    """Return a caption without its hashtags and the listed ones, and those that it marks, in canonical form."""
    surfaces = extract(caption or "")
    if not surfaces and not listed:
        return caption, ()
    marked = canonical_list(without_cut(caption or "", surfaces))[0]
    if leaks(profile):
        return keep_inline_words(caption or ""), marked
    text = remove_hashtags(caption or "", listed)
    return (text if caption is not None else None), marked


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
